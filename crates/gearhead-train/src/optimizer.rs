//! Gradients of a batch, their norm, and the AdamW step.

use std::collections::HashMap;

use burn::{
    module::{AutodiffModule, Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Int, Tensor, TensorData, backend::AutodiffBackend},
};
use gearhead_data::{batch::Batch, prompt::Document};
use gearhead_kernels::{
    AdamWStep, AutodiffKernels, Documents, Kernels, adamw_step, embedding, sum_of_squares,
};
use gearhead_model::Decoder;

use crate::config::TrainConfig;

/// The summed loss over the targets of a batch, in nats.
///
/// Only the rows of the hidden states that predict a target are multiplied with the output layer.
pub fn summed_loss<B: Kernels>(decoder: &Decoder<B>, batch: &Batch) -> Tensor<B, 1> {
    let device = decoder.device();
    let hidden = decoder.forward_packed(&batch.inputs, &Documents::new(&batch.offsets));
    let int = |values: Vec<i64>| {
        let len = values.len();
        Tensor::<B, 1, Int>::from_data(TensorData::new(values, [len]), &device)
    };
    let rows = int(batch.target_positions.iter().map(|position| *position as i64).collect());
    let targets = int(batch.target_ids.iter().map(|id| i64::from(*id)).collect());
    decoder.summed_loss(embedding(hidden, rows), targets)
}

/// Loss and gradients of one optimizer step.
#[derive(Debug)]
pub struct StepGradients {
    /// Mean loss per target token, in nats.
    pub loss: f64,
    /// Norm of the mean gradient over all parameters, before clipping.
    pub grad_norm: f64,
    /// Target tokens over the whole step.
    pub target_count: usize,
    /// Input tokens over the whole step.
    pub token_count: usize,
    /// Summed, not yet averaged, gradients.
    grads: GradientsParams,
}

/// Computes a step's gradients in `pieces` parts. The loss is normalised by the targets of the whole step, so that
/// the number of pieces changes nothing but memory and rounding.
pub fn step_gradients<B: AutodiffKernels>(
    decoder: &Decoder<B>,
    documents: &[&Document],
    pieces: usize,
) -> StepGradients {
    let mut accumulator = GradientsAccumulator::new();
    let (mut loss, mut target_count, mut token_count) = (0.0, 0, 0);
    for piece in documents.chunks(documents.len().div_ceil(pieces).max(1)) {
        let batch = Batch::pack(piece.iter().copied());
        if batch.target_ids.is_empty() {
            continue;
        }
        let piece_loss = summed_loss(decoder, &batch);
        let grads = piece_loss.backward();
        accumulator.accumulate(decoder, GradientsParams::from_grads(grads, decoder));
        loss += scalar(piece_loss.inner());
        target_count += batch.target_ids.len();
        token_count += batch.inputs.len();
    }
    let grads = accumulator.grads();
    let mean = 1.0 / target_count.max(1) as f64;
    let grad_norm = norm(decoder, &grads) * mean;
    StepGradients { loss: loss * mean, grad_norm, target_count, token_count, grads }
}

/// Mean loss per target token over documents, in nats, without gradients.
pub fn mean_loss<B: Kernels>(decoder: &Decoder<B>, documents: &[Document], batch_size: usize) -> f64 {
    let (mut loss, mut targets) = (0.0, 0);
    for documents in documents.chunks(batch_size.max(1)) {
        let batch = Batch::pack(documents);
        if !batch.target_ids.is_empty() {
            loss += scalar(summed_loss(decoder, &batch));
            targets += batch.target_ids.len();
        }
    }
    loss / targets.max(1) as f64
}

fn scalar<B: burn::tensor::backend::Backend>(tensor: Tensor<B, 1>) -> f64 {
    tensor.into_data().iter::<f64>().next().unwrap_or(f64::NAN)
}

/// The norm over all gradients: squares are summed on the device, and read once.
fn norm<B: AutodiffKernels>(decoder: &Decoder<B>, grads: &GradientsParams) -> f64 {
    struct Squares<'a, B: AutodiffBackend> {
        grads: &'a GradientsParams,
        sums: Vec<Tensor<B::InnerBackend, 1>>,
    }
    impl<B: AutodiffKernels> ModuleVisitor<B> for Squares<'_, B> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            if let Some(grad) = self.grads.get::<B::InnerBackend, D>(param.id) {
                self.sums.push(sum_of_squares(grad));
            }
        }
    }
    let mut squares = Squares::<B> { grads, sums: Vec::new() };
    decoder.visit(&mut squares);
    if squares.sums.is_empty() {
        return 0.0;
    }
    Tensor::cat(squares.sums, 0).into_data().iter::<f64>().sum::<f64>().sqrt()
}

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

/// The decoder without gradients, sharing its weights.
pub fn without_gradients<B: AutodiffKernels>(decoder: &Decoder<B>) -> Decoder<B::InnerBackend> {
    decoder.valid()
}
