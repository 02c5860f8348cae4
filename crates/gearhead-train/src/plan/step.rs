//! A step as memory sees it: what the forward pass keeps of each layer, what the backward pass takes and gives back. It
//! follows `gradients.rs` and the blocks of the kernels operation by operation.

use gearhead_kernels::{Heads, logit_rows};
use gearhead_model::ModelConfig;

use super::{
    ledger::{Held, Ledger, Reuse, Use},
    load::Load,
    parameters::{Frozen, Parameters},
};
use crate::gradients::segments;

/// Which implementation of the operations computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operations {
    /// Those written by hand for the CPU.
    Cpu,
    /// Those that are made of the backend's own.
    Portable,
}

/// A walk through steps.
pub(super) struct Walk<'a> {
    config: &'a ModelConfig,
    parameters: &'a Parameters,
    operations: Operations,
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

/// What is kept of a layer for its backward pass, beside its input.
struct Layer {
    qkv: Held,
    attended: Held,
    beside: Held,
    /// Between the blocks.
    middle: Held,
    gate_up: Held,
    output: Held,
    /// What adapters are given: the inputs of their layers.
    given: Vec<Held>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(config: &'a ModelConfig, parameters: &'a Parameters, operations: Operations) -> Self {
        let reuse = match operations {
            Operations::Cpu => Reuse::Places,
            Operations::Portable => Reuse::ForAnything,
        };
        Self { config, parameters, operations, heads: config.heads(), ledger: Ledger::new(reuse) }
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

    /// The loss of some documents.
    pub(super) fn evaluation(&mut self, load: Load) {
        let d_model = self.config.d_model;
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
    }

    /// What is brought to the host and turned into bytes while a model or a checkpoint is written.
    pub(super) fn writing(&mut self) {
        let largest = self.parameters.largest();
        let held = [(); 2].map(|()| self.ledger.take_aside(largest, Use::Workspace));
        self.ledger.give(held);
    }

    /// The optimizer's step: on the CPU it changes all in place, elsewhere what it computes stands beside that.
    pub(super) fn update(&mut self) {
        if self.operations == Operations::Portable {
            let largest = self.parameters.largest();
            let held = [(); 4].map(|()| self.ledger.take(largest, Use::Workspace));
            self.ledger.give(held);
        }
    }

    fn part(&mut self, load: Load, recompute_every: usize, gradients: &mut Gradients) {
        let d_model = self.config.d_model;
        let segments = segments(self.config.n_layers, recompute_every);
        let (last, earlier) = segments.split_last().expect("a decoder has a layer");
        let mut inputs = vec![self.take(load.tokens * d_model, Use::Activations)];
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
            gradients.embedding = Some(self.ledger.take_aside(self.parameters.table, Use::Gradients));
        }
        self.ledger.give(grad);
    }

    /// A layer of which only the output is kept.
    fn forgotten_layer(&mut self, load: Load) -> Held {
        let Layer { qkv, attended, beside, middle, gate_up, output, given } =
            self.forward(load, Use::Workspace);
        self.ledger.give([qkv, attended, beside, middle, gate_up]);
        self.ledger.give(given);
        output
    }

    fn kept_layer(&mut self, load: Load) -> Layer {
        self.forward(load, Use::Activations)
    }

    fn forward(&mut self, load: Load, by: Use) -> Layer {
        let Load { tokens, .. } = load;
        let (d_model, d_ff) = (self.config.d_model, self.config.d_ff);
        let mut given = Vec::new();
        let normed = self.take(tokens * d_model, Use::Workspace);
        let qkv = self.joined(tokens * self.heads.qkv_dim(), by);
        self.given(normed, &mut given);
        let attended = self.take(tokens * self.heads.q_dim(), by);
        let beside = self.take(self.beside_attention(load), by);
        let scores = self.attention_workspace(load, 2);
        self.ledger.give(scores);
        let middle = self.take(tokens * d_model, by);
        let normed = self.take(tokens * d_model, Use::Workspace);
        let gate_up = self.joined(tokens * 2 * d_ff, by);
        self.given(normed, &mut given);
        let active = self.take(tokens * d_ff, Use::Workspace);
        let output = self.take(tokens * d_model, by);
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
        let normed = self.take(all, Use::Workspace);
        let hidden = self.take(predicting, Use::Logits);
        self.ledger.give(normed);
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
        let pushed = self.pushed(predicting);
        self.ledger.give(hidden_grad);
        let rows = self.ledger.take_aside(all, Use::Workspace);
        self.ledger.give(pushed);
        let grad = self.take(all, Use::Workspace);
        self.ledger.give([rows, hidden]);
        grad
    }

    /// The backward pass of a layer, from the gradient of its output to that of its input.
    fn backward(&mut self, load: Load, layer: Layer, grad: Held, gradients: &mut Option<Vec<Held>>) -> Held {
        let Load { tokens, .. } = load;
        let (d_model, d_ff) = (self.config.d_model, self.config.d_ff);
        let Layer { qkv, attended, beside, middle, gate_up, output, given } = layer;
        let pushed = self.pushed(tokens * d_model);
        self.ledger.give([grad, output]);
        let parameters = self.parameters;

        let active_grad = self.take(tokens * d_ff, Use::Workspace);
        let gate_up_grad = self.take(tokens * 2 * d_ff, Use::Workspace);
        let active = self.take(tokens * d_ff, Use::Workspace);
        self.ledger.give([active_grad, active]);
        let normed = self.take(tokens * d_model, Use::Workspace);
        let mut found: Vec<Held> =
            parameters.mlp.iter().map(|numbers| self.take(*numbers, Use::Gradients)).collect();
        self.ledger.give(normed);
        let normed_grad = self.take(tokens * d_model, Use::Workspace);
        self.ledger.give(gate_up_grad);
        let middle_grad = self.take(tokens * d_model, Use::Workspace);
        self.ledger.give([normed_grad, pushed, gate_up, middle]);

        let attended_grad = self.take(tokens * self.heads.q_dim(), Use::Workspace);
        let qkv_grad = self.take(tokens * self.heads.qkv_dim(), Use::Workspace);
        let scores = self.attention_workspace(load, 3);
        self.ledger.give(scores);
        self.ledger.give(attended_grad);
        let normed = self.take(tokens * d_model, Use::Workspace);
        found.extend(parameters.attention.iter().map(|numbers| self.take(*numbers, Use::Gradients)));
        self.ledger.give(normed);
        let normed_grad = self.take(tokens * d_model, Use::Workspace);
        self.ledger.give(qkv_grad);
        let x_grad = self.take(tokens * d_model, Use::Workspace);
        self.ledger.give([normed_grad, middle_grad, qkv, attended, beside]);
        self.ledger.give(given);

        match gradients {
            Some(_) => self.ledger.give(found),
            None => *gradients = Some(found),
        }
        x_grad
    }

    /// The gradient that Burn makes of an inner product, which is what a backward pass begins with; two more of its size are
    /// there on the way.
    fn pushed(&mut self, numbers: usize) -> Held {
        let [pushed, first, second] = [(); 3].map(|()| self.ledger.take_aside(numbers, Use::Workspace));
        self.ledger.give([first, second]);
        pushed
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
            Operations::Cpu => 1,
            Operations::Portable => 4,
        };
        let mut logits: Vec<Held> = (0..copies).map(|_| self.take(numbers, Use::Logits)).collect();
        if self.parameters.frozen.as_ref().is_some_and(|frozen| !frozen.is_wide()) {
            logits.push(self.take(self.parameters.table, Use::Workspace));
        }
        logits
    }

    /// Numbers that attention keeps beside its output: one for each row of scores, or all probabilities.
    fn beside_attention(&self, load: Load) -> usize {
        match self.operations {
            Operations::Cpu => load.tokens * self.heads.n_heads,
            Operations::Portable => scores(self.heads, load),
        }
    }

    /// What attention needs on the way: by hand a strip of scores for each thread, which is next to nothing; else so many
    /// times all scores, and queries, keys and values spread over them.
    fn attention_workspace(&mut self, load: Load, times: usize) -> Vec<Held> {
        if self.operations == Operations::Cpu {
            return Vec::new();
        }
        let spread = 4 * load.documents * load.longest * self.heads.q_dim();
        vec![self.take(times * scores(self.heads, load) + spread, Use::Workspace)]
    }

    /// The results of several weights in one row, which are made apart where that is not done in place, from weights that are
    /// widened one at a time.
    fn joined(&mut self, numbers: usize, by: Use) -> Held {
        let widened = self.parameters.frozen.as_ref().map_or(0, Frozen::widened);
        let widened = self.take(widened, Use::Workspace);
        self.ledger.give(widened);
        let is_apart = self.operations == Operations::Portable || self.parameters.frozen.is_some();
        let apart = is_apart.then(|| self.take(numbers, Use::Workspace));
        let joined = self.take(numbers, by);
        self.ledger.give(apart);
        joined
    }

    fn take(&mut self, numbers: usize, by: Use) -> Held {
        self.ledger.take(numbers, by)
    }
}

/// Scores of every token for every other in documents that are padded to the longest.
fn scores(heads: Heads, load: Load) -> usize {
    load.documents * heads.n_heads * load.longest * load.longest
}
