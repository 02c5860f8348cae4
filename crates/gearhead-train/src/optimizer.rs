//! The AdamW step.

use std::collections::HashMap;

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    optim::GradientsParams,
    tensor::{
        DType, Int, Tensor,
        backend::{AutodiffBackend, Backend},
    },
};
use gearhead_kernels::{AdamWStep, AutodiffKernels, MOMENT_BLOCK, Moments8Bit, adamw_step, adamw_step_8bit};
use gearhead_model::{Decoder, TensorWriter, Tensors, VisitParameters, visit_parameters};
use serde::{Deserialize, Serialize};

use crate::{config::TrainConfig, error::Result, gradients::StepGradients};

/// How the optimizer's moments are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MomentDtype {
    /// 32 bit.
    #[default]
    #[serde(rename = "f32")]
    F32,
    /// 8 bit, with a scale for each [`MOMENT_BLOCK`]. Norms and parameters that are not whole blocks stay in 32 bit.
    #[serde(rename = "8bit")]
    Bits8,
}

/// Parameters with fewer numbers have their moments in 32 bit always: they take no memory to speak of.
const SMALLEST_8_BIT: usize = 4096;

impl MomentDtype {
    /// How the moments of a parameter of so many numbers are stored.
    pub(crate) fn of(self, count: usize) -> Self {
        if count >= SMALLEST_8_BIT && count.is_multiple_of(MOMENT_BLOCK) { self } else { Self::F32 }
    }
}

/// AdamW over a decoder: two moments for each parameter.
#[derive(Debug)]
pub struct AdamW<B: AutodiffBackend> {
    moments: HashMap<ParamId, Moments<B::InnerBackend>>,
    step: u32,
}

#[derive(Debug)]
enum Moments<B: Backend> {
    F32(Tensor<B, 1>, Tensor<B, 1>),
    Bits8(Moments8Bit<B>),
}

impl<B: Backend> Moments<B> {
    fn zeros(count: usize, dtype: MomentDtype, device: &B::Device) -> Self {
        match dtype.of(count) {
            MomentDtype::F32 => Self::F32(Tensor::zeros([count], device), Tensor::zeros([count], device)),
            MomentDtype::Bits8 => {
                let codes = || Tensor::zeros([count], (device, DType::U8));
                let scales = || Tensor::zeros([count / MOMENT_BLOCK], device);
                Self::Bits8(Moments8Bit { codes: [codes(), codes()], scales: [scales(), scales()] })
            }
        }
    }
}

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
                let add = &mut *self.1;
                match self.0.moments.get(&param.id) {
                    Some(Moments::F32(first, second)) => {
                        add.add(format!("{name}.first"), first.clone());
                        add.add(format!("{name}.second"), second.clone());
                    }
                    Some(Moments::Bits8(Moments8Bit { codes, scales })) => {
                        for (moment, name) in
                            ["first", "second"].map(|which| format!("{name}.{which}")).iter().enumerate()
                        {
                            add.add(format!("{name}.codes"), codes[moment].clone());
                            add.add(format!("{name}.scales"), scales[moment].clone());
                        }
                    }
                    None => {}
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
    pub fn restore(
        decoder: &Decoder<B>,
        stored: &Tensors<'_>,
        step: u32,
        dtype: MomentDtype,
        device: &B::Device,
    ) -> Result<Self> {
        struct Restore<'a, B: AutodiffBackend> {
            stored: &'a Tensors<'a>,
            dtype: MomentDtype,
            device: &'a B::Device,
            moments: Result<HashMap<ParamId, Moments<B::InnerBackend>>>,
        }
        impl<B: AutodiffBackend> Restore<'_, B> {
            fn read(&self, name: &str, count: usize) -> Result<Moments<B::InnerBackend>> {
                let read = |name: String, count| self.stored.get(&name, &[count]);
                let float = |name: String, count| -> Result<Tensor<B::InnerBackend, 1>> {
                    Ok(Tensor::from_data(read(name, count)?, self.device))
                };
                Ok(match self.dtype.of(count) {
                    MomentDtype::F32 => Moments::F32(
                        float(format!("{name}.first"), count)?,
                        float(format!("{name}.second"), count)?,
                    ),
                    MomentDtype::Bits8 => {
                        let codes = |which| -> Result<Tensor<B::InnerBackend, 1, Int>> {
                            let data = read(format!("{name}.{which}.codes"), count)?;
                            Ok(Tensor::from_data(data, (self.device, DType::U8)))
                        };
                        let scales = |which| float(format!("{name}.{which}.scales"), count / MOMENT_BLOCK);
                        Moments::Bits8(Moments8Bit {
                            codes: [codes("first")?, codes("second")?],
                            scales: [scales("first")?, scales("second")?],
                        })
                    }
                })
            }
        }
        impl<B: AutodiffBackend> VisitParameters<B> for Restore<'_, B> {
            fn visit<const D: usize>(&mut self, name: &str, param: &Param<Tensor<B, D>>) {
                if !param.is_require_grad() {
                    return;
                }
                let read = self.read(name, param.val().shape().num_elements());
                match (&mut self.moments, read) {
                    (Ok(moments), Ok(read)) => drop(moments.insert(param.id, read)),
                    (Ok(_), Err(error)) => self.moments = Err(error),
                    (Err(_), _) => {}
                }
            }
        }
        if step == 0 {
            return Ok(Self::default());
        }
        let mut restore = Restore::<B> { stored, dtype, device, moments: Ok(HashMap::new()) };
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
            grad_scale: (clip / (gradients.target_count.max(1) as f64 * gradients.scale)) as f32,
        };
        decoder.map(&mut Update {
            grads: gradients.grads,
            moments: &mut self.moments,
            step,
            weight_decay: config.weight_decay as f32,
            dtype: config.optimizer_dtype,
            path: Vec::new(),
        })
    }
}

struct Update<'a, B: AutodiffBackend> {
    grads: GradientsParams,
    moments: &'a mut HashMap<ParamId, Moments<B::InnerBackend>>,
    step: AdamWStep,
    weight_decay: f32,
    dtype: MomentDtype,
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
        let count = shape.num_elements();
        let moments = self.moments.remove(&id).unwrap_or_else(|| Moments::zeros(count, self.dtype, &device));
        let flat = |tensor: Tensor<B::InnerBackend, D>| tensor.reshape([count]);
        let (parameter, grad) = (flat(parameter), flat(grad));
        let (parameter, moments) = match moments {
            Moments::F32(first, second) => {
                let (parameter, first, second) = adamw_step(parameter, grad, (first, second), &step);
                (parameter, Moments::F32(first, second))
            }
            Moments::Bits8(moments) => {
                let (parameter, moments) = adamw_step_8bit(parameter, grad, moments, &step);
                (parameter, Moments::Bits8(moments))
            }
        };
        self.moments.insert(id, moments);
        let tensor = Tensor::from_inner(parameter.reshape(shape.clone())).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}
