//! What a model is trained with: blocks, their parts, the output layer, sums.

use burn::tensor::Tensor;
use gearhead_kernels::{
    AttentionWeights, AutodiffKernels, Documents, Heads, MlpWeights, OutputWeight, RopeTable, add_rows,
    attention_block, embedding, linear, linear_add, linear_cross_entropy, linear_cross_entropy_with_grads,
    log_probs, mlp_block, packed_attention, rms_norm, rope, sum_of_squares, swiglu,
};

use super::{At, Operation};
use crate::{
    numbers::{Numbers, Outcome},
    tolerances::Quantity,
};

/// Over the edges of tiles and groups of threads, whichever they are.
const D_MODEL: usize = 72;
const D_FF: usize = 100;
/// Groups of heads that share a key.
const HEADS: Heads = Heads { n_heads: 4, n_kv_heads: 2, d_head: 18 };

pub(super) fn operations<B: AutodiffKernels>() -> Vec<Operation<B>> {
    vec![
        Operation::new("attention block", |at| attention_block_of(at, Weights::OfActivations))
            .compared(Quantity::Block),
        Operation::new("attention block, weights of f32", |at| attention_block_of(at, Weights::Master))
            .compared(Quantity::Block)
            .only_in_16_bits(),
        Operation::new("feed-forward block", |at| mlp_block_of(at, Weights::OfActivations))
            .compared(Quantity::Block),
        Operation::new("feed-forward block, weights of f32", |at| mlp_block_of(at, Weights::Master))
            .compared(Quantity::Block)
            .only_in_16_bits(),
        Operation::new("packed attention", packed_attention_of),
        Operation::new("rms_norm", |at| rms_norm_of(at, Weights::OfActivations)),
        Operation::new("rms_norm, weight of f32", |at| rms_norm_of(at, Weights::Master)).only_in_16_bits(),
        Operation::new("rope", rope_of),
        Operation::new("swiglu", swiglu_of),
        Operation::new("linear", |at| linear_of(at, Weights::OfActivations, 37, 72, 100)),
        Operation::new("linear, weights of f32", |at| linear_of(at, Weights::Master, 37, 72, 100))
            .only_in_16_bits(),
        Operation::new("linear, one token", |at| linear_of(at, Weights::OfActivations, 1, 384, 513)),
        Operation::new("linear, many tokens", |at| linear_of(at, Weights::OfActivations, 520, 130, 257)),
        Operation::new("linear_add", |at| linear_add_of(at, Weights::OfActivations)),
        Operation::new("linear_add, weight of f32", |at| linear_add_of(at, Weights::Master))
            .only_in_16_bits(),
        Operation::new("embedding", embedding_of),
        Operation::new("add_rows", |at| add_rows_of(at, Weights::OfActivations)),
        Operation::new("add_rows, table of f32", |at| add_rows_of(at, Weights::Master))
            .compared(Quantity::Sum)
            .only_in_16_bits(),
        Operation::new("linear_cross_entropy", |at| cross_entropy_of(at, 37, 72, 301)),
        Operation::new("linear_cross_entropy, two chunks", |at| cross_entropy_of(at, 90, 8, 50_000))
            .compared(Quantity::LargeVocabulary),
        Operation::new("linear_cross_entropy_with_grads", |at| {
            cross_entropy_with_grads_of(at, Weights::OfActivations)
        }),
        Operation::new("linear_cross_entropy_with_grads, weight of f32", |at| {
            cross_entropy_with_grads_of(at, Weights::Master)
        })
        .only_in_16_bits(),
        Operation::new("log_probs", log_probs_of).compared(Quantity::Sum),
        Operation::new("sum_of_squares", sum_of_squares_of).compared(Quantity::Sum),
    ]
}

/// One of a single token, an empty one, one longer than the others.
fn documents() -> Documents {
    Documents::new(&[0, 9, 10, 10, 33, 37])
}

fn table<B: AutodiffKernels>(at: &At<'_, B>) -> RopeTable<B> {
    let frequencies: Vec<f32> = (0..HEADS.d_head / 2).map(|pair| 0.5_f32.powi(pair as i32)).collect();
    let RopeTable { cos, sin } = RopeTable::<B>::new(&documents().positions(), &frequencies, at.device);
    let exact = |part: Tensor<B, 2>| Tensor::from_inner(at.exact(part.into_data()));
    RopeTable { cos: exact(cos), sin: exact(sin) }
}

/// In which numbers the weights of an operation are.
#[derive(Clone, Copy)]
enum Weights {
    OfActivations,
    /// In f32, where activations are of 16 bits.
    Master,
}

impl Weights {
    fn leaf<B: AutodiffKernels, const D: usize>(
        self,
        at: &At<'_, B>,
        shape: [usize; D],
        phase: f64,
    ) -> Tensor<B, D> {
        match self {
            Self::OfActivations => at.leaf(shape, phase),
            Self::Master => at.master(shape, phase),
        }
    }
}

fn attention_block_of<B: AutodiffKernels>(at: &At<'_, B>, of: Weights) -> Outcome {
    let documents = documents();
    let (q_dim, kv_dim) = (HEADS.q_dim(), HEADS.kv_dim());
    let x = at.leaf([documents.token_count(), D_MODEL], 0.0);
    let weights = AttentionWeights {
        norm: of.leaf(at, [D_MODEL], 1.0),
        q: of.leaf(at, [q_dim, D_MODEL], 2.0),
        k: of.leaf(at, [kv_dim, D_MODEL], 3.0),
        v: of.leaf(at, [kv_dim, D_MODEL], 4.0),
        output: of.leaf(at, [D_MODEL, q_dim], 5.0),
    };
    let y = attention_block(x.clone(), weights.clone(), HEADS, &table(at), &documents, 1e-5);
    at.differentiated(y)
        .grad("dx", &x)
        .grad("dnorm", &weights.norm)
        .grad("dq", &weights.q)
        .grad("dk", &weights.k)
        .grad("dv", &weights.v)
        .grad("doutput", &weights.output)
        .outcome
}

fn mlp_block_of<B: AutodiffKernels>(at: &At<'_, B>, of: Weights) -> Outcome {
    let x = at.leaf([37, D_MODEL], 0.0);
    let weights = MlpWeights {
        norm: of.leaf(at, [D_MODEL], 1.0),
        gate: of.leaf(at, [D_FF, D_MODEL], 2.0),
        up: of.leaf(at, [D_FF, D_MODEL], 3.0),
        down: of.leaf(at, [D_MODEL, D_FF], 4.0),
    };
    let y = mlp_block(x.clone(), weights.clone(), 1e-5);
    at.differentiated(y)
        .grad("dx", &x)
        .grad("dnorm", &weights.norm)
        .grad("dgate", &weights.gate)
        .grad("dup", &weights.up)
        .grad("ddown", &weights.down)
        .outcome
}

fn packed_attention_of<B: AutodiffKernels>(at: &At<'_, B>) -> Outcome {
    let documents = documents();
    let qkv = at.leaf([documents.token_count(), HEADS.qkv_dim()], 0.0);
    let y = packed_attention(qkv.clone(), HEADS, &documents);
    at.differentiated(y).grad("dqkv", &qkv).outcome
}

fn rms_norm_of<B: AutodiffKernels>(at: &At<'_, B>, of: Weights) -> Outcome {
    let (x, weight) = (at.leaf([37, D_MODEL], 0.0), of.leaf(at, [D_MODEL], 1.0));
    let y = rms_norm(x.clone(), weight.clone(), 1e-5);
    at.differentiated(y).grad("dx", &x).grad("dweight", &weight).outcome
}

fn rope_of<B: AutodiffKernels>(at: &At<'_, B>) -> Outcome {
    let x = at.leaf([documents().token_count(), HEADS.qkv_dim()], 0.0);
    at.differentiated(rope(x.clone(), &table(at), HEADS.turned())).grad("dx", &x).outcome
}

fn swiglu_of<B: AutodiffKernels>(at: &At<'_, B>) -> Outcome {
    let gate_up = at.leaf([37, 2 * D_FF], 0.0);
    at.differentiated(swiglu(gate_up.clone())).grad("dgate_up", &gate_up).outcome
}

fn linear_of<B: AutodiffKernels>(at: &At<'_, B>, of: Weights, n: usize, inner: usize, out: usize) -> Outcome {
    let x = at.leaf([n, inner], 0.0);
    let (first, second) = (of.leaf(at, [out, inner], 1.0), of.leaf(at, [7, inner], 2.0));
    let y = linear(x.clone(), vec![first.clone(), second.clone()]);
    at.differentiated(y).grad("dx", &x).grad("dfirst", &first).grad("dsecond", &second).outcome
}

fn linear_add_of<B: AutodiffKernels>(at: &At<'_, B>, of: Weights) -> Outcome {
    let (x, weight) = (at.leaf([37, D_FF], 0.0), of.leaf(at, [D_MODEL, D_FF], 1.0));
    let residual = at.leaf([37, D_MODEL], 2.0);
    let y = linear_add(x.clone(), weight.clone(), residual.clone());
    at.differentiated(y).grad("dx", &x).grad("dweight", &weight).grad("dresidual", &residual).outcome
}

fn embedding_of<B: AutodiffKernels>(at: &At<'_, B>) -> Outcome {
    let table = at.leaf([50, D_MODEL], 0.0);
    at.differentiated(embedding(table.clone(), at.ids(137, 50))).grad("dtable", &table).outcome
}

fn add_rows_of<B: AutodiffKernels>(at: &At<'_, B>, of: Weights) -> Outcome {
    let (table, rows) = (of.leaf(at, [50, D_MODEL], 0.0).inner(), at.tensor([137, D_MODEL], 1.0));
    vec![("table", Numbers::of(add_rows(table, at.ids(137, 50), rows)))]
}

fn cross_entropy_of<B: AutodiffKernels>(at: &At<'_, B>, n: usize, d_model: usize, vocab: usize) -> Outcome {
    let (hidden, weight) = (at.leaf([n, d_model], 0.0), at.leaf([vocab, d_model], 1.0));
    let loss = linear_cross_entropy(hidden.clone(), weight.clone(), at.ids(n, vocab));
    at.differentiated(loss).grad("dhidden", &hidden).grad("dweight", &weight).outcome
}

fn cross_entropy_with_grads_of<B: AutodiffKernels>(at: &At<'_, B>, of: Weights) -> Outcome {
    let (hidden, weight) = (at.tensor([37, D_MODEL], 0.0), of.leaf(at, [301, D_MODEL], 1.0).inner());
    let compute = |output| {
        linear_cross_entropy_with_grads(hidden.clone(), weight.clone(), at.ids(37, 301), output, 8.0)
    };
    let (loss, hidden_grad, weight_grad) = compute(OutputWeight::Trained);
    let (frozen_loss, frozen_hidden_grad, none) = compute(OutputWeight::Frozen);
    assert!(none.is_none(), "a weight that is not trained has no gradient");
    vec![
        ("loss", Numbers::of(loss)),
        ("dhidden", Numbers::of(hidden_grad)),
        ("dweight", Numbers::of(weight_grad.expect("the weight is trained"))),
        ("loss without dweight", Numbers::of(frozen_loss)),
        ("dhidden without dweight", Numbers::of(frozen_hidden_grad)),
    ]
}

fn log_probs_of<B: AutodiffKernels>(at: &At<'_, B>) -> Outcome {
    vec![("log-probabilities", Numbers::of(log_probs(at.tensor([37, 301], 0.0), at.ids(37, 301))))]
}

fn sum_of_squares_of<B: AutodiffKernels>(at: &At<'_, B>) -> Outcome {
    vec![("sum", Numbers::of(sum_of_squares(at.tensor([70, 130], 0.0))))]
}
