//! Fused tensor operations that extend Burn's backends, each with its own backward pass.
//!
//! A backend that implements [`Kernels`] gets a portable version of every operation, made of Burn's own tensor
//! operations; a backend may override any of them. The CPU backend `Flex` overrides those that are bound by memory
//! traffic. Under `Autodiff` each operation is one node whose backward pass is written by hand, so that no table of
//! intermediate results is kept for it.
//!
//! This crate knows tensors only: no model, no file.
//!
//! | operation | function | overridden for |
//! | --- | --- | --- |
//! | root mean square normalisation | [`rms_norm`] | flex |
//! | linear layer on `[out, in]` weights | [`linear`] | |
//! | rotary position embedding | [`rope`] | flex |
//! | gated linear unit with SiLU | [`swiglu`] | flex |
//! | attention inside the documents of a batch | [`packed_attention`] | flex |
//! | cross-entropy, summed | [`cross_entropy`] | flex |
//! | one AdamW step | [`adamw_step`] | flex |

mod adamw;
mod attention;
mod backend;
mod cross_entropy;
#[cfg(feature = "flex")]
mod flex;
mod linear;
mod rms_norm;
mod rope;
mod swiglu;

pub use adamw::{AdamWStep, adamw_step};
pub use attention::{Documents, packed_attention};
pub use backend::{AutodiffKernels, Kernels};
pub use cross_entropy::cross_entropy;
pub use linear::linear;
pub use rms_norm::rms_norm;
pub use rope::{RopeTable, rope};
pub use swiglu::swiglu;
