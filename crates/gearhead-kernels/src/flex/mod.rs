//! Hand-written operations for Burn's CPU backend.
//!
//! Safe Rust over slices: the loops are written so that the compiler vectorises them, compiled for several
//! instruction sets by `multiversion` and chosen at run time, and spread over threads by rayon in pieces that do not
//! depend on the number of threads, so that results never do either.

mod adamw;
mod attention;
mod cross_entropy;
mod elementwise;
mod math;
mod rms_norm;

use burn::{
    backend::Flex,
    tensor::{
        DType, Element, TensorData,
        ops::{FloatTensor, IntTensor},
    },
};
use burn_flex::FlexTensor;

use crate::{
    AdamWStep, Documents, Kernels, adamw as adamw_ops, attention as attention_ops,
    cross_entropy as cross_entropy_ops, rms_norm as rms_norm_ops, rope as rope_ops, swiglu as swiglu_ops,
};

impl Kernels for Flex {
    fn rms_norm(x: FlexTensor, weight: FlexTensor, eps: f64) -> FlexTensor {
        if !all_f32([&x, &weight]) {
            return rms_norm_ops::portable::<Self>(x, weight, eps);
        }
        rms_norm::forward(&x, &weight, eps as f32)
    }

    fn rms_norm_backward(
        x: FlexTensor,
        weight: FlexTensor,
        grad: FlexTensor,
        eps: f64,
    ) -> (FlexTensor, FlexTensor) {
        if !all_f32([&x, &weight, &grad]) {
            return rms_norm_ops::portable_backward::<Self>(x, weight, grad, eps);
        }
        rms_norm::backward(&x, &weight, &grad, eps as f32)
    }

    fn rope(x: FlexTensor, cos: FlexTensor, sin: FlexTensor) -> FlexTensor {
        if !all_f32([&x, &cos, &sin]) {
            return rope_ops::portable::<Self>(x, cos, sin);
        }
        elementwise::rope(&x, &cos, &sin)
    }

    fn swiglu(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
        if !all_f32([&gate, &up]) {
            return swiglu_ops::portable::<Self>(gate, up);
        }
        elementwise::swiglu(&gate, &up)
    }

    fn swiglu_backward(gate: FlexTensor, up: FlexTensor, grad: FlexTensor) -> (FlexTensor, FlexTensor) {
        if !all_f32([&gate, &up, &grad]) {
            return swiglu_ops::portable_backward::<Self>(gate, up, grad);
        }
        elementwise::swiglu_backward(&gate, &up, &grad)
    }

    fn packed_attention(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        documents: &Documents,
    ) -> (FlexTensor, FlexTensor) {
        if !all_f32([&q, &k, &v]) {
            return attention_ops::portable::<Self>(q, k, v, documents);
        }
        attention::forward(&q, &k, &v, documents)
    }

    fn packed_attention_backward(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        saved: (FlexTensor, FlexTensor),
        grad: FlexTensor,
        documents: &Documents,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        if !all_f32([&q, &k, &v]) {
            return attention_ops::portable_backward::<Self>(q, k, v, saved.1, grad, documents);
        }
        attention::backward(&q, &k, &v, &saved, &grad, documents)
    }

    fn cross_entropy(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> (FlexTensor, FlexTensor) {
        if !all_f32([&logits]) {
            return cross_entropy_ops::portable::<Self>(logits, targets);
        }
        cross_entropy::forward(&logits, targets)
    }

    fn adamw_step(
        parameter: FlexTensor,
        grad: FlexTensor,
        moments: (FlexTensor, FlexTensor),
        step: &AdamWStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        if !all_f32([&parameter, &grad, &moments.0, &moments.1]) {
            return adamw_ops::portable::<Self>(parameter, grad, moments, step);
        }
        adamw::step(parameter, &grad, moments, step)
    }
}

fn all_f32<const N: usize>(tensors: [&FlexTensor; N]) -> bool {
    tensors.iter().all(|tensor| tensor.dtype() == DType::F32)
}

/// The tensor with its elements in order of their indices, and nothing else in its storage.
fn contiguous(tensor: &FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor.clone() } else { tensor.to_contiguous() }
}

/// The elements of a tensor that [`contiguous`] made.
fn elements(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().expect("the caller made the tensor contiguous")
}

fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    tensor.layout().shape().dims::<D>()
}

fn tensor<E: Element>(values: Vec<E>, shape: impl Into<burn::tensor::Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Rows in one piece of work: enough to pay for handing it to another thread.
fn rows_per_task(row_len: usize) -> usize {
    (16_384 / row_len.max(1)).max(1)
}
