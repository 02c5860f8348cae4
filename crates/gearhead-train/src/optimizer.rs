//! The AdamW step.

use std::collections::HashMap;

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    optim::GradientsParams,
    tensor::{Tensor, backend::AutodiffBackend},
};
use gearhead_kernels::{AdamWStep, AutodiffKernels, adamw_step};
use gearhead_model::{Decoder, TensorFile, TensorWriter, VisitParameters, visit_parameters};

use crate::{config::TrainConfig, error::Result, gradients::StepGradients};

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
    /// Steps that were taken.
    pub fn steps(&self) -> u32 {
        self.step
    }

    /// Adds the moments to what is written, by the names of their parameters.
    pub fn store(&self, decoder: &Decoder<B>, writer: &mut TensorWriter<'_>) {
        struct Store<'a, 'b, B: AutodiffBackend>(&'a AdamW<B>, &'a mut TensorWriter<'b>);
        impl<B: AutodiffBackend> VisitParameters<B> for Store<'_, '_, B> {
            fn visit<const D: usize>(&mut self, name: &str, param: &Param<Tensor<B, D>>) {
                if let Some((first, second)) = self.0.moments.get(&param.id) {
                    self.1.add(format!("{name}.first"), first.clone());
                    self.1.add(format!("{name}.second"), second.clone());
                }
            }
        }
        visit_parameters(decoder, &mut Store(self, writer));
    }

    /// An optimizer that goes on where another stopped after so many steps.
    ///
    /// # Errors
    ///
    /// Names the moment that is missing or of the wrong shape.
    pub fn restore(decoder: &Decoder<B>, file: &TensorFile, step: u32, device: &B::Device) -> Result<Self> {
        struct Restore<'a, B: AutodiffBackend> {
            file: &'a TensorFile,
            device: &'a B::Device,
            moments: Result<HashMap<ParamId, Moments<B>>>,
        }
        impl<B: AutodiffBackend> VisitParameters<B> for Restore<'_, B> {
            fn visit<const D: usize>(&mut self, name: &str, param: &Param<Tensor<B, D>>) {
                let shape = [param.val().shape().num_elements()];
                let read = |moment| self.file.tensor(&format!("{name}.{moment}"), &shape);
                let pair = read("first").and_then(|first| Ok((first, read("second")?)));
                let tensor = |data| Tensor::from_data(data, self.device);
                match (&mut self.moments, pair) {
                    (Ok(moments), Ok((first, second))) => {
                        moments.insert(param.id, (tensor(first), tensor(second)));
                    }
                    (Ok(_), Err(error)) => self.moments = Err(error.into()),
                    (Err(_), _) => {}
                }
            }
        }
        if step == 0 {
            return Ok(Self::default());
        }
        let mut restore = Restore { file, device, moments: Ok(HashMap::new()) };
        visit_parameters(decoder, &mut restore);
        Ok(Self { moments: restore.moments?, step })
    }

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
