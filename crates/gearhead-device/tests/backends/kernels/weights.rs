//! Weights that are stored in fewer bits than is computed with.

use burn::tensor::DType;
use gearhead_kernels::{
    AutodiffKernels, FrozenDtype, Quantization, QuantizedWeight, frozen_linear, linear_16bit,
    linear_16bit_add, narrowed, quantized_linear, quantized_linear_add, widened,
};

use super::{At, Operation};
use crate::{
    numbers::{Numbers, Outcome},
    tolerances::Quantity,
};

pub(super) fn operations<B: AutodiffKernels>() -> Vec<Operation<B>> {
    let quantized = |operation: Operation<B>| operation.in_few_bits().compared(Quantity::RoundedActivations);
    vec![
        quantized(Operation::new("quantized linear q8_0", |at| quantized_of(at, Quantization::Q8_0, 37))),
        quantized(Operation::new("quantized linear q8_0, one token", |at| {
            quantized_of(at, Quantization::Q8_0, 1)
        })),
        quantized(Operation::new("quantized linear q4_0", |at| quantized_of(at, Quantization::Q4_0, 37))),
        Operation::new("linear by f16", |at| linear_of(at, FrozenDtype::F16)).storing(DType::F16),
        Operation::new("linear by bf16", |at| linear_of(at, FrozenDtype::Bf16))
            .storing(DType::BF16)
            .compared(Quantity::MultipliedInBf16),
        Operation::new("frozen linear f32", |at| frozen_of(at, FrozenDtype::F32)),
        Operation::new("frozen linear f16", |at| frozen_of(at, FrozenDtype::F16)).storing(DType::F16),
        Operation::new("frozen linear bf16", |at| frozen_of(at, FrozenDtype::Bf16)).storing(DType::BF16),
        Operation::new("frozen linear 8bit", |at| frozen_of(at, FrozenDtype::Bits8)).in_few_bits(),
    ]
}

fn linear_of<B: AutodiffKernels>(at: &At<'_, B>, dtype: FrozenDtype) -> Outcome {
    let weights = [at.tensor([50, 96], 1.0), at.tensor([13, 96], 2.0)];
    let weights = weights.map(|weight| narrowed::<B::InnerBackend>(weight, dtype));
    let one = linear_16bit(at.tensor([1, 96], 0.0), weights.to_vec());
    let many = linear_16bit(at.tensor([37, 96], 0.0), weights.to_vec());
    let [weight, _] = weights.clone();
    let sum = linear_16bit_add(at.tensor([37, 96], 0.0), weight, at.tensor([37, 50], 3.0));
    let x = at.leaf([37, 96], 0.0);
    let y = linear_16bit(x.clone(), weights.map(burn::tensor::Tensor::from_inner).to_vec());
    let mut outcome =
        vec![("one token", Numbers::of(one)), ("many", Numbers::of(many)), ("sum", Numbers::of(sum))];
    outcome.extend(at.differentiated(y).grad("dx", &x).outcome);
    outcome
}

fn quantized_of<B: AutodiffKernels>(at: &At<'_, B>, format: Quantization, n: usize) -> Outcome {
    let weights = vec![at.tensor([50, 96], 1.0), at.tensor([13, 96], 2.0)];
    let weight = QuantizedWeight::<B::InnerBackend>::new(weights.clone(), format);
    let product = quantized_linear(at.tensor([n, 96], 0.0), &weight);
    let sum = quantized_linear_add(at.tensor([n, 96], 0.0), &weight, at.tensor([n, 63], 3.0));
    let weights = weights.into_iter().map(burn::tensor::Tensor::from_inner).collect();
    let tracked = QuantizedWeight::<B>::new(weights, format);
    let x = at.leaf([n, 96], 0.0);
    let mut outcome = vec![
        ("weight", Numbers::of(weight.dequantize())),
        ("product", Numbers::of(product)),
        ("sum", Numbers::of(sum)),
    ];
    outcome.extend(at.differentiated(quantized_linear(x.clone(), &tracked)).grad("dx", &x).outcome);
    outcome
}

fn frozen_of<B: AutodiffKernels>(at: &At<'_, B>, dtype: FrozenDtype) -> Outcome {
    let weight = narrowed::<B>(burn::tensor::Tensor::from_inner(at.tensor([50, 96], 1.0)), dtype);
    let x = at.leaf([37, 96], 0.0);
    let wide = Numbers::of(widened(weight.clone()).inner());
    let mut outcome = vec![("weight", wide)];
    outcome.extend(at.differentiated(frozen_linear(x.clone(), weight)).grad("dx", &x).outcome);
    outcome
}
