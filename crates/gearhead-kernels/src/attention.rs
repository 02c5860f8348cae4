//! Causal attention inside the documents of a flat batch.

use std::sync::Arc;

use burn::tensor::{
    Bool, Int, Tensor, TensorData,
    activation::softmax,
    backend::Backend,
    module::attention,
    ops::{AttentionModuleOptions, FloatTensor},
};

use crate::{
    CacheTensor, Kernels,
    backend::{raw, view},
    cache::RawCachePart,
    precision::wide,
};

/// Where each document of a flat batch begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    offsets: Arc<[usize]>,
}

impl Documents {
    /// Documents between consecutive offsets; the first offset is 0 and the last the number of tokens.
    ///
    /// # Panics
    ///
    /// Where the offsets do not begin at 0 or descend: a programmer's error.
    pub fn new(offsets: &[usize]) -> Self {
        assert_eq!(offsets.first(), Some(&0), "the first document begins at 0");
        assert!(offsets.is_sorted(), "documents follow each other");
        Self { offsets: offsets.into() }
    }

    /// How many documents there are, empty ones included.
    pub fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many tokens there are over all documents.
    pub fn token_count(&self) -> usize {
        self.offsets[self.count()]
    }

    /// The token range of each document.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0]..pair[1])
    }

    /// The position of each token in its document.
    pub fn positions(&self) -> Vec<usize> {
        self.ranges().flat_map(|range| 0..range.len()).collect()
    }

    fn longest(&self) -> usize {
        self.ranges().map(|range| range.len()).max().unwrap_or(0)
    }
}

/// The heads of an attention layer. Queries, keys and values of a token stand side by side in one row: `n_heads`
/// queries, `n_kv_heads` keys, `n_kv_heads` values, of `d_head` features each. Query head `i` uses key and value head
/// `i / (n_heads / n_kv_heads)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Features of a head.
    pub d_head: usize,
}

impl Heads {
    /// Heads that are turned by their position: queries and keys, which stand first.
    pub fn turned(self) -> usize {
        self.n_heads + self.n_kv_heads
    }

    /// Features of a row of queries, which is also one of the output.
    pub fn q_dim(self) -> usize {
        self.n_heads * self.d_head
    }

    /// Features of a row of keys.
    pub fn kv_dim(self) -> usize {
        self.n_kv_heads * self.d_head
    }

    /// Features of a row of queries, keys and values.
    pub fn qkv_dim(self) -> usize {
        self.q_dim() + 2 * self.kv_dim()
    }
}

/// New tokens of one sequence, which stand behind those that its slot of a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which of the cache's sequences.
    pub slot: usize,
    /// Tokens that the slot holds already.
    pub len: usize,
    /// Tokens that are new.
    pub new: usize,
}

/// What every sequence of a cache begins with: keys and values `[1, n_kv_heads, at least len, d_head]`.
#[derive(Debug, Clone)]
pub struct SharedPrefix<T> {
    /// Keys and values.
    pub cache: [T; 2],
    /// Tokens of it that count.
    pub len: usize,
}

/// Attention of new tokens over a cache of keys and values, `[slots, n_kv_heads, capacity, d_head]` each, in the numbers
/// of `qkv` or in fewer bits. The new keys and values are written behind those that are there, in place where the backend
/// can and nothing else holds the cache. Tokens see those of the prefix, those of their slot up to their own, and no others.
///
/// # Shapes
///
/// `qkv`: `[n, (n_heads + 2 * n_kv_heads) * d_head]` where the spans have `n` new tokens in all, in their order, result:
/// `[n, n_heads * d_head]` and the cache.
///
/// # Panics
///
/// Where a slot has no room or occurs twice, or what is there is not all stored alike: a programmer's error.
pub fn cached_attention<B: Kernels>(
    qkv: Tensor<B, 2>,
    cache: [CacheTensor<B>; 2],
    prefix: Option<SharedPrefix<CacheTensor<B>>>,
    spans: &[Span],
    heads: Heads,
) -> (Tensor<B, 2>, [CacheTensor<B>; 2]) {
    let of_prefix = |SharedPrefix { cache, len }: SharedPrefix<CacheTensor<B>>| SharedPrefix {
        cache: cache.map(CacheTensor::raw),
        len,
    };
    let cache = cache.map(CacheTensor::raw);
    let (output, cache) = B::cached_attention(raw(qkv), cache, prefix.map(of_prefix), spans, heads);
    (view(output), cache.map(CacheTensor::view))
}

/// Puts the first `len` tokens of another cache's only slot into a slot of a cache, in place where the backend can and
/// nothing else holds it.
///
/// # Shapes
///
/// `part` and result: `[slots, n_kv_heads, capacity, d_head]`, of keys or values, `from`: `[1, n_kv_heads, at least len,
/// d_head]` stored alike.
pub fn set_slot<B: Kernels>(
    part: CacheTensor<B>,
    slot: usize,
    from: CacheTensor<B>,
    len: usize,
) -> CacheTensor<B> {
    CacheTensor::view(B::set_slot(part.raw(), slot, from.raw(), len))
}

pub(crate) fn portable_set_slot<B: Kernels>(
    part: RawCachePart<B>,
    slot: usize,
    from: RawCachePart<B>,
    len: usize,
) -> RawCachePart<B> {
    let from = CacheTensor::<B>::view(from).tokens(0..1, 0..len);
    CacheTensor::<B>::view(part).with_tokens(slot..slot + 1, 0..len, from).raw()
}

/// Attention of each token to itself and to the earlier tokens of its own document: `softmax(q kᵀ / √d_head) v` for each
/// head.
///
/// # Shapes
///
/// `qkv`: `[n, (n_heads + 2 * n_kv_heads) * d_head]`, result: `[n, n_heads * d_head]`.
///
/// # Source
///
/// Vaswani et al., *Attention Is All You Need*, 2017, equation 1; Ainslie et al., *GQA*, 2023, for the groups.
pub fn packed_attention<B: Kernels>(qkv: Tensor<B, 2>, heads: Heads, documents: &Documents) -> Tensor<B, 2> {
    view(B::packed_attention(raw(qkv), heads, documents).0)
}

/// Documents as the rows of a rectangle: `[documents, heads, longest, d_head]`, padded at the end.
struct Rectangle<B: Backend> {
    /// For each cell, the flat token that stands in it; padding repeats token 0.
    gather: Tensor<B, 1, Int>,
    /// For each flat token, its cell.
    scatter: Tensor<B, 1, Int>,
    /// `[1, 1, longest, longest]`, true where a token must not look: ahead of itself.
    ahead: Tensor<B, 4, Bool>,
    rows: usize,
    longest: usize,
}

impl<B: Backend> Rectangle<B> {
    fn new(documents: &Documents, device: &B::Device) -> Self {
        let (rows, longest) = (documents.count(), documents.longest());
        let mut gather = vec![0_i64; rows * longest];
        let mut scatter = Vec::with_capacity(documents.token_count());
        for (row, range) in documents.ranges().enumerate() {
            for (column, token) in range.enumerate() {
                gather[row * longest + column] = token as i64;
                scatter.push((row * longest + column) as i64);
            }
        }
        let int = |values: Vec<i64>| {
            let len = values.len();
            Tensor::from_data(TensorData::new(values, [len]), device)
        };
        let ahead = Tensor::<B, 2, Bool>::tril_mask([longest, longest], 0, device).unsqueeze::<4>();
        Self { gather: int(gather), scatter: int(scatter), ahead, rows, longest }
    }

    fn spread(&self, x: Tensor<B, 3>) -> Tensor<B, 4> {
        let [_, heads, d_head] = x.dims();
        x.select(0, self.gather.clone()).reshape([self.rows, self.longest, heads, d_head]).swap_dims(1, 2)
    }

    fn collect(&self, x: Tensor<B, 4>) -> Tensor<B, 3> {
        let [rows, heads, longest, d_head] = x.dims();
        x.swap_dims(1, 2).reshape([rows * longest, heads, d_head]).select(0, self.scatter.clone())
    }
}

/// Repeats each key and value head for its group of query heads: `[r, g, l, c]` to `[r, g * group, l, c]`.
fn for_each_query_head<B: Backend>(x: Tensor<B, 4>, group: usize) -> Tensor<B, 4> {
    let [rows, kv_heads, longest, d_head] = x.dims();
    if group == 1 {
        return x;
    }
    x.unsqueeze_dim::<5>(2).expand([rows, kv_heads, group, longest, d_head]).reshape([
        rows,
        kv_heads * group,
        longest,
        d_head,
    ])
}

/// The sum over each group of query heads: the transpose of [`for_each_query_head`].
fn sum_of_group<B: Backend>(x: Tensor<B, 4>, group: usize) -> Tensor<B, 4> {
    let [rows, heads, longest, d_head] = x.dims();
    if group == 1 {
        return x;
    }
    x.reshape([rows, heads / group, group, longest, d_head]).sum_dim(2).squeeze_dim::<4>(2)
}

/// Queries, keys and values, `[n, heads, d_head]` each.
fn split<B: Backend>(qkv: FloatTensor<B>, heads: Heads) -> [Tensor<B, 3>; 3] {
    let qkv = view::<B, 2>(qkv);
    let [n, _] = qkv.dims();
    let (q_dim, kv_dim) = (heads.q_dim(), heads.kv_dim());
    let part = |start: usize, dim: usize, count: usize| {
        qkv.clone().slice([0..n, start..start + dim]).reshape([n, count, heads.d_head])
    };
    [
        part(0, q_dim, heads.n_heads),
        part(q_dim, kv_dim, heads.n_kv_heads),
        part(q_dim + kv_dim, kv_dim, heads.n_kv_heads),
    ]
}

/// The output, and once more in place of what would be kept beside it: the probabilities are computed again in the backward
/// pass, since those of all layers together would be most of a training's memory.
pub(crate) fn portable<B: Kernels>(
    qkv: FloatTensor<B>,
    heads: Heads,
    documents: &Documents,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let [q, k, v] = split::<B>(qkv, heads);
    let n = documents.token_count();
    if n == 0 {
        let empty = q.reshape([n, heads.q_dim()]);
        return (raw(empty.clone()), raw(empty));
    }
    let rectangle = Rectangle::new(documents, &q.device());
    let group = heads.n_heads / heads.n_kv_heads;
    let k = for_each_query_head(rectangle.spread(k), group);
    let v = for_each_query_head(rectangle.spread(v), group);
    let probs = probabilities(rectangle.spread(q), k, rectangle.ahead.clone()).cast(v.dtype());
    let output = raw(rectangle.collect(probs.matmul(v)).reshape([n, heads.q_dim()]));
    (output.clone(), output)
}

/// `softmax(q kᵀ / √d_head)` over what each token may look at, `[batch, n_heads, queries, keys]`, in the type of sums; `ahead`,
/// `[1, 1, queries, keys]`, is true where one must not look.
fn probabilities<B: Backend>(q: Tensor<B, 4>, k: Tensor<B, 4>, ahead: Tensor<B, 4, Bool>) -> Tensor<B, 4> {
    let scale = (q.dims()[3] as f64).powf(-0.5);
    let scores = wide(q.mul_scalar(scale).matmul(k.swap_dims(2, 3)));
    let shape = scores.dims();
    softmax(scores.mask_fill(ahead.expand(shape), f32::NEG_INFINITY), 3)
}

pub(crate) fn portable_cached<B: Kernels>(
    qkv: FloatTensor<B>,
    cache: [RawCachePart<B>; 2],
    prefix: Option<SharedPrefix<RawCachePart<B>>>,
    spans: &[Span],
    heads: Heads,
) -> (FloatTensor<B>, [RawCachePart<B>; 2]) {
    let qkv = view::<B, 2>(qkv);
    let mut cache = cache.map(CacheTensor::<B>::view);
    let prefix = prefix.map(|SharedPrefix { cache, len }| {
        cache.map(|part| CacheTensor::<B>::view(part).tokens(0..1, 0..len).load(qkv.dtype()))
    });
    let columns = qkv.dims()[1];
    let (mut outputs, mut start) = (Vec::new(), 0);
    // Neighbours of the same lengths are computed together.
    for spans in spans.chunk_by(|a, b| (a.slot + 1, a.len, a.new) == (b.slot, b.len, b.new)) {
        let end = start + spans.len() * spans[0].new;
        let some = qkv.clone().slice([start..end, 0..columns]);
        let (output, written) = attend_together(some, cache, prefix.clone(), spans, heads);
        outputs.push(output);
        (cache, start) = (written, end);
    }
    let output = match outputs.len() {
        0 => qkv.slice([0..0, 0..heads.q_dim()]),
        1 => outputs.remove(0),
        _ => Tensor::cat(outputs, 0),
    };
    (raw(output), cache.map(CacheTensor::raw))
}

/// Attention of spans that follow each other and have the same lengths.
fn attend_together<B: Kernels>(
    qkv: Tensor<B, 2>,
    cache: [CacheTensor<B>; 2],
    prefix: Option<[Tensor<B, 4>; 2]>,
    spans: &[Span],
    heads: Heads,
) -> (Tensor<B, 2>, [CacheTensor<B>; 2]) {
    let Span { slot, len, new } = spans[0];
    let (batch, dtype) = (spans.len(), qkv.dtype());
    let Heads { n_heads, n_kv_heads: kv_heads, d_head } = heads;
    let group = n_heads / kv_heads;
    let [q, k, v] = split::<B>(raw(qkv), heads);
    let parts = [k, v].map(|part| part.reshape([batch, new, kv_heads, d_head]).swap_dims(1, 2));
    let (mut written, mut seen) = (Vec::with_capacity(2), Vec::with_capacity(2));
    let prefix = prefix.map_or([None, None], |prefix| prefix.map(Some));
    for ((cache, part), prefix) in cache.into_iter().zip(parts).zip(prefix) {
        let stored = CacheTensor::new(part, cache.dtype());
        let cache = cache.with_tokens(slot..slot + batch, len..len + new, stored);
        let own = cache.tokens(slot..slot + batch, 0..len + new).load(dtype);
        seen.push(match prefix {
            Some(prefix) => Tensor::cat(vec![prefix.repeat_dim(0, batch), own], 2),
            None => own,
        });
        written.push(cache);
    }
    let [keys, values]: [Tensor<B, 4>; 2] = seen.try_into().expect("keys and values");
    let options = |is_causal| AttentionModuleOptions { is_causal, ..AttentionModuleOptions::default() };
    let output = if new == 1 {
        // One query: its group of heads stands in the place of the sequence, and nothing needs to be repeated.
        let q = q.reshape([batch, kv_heads, group, d_head]);
        attention(q, keys, values, None, None, options(false))
    } else {
        let q = q.reshape([batch, new, n_heads, d_head]).swap_dims(1, 2);
        let (keys, values) = (for_each_query_head(keys, group), for_each_query_head(values, group));
        let output = if keys.dims()[2] == new {
            attention(q, keys, values, None, None, options(true))
        } else {
            behind_others(q, keys, values)
        };
        output.swap_dims(1, 2)
    };
    let written = written.try_into().expect("keys and values");
    (output.reshape([batch * new, heads.q_dim()]), written)
}

/// Attention of new tokens that older ones stand before. Backends differ in what is causal there: the first query of LibTorch
/// looks at the first key only, that of the others at all keys but those of the queries behind it.
fn behind_others<B: Backend>(q: Tensor<B, 4>, keys: Tensor<B, 4>, values: Tensor<B, 4>) -> Tensor<B, 4> {
    let (new, total) = (q.dims()[2], keys.dims()[2]);
    let ahead = Tensor::<B, 2, Bool>::tril_mask([new, total], (total - new) as i64, &q.device());
    let probs = probabilities(q, keys, ahead.reshape([1, 1, new, total]));
    probs.cast(values.dtype()).matmul(values)
}

/// With probabilities `P`, scores `S` and output `O`: `dV = Pᵀ dO`, `dP = dO Vᵀ`, `dS = P (dP - rowsum(O dO))`,
/// `dQ = dS K / √d_head`, `dK = dSᵀ Q / √d_head`.
///
/// The sum over the output is that over `P dP`: Dao, *FlashAttention-2*, 2023, section 2.1.
pub(crate) fn portable_backward<B: Kernels>(
    qkv: FloatTensor<B>,
    output: FloatTensor<B>,
    grad: FloatTensor<B>,
    heads: Heads,
    documents: &Documents,
) -> FloatTensor<B> {
    let n = documents.token_count();
    if n == 0 {
        return qkv;
    }
    let [q, k, v] = split::<B>(qkv, heads);
    let rectangle = Rectangle::new(documents, &q.device());
    let group = heads.n_heads / heads.n_kv_heads;
    let scale = (heads.d_head as f64).powf(-0.5);
    // Padding repeats token 0 in every input; its gradient is cut off where the output's gradient is spread.
    let is_padding = padding::<B>(documents, &rectangle, &q.device());
    let of_heads = |rows| rectangle.spread(view::<B, 2>(rows).reshape([n, heads.n_heads, heads.d_head]));
    let (grad, output) = (of_heads(grad), of_heads(output));
    let shape = grad.dims();
    let grad = grad.mask_fill(is_padding.expand(shape), 0.0);
    let q = rectangle.spread(q);
    let k = for_each_query_head(rectangle.spread(k), group);
    let v = for_each_query_head(rectangle.spread(v), group);
    let probs = probabilities(q.clone(), k.clone(), rectangle.ahead.clone());
    let v_grad = probs.clone().cast(v.dtype()).swap_dims(2, 3).matmul(grad.clone());
    let row_sum = (wide(output) * wide(grad.clone())).sum_dim(3);
    let probs_grad = wide(grad.matmul(v.swap_dims(2, 3)));
    let scores_grad = (probs * (probs_grad - row_sum) * scale).cast(q.dtype());
    let q_grad = scores_grad.clone().matmul(k);
    let k_grad = scores_grad.swap_dims(2, 3).matmul(q);
    let flat = |x: Tensor<B, 4>, dim: usize| rectangle.collect(x).reshape([n, dim]);
    let (q_grad, k_grad, v_grad) = (
        flat(q_grad, heads.q_dim()),
        flat(sum_of_group(k_grad, group), heads.kv_dim()),
        flat(sum_of_group(v_grad, group), heads.kv_dim()),
    );
    raw(Tensor::cat(vec![q_grad, k_grad, v_grad], 1))
}

/// `[documents, 1, longest, 1]`, true in the cells that hold no token.
fn padding<B: Backend>(
    documents: &Documents,
    rectangle: &Rectangle<B>,
    device: &B::Device,
) -> Tensor<B, 4, Bool> {
    let mut is_padding = vec![true; rectangle.rows * rectangle.longest];
    for (row, range) in documents.ranges().enumerate() {
        is_padding[row * rectangle.longest..][..range.len()].fill(false);
    }
    Tensor::from_data(TensorData::new(is_padding, [rectangle.rows, 1, rectangle.longest, 1]), device)
}
