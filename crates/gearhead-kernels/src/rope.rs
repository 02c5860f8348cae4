//! Rotary position embedding in the half-rotation form of Hugging Face.

use burn::tensor::{Tensor, TensorData, backend::Backend, ops::FloatTensor};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// Cosines and sines of the angles for some positions.
#[derive(Debug, Clone)]
pub struct RopeTable<B: Backend> {
    /// `[n, d_head / 2]`.
    pub cos: Tensor<B, 2>,
    /// `[n, d_head / 2]`.
    pub sin: Tensor<B, 2>,
}

impl<B: Backend> RopeTable<B> {
    /// The table for tokens at `positions`, where feature pair `i` turns by `position * inverse_frequencies[i]`.
    pub fn new(positions: &[usize], inverse_frequencies: &[f32], device: &B::Device) -> Self {
        let shape = [positions.len(), inverse_frequencies.len()];
        let table = |of: fn(f32) -> f32| {
            let values: Vec<f32> = positions
                .iter()
                .flat_map(|position| {
                    inverse_frequencies.iter().map(move |frequency| of(*position as f32 * frequency))
                })
                .collect();
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        Self { cos: table(f32::cos), sin: table(f32::sin) }
    }
}

/// Turns feature pairs `(i, i + d_head / 2)` of every head by the angle of the token's position.
///
/// # Shapes
///
/// `x`: `[n, heads, d_head]`, `table`: `n` positions, result: `[n, heads, d_head]`.
///
/// # Source
///
/// Su et al., *RoFormer*, 2021, equation 34, with the pairs laid out as in transformers' `rotate_half`.
pub fn rope<B: Kernels>(x: Tensor<B, 3>, table: &RopeTable<B>) -> Tensor<B, 3> {
    view(B::rope(raw(x), raw(table.cos.clone()), raw(table.sin.clone())))
}

pub(crate) fn portable<B: Kernels>(
    x: FloatTensor<B>,
    cos: FloatTensor<B>,
    sin: FloatTensor<B>,
) -> FloatTensor<B> {
    let x = view::<B, 3>(x);
    let [n, heads, d_head] = x.dims();
    if n == 0 {
        // Burn forgets the type of the numbers where it joins empty tensors.
        return raw(x);
    }
    let half = d_head / 2;
    let (cos, sin) = (view::<B, 2>(cos).unsqueeze_dim::<3>(1), view::<B, 2>(sin).unsqueeze_dim::<3>(1));
    let low = x.clone().slice([0..n, 0..heads, 0..half]);
    let high = x.slice([0..n, 0..heads, half..d_head]);
    let turned_low = low.clone() * cos.clone() - high.clone() * sin.clone();
    let turned_high = high * cos + low * sin;
    raw(Tensor::cat(vec![turned_low, turned_high], 2))
}
