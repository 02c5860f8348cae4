//! Attention of new tokens over a cache of keys and values, which are read where they lie.

use burn::{backend::Flex, tensor::Element};
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
use crate::{CachePart, Heads, RawCachePart, SharedPrefix, Span};

/// So many new tokens of a sequence are worth no matrix product, for which the keys would have to be copied.
const FEW: usize = 4;

/// A number as caches store it.
pub(super) trait Stored: Element + Pod + Send + Sync {
    /// Stores a token's head. In 8 bits also what its numbers are times, which others have no room for.
    fn store(values: &[f32], stored: &mut [Self], scale: Option<&mut f32>);

    /// [`Isa::products`] with such rows.
    fn products(y: &mut [f32], x: &[f32], rows: Rows<'_, Self>);

    /// [`Isa::weighted_sum`] of such rows. The weights are used up.
    fn weighted_sum(output: &mut [f32], weights: &mut [f32], rows: Rows<'_, Self>);

    /// The values, at the end of others.
    fn append(rows: Rows<'_, Self>, values: &mut Vec<f32>);

    /// The values, in `room` where they are stored in another form.
    fn load<'a>(rows: Rows<'a, Self>, room: &'a mut Vec<f32>) -> &'a [f32] {
        Self::append(rows, room);
        room
    }
}

/// Keys or values of a head, a token after the other.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, T> {
    numbers: &'a [T],
    /// What those of each token are times, in 8 bits.
    scales: &'a [f32],
    width: usize,
}

impl<T> Rows<'_, T> {
    fn len(self) -> usize {
        self.numbers.len() / self.width
    }

    /// The first tokens.
    fn first(self, tokens: usize) -> Self {
        let scales = &self.scales[..tokens.min(self.scales.len())];
        Self { numbers: &self.numbers[..tokens * self.width], scales, ..self }
    }
}

impl Stored for f32 {
    fn store(values: &[f32], stored: &mut [Self], _: Option<&mut f32>) {
        stored.copy_from_slice(values);
    }

    fn products(y: &mut [f32], x: &[f32], rows: Rows<'_, Self>) {
        Isa::best().products(y, x, rows.numbers, rows.width);
    }

    fn weighted_sum(output: &mut [f32], weights: &mut [f32], rows: Rows<'_, Self>) {
        Isa::best().weighted_sum(output, weights, rows.numbers);
    }

    fn append(rows: Rows<'_, Self>, values: &mut Vec<f32>) {
        values.extend_from_slice(rows.numbers);
    }

    fn load<'a>(rows: Rows<'a, Self>, _: &'a mut Vec<f32>) -> &'a [f32] {
        rows.numbers
    }
}

impl Stored for f16 {
    fn store(values: &[f32], stored: &mut [Self], _: Option<&mut f32>) {
        stored.convert_from_f32_slice(values);
    }

    fn products(y: &mut [f32], x: &[f32], rows: Rows<'_, Self>) {
        Isa::best().products_half(y, x, rows.numbers, rows.width);
    }

    fn weighted_sum(output: &mut [f32], weights: &mut [f32], rows: Rows<'_, Self>) {
        Isa::best().weighted_sum_half(output, weights, rows.numbers);
    }

    fn append(rows: Rows<'_, Self>, values: &mut Vec<f32>) {
        let start = values.len();
        values.resize(start + rows.numbers.len(), 0.0);
        rows.numbers.convert_to_f32_slice(&mut values[start..]);
    }
}

impl Stored for i8 {
    fn store(values: &[f32], stored: &mut [Self], scale: Option<&mut f32>) {
        *scale.expect("there is room for it") = rounded(values, stored);
    }

    fn products(y: &mut [f32], x: &[f32], rows: Rows<'_, Self>) {
        Isa::best().products_bytes(y, x, rows.numbers, rows.width);
        y.iter_mut().zip(rows.scales).for_each(|(y, scale)| *y *= scale);
    }

    fn weighted_sum(output: &mut [f32], weights: &mut [f32], rows: Rows<'_, Self>) {
        weights.iter_mut().zip(rows.scales).for_each(|(weight, scale)| *weight *= scale);
        Isa::best().weighted_sum_bytes(output, weights, rows.numbers);
    }

    fn append(rows: Rows<'_, Self>, values: &mut Vec<f32>) {
        let start = values.len();
        values.resize(start + rows.numbers.len(), 0.0);
        widen(rows.numbers, rows.scales, &mut values[start..]);
    }
}

/// Rounds values to whole numbers from -127 to 127, and returns what these are times.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn rounded(values: &[f32], numbers: &mut [i8]) -> f32 {
    /// Adding it rounds a small number to a whole one, which then stands in the last bits.
    const ROUNDER: f32 = 12_582_912.0;
    let (chunks, rest) = values.as_chunks::<16>();
    let mut amounts = [0.0_f32; 16];
    for chunk in chunks {
        for (amount, value) in amounts.iter_mut().zip(chunk) {
            *amount = amount.max(value.abs());
        }
    }
    let largest = amounts.iter().chain(rest).fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let factor = if largest > 0.0 { largest.recip() * 127.0 } else { 0.0 };
    for (number, value) in numbers.iter_mut().zip(values) {
        *number = (value * factor + ROUNDER).to_bits() as i8;
    }
    largest / 127.0
}

/// What whole numbers times their scales are.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn widen(numbers: &[i8], scales: &[f32], values: &mut [f32]) {
    let width = (numbers.len() / scales.len().max(1)).max(1);
    for ((values, numbers), scale) in
        values.chunks_exact_mut(width).zip(numbers.chunks_exact(width)).zip(scales)
    {
        for (value, number) in values.iter_mut().zip(numbers) {
            *value = scale * f32::from(*number);
        }
    }
}

/// Keys or values, contiguous.
struct Part {
    /// `[slots, n_kv_heads, capacity, d_head]`.
    numbers: FlexTensor,
    /// `[slots, n_kv_heads, capacity, 1]`, where they are in 8 bits.
    scales: Option<FlexTensor>,
}

impl Part {
    fn of(part: RawCachePart<Flex>, contiguous: impl Fn(FlexTensor) -> FlexTensor) -> Self {
        match part {
            CachePart::Float(numbers) => Self { numbers: contiguous(numbers), scales: None },
            CachePart::Bytes { numbers, scales } => {
                Self { numbers: contiguous(numbers), scales: Some(contiguous(scales)) }
            }
        }
    }

    fn into_raw(self) -> RawCachePart<Flex> {
        match self.scales {
            None => CachePart::Float(self.numbers),
            Some(scales) => CachePart::Bytes { numbers: self.numbers, scales },
        }
    }

    /// The first tokens of a head, counted over all slots.
    fn rows<T: Stored>(&self, head: usize, tokens: usize) -> Rows<'_, T> {
        let [_, _, capacity, width] = dims(&self.numbers);
        let numbers = &self.numbers.storage::<T>()[head * capacity * width..][..tokens * width];
        let scales =
            self.scales.as_ref().map_or(&[][..], |scales| &elements(scales)[head * capacity..][..tokens]);
        Rows { numbers, scales, width }
    }

    /// The slots, of so many tokens over all heads.
    fn slots_mut<T: Stored>(&mut self, tokens: usize, width: usize) -> Vec<Option<Slot<'_, T>>> {
        let mut scales =
            self.scales.as_mut().map(|scales| scales.storage_mut::<f32>().chunks_exact_mut(tokens.max(1)));
        let numbers = self.numbers.storage_mut::<T>().chunks_exact_mut((tokens * width).max(1));
        let scales =
            std::iter::from_fn(|| Some(scales.as_mut().and_then(Iterator::next).unwrap_or_default()));
        numbers.zip(scales).map(|(numbers, scales)| Some(Slot { numbers, scales })).collect()
    }
}

/// What a slot stores, a head after the other.
struct Slot<'a, T> {
    numbers: &'a mut [T],
    /// In 8 bits.
    scales: &'a mut [f32],
}

/// Keys and values of one head.
#[derive(Clone, Copy)]
struct Past<'a, T> {
    keys: Rows<'a, T>,
    values: Rows<'a, T>,
}

impl<'a, T: Stored> Past<'a, T> {
    /// The first tokens of a head, counted over all slots.
    fn of([keys, values]: &'a [Part; 2], head: usize, tokens: usize) -> Self {
        Self { keys: keys.rows(head, tokens), values: values.rows(head, tokens) }
    }
}

/// See [`crate::cached_attention`].
pub(super) fn attend<T: Stored>(
    qkv: &FlexTensor,
    cache: [RawCachePart<Flex>; 2],
    prefix: Option<SharedPrefix<RawCachePart<Flex>>>,
    spans: &[Span],
    heads: Heads,
) -> (FlexTensor, [RawCachePart<Flex>; 2]) {
    let qkv = contiguous(qkv);
    let Heads { n_kv_heads: kv_heads, d_head, .. } = heads;
    let mut cache = cache.map(|part| Part::of(part, owned));
    write::<T>(&mut cache, elements(&qkv), spans, heads);
    let prefix = prefix.map(|SharedPrefix { cache, len }| {
        (len, cache.map(|part| Part::of(part, |tensor| contiguous(&tensor))))
    });
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
        let shared = prefix.as_ref().map(|(len, parts)| Past::<T>::of(parts, kv_head, *len));
        let own = Past::of(&cache, span.slot * kv_heads + kv_head, span.len + span.new);
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
    (output.into_tensor([n, heads.q_dim()]), cache.map(Part::into_raw))
}

/// See [`crate::set_slot`].
pub(super) fn set_slot<T: Stored>(
    part: RawCachePart<Flex>,
    slot: usize,
    from: RawCachePart<Flex>,
    len: usize,
) -> RawCachePart<Flex> {
    match (part, from) {
        (CachePart::Float(part), CachePart::Float(from)) => {
            CachePart::Float(set_tokens::<T>(part, slot, &from, len))
        }
        (
            CachePart::Bytes { numbers, scales },
            CachePart::Bytes { numbers: from_numbers, scales: from_scales },
        ) => CachePart::Bytes {
            numbers: set_tokens::<T>(numbers, slot, &from_numbers, len),
            scales: set_tokens::<f32>(scales, slot, &from_scales, len),
        },
        _ => panic!("both are stored alike"),
    }
}

fn set_tokens<T: Element + Pod>(part: FlexTensor, slot: usize, from: &FlexTensor, len: usize) -> FlexTensor {
    let (mut part, from) = (owned(part), contiguous(from));
    let ([_, heads, capacity, width], [_, _, held, _]) = (dims(&part), dims(&from));
    assert!(len <= capacity.min(held), "there are so many tokens, and room for them");
    let from = from.storage::<T>();
    let stored = &mut part.storage_mut::<T>()[slot * heads * capacity * width..];
    for head in 0..heads {
        let tokens = &from[head * held * width..][..len * width];
        stored[head * capacity * width..][..len * width].copy_from_slice(tokens);
    }
    part
}

/// Writes the keys and values of new tokens into their slots.
fn write<T: Stored>(cache: &mut [Part; 2], qkv: &[f32], spans: &[Span], heads: Heads) {
    let Heads { n_kv_heads: kv_heads, d_head, n_heads } = heads;
    let [_, _, capacity, _] = dims(&cache[0].numbers);
    let [mut keys, mut values] =
        cache.each_mut().map(|part| part.slots_mut::<T>(capacity * kv_heads, d_head));
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
        for (part, Slot { numbers, scales }) in slot.into_iter().enumerate() {
            let first = (n_heads + part * kv_heads) * d_head;
            for (token, row) in (span.len..).zip(rows.chunks_exact(heads.qkv_dim())) {
                let row = &row[first..][..heads.kv_dim()];
                for (head, values) in row.chunks_exact(d_head).enumerate() {
                    let place = head * capacity + token;
                    T::store(values, &mut numbers[place * d_head..][..d_head], scales.get_mut(place));
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
fn together<'a, T: Stored>(
    shared: Option<Rows<'a, T>>,
    own: Rows<'a, T>,
    room: &'a mut Vec<f32>,
) -> &'a [f32] {
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
    let none = Rows { numbers: &[], scales: &[], width: queries.width };
    let shared = shared.unwrap_or(Past { keys: none, values: none });
    let (shared_len, own_len) = (shared.keys.len(), own.keys.len());
    let mut scores = vec![0.0; shared_len + own_len];
    for token in 0..queries.len {
        let (query, output) = (queries.token(token), output.row(token));
        let seen = own_len - queries.len + token + 1;
        let scores = &mut scores[..shared_len + seen];
        let (of_shared, of_own) = scores.split_at_mut(shared_len);
        T::products(of_shared, query, shared.keys);
        T::products(of_own, query, own.keys.first(seen));
        softmax(scores, scale(queries.width));
        let (of_shared, of_own) = scores.split_at_mut(shared_len);
        output.fill(0.0);
        T::weighted_sum(output, of_shared, shared.values);
        T::weighted_sum(output, of_own, own.values.first(seen));
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
