//! A linear layer as it is computed with: its weight, in whatever type, its bias and its adapter.

use burn::tensor::{DType, Tensor, backend::Backend};
use gearhead_kernels::{Kernels, frozen_linear, linear, linear_add};

use crate::lora::AdapterWeights;

/// The weights of a linear layer.
#[derive(Debug, Clone)]
pub(crate) struct LinearWeights<B: Backend> {
    /// `[out, in]`.
    pub(crate) weight: Tensor<B, 2>,
    /// `[out]`.
    pub(crate) bias: Option<Tensor<B, 1>>,
    pub(crate) adapter: Option<AdapterWeights<B>>,
}

impl<B: Kernels> LinearWeights<B> {
    /// Whether the layer is its weight and nothing else, in the type that is computed with.
    pub(crate) fn is_plain(&self) -> bool {
        self.bias.is_none() && self.adapter.is_none() && self.is_wide()
    }

    fn is_wide(&self) -> bool {
        self.weight.dtype() == DType::F32
    }

    /// # Shapes
    ///
    /// `x`: `[n, in]`, result: `[n, out]`.
    pub(crate) fn forward(self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let y = if self.is_wide() {
            linear(x.clone(), vec![self.weight.clone()])
        } else {
            frozen_linear(x.clone(), self.weight.clone())
        };
        let y = match self.adapter {
            Some(adapter) => adapter.adapt(x, y, &self.weight),
            None => y,
        };
        with_bias(y, self.bias)
    }

    /// What the layer gives, and `residual`.
    ///
    /// # Shapes
    ///
    /// `x`: `[n, in]`, `residual` and result: `[n, out]`.
    pub(crate) fn forward_add(self, x: Tensor<B, 2>, residual: Tensor<B, 2>) -> Tensor<B, 2> {
        if self.adapter.is_none() && self.is_wide() {
            return with_bias(linear_add(x, self.weight, residual), self.bias);
        }
        residual + self.forward(x)
    }

    /// The layer without an adapter that gives the same: in 32 bit where it had one, else as it is.
    pub(crate) fn merged(self) -> Self {
        let weight = match self.adapter {
            Some(adapter) => adapter.merged(self.weight),
            None => self.weight,
        };
        Self { weight, bias: self.bias, adapter: None }
    }
}

fn with_bias<B: Kernels>(rows: Tensor<B, 2>, bias: Option<Tensor<B, 1>>) -> Tensor<B, 2> {
    match bias {
        Some(bias) => {
            let dtype = rows.dtype();
            rows + bias.unsqueeze().cast(dtype)
        }
        None => rows,
    }
}
