//! Loss and gradients of a step, layer by layer.
//!
//! Each layer has a graph of its own, from a copy of its input that is cut off from the layer before. What a backward pass
//! finds is added to the step's gradients before the next layer is looked at, so gradients are never in memory twice; and
//! a layer of which only the input was kept is simply run again when its turn comes.

use std::{ops::Range, thread};

use burn::{
    module::{AutodiffModule, Module, ModuleVisitor, Param, ParamId},
    optim::GradientsParams,
    tensor::{
        DType, Int, Tensor, TensorData,
        backend::{AutodiffBackend, Backend},
    },
};
use gearhead_data::{batch::Batch, prompt::Document};
use gearhead_kernels::{
    AutodiffKernels, Documents, Kernels, OutputWeight, add_rows, embedding, linear_cross_entropy_with_grads,
    sum_of_squares,
};
use gearhead_model::{Decoder, Packed};

use crate::config::TrainConfig;

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
    /// Pairs of a token and one that it attends to, over the whole step.
    pub pair_count: usize,
    /// Gradients of the summed loss, not yet averaged, times `scale`.
    pub(crate) grads: GradientsParams,
    /// A power of two; 1 but in f16.
    pub(crate) scale: f64,
}

/// Computes a step's gradients in `train.accumulation` parts, without a loss scale. The loss is normalised by the targets of the whole step, so
/// that the number of parts, as that of the layers which are run again, changes nothing but memory and rounding.
pub fn step_gradients<B: AutodiffKernels>(
    decoder: &Decoder<B>,
    documents: &[&Document],
    config: &TrainConfig,
) -> StepGradients {
    shared_step_gradients(decoder, documents, config, None, &[])
}

/// The same, with a share of the documents for each of the other devices, which get copies of the weights. What they find
/// is added to what the decoder's own device finds, in the order of the devices, so that it is the same each time. With a
/// loss scale, gradients are computed of the mean loss times that, to the next power of two, which rounds nothing; what
/// [`StepGradients`] says is of the loss itself.
///
/// # Panics
///
/// Where a device fails.
pub fn shared_step_gradients<B: AutodiffKernels>(
    decoder: &Decoder<B>,
    documents: &[&Document],
    config: &TrainConfig,
    loss_scale: Option<f64>,
    others: &[B::Device],
) -> StepGradients {
    let scale = loss_scale.map_or(1.0, |scale| of_sum(scale, documents));
    let way = Way {
        part: documents.len().div_ceil(config.accumulation).max(1),
        recompute_every: config.recompute_every,
        activations: config.precision.dtype(),
        scale,
    };
    let share = documents.len().div_ceil(others.len() + 1).max(1);
    let mut shares = documents.chunks(share);
    let own = shares.next().unwrap_or_default();
    let device = decoder.device();
    let sums = thread::scope(|scope| {
        let others = shares.zip(others).map(|(documents, other)| {
            let (copy, other) = (decoder.clone(), other.clone());
            scope.spawn(move || Sums::new(&copy.fork(&other), documents, way))
        });
        // Begun before the own share is.
        let others: Vec<_> = others.collect();
        let mut sums = Sums::new(decoder, own, way);
        for other in others {
            let found = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let grads = found.grads.to_device(&device, decoder);
            sums.add(decoder, Sums { grads, ..found });
        }
        sums
    });
    let mean = 1.0 / sums.target_count.max(1) as f64;
    let grad_norm = norm(decoder, &sums.grads) * mean / scale;
    let Sums { loss, target_count, token_count, pair_count, grads } = sums;
    StepGradients { loss: loss * mean, grad_norm, target_count, token_count, pair_count, grads, scale }
}

/// A scale of the summed loss with which the mean loss has about the given one.
fn of_sum(loss_scale: f64, documents: &[&Document]) -> f64 {
    let targets = Batch::pack(documents.iter().copied()).target_ids.len();
    loss_scale / targets.max(1).next_power_of_two() as f64
}

/// How gradients are computed.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// Documents that are computed at once.
    part: usize,
    recompute_every: usize,
    activations: DType,
    /// What the summed loss is multiplied with.
    scale: f64,
}

/// What some of a step's documents come to, summed over their targets.
struct Sums {
    loss: f64,
    target_count: usize,
    token_count: usize,
    pair_count: usize,
    grads: GradientsParams,
}

impl Sums {
    fn new<B: AutodiffKernels>(decoder: &Decoder<B>, documents: &[&Document], way: Way) -> Self {
        let mut sums =
            Self { loss: 0.0, target_count: 0, token_count: 0, pair_count: 0, grads: GradientsParams::new() };
        for part in documents.chunks(way.part) {
            let batch = Batch::pack(part.iter().copied());
            if batch.target_ids.is_empty() {
                continue;
            }
            sums.loss += add_gradients(decoder, &batch, way, &mut sums.grads);
            sums.target_count += batch.target_ids.len();
            sums.token_count += batch.inputs.len();
            sums.pair_count += batch.pair_count();
        }
        sums
    }

    fn add<B: AutodiffKernels>(&mut self, decoder: &Decoder<B>, other: Self) {
        struct Add<'a> {
            found: GradientsParams,
            grads: &'a mut GradientsParams,
        }
        impl<B: AutodiffBackend> ModuleVisitor<B> for Add<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
                if let Some(found) = self.found.remove::<B::InnerBackend, D>(param.id) {
                    add_to(self.grads, param.id, found);
                }
            }
        }
        self.loss += other.loss;
        self.target_count += other.target_count;
        self.token_count += other.token_count;
        self.pair_count += other.pair_count;
        decoder.visit(&mut Add { found: other.grads, grads: &mut self.grads });
    }
}

/// Mean loss per target token over documents, in nats, without gradients: in f32, as the model will predict.
pub fn mean_loss<B: Kernels>(decoder: &Decoder<B>, documents: &[Document], batch_size: usize) -> f64 {
    let (mut loss, mut targets) = (0.0, 0);
    for documents in documents.chunks(batch_size.max(1)) {
        let batch = Batch::pack(documents);
        if !batch.target_ids.is_empty() {
            let x = decoder.forward_packed(&batch.inputs, &Documents::new(&batch.offsets));
            loss += scalar(loss_of_normalised(decoder, x, &batch));
            targets += batch.target_ids.len();
        }
    }
    loss / targets.max(1) as f64
}

/// The decoder without gradients, sharing its weights.
pub fn without_gradients<B: AutodiffKernels>(decoder: &Decoder<B>) -> Decoder<B::InnerBackend> {
    decoder.valid()
}

/// The input of a layer, cut off from the graph of the layer before, and what the layer made of it.
struct Run<B: AutodiffBackend> {
    input: Tensor<B, 2>,
    output: Tensor<B, 2>,
}

/// Adds the gradients of a batch's summed and scaled loss to `grads` and returns the loss, in nats.
fn add_gradients<B: AutodiffKernels>(
    decoder: &Decoder<B>,
    batch: &Batch,
    way: Way,
    grads: &mut GradientsParams,
) -> f64 {
    let device = decoder.device();
    let packed = decoder.packed(&Documents::new(&batch.offsets));
    let segments = segments(decoder.config().n_layers, way.recompute_every);
    let (last, earlier) = segments.split_last().expect("a decoder has a layer");

    // Of the layers that will be run again, only the first input of each segment is kept.
    let plain = decoder.valid();
    let plain_packed = packed.inner();
    let mut x = plain.embed(&batch.inputs).cast(way.activations);
    let mut kept = Vec::with_capacity(earlier.len());
    for segment in earlier {
        kept.push(x.clone());
        x = segment.clone().fold(x, |x, index| plain.layer(index, x, &plain_packed));
    }

    let (mut runs, x) = run_layers(decoder, last.clone(), x, &packed);
    let input = leaf(x);
    let hidden = predicting(decoder.normalise(input.clone()), batch);
    let output = decoder.output_parameter();
    let (loss, hidden_grad, weight_grad) = linear_cross_entropy_with_grads(
        hidden.clone().inner(),
        // As it is stored: another type is made of it while it is multiplied with.
        plain.output_parameter().val(),
        int(&batch.target_ids, &device),
        if output.is_require_grad() { OutputWeight::Trained } else { OutputWeight::Frozen },
        way.scale as f32,
    );
    if let Some(weight_grad) = weight_grad {
        add_to(grads, output.id, weight_grad);
    }
    let mut found = B::gradients_from(hidden, hidden_grad);
    let mut grad = input.grad_remove(&mut found).expect("the loss depends on what the layers made");
    add(decoder, found, grads);

    let mut earlier = earlier.iter().rev();
    loop {
        while let Some(run) = runs.pop() {
            grad = pull(decoder, run, grad, grads);
        }
        let (Some(segment), Some(x)) = (earlier.next(), kept.pop()) else { break };
        (runs, _) = run_layers(decoder, segment.clone(), x, &packed);
    }
    let table = decoder.embedding_parameter();
    if !table.is_require_grad() {
        return scalar(loss);
    }
    let sum = grads.remove(table.id).unwrap_or_else(|| table.val().inner().zeros_like());
    grads.register(table.id, add_rows(sum, int(&batch.inputs, &device), grad));
    scalar(loss)
}

/// Layers that are run again together: `every` at a time from the first, or all that there are for none.
pub(crate) fn segments(n_layers: usize, every: usize) -> Vec<Range<usize>> {
    let every = if every == 0 { n_layers } else { every };
    (0..n_layers).step_by(every).map(|start| start..(start + every).min(n_layers)).collect()
}

/// Runs layers, each with a graph of its own, and returns what the last one gave too.
fn run_layers<B: AutodiffKernels>(
    decoder: &Decoder<B>,
    layers: Range<usize>,
    x: Tensor<B::InnerBackend, 2>,
    packed: &Packed<B>,
) -> (Vec<Run<B>>, Tensor<B::InnerBackend, 2>) {
    let (mut runs, mut x) = (Vec::with_capacity(layers.len()), x);
    for index in layers {
        let input = leaf(x);
        let output = decoder.layer(index, input.clone(), packed);
        x = output.clone().inner();
        runs.push(Run { input, output });
    }
    (runs, x)
}

/// The beginning of a graph.
fn leaf<B: AutodiffBackend>(x: Tensor<B::InnerBackend, 2>) -> Tensor<B, 2> {
    Tensor::from_inner(x).require_grad()
}

/// Adds the gradients of a layer's weights and returns that of its input.
fn pull<B: AutodiffKernels>(
    decoder: &Decoder<B>,
    run: Run<B>,
    grad: Tensor<B::InnerBackend, 2>,
    grads: &mut GradientsParams,
) -> Tensor<B::InnerBackend, 2> {
    let mut found = B::gradients_from(run.output, grad);
    let grad = run.input.grad_remove(&mut found).expect("a layer's output depends on its input");
    add(decoder, found, grads);
    grad
}

/// Adds what a backward pass found for the parameters.
fn add<B: AutodiffKernels>(decoder: &Decoder<B>, found: B::Gradients, grads: &mut GradientsParams) {
    struct Add<'a, B: AutodiffBackend> {
        found: B::Gradients,
        grads: &'a mut GradientsParams,
    }
    impl<B: AutodiffBackend> ModuleVisitor<B> for Add<'_, B> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            // What is not trained may be of a type that knows no gradients.
            if !param.is_require_grad() {
                return;
            }
            if let Some(found) = param.val().grad_remove(&mut self.found) {
                add_to(self.grads, param.id, found);
            }
        }
    }
    decoder.visit(&mut Add::<B> { found, grads });
}

fn add_to<B: Backend, const D: usize>(grads: &mut GradientsParams, id: ParamId, found: Tensor<B, D>) {
    let sum = match grads.remove::<B, D>(id) {
        Some(sum) => sum + found,
        None => found,
    };
    grads.register(id, sum);
}

/// The summed loss over the targets of a batch, in nats.
fn loss_of_normalised<B: Kernels>(decoder: &Decoder<B>, hidden: Tensor<B, 2>, batch: &Batch) -> Tensor<B, 1> {
    let targets = int(&batch.target_ids, &decoder.device());
    decoder.summed_loss(predicting(hidden, batch), targets)
}

/// The rows of hidden states that predict a target: only they are multiplied with the output layer.
fn predicting<B: Kernels>(hidden: Tensor<B, 2>, batch: &Batch) -> Tensor<B, 2> {
    let device = hidden.device();
    let positions: Vec<u32> = batch.target_positions.iter().map(|position| *position as u32).collect();
    embedding(hidden, int(&positions, &device))
}

fn int<B: Backend>(values: &[u32], device: &B::Device) -> Tensor<B, 1, Int> {
    let values: Vec<i64> = values.iter().map(|value| i64::from(*value)).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

fn scalar<B: Backend>(tensor: Tensor<B, 1>) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_of_one_length_but_the_last() {
        assert_eq!(segments(5, 0), std::slice::from_ref(&(0..5)));
        assert_eq!(segments(3, 1), [0..1, 1..2, 2..3]);
        assert_eq!(segments(5, 2), [0..2, 2..4, 4..5]);
        assert_eq!(segments(2, 7), std::slice::from_ref(&(0..2)));
    }

    #[cfg(feature = "flex")]
    mod on_flex {
        use burn::{
            backend::{Autodiff, Flex, flex::FlexDevice},
            tensor::TensorData,
        };
        use gearhead_model::{ModelConfig, for_each_parameter};

        use super::*;
        use crate::precision::ActivationDtype;

        type B = Autodiff<Flex>;

        fn decoder(tie_embeddings: bool) -> Decoder<B> {
            let config =
                ModelConfig { d_model: 32, n_layers: 5, d_ff: 48, tie_embeddings, ..ModelConfig::new(300) };
            Decoder::init(&config, 9, &FlexDevice).expect("the sizes fit")
        }

        fn documents() -> Vec<Document> {
            let document = |length: u32| {
                let ids = (0..length).map(|place| (place * place * 7 + length) % 300).collect();
                let is_target = (0..length).map(|place| place > length / 3).collect();
                Document { ids, is_target, name_end: None }
            };
            [3, 40, 17, 64, 2, 29].map(document).to_vec()
        }

        fn config(accumulation: usize, recompute_every: usize) -> TrainConfig {
            TrainConfig { accumulation, recompute_every, ..TrainConfig::default() }
        }

        /// The gradient of every parameter by name.
        fn by_name(decoder: &Decoder<B>, gradients: &StepGradients) -> Vec<(String, Vec<f32>)> {
            struct Values<'a> {
                grads: &'a GradientsParams,
                found: Vec<TensorData>,
            }
            impl ModuleVisitor<B> for Values<'_> {
                fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
                    let grad = self.grads.get::<Flex, D>(param.id).expect("every parameter has a gradient");
                    self.found.push(grad.into_data());
                }
            }
            let mut values = Values { grads: &gradients.grads, found: Vec::new() };
            decoder.visit(&mut values);
            let mut names = Vec::new();
            for_each_parameter(decoder, |name, _, _| names.push(name.to_owned()));
            names.into_iter().zip(values.found.iter().map(|data| data.iter::<f32>().collect())).collect()
        }

        #[test]
        fn layers_apart_give_the_gradients_of_one_graph() {
            for tied in [true, false] {
                let (decoder, documents) = (decoder(tied), documents());
                let batch = Batch::pack(&documents);
                let hidden = decoder.forward_packed(&batch.inputs, &Documents::new(&batch.offsets));
                let mut found = loss_of_normalised(&decoder, hidden, &batch).backward();
                let whole = GradientsParams::from_module(&mut found, &decoder);
                let whole = StepGradients {
                    loss: 0.0,
                    grad_norm: 0.0,
                    target_count: 0,
                    token_count: 0,
                    pair_count: 0,
                    grads: whole,
                    scale: 1.0,
                };
                let whole = by_name(&decoder, &whole);
                let documents: Vec<&Document> = documents.iter().collect();
                for (accumulation, recompute_every) in
                    [(1, 0), (1, 1), (1, 2), (1, 3), (1, 9), (3, 0), (6, 1)]
                {
                    let config = config(accumulation, recompute_every);
                    let apart = step_gradients(&decoder, &documents, &config);
                    for ((name, whole), (_, apart)) in whole.iter().zip(by_name(&decoder, &apart)) {
                        let largest = whole.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                        assert!(largest > 0.0, "{name} has no gradient");
                        for (whole, apart) in whole.iter().zip(apart) {
                            let difference = (whole - apart).abs() / largest;
                            let place = format!("{accumulation} parts, every {recompute_every}: {name}");
                            assert!(difference < 1e-5, "{place}: {apart} against {whole}");
                        }
                    }
                }
            }
        }

        /// One rounding of each number to 8 binary digits is off by 2e-3 of the whole, to 11 digits by 3e-4, and a gradient
        /// passes through some dozen of them.
        #[test]
        fn gradients_in_16_bits_are_near_those_in_f32() {
            for tied in [true, false] {
                let (decoder, documents) = (decoder(tied), documents());
                let documents: Vec<&Document> = documents.iter().collect();
                let of = |precision, loss_scale| {
                    let config = TrainConfig { precision, ..config(2, 2) };
                    let found = shared_step_gradients(&decoder, &documents, &config, loss_scale, &[]);
                    let scale = found.scale as f32;
                    let mut grads = by_name(&decoder, &found);
                    grads.iter_mut().flat_map(|(_, grad)| grad).for_each(|value| *value /= scale);
                    (found.loss, found.grad_norm, grads)
                };
                let (loss, norm, whole) = of(ActivationDtype::F32, None);
                for (precision, loss_scale, allowed) in
                    [(ActivationDtype::Bf16, None, 2e-2), (ActivationDtype::F16, Some(4096.0), 3e-3)]
                {
                    let (found_loss, found_norm, found) = of(precision, loss_scale);
                    assert!((found_loss - loss).abs() < allowed * loss, "{found_loss} against {loss}");
                    assert!((found_norm - norm).abs() < allowed * norm, "{found_norm} against {norm}");
                    for ((name, whole), (_, found)) in whole.iter().zip(&found) {
                        let square = |values: &mut dyn Iterator<Item = f32>| {
                            values.map(|value| f64::from(value).powi(2)).sum::<f64>()
                        };
                        let apart = square(&mut whole.iter().zip(found).map(|(a, b)| a - b));
                        let share = (apart / square(&mut whole.iter().copied())).sqrt();
                        assert!(share < allowed, "{name} in {precision:?} is {share} off");
                        assert!(share > 1e-6, "{name} in {precision:?} is computed in f32");
                    }
                }
            }
        }

        #[test]
        fn running_layers_again_changes_no_bit() {
            let (decoder, documents) = (decoder(true), documents());
            let documents: Vec<&Document> = documents.iter().collect();
            let kept = step_gradients(&decoder, &documents, &config(2, 0));
            for recompute_every in [1, 2, 4] {
                let again = step_gradients(&decoder, &documents, &config(2, recompute_every));
                assert_eq!(again.loss.to_bits(), kept.loss.to_bits());
                assert_eq!(by_name(&decoder, &again), by_name(&decoder, &kept));
            }
        }
    }
}
