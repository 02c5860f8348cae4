//! The AdamW step.

use std::collections::HashMap;

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    optim::GradientsParams,
    tensor::{Tensor, backend::AutodiffBackend},
};
use gearhead_kernels::{AdamWStep, AutodiffKernels, adamw_step};
use gearhead_model::Decoder;

use crate::{config::TrainConfig, gradients::StepGradients};

/// AdamW over a decoder: two moments for each parameter.
#[derive(Debug)]
pub struct AdamW<B: AutodiffBackend> {
    moments: HashMap<ParamId, Moments<B>>,
    step: u32,
}

type Moments<B> =
    (Tensor<<B as AutodiffBackend>::InnerBackend, 1>, Tensor<<B as AutodiffBackend>::InnerBackend, 1>);

impl<B: AutodiffBackend> Default for AdamW<B> {
    fn default() -> Self {
        Self { moments: HashMap::new(), step: 0 }
    }
}

impl<B: AutodiffKernels> AdamW<B> {
    /// The decoder after one step: the mean gradient, clipped to `max_grad_norm`, with decay on matrices but not on
    /// norms and embeddings.
    pub fn step(
        &mut self,
        decoder: Decoder<B>,
        gradients: StepGradients,
        learning_rate: f64,
        config: &TrainConfig,
    ) -> Decoder<B> {
        self.step += 1;
        let clip = (config.max_grad_norm / gradients.grad_norm.max(f64::MIN_POSITIVE)).min(1.0);
        let step = AdamWStep {
            learning_rate: learning_rate as f32,
            beta1: config.beta1 as f32,
            beta2: config.beta2 as f32,
            epsilon: config.epsilon as f32,
            weight_decay: 0.0,
            step: self.step,
            grad_scale: (clip / gradients.target_count.max(1) as f64) as f32,
        };
        decoder.map(&mut Update {
            grads: gradients.grads,
            moments: &mut self.moments,
            step,
            weight_decay: config.weight_decay as f32,
            path: Vec::new(),
        })
    }
}

struct Update<'a, B: AutodiffBackend> {
    grads: GradientsParams,
    moments: &'a mut HashMap<ParamId, Moments<B>>,
    step: AdamWStep,
    weight_decay: f32,
    path: Vec<String>,
}

impl<B: AutodiffKernels> ModuleMapper<B> for Update<'_, B> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(grad) = self.grads.remove::<B::InnerBackend, D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let is_matrix = D == 2 && !self.path.iter().any(|name| name == "embed_tokens");
        let step = AdamWStep { weight_decay: if is_matrix { self.weight_decay } else { 0.0 }, ..self.step };
        let parameter = tensor.inner();
        let shape = parameter.shape();
        let device = parameter.device();
        let zeros = || Tensor::zeros([shape.num_elements()], &device);
        let moments = self.moments.remove(&id).unwrap_or_else(|| (zeros(), zeros()));
        let flat = |tensor: Tensor<B::InnerBackend, D>| tensor.reshape([shape.num_elements()]);
        let (parameter, first, second) = adamw_step(flat(parameter), flat(grad), moments, &step);
        self.moments.insert(id, (first, second));
        let tensor = Tensor::from_inner(parameter.reshape(shape.clone())).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}
