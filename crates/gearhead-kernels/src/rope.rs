//! Rotary position embedding in the half-rotation form of Hugging Face.

use burn::tensor::{Tensor, TensorData, backend::Backend, ops::FloatTensor};

use crate::{
    Kernels,
    backend::{raw, view},
    precision::wide,
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

/// Turns feature pairs `(i, i + d_head / 2)` of the first `heads` heads of each row by the angle of the row's position;
/// what stands behind them in a row stays as it is.
///
/// # Shapes
///
/// `x`: `[n, m]` with `m` at least `heads * d_head`, `table`: `n` positions, result: `[n, m]`.
///
/// # Source
///
/// Su et al., *RoFormer*, 2021, equation 34, with the pairs laid out as in transformers' `rotate_half`.
pub fn rope<B: Kernels>(x: Tensor<B, 2>, table: &RopeTable<B>, heads: usize) -> Tensor<B, 2> {
    view(B::rope(raw(x), raw(table.cos.clone()), raw(table.sin.clone()), heads))
}

pub(crate) fn portable<B: Kernels>(
    x: FloatTensor<B>,
    cos: FloatTensor<B>,
    sin: FloatTensor<B>,
    heads: usize,
) -> FloatTensor<B> {
    let (x, cos, sin) = (view::<B, 2>(x), wide(view::<B, 2>(cos)), wide(view::<B, 2>(sin)));
    let ([n, columns], [_, half]) = (x.dims(), cos.dims());
    if n == 0 {
        // Burn forgets the type of the numbers where it joins empty tensors.
        return raw(x);
    }
    let (cos, sin) = (cos.unsqueeze_dim::<3>(1), sin.unsqueeze_dim::<3>(1));
    let turning = heads * 2 * half;
    let pairs = wide(x.clone().slice([0..n, 0..turning])).reshape([n, heads, 2 * half]);
    let low = pairs.clone().slice([0..n, 0..heads, 0..half]);
    let high = pairs.slice([0..n, 0..heads, half..2 * half]);
    let turned_low = low.clone() * cos.clone() - high.clone() * sin.clone();
    let turned_high = high * cos + low * sin;
    let turned = Tensor::cat(vec![turned_low, turned_high], 2).reshape([n, turning]).cast(x.dtype());
    if turning == columns {
        return raw(turned);
    }
    raw(Tensor::cat(vec![turned, x.slice([0..n, turning..columns])], 1))
}
