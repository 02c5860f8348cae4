//! A step as memory sees it: what the forward pass keeps of each layer, what the backward pass takes and gives back. It
//! follows `gradients.rs` and the blocks of the kernels operation by operation.
//!
//! In 16 bits, the operations by hand make f32 of some rows at a time, and attention of the head that each thread is at, which is
//! little, but for products: these make f32 of all that they are given and round what they made, or, where the CPU has a matrix unit and the 16 bits are bf16, pack
//! copies in bf16 of both sides. The portable operations make f32 of what they are given but for products, which make 16 bits of
//! a weight.

use gearhead_kernels::{Heads, logit_rows};
use gearhead_model::ModelConfig;

use super::{
    ledger::{Held, Ledger, Reuse, Use},
    load::Load,
    parameters::{Frozen, Parameters},
};
use crate::{gradients::segments, precision::ActivationDtype};

/// Which implementation of the operations computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operations {
    /// Those written by hand for the CPU.
    Cpu {
        /// Whether it multiplies bf16 by a matrix unit.
        matrix_unit: bool,
    },
    /// Those that are made of the backend's own.
    Portable,
}

/// A walk through steps.
pub(super) struct Walk<'a> {
    config: &'a ModelConfig,
    parameters: &'a Parameters,
    operations: Operations,
    activations: ActivationDtype,
    heads: Heads,
    ledger: Ledger,
}

/// The gradients of a step so far.
#[derive(Default)]
struct Gradients {
    output: Option<Held>,
    embedding: Option<Held>,
    layers: Vec<Option<Vec<Held>>>,
}

/// A product of what tokens are with a weight, or several that are joined.
struct Product {
    /// Numbers that are multiplied.
    given: usize,
    /// Numbers that the result is added to.
    residual: usize,
    /// Numbers of the largest weight.
    largest_weight: usize,
    /// Numbers of the weights that are multiplied at the same time.
    weights: usize,
    made: usize,
}

/// What is kept of a layer for its backward pass, beside its input.
struct Layer {
    qkv: Held,
    attended: Held,
    beside: Option<Held>,
    /// Between the blocks.
    middle: Held,
    gate_up: Held,
    output: Held,
    /// What adapters are given: the inputs of their layers.
    given: Vec<Held>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        config: &'a ModelConfig,
        parameters: &'a Parameters,
        operations: Operations,
        activations: ActivationDtype,
    ) -> Self {
        let reuse = match operations {
            Operations::Cpu { .. } => Reuse::Places,
            Operations::Portable => Reuse::ForAnything,
        };
        let (heads, ledger) = (config.heads(), Ledger::new(reuse));
        Self { config, parameters, operations, activations, heads, ledger }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The gradients of a step, part by part.
    pub(super) fn gradients(&mut self, parts: &[Load], recompute_every: usize) {
        let layers = (0..self.config.n_layers).map(|_| None).collect();
        let mut gradients = Gradients { layers, ..Gradients::default() };
        for load in parts.iter().filter(|load| load.targets > 0) {
            self.part(*load, recompute_every, &mut gradients);
        }
        self.ledger.give(gradients.output);
        self.ledger.give(gradients.embedding);
        gradients.layers.into_iter().flatten().for_each(|layer| self.ledger.give(layer));
    }

    /// The loss of some documents, which is computed in f32.
    pub(super) fn evaluation(&mut self, load: Load) {
        let d_model = self.config.d_model;
        let activations = std::mem::replace(&mut self.activations, ActivationDtype::F32);
        let mut x = self.take(load.tokens * d_model, Use::Workspace);
        for _ in 0..self.config.n_layers {
            let made = self.forgotten_layer(load);
            self.ledger.give(std::mem::replace(&mut x, made));
        }
        let normed = self.take(load.tokens * d_model, Use::Workspace);
        self.ledger.give(x);
        let predicting = self.take(load.targets * d_model, Use::Logits);
        self.ledger.give(normed);
        let logits = self.logits(load);
        self.ledger.give(logits);
        self.ledger.give(predicting);
        self.activations = activations;
    }

    /// What is brought to the host and turned into bytes while a model or a checkpoint is written.
    pub(super) fn writing(&mut self) {
        let largest = self.parameters.largest();
        let held = [(); 2].map(|()| self.take_aside(largest, Use::Workspace));
        self.ledger.give(held);
    }

    /// The optimizer's step: on the CPU it changes all in place, elsewhere what it computes stands beside that.
    pub(super) fn update(&mut self) {
        if self.operations == Operations::Portable {
            let largest = self.parameters.largest();
            let held = [(); 4].map(|()| self.take(largest, Use::Workspace));
            self.ledger.give(held);
        }
    }

    fn part(&mut self, load: Load, recompute_every: usize, gradients: &mut Gradients) {
        let d_model = self.config.d_model;
        let segments = segments(self.config.n_layers, recompute_every);
        let (last, earlier) = segments.split_last().expect("a decoder has a layer");
        let mut inputs = vec![self.of_activations(load.tokens * d_model, Use::Activations)];
        for segment in earlier {
            let mut x = None;
            for _ in segment.clone() {
                let made = self.forgotten_layer(load);
                self.ledger.give(x.replace(made));
            }
            inputs.extend(x);
        }
        let mut layers: Vec<(usize, Layer)> =
            last.clone().map(|index| (index, self.kept_layer(load))).collect();
        let mut grad = self.head(load, gradients);
        let mut earlier = earlier.iter().rev();
        loop {
            while let Some((index, layer)) = layers.pop() {
                grad = self.backward(load, layer, grad, &mut gradients.layers[index]);
            }
            self.ledger.give(inputs.pop());
            let Some(segment) = earlier.next() else { break };
            layers.extend(segment.clone().map(|index| (index, self.kept_layer(load))));
        }
        let is_trained = self.parameters.frozen.is_none();
        if is_trained && !self.parameters.is_tied && gradients.embedding.is_none() {
            // Zeros are made by Burn, and its memory goes back to the system.
            gradients.embedding = Some(self.take_aside(self.parameters.table, Use::Gradients));
        }
        if is_trained && self.operations == Operations::Portable {
            let widened = self.widened(load.tokens * d_model);
            self.ledger.give(widened);
        }
        self.ledger.give(grad);
    }

    /// A layer of which only the output is kept.
    fn forgotten_layer(&mut self, load: Load) -> Held {
        let Layer { qkv, attended, beside, middle, gate_up, output, given } =
            self.forward(load, Use::Workspace);
        self.ledger.give([qkv, attended, middle, gate_up]);
        self.ledger.give(beside);
        self.ledger.give(given);
        output
    }

    fn kept_layer(&mut self, load: Load) -> Layer {
        self.forward(load, Use::Activations)
    }

    fn forward(&mut self, load: Load, by: Use) -> Layer {
        let Load { tokens, .. } = load;
        let (d_model, d_ff) = (self.config.d_model, self.config.d_ff);
        let (q_dim, qkv_dim) = (self.heads.q_dim(), self.heads.qkv_dim());
        let mut given = Vec::new();
        let normed = self.made(tokens * d_model, tokens * d_model, Use::Workspace);
        let qkv = self.joined(tokens * d_model, q_dim * d_model, tokens * qkv_dim, by);
        self.given(normed, &mut given);
        let qkv = self.turned(qkv, tokens * qkv_dim, by);
        let attended = self.made(tokens * qkv_dim, tokens * q_dim, by);
        let beside = self.beside_attention(load, by);
        let scores = self.attention_workspace(load, 2);
        self.ledger.give(scores);
        let middle = self.added(tokens, [q_dim, d_model], by);
        let normed = self.made(tokens * d_model, tokens * d_model, Use::Workspace);
        let gate_up = self.joined(tokens * d_model, d_ff * d_model, tokens * 2 * d_ff, by);
        self.given(normed, &mut given);
        let active = self.made(tokens * 2 * d_ff, tokens * d_ff, Use::Workspace);
        let output = self.added(tokens, [d_ff, d_model], by);
        self.given(active, &mut given);
        Layer { qkv, attended, beside, middle, gate_up, output, given }
    }

    /// What linear layers were given is kept for their adapters.
    fn given(&mut self, held: Held, given: &mut Vec<Held>) {
        if self.parameters.frozen.is_some() { given.push(held) } else { self.ledger.give(held) }
    }

    /// The gradient for what the last layer made.
    fn head(&mut self, load: Load, gradients: &mut Gradients) -> Held {
        let (all, predicting) = (load.tokens * self.config.d_model, load.targets * self.config.d_model);
        let normed = self.made(all, all, Use::Workspace);
        let hidden = self.of_activations(predicting, Use::Logits);
        self.ledger.give(normed);
        let widened = if self.has_unit() { None } else { self.widened(predicting) };
        let hidden_grad = self.take(predicting, Use::Logits);
        let logits = if self.parameters.frozen.is_none() {
            let found = self.take(self.parameters.table, Use::Gradients);
            let logits = self.logits(load);
            self.sum(&mut gradients.output, found);
            logits
        } else {
            self.logits(load)
        };
        self.ledger.give(logits);
        let hidden_grad = self.rounded(hidden_grad, predicting, Use::Logits);
        self.ledger.give(widened);
        let rows = self.activations_aside(all);
        let rows = if self.is_narrow() && self.is_by_hand() {
            // Added up in f32.
            let wide = self.take(all, Use::Workspace);
            self.ledger.give(rows);
            self.rounded(wide, all, Use::Workspace)
        } else {
            let widened = self.widened(all + predicting);
            self.ledger.give(widened);
            rows
        };
        self.ledger.give(hidden_grad);
        let grad = self.made(all, all, Use::Workspace);
        self.ledger.give([rows, hidden]);
        grad
    }

    /// The backward pass of a layer, from the gradient of its output to that of its input.
    fn backward(&mut self, load: Load, layer: Layer, grad: Held, gradients: &mut Option<Vec<Held>>) -> Held {
        let Load { tokens, .. } = load;
        let (d_model, d_ff) = (self.config.d_model, self.config.d_ff);
        let Layer { qkv, attended, beside, middle, gate_up, output, given } = layer;
        self.ledger.give(output);
        let parameters = self.parameters;

        let (q_dim, qkv_dim) = (self.heads.q_dim(), self.heads.qkv_dim());
        let active_grad = self.input_grad(tokens, [d_model; 2], d_ff);
        let gate_up_grad = self.made(tokens * 3 * d_ff, tokens * 2 * d_ff, Use::Workspace);
        let active = self.made(0, tokens * d_ff, Use::Workspace);
        self.ledger.give([active_grad, active]);
        let normed = self.made(tokens * d_model, tokens * d_model, Use::Workspace);
        let widened = self.for_weight_grads(tokens, [2 * d_ff, d_ff], d_model);
        let mut found: Vec<Held> =
            parameters.mlp.iter().map(|numbers| self.take(*numbers, Use::Gradients)).collect();
        self.ledger.give(widened);
        self.ledger.give(normed);
        let normed_grad = self.input_grad(tokens, [2 * d_ff, d_ff], d_model);
        self.ledger.give(gate_up_grad);
        let middle_grad = self.made(tokens * 3 * d_model, tokens * d_model, Use::Workspace);
        self.ledger.give([normed_grad, grad, gate_up, middle]);

        let attended_grad = self.input_grad(tokens, [d_model; 2], q_dim);
        let qkv_grad = self.made(tokens * (qkv_dim + 2 * q_dim), tokens * qkv_dim, Use::Workspace);
        let scores = self.attention_workspace(load, 3);
        self.ledger.give(scores);
        self.ledger.give(attended_grad);
        let qkv_grad = self.turned(qkv_grad, tokens * qkv_dim, Use::Workspace);
        let normed = self.made(tokens * d_model, tokens * d_model, Use::Workspace);
        let widened = self.for_weight_grads(tokens, [qkv_dim, q_dim], d_model);
        found.extend(parameters.attention.iter().map(|numbers| self.take(*numbers, Use::Gradients)));
        self.ledger.give(widened);
        self.ledger.give(normed);
        let normed_grad = self.input_grad(tokens, [qkv_dim, q_dim], d_model);
        self.ledger.give(qkv_grad);
        let x_grad = self.made(tokens * 3 * d_model, tokens * d_model, Use::Workspace);
        self.ledger.give([normed_grad, middle_grad, qkv, attended]);
        self.ledger.give(beside);
        self.ledger.give(given);

        match gradients {
            Some(_) => self.ledger.give(found),
            None => *gradients = Some(found),
        }
        x_grad
    }

    fn sum(&mut self, sum: &mut Option<Held>, found: Held) {
        match sum {
            Some(_) => self.ledger.give(found),
            None => *sum = Some(found),
        }
    }

    /// The logits of some rows at a time. What is made of them stands beside them where that is not done in place.
    fn logits(&mut self, load: Load) -> Vec<Held> {
        let vocab_size = self.config.vocab_size;
        let numbers = logit_rows(vocab_size).min(load.targets) * vocab_size;
        let copies = match self.operations {
            Operations::Cpu { .. } => 1,
            Operations::Portable => 4,
        };
        let mut logits: Vec<Held> = (0..copies).map(|_| self.take(numbers, Use::Logits)).collect();
        if self.parameters.frozen.as_ref().is_some_and(|frozen| !frozen.is_wide()) {
            logits.push(self.take(self.parameters.table, Use::Workspace));
        } else if self.operations == Operations::Portable && self.is_narrow() {
            logits.push(self.of_activations(self.parameters.table, Use::Workspace));
        }
        if self.has_unit() {
            // The weight in either direction, and what is multiplied with it.
            let packed = [self.parameters.table, self.parameters.table, numbers];
            logits.extend(packed.map(|numbers| self.of_activations(numbers, Use::Workspace)));
        }
        logits
    }

    /// What attention keeps beside its output: by hand a number for each row of scores.
    fn beside_attention(&mut self, load: Load, by: Use) -> Option<Held> {
        self.is_by_hand().then(|| self.take(load.tokens * self.heads.n_heads, by))
    }

    /// What attention needs on the way: by hand a strip of scores for each thread, which is next to nothing; else so many
    /// times all scores, and queries, keys and values spread over them.
    fn attention_workspace(&mut self, load: Load, times: usize) -> Vec<Held> {
        if self.is_by_hand() {
            return Vec::new();
        }
        let spread = 4 * load.documents * load.longest * self.heads.q_dim();
        vec![self.take(times * scores(self.heads, load) + spread, Use::Workspace)]
    }

    /// The results of several weights in one row, which are made apart where that is not done in place, from weights that are
    /// widened one at a time.
    fn joined(&mut self, given: usize, weight: usize, made: usize, by: Use) -> Held {
        let widened = self.parameters.frozen.as_ref().map_or(0, Frozen::widened);
        let widened = self.take(widened, Use::Workspace);
        self.ledger.give(widened);
        let is_apart = self.operations == Operations::Portable || self.parameters.frozen.is_some();
        let apart = is_apart.then(|| self.of_activations(made, Use::Workspace));
        let joined =
            self.product(&Product { given, residual: 0, largest_weight: weight, weights: weight, made }, by);
        self.ledger.give(apart);
        joined
    }

    /// What a product with a weight, `[out, in]`, is added to makes.
    fn added(&mut self, tokens: usize, [inner, out]: [usize; 2], by: Use) -> Held {
        let weight = inner * out;
        let (given, made) = (tokens * inner, tokens * out);
        self.product(&Product { given, residual: made, largest_weight: weight, weights: weight, made }, by)
    }

    /// The gradient for what some weights were multiplied with, that have so many results for each token together and the largest of
    /// them so many.
    fn input_grad(&mut self, tokens: usize, [out, largest]: [usize; 2], inner: usize) -> Held {
        let product = Product {
            given: tokens * out,
            residual: 0,
            largest_weight: largest * inner,
            weights: out * inner,
            made: tokens * inner,
        };
        self.product(&product, Use::Workspace)
    }

    /// What is there while gradients of weights are computed: of weights that stand side by side, with so many results for
    /// each token and the largest of them with so many.
    fn for_weight_grads(&mut self, tokens: usize, [all, largest]: [usize; 2], inner: usize) -> Option<Held> {
        if self.has_unit() {
            return Some(self.of_activations(tokens * (largest + inner), Use::Workspace));
        }
        self.widened(tokens * (all + inner))
    }

    /// What an operation makes of numbers that it is given.
    fn made(&mut self, given: usize, numbers: usize, by: Use) -> Held {
        if self.is_by_hand() || !self.is_narrow() {
            return self.of_activations(numbers, by);
        }
        let wide = self.take(given, Use::Workspace);
        let made = self.take(numbers, Use::Workspace);
        let made = self.rounded(made, numbers, by);
        self.ledger.give(wide);
        made
    }

    fn product(&mut self, product: &Product, by: Use) -> Held {
        let Product { given, residual, largest_weight, weights, made } = *product;
        if !self.is_narrow() {
            return self.take(made, by);
        }
        if self.is_by_hand() && !self.has_unit() {
            let wide = self.take(given + residual, Use::Workspace);
            let made_wide = self.take(made, Use::Workspace);
            let made = self.rounded(made_wide, made, by);
            self.ledger.give(wide);
            return made;
        }
        let copies = if self.has_unit() { given + weights } else { largest_weight };
        let made = self.of_activations(made, by);
        let copies = self.of_activations(copies, Use::Workspace);
        self.ledger.give(copies);
        made
    }

    /// What is changed in place by hand, and in place of what it was made of else.
    fn turned(&mut self, held: Held, numbers: usize, by: Use) -> Held {
        if self.is_by_hand() || !self.is_narrow() {
            return held;
        }
        let wide = self.take(numbers, Use::Workspace);
        self.ledger.give(held);
        self.rounded(wide, numbers, by)
    }

    /// What is made of numbers in f32, which are given back.
    fn rounded(&mut self, wide: Held, numbers: usize, by: Use) -> Held {
        if !self.is_narrow() {
            return wide;
        }
        let narrow = self.of_activations(numbers, by);
        self.ledger.give(wide);
        narrow
    }

    /// Numbers of 16 bits that stand in f32 too for a while.
    fn widened(&mut self, numbers: usize) -> Option<Held> {
        self.is_narrow().then(|| self.take(numbers, Use::Workspace))
    }

    fn is_by_hand(&self) -> bool {
        matches!(self.operations, Operations::Cpu { .. })
    }

    /// Whether activations are multiplied by the matrix unit of the CPU.
    fn has_unit(&self) -> bool {
        self.operations == Operations::Cpu { matrix_unit: true } && self.activations == ActivationDtype::Bf16
    }

    fn is_narrow(&self) -> bool {
        self.activations != ActivationDtype::F32
    }

    fn of_activations(&mut self, numbers: usize, by: Use) -> Held {
        self.ledger.take(self.activations.bytes() * numbers as u64, by)
    }

    fn activations_aside(&mut self, numbers: usize) -> Held {
        self.ledger.take_aside(self.activations.bytes() * numbers as u64, Use::Workspace)
    }

    fn take(&mut self, numbers: usize, by: Use) -> Held {
        self.ledger.take(4 * numbers as u64, by)
    }

    fn take_aside(&mut self, numbers: usize, by: Use) -> Held {
        self.ledger.take_aside(4 * numbers as u64, by)
    }
}

/// Scores of every token for every other in documents that are padded to the longest.
fn scores(heads: Heads, load: Load) -> usize {
    load.documents * heads.n_heads * load.longest * load.longest
}
