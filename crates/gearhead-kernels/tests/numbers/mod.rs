//! Tensors as plain numbers, and what the tests do with them.

use burn::{
    backend::{Autodiff, Flex},
    tensor::{DType, Tensor, TensorData, backend::Backend},
};
use serde::Deserialize;

/// The backend that training runs on.
pub(crate) type Trained = Autodiff<Flex>;
/// Gradients by tensor.
pub(crate) type Gradients = <Trained as burn::tensor::backend::AutodiffBackend>::Gradients;

/// On `Flex`, f32 takes the hand-written operations and f64 the portable ones.
pub(crate) const FLEX_AND_PORTABLE: [DType; 2] = [DType::F32, DType::F64];

/// A tensor as the fixtures write it; every input is exact in f32.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

impl Numbers {
    pub(crate) fn of<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Self {
        Self { shape: tensor.dims().to_vec(), data: tensor.into_data().iter::<f64>().collect() }
    }

    pub(crate) fn tensor<B: Backend, const D: usize>(&self, dtype: DType) -> Tensor<B, D> {
        let data = TensorData::new(self.data.clone(), self.shape.clone()).convert_dtype(dtype);
        Tensor::from_data(data, (&B::Device::default(), dtype))
    }

    /// A tensor that gets a gradient.
    pub(crate) fn leaf<const D: usize>(&self, dtype: DType) -> Tensor<Trained, D> {
        self.tensor(dtype).require_grad()
    }

    pub(crate) fn largest(&self) -> f64 {
        self.data.iter().fold(0.0, |largest, value| value.abs().max(largest))
    }
}

/// The gradients of `output` where `upstream` flows into it.
pub(crate) fn backward<const D: usize>(output: &Tensor<Trained, D>, upstream: &Numbers) -> Gradients {
    (output.clone() * upstream.tensor(output.dtype())).sum().backward()
}

/// The gradient of a leaf.
pub(crate) fn grad<const D: usize>(leaf: &Tensor<Trained, D>, grads: &Gradients) -> Tensor<Flex, D> {
    let grad = leaf.grad(grads).expect("the leaf is tracked");
    assert_eq!(grad.dtype(), leaf.dtype());
    grad
}

pub(crate) fn assert_within(what: &str, ours: &Numbers, expected: &Numbers, tolerance: f64) {
    assert_eq!(ours.shape, expected.shape, "{what}");
    assert_eq!(ours.data.len(), expected.data.len(), "{what}");
    for (index, (ours, expected)) in ours.data.iter().zip(&expected.data).enumerate() {
        assert!((ours - expected).abs() <= tolerance, "{what}, [{index}]: {ours}, not {expected}");
    }
}
