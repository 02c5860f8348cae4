//! What the operations compute, on flex and portably.
#![cfg(feature = "flex")]

mod blocks;
mod moments;
mod numbers;
mod properties;
mod pytorch;
mod quantized;
