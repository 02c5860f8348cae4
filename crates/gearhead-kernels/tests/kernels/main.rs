//! What the operations compute, on flex and portably.
#![cfg(feature = "flex")]

mod blocks;
mod gradients;
mod moments;
mod numbers;
mod properties;
mod pytorch;
mod quantized;
