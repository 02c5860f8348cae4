//! Attention over a cache: prompts, single tokens, sequences of different lengths, a beginning in common.

use burn::tensor::{DType, Tensor, TensorData};
use gearhead_kernels::{AutodiffKernels, CacheTensor, Heads, SharedPrefix, Span, cached_attention, set_slot};

use super::{At, Operation};
use crate::{
    numbers::{Numbers, Outcome},
    tolerances::Quantity,
};

const HEADS: Heads = Heads { n_heads: 4, n_kv_heads: 2, d_head: 18 };
const SLOTS: usize = 5;
const CAPACITY: usize = 40;
const PREFIX: usize = 21;

pub(super) fn operations<B: AutodiffKernels>() -> Vec<Operation<B>> {
    vec![
        Operation::new("cached attention", |at| cached_attention_of(at, None, false)),
        Operation::new("cached attention after a prefix", |at| cached_attention_of(at, None, true)),
        Operation::new("cached attention, stored in f16", |at| {
            cached_attention_of(at, Some(DType::F16), true)
        })
        .storing(DType::F16)
        .compared(Quantity::StoredIn16Bits),
        Operation::new("cached attention, stored in 8 bits", |at| {
            cached_attention_of(at, Some(DType::I8), true)
        })
        .storing(DType::I8)
        .compared(Quantity::StoredIn8Bits),
        Operation::new("set_slot", |at| set_slot_of(at, None)),
        Operation::new("set_slot, stored in f16", |at| set_slot_of(at, Some(DType::F16)))
            .storing(DType::F16)
            .compared(Quantity::StoredIn16Bits),
        Operation::new("set_slot, stored in 8 bits", |at| set_slot_of(at, Some(DType::I8)))
            .storing(DType::I8)
            .compared(Quantity::StoredIn8Bits),
    ]
}

/// A prompt into an empty slot, single tokens of neighbours and of others, and more of a prompt behind what is there.
const SPANS: [Span; 5] = [
    Span { slot: 0, len: 0, new: 13 },
    Span { slot: 1, len: 7, new: 1 },
    Span { slot: 2, len: 7, new: 1 },
    Span { slot: 4, len: 30, new: 1 },
    Span { slot: 3, len: 12, new: 6 },
];

/// Keys or values.
fn cache_of<B: AutodiffKernels>(
    at: &At<'_, B>,
    stored: Option<DType>,
    [slots, capacity]: [usize; 2],
    phase: f64,
) -> CacheTensor<B::InnerBackend> {
    let shape = [slots, HEADS.n_kv_heads, capacity, HEADS.d_head];
    let count = shape.iter().product::<usize>();
    let data: Vec<f64> = (0..count).map(|index| (0.9 * index as f64 + phase).sin()).collect();
    let data = TensorData::new(data, shape).convert_dtype(at.inputs);
    let part = Tensor::from_data(data.convert_dtype(at.computed), (at.device, at.computed));
    CacheTensor::new(part, stored.unwrap_or(at.computed))
}

/// What is stored.
fn numbers<B: AutodiffKernels>(at: &At<'_, B>, part: CacheTensor<B::InnerBackend>) -> Numbers {
    Numbers::of(part.load(at.computed))
}

fn set_slot_of<B: AutodiffKernels>(at: &At<'_, B>, stored: Option<DType>) -> Outcome {
    let (cache, other) =
        (cache_of(at, stored, [SLOTS, CAPACITY], 0.3), cache_of(at, stored, [1, PREFIX], 0.1));
    vec![("cache", numbers(at, set_slot(cache, 3, other, PREFIX - 2)))]
}

fn cached_attention_of<B: AutodiffKernels>(
    at: &At<'_, B>,
    stored: Option<DType>,
    has_prefix: bool,
) -> Outcome {
    let n: usize = SPANS.iter().map(|span| span.new).sum();
    let cache = |slots, capacity, phase| cache_of(at, stored, [slots, capacity], phase);
    let prefix = has_prefix
        .then(|| SharedPrefix { cache: [cache(1, CAPACITY, 0.1), cache(1, CAPACITY, 0.2)], len: PREFIX });
    let own = [cache(SLOTS, CAPACITY, 0.3), cache(SLOTS, CAPACITY, 0.4)];
    let qkv = at.tensor([n, HEADS.qkv_dim()], 0.0);
    let (output, [keys, values]) = cached_attention(qkv, own, prefix, &SPANS, HEADS);
    vec![("output", Numbers::of(output)), ("keys", numbers(at, keys)), ("values", numbers(at, values))]
}
