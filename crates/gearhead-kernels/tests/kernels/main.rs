//! What the operations compute, on flex and portably.
#![cfg(feature = "flex")]

mod blocks;
mod gradients;
mod linear_16bit;
mod moments;
mod numbers;
mod properties;
mod pytorch;
mod quantized;
