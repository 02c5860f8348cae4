//! Fused tensor operations that extend Burn's backends, each with its own backward pass.
//!
//! A backend that implements [`Kernels`] gets a portable version of every operation, made of Burn's own tensor
//! operations; a backend may override any of them. The CPU backend `Flex` overrides them all. Under `Autodiff` each
//! block of a layer is one node whose backward pass is written by hand, so that little is kept for it and nothing is
//! summed twice; so is each smaller operation that a layer of another kind is put together from.
//!
//! Numbers may be of 16 bits: results have the type of what flows through, `x`. What is summed, and every loss, is in f32.
//! Weights may be of a wider type, which their gradients have too; they are never rounded and kept as a whole.
//!
//! This crate knows tensors only: no model, no file.
//!
//! | operation | function |
//! | --- | --- |
//! | attention with its normalisation, projections and residual | [`attention_block`] |
//! | feed-forward layer with its normalisation and residual | [`mlp_block`] |
//! | attention alone, inside the documents of a flat batch | [`packed_attention`] |
//! | attention over a cache of keys and values | [`cached_attention`] |
//! | root mean square normalisation | [`rms_norm`] |
//! | rows of a table, and adding to them | [`embedding`], [`add_rows`] |
//! | linear layers on `[out, in]` weights | [`linear`], [`linear_add`] |
//! | linear layers on weights of 16 bits | [`linear_16bit`], [`linear_16bit_add`] |
//! | linear layers on weights of 8 or 4 bits | [`quantized_linear`], [`quantized_linear_add`] |
//! | linear layers on weights that are not trained, of any type | [`frozen_linear`], [`narrowed`], [`widened`] |
//! | rotary position embedding | [`rope`] |
//! | gated linear unit with SiLU | [`swiglu`] |
//! | output layer and cross-entropy | [`linear_cross_entropy`], [`linear_cross_entropy_with_grads`] |
//! | sum of squares | [`sum_of_squares`] |
//! | one AdamW step | [`adamw_step`], [`adamw_step_8bit`] |
//! | whether the CPU multiplies bf16 by a matrix unit | `cpu_has_matrix_unit` |
//! | how fast a device computes | [`product_speed`], [`copy_speed`] |

mod adamw;
mod adamw_8bit;
mod arena;
mod attention;
mod autodiff;
mod backend;
mod block;
mod cache;
mod embedding;
#[cfg(feature = "flex")]
mod flex;
mod frozen;
mod linear;
mod linear_16bit;
mod linear_cross_entropy;
mod log_probs;
mod precision;
pub mod quantized;
mod rms_norm;
mod rope;
mod speed;
mod squares;
mod swiglu;

pub use adamw::{AdamWStep, adamw_step};
pub use adamw_8bit::{MOMENT_BLOCK, Moments8Bit, adamw_step_8bit};
pub use arena::Arena;
pub use attention::{Documents, Heads, SharedPrefix, Span, cached_attention, packed_attention, set_slot};
pub use backend::{AutodiffKernels, Kernels};
pub use block::{AttentionContext, AttentionWeights, MlpWeights, attention_block, mlp_block};
pub use cache::{CachePart, CacheTensor, RawCachePart};
pub use embedding::{add_rows, embedding};
#[cfg(feature = "flex")]
pub use flex::cpu_has_matrix_unit;
pub use frozen::{FrozenDtype, frozen_linear, narrowed, widened};
pub use linear::{linear, linear_add};
pub use linear_16bit::{linear_16bit, linear_16bit_add};
pub use linear_cross_entropy::{
    OutputWeight, linear_cross_entropy, linear_cross_entropy_with_grads, logit_rows,
};
pub use log_probs::log_probs;
pub use quantized::{Quantization, QuantizedWeight, quantized_linear, quantized_linear_add};
pub use rms_norm::rms_norm;
pub use rope::{RopeTable, rope};
pub use speed::{copy_speed, product_speed};
pub use squares::sum_of_squares;
pub use swiglu::swiglu;

/// Whether this CPU has a matrix unit for bf16 that the operations use: without the backend `flex`, none is.
#[cfg(not(feature = "flex"))]
pub const fn cpu_has_matrix_unit() -> bool {
    false
}
