//! Linear layers whose weights are stored in 8 or 4 bits.

use std::fmt;

use burn::tensor::{
    DType, Tensor, TensorData, TensorMetadata, TensorPrimitive,
    backend::Backend,
    ops::{FloatTensor, QuantizedTensor},
    quantization::{QuantLevel, QuantScheme, QuantValue, QuantizationParametersPrimitive},
};
use half::f16;
use serde::{Deserialize, Serialize};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// Weights in a row that have a scale in common.
pub const GROUP: usize = 32;

/// How weights are stored in few bits: the formats of GGML with these names. Each group of 32 weights of a row has a
/// scale of 16 bits, with which whole numbers are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Quantization {
    /// From -127 to 127: 8.5 bits a weight.
    #[serde(rename = "q8_0")]
    Q8_0,
    /// From -8 to 7: 4.5 bits a weight.
    #[serde(rename = "q4_0")]
    Q4_0,
}

impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Q8_0 => "q8_0",
            Self::Q4_0 => "q4_0",
        })
    }
}

/// Weights `[out, in]` in few bits, in the form that the backend multiplies fastest.
#[derive(Debug, Clone)]
pub struct QuantizedWeight<B: Kernels>(B::QuantizedWeight);

impl<B: Kernels> QuantizedWeight<B> {
    /// Stores weights, each `[out, in]`, one below the other.
    ///
    /// # Panics
    ///
    /// Where `in` is not a multiple of [`GROUP`]: the caller checks the shape of a model.
    pub fn new(weights: Vec<Tensor<B, 2>>, format: Quantization) -> Self {
        assert!(
            weights.iter().all(|weight| weight.dims()[1].is_multiple_of(GROUP)),
            "rows are whole groups of {GROUP}"
        );
        Self(B::quantize_weights(weights.into_iter().map(raw).collect(), format))
    }

    /// The weights that are multiplied with, `[out, in]`.
    pub fn dequantize(&self) -> Tensor<B, 2> {
        view(B::dequantize_weights(&self.0))
    }
}

/// `y = x weightᵀ`. A CPU rounds `x` to 8 bits too, with a scale for each group of 32 features of a token.
///
/// Under `Autodiff` a gradient flows to `x`.
///
/// # Shapes
///
/// `x`: `[n, in]`, `weight`: `[out, in]`, result: `[n, out]`.
pub fn quantized_linear<B: Kernels>(x: Tensor<B, 2>, weight: &QuantizedWeight<B>) -> Tensor<B, 2> {
    view(B::quantized_linear(raw(x), &weight.0))
}

/// `residual + x weightᵀ`.
///
/// # Shapes
///
/// `x`: `[n, in]`, `weight`: `[out, in]`, `residual`: `[n, out]`, result: `[n, out]`.
pub fn quantized_linear_add<B: Kernels>(
    x: Tensor<B, 2>,
    weight: &QuantizedWeight<B>,
    residual: Tensor<B, 2>,
) -> Tensor<B, 2> {
    view(B::quantized_linear_add(raw(x), &weight.0, raw(residual)))
}

/// A group of weights: its scale, and the whole numbers that are multiplied with it.
pub fn quantize_group(group: &[f32; GROUP], format: Quantization) -> (f16, [i8; GROUP]) {
    match format {
        Quantization::Q8_0 => {
            let largest = group.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
            let scale = f16::from_f32(largest / 127.0);
            (scale, rounded(group, scale.to_f32(), -127.0, 127.0))
        }
        Quantization::Q4_0 => quantize_group_4(group),
    }
}

/// The best of some scales: those that put the weight with the largest amount from a little inside to a little outside
/// of the whole numbers, each then fitted to the numbers that it gives by least squares, and these rounded again.
fn quantize_group_4(group: &[f32; GROUP]) -> (f16, [i8; GROUP]) {
    let extreme =
        group.iter().fold(0.0_f32, |best, weight| if weight.abs() > best.abs() { *weight } else { best });
    let mut best = (f16::ZERO, [0; GROUP]);
    let mut least = f32::INFINITY;
    for place in [-8.5, -8.0, -7.5, -7.0, -6.5, 6.5, 7.0, 7.5] {
        let numbers = rounded(group, extreme / place, -8.0, 7.0);
        let (mut products, mut squares) = (0.0_f32, 0.0_f32);
        for (weight, number) in group.iter().zip(&numbers) {
            products += weight * f32::from(*number);
            squares += f32::from(*number) * f32::from(*number);
        }
        let scale = f16::from_f32(products / squares.max(1.0));
        let numbers = rounded(group, scale.to_f32(), -8.0, 7.0);
        let miss = |(weight, number): (&f32, &i8)| (weight - scale.to_f32() * f32::from(*number)).powi(2);
        let error: f32 = group.iter().zip(&numbers).map(miss).sum();
        if error < least {
            (best, least) = ((scale, numbers), error);
        }
    }
    best
}

/// The nearest whole numbers within the limits; zeros where the scale is none.
fn rounded(group: &[f32; GROUP], scale: f32, least: f32, most: f32) -> [i8; GROUP] {
    let inverse = if scale == 0.0 { 0.0 } else { scale.recip() };
    group.map(|weight| (weight * inverse).round().clamp(least, most) as i8)
}

/// Burn's own quantized tensor of the same numbers.
pub(crate) fn portable_quantize<B: Kernels>(
    weights: Vec<FloatTensor<B>>,
    format: Quantization,
) -> QuantizedTensor<B> {
    let weights: Vec<Tensor<B, 2>> = weights.into_iter().map(view).collect();
    let weights = Tensor::cat(weights, 0);
    let ([rows, columns], device, dtype) = (weights.dims(), weights.device(), weights.dtype());
    let values: Vec<f32> = weights.clone().into_data().iter::<f32>().collect();
    let scale = |group: &[f32; GROUP]| quantize_group(group, format).0.to_f32();
    let scales: Vec<f32> = values.as_chunks().0.iter().map(scale).collect();
    let scales = TensorData::new(scales, [rows, columns / GROUP]).convert_dtype(dtype);
    let scales = raw(Tensor::<B, 2>::from_data(scales, (&device, dtype)));
    let value = match format {
        Quantization::Q8_0 => QuantValue::Q8F,
        Quantization::Q4_0 => QuantValue::Q4F,
    };
    let scheme = QuantScheme::default().with_value(value).with_level(QuantLevel::block([GROUP as u8]));
    B::quantize(raw(weights), &scheme, QuantizationParametersPrimitive { scales })
}

pub(crate) fn portable_dequantize<B: Backend>(weight: &QuantizedTensor<B>, dtype: DType) -> FloatTensor<B> {
    B::dequantize(weight.clone(), dtype.into())
}

pub(crate) fn portable<B: Kernels>(x: FloatTensor<B>, weight: &QuantizedTensor<B>) -> FloatTensor<B> {
    let dtype = x.dtype();
    let weight =
        Tensor::<B, 2>::from_primitive(TensorPrimitive::Float(portable_dequantize::<B>(weight, dtype)));
    raw(view::<B, 2>(x).matmul(weight.transpose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(phase: f32) -> [f32; GROUP] {
        std::array::from_fn(|index| (1.7 * index as f32 + phase).sin() * (0.3 * index as f32).cos())
    }

    fn error(group: &[f32; GROUP], (scale, numbers): (f16, [i8; GROUP])) -> f32 {
        let miss = |(weight, number): (&f32, i8)| (weight - scale.to_f32() * f32::from(number)).powi(2);
        group.iter().zip(numbers).map(miss).sum()
    }

    #[test]
    fn eight_bits_miss_by_half_a_step_at_most() {
        for phase in 0..50 {
            let group = group(phase as f32).map(|weight| weight * 0.02);
            let (scale, numbers) = quantize_group(&group, Quantization::Q8_0);
            for (weight, number) in group.iter().zip(numbers) {
                let (scale, miss) = (scale.to_f32(), weight - scale.to_f32() * f32::from(number));
                assert!(miss.abs() <= 0.51 * scale, "{weight}: {number} of {scale}");
            }
        }
    }

    #[test]
    fn four_bits_miss_less_than_ggmls_rule() {
        for phase in 0..200 {
            let group = group(phase as f32);
            let extreme = group.iter().fold(0.0_f32, |best, w| if w.abs() > best.abs() { *w } else { best });
            let scale = f16::from_f32(extreme / -8.0);
            let plain = (scale, rounded(&group, extreme / -8.0, -8.0, 7.0));
            let ours = quantize_group(&group, Quantization::Q4_0);
            assert!(error(&group, ours) <= error(&group, plain) * 1.001);
        }
    }

    #[test]
    fn the_numbers_are_the_nearest_of_their_scale() {
        for format in [Quantization::Q8_0, Quantization::Q4_0] {
            for phase in 0..100 {
                let group = group(phase as f32);
                let (scale, numbers) = quantize_group(&group, format);
                let limits = if format == Quantization::Q8_0 { (-127.0, 127.0) } else { (-8.0, 7.0) };
                assert_eq!(numbers, rounded(&group, scale.to_f32(), limits.0, limits.1));
            }
        }
    }

    #[test]
    fn zeros_and_numbers_below_any_scale_are_zeros() {
        for format in [Quantization::Q8_0, Quantization::Q4_0] {
            for weight in [0.0, -1e-12] {
                let (scale, numbers) = quantize_group(&[weight; GROUP], format);
                assert!(numbers.iter().all(|number| (scale.to_f32() * f32::from(*number)).abs() < 1e-9));
            }
        }
    }
}
