//! One step of AdamW whose moments are stored in 8 bits.

use burn::tensor::{
    Distribution, Int, Tensor, TensorMetadata,
    backend::Backend,
    ops::{FloatTensor, IntTensor},
};

use crate::{
    AdamWStep, Kernels, adamw,
    backend::{raw, view},
};

/// Moments that have a scale in common.
pub const MOMENT_BLOCK: usize = 256;

/// The moments of a parameter in 8 bits: small floating point numbers with three bits of mantissa, relative to the largest
/// of their block. Of the first moment a code has a sign and reaches down to `2^-15` of the largest; of the second it has
/// none and reaches down to `2^-31`.
#[derive(Debug, Clone)]
pub struct Moments8Bit<B: Backend> {
    /// Of the first and the second moment, `[n]` of `u8`.
    pub codes: [Tensor<B, 1, Int>; 2],
    /// The largest amount in each block, `[n / MOMENT_BLOCK]`.
    pub scales: [Tensor<B, 1>; 2],
}

/// As [`adamw_step`](crate::adamw_step), with moments in 8 bits. The step is taken with the moments as they are before they
/// are rounded. They are rounded up or down at random, with the odds that keep their mean: what a decay near one adds in a
/// step is less than half of what two codes are apart and would be lost otherwise. The random numbers are a function of the
/// step, so that a step can be repeated.
///
/// # Shapes
///
/// `parameter` and `grad`: `[n]`, with `n` a multiple of [`MOMENT_BLOCK`].
///
/// # Source
///
/// Dettmers et al., *8-bit Optimizers via Block-wise Quantization*, 2022, section 2, with other codes.
pub fn adamw_step_8bit<B: Kernels>(
    parameter: Tensor<B, 1>,
    grad: Tensor<B, 1>,
    moments: Moments8Bit<B>,
    step: &AdamWStep,
) -> (Tensor<B, 1>, Moments8Bit<B>) {
    let codes = moments.codes.map(Tensor::into_primitive);
    let scales = moments.scales.map(raw);
    let (parameter, codes, scales) = B::adamw_step_8bit(raw(parameter), raw(grad), codes, scales, step);
    let moments = Moments8Bit { codes: codes.map(Tensor::from_primitive), scales: scales.map(view) };
    (view(parameter), moments)
}

/// How a moment is coded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code {
    /// The smallest amount that has a code is two to the power of minus this.
    pub(crate) exponents: i32,
    pub(crate) signed: bool,
}

/// Of the first and the second moment.
pub(crate) const CODES: [Code; 2] =
    [Code { exponents: 15, signed: true }, Code { exponents: 31, signed: false }];

/// The codes of a mantissa of three bits.
const STEPS: f32 = 8.0;

pub(crate) fn portable<B: Kernels>(
    parameter: FloatTensor<B>,
    grad: FloatTensor<B>,
    codes: [IntTensor<B>; 2],
    scales: [FloatTensor<B>; 2],
    step: &AdamWStep,
) -> (FloatTensor<B>, [IntTensor<B>; 2], [FloatTensor<B>; 2]) {
    let device = B::float_device(&parameter);
    B::seed(&device, u64::from(step.step));
    let dtype = codes[0].dtype();
    let ([first, second], [first_scales, second_scales]) = (codes, scales);
    let first = decoded(Tensor::<B, 1, Int>::from_primitive(first), view::<B, 1>(first_scales), CODES[0]);
    let second = decoded(Tensor::<B, 1, Int>::from_primitive(second), view::<B, 1>(second_scales), CODES[1]);
    let (parameter, first, second) = adamw::portable::<B>(parameter, grad, (raw(first), raw(second)), step);
    let (first, second) = (encoded(view::<B, 1>(first), CODES[0]), encoded(view::<B, 1>(second), CODES[1]));
    let codes = [first.0, second.0].map(|codes| codes.cast(dtype).into_primitive());
    (parameter, codes, [raw(first.1), raw(second.1)])
}

fn decoded<B: Backend>(codes: Tensor<B, 1, Int>, scales: Tensor<B, 1>, code: Code) -> Tensor<B, 1> {
    let [blocks] = scales.dims();
    let codes = codes.cast(burn::tensor::DType::I32).float().cast(scales.dtype());
    let codes = codes.reshape([blocks, MOMENT_BLOCK]);
    // Above 127, a signed code is that of a negative number.
    let (sign, codes) = if code.signed {
        let negative = codes.clone().greater_elem(127.5).float().cast(scales.dtype());
        (negative.clone().mul_scalar(-2.0).add_scalar(1.0), codes - negative.mul_scalar(128.0))
    } else {
        (codes.ones_like(), codes)
    };
    let is_zero = codes.clone().lower_elem(0.5);
    let place = codes.sub_scalar(1.0);
    let exponent = place.clone().div_scalar(STEPS).floor();
    let mantissa = (place - exponent.clone().mul_scalar(STEPS)).div_scalar(STEPS).add_scalar(1.0);
    let power = exponent.sub_scalar(code.exponents).mul_scalar(std::f32::consts::LN_2).exp();
    let value = (mantissa * power * sign).mask_fill(is_zero, 0.0);
    (value * scales.unsqueeze_dim::<2>(1)).flatten(0, 1)
}

fn encoded<B: Backend>(values: Tensor<B, 1>, code: Code) -> (Tensor<B, 1, Int>, Tensor<B, 1>) {
    let [count] = values.dims();
    let values = values.reshape([count / MOMENT_BLOCK, MOMENT_BLOCK]);
    let scales = values.clone().abs().max_dim(1);
    let divisor = scales.clone().mask_fill(scales.clone().equal_elem(0.0), 1.0);
    let relative = values.clone().abs() / divisor;
    let smallest = 2.0_f32.powi(-code.exponents);
    let random = relative.random_like(Distribution::Uniform(0.0, 1.0));
    let clamped = relative.clone().clamp(smallest, 1.0);
    let exponent = clamped.clone().log().div_scalar(std::f32::consts::LN_2).floor().clamp(-code.exponents, 0);
    let power = exponent.clone().mul_scalar(std::f32::consts::LN_2).exp();
    let mantissa =
        ((clamped / power).sub_scalar(1.0).mul_scalar(STEPS).clamp(0.0, STEPS) + random.clone()).floor();
    let place = exponent.add_scalar(code.exponents).mul_scalar(STEPS) + mantissa;
    let place = place.clamp(0.0, STEPS * code.exponents as f32).add_scalar(1.0);
    // Below the smallest code: that or zero, with the odds that keep the mean; a second moment is never rounded to zero,
    // which would make a step large.
    let is_below = relative.clone().lower_elem(smallest);
    let small = if code.signed {
        random.mul_scalar(smallest).lower(relative.clone()).float().cast(relative.dtype())
    } else {
        relative.clone().greater_elem(0.0).float().cast(relative.dtype())
    };
    let codes = place.mask_where(is_below, small);
    let codes = if code.signed {
        let negative = values.lower_elem(0.0).float().cast(codes.dtype());
        let is_zero = codes.clone().lower_elem(0.5);
        (codes + negative.mul_scalar(128.0)).mask_fill(is_zero, 0.0)
    } else {
        codes
    };
    (codes.int().flatten(0, 1), scales.flatten(0, 1))
}
