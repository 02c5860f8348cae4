//! One step of AdamW on one parameter.

use burn::tensor::{Tensor, backend::Backend, ops::FloatTensor};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// The numbers of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWStep {
    /// Learning rate of this step.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled decay; 0 for norms and embeddings.
    pub weight_decay: f32,
    /// Which step this is, from 1.
    pub step: u32,
    /// The gradient is multiplied by this first: clipping, and the mean over target tokens.
    pub grad_scale: f32,
}

impl AdamWStep {
    /// `1 - beta1^step` and `1 - beta2^step`, in f64 since they are differences of near numbers.
    pub(crate) fn bias_corrections(&self) -> (f32, f32) {
        let correction = |beta: f32| (1.0 - f64::from(beta).powi(self.step as i32)) as f32;
        (correction(self.beta1), correction(self.beta2))
    }
}

/// The parameter and its moments after one step. Tensors that nothing else holds are updated in place where the
/// backend can.
///
/// # Shapes
///
/// All tensors have the parameter's shape.
///
/// # Source
///
/// Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019, algorithm 2, in the order of PyTorch's
/// `AdamW`: decay first, then the step.
pub fn adamw_step<B: Kernels, const D: usize>(
    parameter: Tensor<B, D>,
    grad: Tensor<B, D>,
    moments: (Tensor<B, D>, Tensor<B, D>),
    step: &AdamWStep,
) -> (Tensor<B, D>, Tensor<B, D>, Tensor<B, D>) {
    let shape = parameter.shape();
    let flat = |tensor: Tensor<B, D>| raw(tensor.flatten::<1>(0, D - 1));
    let moments = (flat(moments.0), flat(moments.1));
    let (parameter, first, second) = B::adamw_step(flat(parameter), flat(grad), moments, step);
    let shaped = |primitive| view::<B, 1>(primitive).reshape(shape.clone());
    (shaped(parameter), shaped(first), shaped(second))
}

pub(crate) fn portable<B: Backend>(
    parameter: FloatTensor<B>,
    grad: FloatTensor<B>,
    moments: (FloatTensor<B>, FloatTensor<B>),
    step: &AdamWStep,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let (parameter, grad) = (view::<B, 1>(parameter), view::<B, 1>(grad).mul_scalar(step.grad_scale));
    let (correction1, correction2) = step.bias_corrections();
    let first = view::<B, 1>(moments.0).mul_scalar(step.beta1) + grad.clone().mul_scalar(1.0 - step.beta1);
    let second =
        view::<B, 1>(moments.1).mul_scalar(step.beta2) + grad.powi_scalar(2).mul_scalar(1.0 - step.beta2);
    let denominator = second.clone().div_scalar(correction2).sqrt().add_scalar(step.epsilon);
    let update = first.clone().mul_scalar(step.learning_rate / correction1) / denominator;
    let parameter = parameter.mul_scalar(1.0 - step.learning_rate * step.weight_decay) - update;
    (raw(parameter), raw(first), raw(second))
}
