//! Attention of new tokens over a cache of keys and values, which are read where they lie.

use burn::tensor::Element;
use burn_flex::FlexTensor;
use bytemuck::Pod;
use half::{f16, slice::HalfFloatSliceExt};
use multiversion::{multiversion, target::target_cfg_f};
use rayon::prelude::*;

use super::{
    attention::{Head, STRIP, attend_strip, columns, scale, strips},
    buffer::Buffer,
    contiguous, dims, each_if_worth, elements, math, owned,
    product::Output,
    simd::Isa,
};
use crate::{Heads, SharedPrefix, Span};

/// So many new tokens of a sequence are worth no matrix product, for which the keys would have to be copied.
const FEW: usize = 4;

/// A number as caches store it.
pub(super) trait Stored: Element + Pod + Send + Sync {
    fn store(values: &[f32], stored: &mut [Self]);

    /// [`Isa::products`] with such rows.
    fn products(y: &mut [f32], x: &[f32], rows: &[Self], inner: usize);

    /// [`Isa::weighted_sum`] of such rows.
    fn weighted_sum(output: &mut [f32], weights: &[f32], rows: &[Self]);

    /// The values, in `room` where they are stored in another form.
    fn load<'a>(stored: &'a [Self], room: &'a mut Vec<f32>) -> &'a [f32];

    /// The values, at the end of others.
    fn append(stored: &[Self], values: &mut Vec<f32>);
}

impl Stored for f32 {
    fn store(values: &[f32], stored: &mut [Self]) {
        stored.copy_from_slice(values);
    }

    fn products(y: &mut [f32], x: &[f32], rows: &[Self], inner: usize) {
        Isa::best().products(y, x, rows, inner);
    }

    fn weighted_sum(output: &mut [f32], weights: &[f32], rows: &[Self]) {
        Isa::best().weighted_sum(output, weights, rows);
    }

    fn load<'a>(stored: &'a [Self], _: &'a mut Vec<f32>) -> &'a [f32] {
        stored
    }

    fn append(stored: &[Self], values: &mut Vec<f32>) {
        values.extend_from_slice(stored);
    }
}

impl Stored for f16 {
    fn store(values: &[f32], stored: &mut [Self]) {
        stored.convert_from_f32_slice(values);
    }

    fn products(y: &mut [f32], x: &[f32], rows: &[Self], inner: usize) {
        Isa::best().products_half(y, x, rows, inner);
    }

    fn weighted_sum(output: &mut [f32], weights: &[f32], rows: &[Self]) {
        Isa::best().weighted_sum_half(output, weights, rows);
    }

    fn load<'a>(stored: &'a [Self], room: &'a mut Vec<f32>) -> &'a [f32] {
        room.clear();
        Self::append(stored, room);
        room
    }

    fn append(stored: &[Self], values: &mut Vec<f32>) {
        let start = values.len();
        values.resize(start + stored.len(), 0.0);
        stored.convert_to_f32_slice(&mut values[start..]);
    }
}

/// Keys and values of one head.
#[derive(Clone, Copy)]
struct Past<'a, T> {
    keys: &'a [T],
    values: &'a [T],
}

impl<'a, T> Past<'a, T> {
    /// The first tokens of a head, counted over all slots.
    fn of(cache: [&'a [T]; 2], head: usize, capacity: usize, tokens: usize, d_head: usize) -> Self {
        let [keys, values] = cache.map(|part| &part[head * capacity * d_head..][..tokens * d_head]);
        Self { keys, values }
    }
}

/// See [`crate::cached_attention`].
pub(super) fn attend<T: Stored>(
    qkv: &FlexTensor,
    cache: [FlexTensor; 2],
    prefix: Option<SharedPrefix<FlexTensor>>,
    spans: &[Span],
    heads: Heads,
) -> (FlexTensor, [FlexTensor; 2]) {
    let qkv = contiguous(qkv);
    let Heads { n_kv_heads: kv_heads, d_head, .. } = heads;
    let [mut keys, mut values] = cache.map(owned);
    let [_, _, capacity, _] = dims(&keys);
    write::<T>([keys.storage_mut(), values.storage_mut()], elements(&qkv), spans, heads, capacity);
    let prefix = prefix.map(|prefix| (prefix.len, prefix.cache.map(|tensor| contiguous(&tensor))));
    let prefix_len = prefix.as_ref().map_or(0, |(len, _)| *len);
    let group = heads.n_heads / kv_heads;
    let n = spans.iter().map(|span| span.new).sum();
    let rows = spans.iter().scan(0, |end, span| {
        *end += span.new;
        Some(*end - span.new..*end)
    });
    let mut output = Buffer::new(n * heads.q_dim());
    // A piece for each query head, not for each key head: a model may have fewer of these than there are threads.
    let outputs = Output::cut(&mut output, heads.q_dim(), rows.clone(), &columns(0, d_head, heads.n_heads));
    let rows: Vec<_> = rows.collect();
    let attend = |(index, output): (usize, Output<'_>)| {
        let (index, query_head) = (index / heads.n_heads, index % heads.n_heads);
        let (span, kv_head) = (spans[index], query_head / group);
        let shared = prefix.as_ref().map(|(len, [keys, values])| {
            let [_, _, capacity, _] = dims(keys);
            Past::of([keys.storage::<T>(), values.storage()], kv_head, capacity, *len, d_head)
        });
        let stored = [keys.storage::<T>(), values.storage()];
        let own = Past::of(stored, span.slot * kv_heads + kv_head, capacity, span.len + span.new, d_head);
        let queries = Head {
            values: &elements(&qkv)[rows[index].start * heads.qkv_dim() + query_head * d_head..],
            len: span.new,
            row_stride: heads.qkv_dim(),
            width: d_head,
        };
        if span.new > FEW {
            attend_many(output, queries, shared, own);
        } else {
            attend_few(output, queries, shared, own);
        }
    };
    let seen: usize = spans.iter().map(|span| span.new * (prefix_len + span.len + span.new)).sum();
    each_if_worth(heads.q_dim() * seen, outputs.into_par_iter().enumerate(), attend);
    (output.into_tensor([n, heads.q_dim()]), [keys, values])
}

/// See [`crate::set_slot`].
pub(super) fn set_slot<T: Stored>(
    part: FlexTensor,
    slot: usize,
    from: &FlexTensor,
    len: usize,
) -> FlexTensor {
    let (mut part, from) = (owned(part), contiguous(from));
    let ([_, heads, capacity, d_head], [_, _, held, _]) = (dims(&part), dims(&from));
    assert!(len <= capacity.min(held), "there are so many tokens, and room for them");
    let from = from.storage::<T>();
    let stored = &mut part.storage_mut::<T>()[slot * heads * capacity * d_head..];
    for head in 0..heads {
        let tokens = &from[head * held * d_head..][..len * d_head];
        stored[head * capacity * d_head..][..len * d_head].copy_from_slice(tokens);
    }
    part
}

/// Writes the keys and values of new tokens into their slots.
fn write<T: Stored>(stored: [&mut [T]; 2], qkv: &[f32], spans: &[Span], heads: Heads, capacity: usize) {
    let Heads { n_kv_heads: kv_heads, d_head, n_heads } = heads;
    let [mut keys, mut values] = stored
        .map(|part| part.chunks_exact_mut((capacity * heads.kv_dim()).max(1)).map(Some).collect::<Vec<_>>());
    let mut rows = qkv;
    let pieces: Vec<_> = spans
        .iter()
        .map(|span| {
            assert!(span.len + span.new <= capacity, "the cache has room");
            let slot =
                [&mut keys, &mut values].map(|slots| slots[span.slot].take().expect("a slot is named once"));
            (span, slot, rows.split_off(..span.new * heads.qkv_dim()).expect("a row for each new token"))
        })
        .collect();
    each_if_worth(qkv.len(), pieces.into_par_iter(), |(span, slot, rows)| {
        for (part, stored) in slot.into_iter().enumerate() {
            let first = (n_heads + part * kv_heads) * d_head;
            for (token, row) in (span.len..).zip(rows.chunks_exact(heads.qkv_dim())) {
                let row = &row[first..][..heads.kv_dim()];
                for (head, values) in row.chunks_exact(d_head).enumerate() {
                    T::store(values, &mut stored[(head * capacity + token) * d_head..][..d_head]);
                }
            }
        }
    });
}

/// By matrix products, on keys and values that are copied together.
fn attend_many<T: Stored>(
    mut output: Output<'_>,
    queries: Head<'_>,
    shared: Option<Past<'_, T>>,
    own: Past<'_, T>,
) {
    let d_head = queries.width;
    let [mut of_keys, mut of_values] = [Vec::new(), Vec::new()];
    let keys = together(shared.map(|past| past.keys), own.keys, &mut of_keys);
    let values = together(shared.map(|past| past.values), own.values, &mut of_values);
    let len = keys.len() / d_head;
    let head = |values| Head { values, len, row_stride: d_head, width: d_head };
    let (keys, values) = (head(keys).transposed(), head(values));
    let mut scores = Buffer::new(STRIP.min(queries.len) * len);
    for tokens in strips(queries.len) {
        let output = output.part(tokens.clone(), 0..d_head);
        attend_strip(queries, &keys, values, tokens, output, &mut scores);
    }
}

/// What is shared and what is not behind each other, in `room` unless they lie so.
fn together<'a, T: Stored>(shared: Option<&[T]>, own: &'a [T], room: &'a mut Vec<f32>) -> &'a [f32] {
    let Some(shared) = shared else { return T::load(own, room) };
    T::append(shared, room);
    T::append(own, room);
    room
}

/// One token after the other.
fn attend_few<T: Stored>(
    mut output: Output<'_>,
    queries: Head<'_>,
    shared: Option<Past<'_, T>>,
    own: Past<'_, T>,
) {
    let d_head = queries.width;
    let shared = shared.unwrap_or(Past { keys: &[], values: &[] });
    let (shared_len, own_len) = (shared.keys.len() / d_head, own.keys.len() / d_head);
    let mut scores = vec![0.0; shared_len + own_len];
    for token in 0..queries.len {
        let (query, output) = (queries.token(token), output.row(token));
        let seen = own_len - queries.len + token + 1;
        let scores = &mut scores[..shared_len + seen];
        let (of_shared, of_own) = scores.split_at_mut(shared_len);
        T::products(of_shared, query, shared.keys, d_head);
        T::products(of_own, query, &own.keys[..seen * d_head], d_head);
        softmax(scores, scale(d_head));
        let (of_shared, of_own) = scores.split_at(shared_len);
        output.fill(0.0);
        T::weighted_sum(output, of_shared, shared.values);
        T::weighted_sum(output, of_own, own.values);
    }
}

/// The softmax of scores times a factor, in their place.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn softmax(scores: &mut [f32], scale: f32) {
    const FMA: bool = target_cfg_f!(target_feature = "fma");
    for score in &mut *scores {
        *score *= scale;
    }
    let largest = math::max(scores);
    let inverse = math::exp_minus::<FMA>(scores, largest).recip();
    for score in scores {
        *score *= inverse;
    }
}
