//! Attention inside documents without the score matrix: a strip of a few rows of scores at a time, made by matrix
//! products, and made again in the backward pass.

use std::ops::Range;

use burn_flex::FlexTensor;
use multiversion::{multiversion, target::target_cfg_f};
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    contiguous, elements, math,
    precision::{Stored, numbers},
    product::{Matrix, Output, Threads, Write, product},
};
use crate::{Documents, Heads};

/// Rows of scores that are in memory at once. With fewer, products are too small to be fast; with more, more of them
/// is spent on scores that look ahead and count for nothing.
pub(super) const STRIP: usize = 48;

/// One head of a document's tokens in a tensor of rows of heads, seen as a matrix of a row for each token.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    /// From the head's first value in the document's first token on.
    pub(super) values: &'a [f32],
    pub(super) len: usize,
    pub(super) row_stride: usize,
    pub(super) width: usize,
}

impl<'a> Head<'a> {
    fn tokens(self, tokens: Range<usize>) -> Matrix<'a> {
        let values = &self.values[tokens.start * self.row_stride..];
        Matrix::spaced(values, tokens.len(), self.width, self.row_stride)
    }

    pub(super) fn token(self, token: usize) -> &'a [f32] {
        &self.values[token * self.row_stride..][..self.width]
    }

    /// `[width, len]`, the form in which a product with queries is fast.
    pub(super) fn transposed(self) -> Buffer {
        let mut transposed = Buffer::new(self.width * self.len);
        // A few tokens at a time, so that what is read stays near and what is written is not scattered.
        for start in (0..self.len).step_by(16) {
            let tokens = start..(start + 16).min(self.len);
            for feature in 0..self.width {
                let row = &mut transposed[feature * self.len..][tokens.clone()];
                for (value, token) in row.iter_mut().zip(tokens.clone()) {
                    *value = self.values[token * self.row_stride + feature];
                }
            }
        }
        transposed
    }
}

/// What one thread does at a time: the query heads of one key head in one document.
struct Task {
    document: Range<usize>,
    kv_head: usize,
    heads: Heads,
}

impl Task {
    /// In the order of [`Output::cut`].
    fn all(heads: Heads, documents: &Documents) -> Vec<Self> {
        let of = |document: Range<usize>| {
            (0..heads.n_kv_heads).map(move |kv_head| Self { document: document.clone(), kv_head, heads })
        };
        documents.ranges().flat_map(of).collect()
    }

    fn len(&self) -> usize {
        self.document.len()
    }

    /// The query heads, each with the columns of an output of this task that are its own.
    fn queries(&self) -> impl Iterator<Item = (usize, Range<usize>)> + use<> {
        let (group, d_head) = (self.heads.n_heads / self.heads.n_kv_heads, self.heads.d_head);
        let first = self.kv_head * group;
        (0..group).map(move |place| (first + place, place * d_head..(place + 1) * d_head))
    }

    /// A head in f32: in `room`, unless the tensor is.
    fn head<'a, T: Stored>(
        &self,
        tensor: &'a FlexTensor,
        row_stride: usize,
        head: usize,
        room: &'a mut Vec<f32>,
    ) -> Head<'a> {
        let (len, width) = (self.len(), self.heads.d_head);
        let start = self.document.start * row_stride + head * width;
        let values = numbers::<T>(tensor).get(start..).unwrap_or_default();
        if let Some(values) = T::as_f32(values) {
            return Head { values, len, row_stride, width };
        }
        room.resize(len * width, 0.0);
        for (wide, values) in room.chunks_exact_mut(width).zip(values.chunks(row_stride)) {
            T::widen(wide, &values[..width]);
        }
        Head { values: room, len, row_stride: width, width }
    }

    fn query<'a, T: Stored>(&self, qkv: &'a FlexTensor, head: usize, room: &'a mut Vec<f32>) -> Head<'a> {
        self.head::<T>(qkv, self.heads.qkv_dim(), head, room)
    }

    fn keys<'a, T: Stored>(&self, qkv: &'a FlexTensor, room: &'a mut Vec<f32>) -> Head<'a> {
        self.query::<T>(qkv, self.heads.n_heads + self.kv_head, room)
    }

    fn values<'a, T: Stored>(&self, qkv: &'a FlexTensor, room: &'a mut Vec<f32>) -> Head<'a> {
        self.query::<T>(qkv, self.heads.n_heads + self.heads.n_kv_heads + self.kv_head, room)
    }
}

/// Groups of `width` columns that follow each other, from `start` on.
pub(super) fn columns(start: usize, width: usize, count: usize) -> Vec<Range<usize>> {
    (0..count).map(|group| start + group * width..start + (group + 1) * width).collect()
}

/// The strips of a document: tokens counted from its beginning. A token of a strip sees none behind the strip's end.
pub(super) fn strips(len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(STRIP).map(move |start| start..(start + STRIP).min(len))
}

/// The output `[n, n_heads * d_head]` and the log-sum-exp of each row of scores `[n, n_heads]`.
pub(super) fn forward<T: Stored>(
    qkv: &FlexTensor,
    heads: Heads,
    documents: &Documents,
) -> (FlexTensor, FlexTensor) {
    let qkv = contiguous(qkv);
    let n = documents.token_count();
    let (d_head, kv_heads, group) = (heads.d_head, heads.n_kv_heads, heads.n_heads / heads.n_kv_heads);
    let (mut output, mut log_sum_exp) = (Buffer::of::<T>(n * heads.q_dim()), Buffer::new(n * heads.n_heads));
    let outputs = Output::cut(
        output.as_mut::<T>(n * heads.q_dim()),
        heads.q_dim(),
        documents.ranges(),
        &columns(0, group * d_head, kv_heads),
    );
    let sums = Output::cut(&mut log_sum_exp, heads.n_heads, documents.ranges(), &columns(0, group, kv_heads));
    Task::all(heads, documents).into_par_iter().zip(outputs).zip(sums).for_each(
        |((task, mut output), mut log_sum_exp)| {
            let [mut room, mut query_room, mut made_room] = [(); 3].map(|()| Vec::new());
            let keys = task.keys::<T>(&qkv, &mut room).transposed();
            let values = task.values::<T>(&qkv, &mut room);
            let mut scores = Buffer::new(STRIP.min(task.len()) * task.len());
            for (place, (query_head, own)) in task.queries().enumerate() {
                let queries = task.query::<T>(&qkv, query_head, &mut query_room);
                for tokens in strips(task.len()) {
                    let mut output = output.part(tokens.clone(), own.clone());
                    let sums = in_f32(&mut output, &mut made_room, |output| {
                        attend_strip(queries, &keys, values, tokens.clone(), output, &mut scores)
                    });
                    for (token, (largest, sum)) in tokens.zip(sums) {
                        log_sum_exp.row(token)[place] = largest + sum.ln();
                    }
                }
            }
        },
    );
    (output.into_tensor_of::<T>([n, heads.q_dim()]), log_sum_exp.into_tensor([n, heads.n_heads]))
}

/// Computes an output in f32, in `room` unless it is that, and rounds it.
fn in_f32<T: Stored, R>(
    output: &mut Output<'_, T>,
    room: &mut Vec<f32>,
    compute: impl FnOnce(Output<'_>) -> R,
) -> R {
    if let Some(output) = output.as_f32() {
        return compute(output);
    }
    let (rows, columns) = (output.rows(), output.columns());
    room.resize(rows * columns, 0.0);
    let computed = compute(Output::new(room, rows, columns));
    for (row, wide) in room.chunks_exact(columns.max(1)).enumerate() {
        T::round(output.row(row), wide);
    }
    computed
}

/// What some tokens of one query head see, the first of `queries` standing behind the first of the keys: the tokens see
/// all keys up to their own, which is as far from the last as they are. Returns the largest score of each row, and the
/// sum of the exponentials.
pub(super) fn attend_strip(
    queries: Head<'_>,
    keys_transposed: &[f32],
    values: Head<'_>,
    tokens: Range<usize>,
    mut output: Output<'_>,
    scores: &mut [f32],
) -> Vec<(f32, f32)> {
    let (d_head, before) = (queries.width, values.len - queries.len);
    let (rows, seen) = (tokens.len(), before + tokens.end);
    let keys = Matrix::spaced(keys_transposed, d_head, seen, values.len);
    let strip = &mut scores[..rows * seen];
    product(
        Output::new(strip, rows, seen),
        queries.tokens(tokens),
        keys,
        scale(d_head),
        Write::Over,
        Threads::One,
    );
    let sums = softmax_strip(strip, seen, rows);
    let probs = Matrix::new(strip, rows, seen);
    product(output.part(0..rows, 0..d_head), probs, values.tokens(0..seen), 1.0, Write::Over, Threads::One);
    for (row, (_, sum)) in sums.iter().enumerate() {
        let inverse = sum.recip();
        output.row(row).iter_mut().for_each(|value| *value *= inverse);
    }
    sums
}

/// What scores are multiplied with.
pub(super) fn scale(d_head: usize) -> f32 {
    (d_head as f32).sqrt().recip()
}

/// Puts `exp(score - largest)` in place of each score of a strip's rows, 0 where a token would look ahead, and returns
/// the largest score and the sum of each row.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn softmax_strip(strip: &mut [f32], seen: usize, rows: usize) -> Vec<(f32, f32)> {
    const FMA: bool = target_cfg_f!(target_feature = "fma");
    let mut sums = Vec::with_capacity(rows);
    // A loop, since the closure of an iterator would not be compiled for the function's instruction set.
    for (row, visible) in strip.chunks_exact_mut(seen).zip(seen - rows + 1..) {
        let (visible, ahead) = row.split_at_mut(visible);
        ahead.fill(0.0);
        let largest = math::max(visible);
        sums.push((largest, math::exp_minus::<FMA>(visible, largest)));
    }
    sums
}

/// Gradient for `qkv`; `saved` is what [`forward`] returned.
///
/// With `P = exp(S - log_sum_exp)` and `D = rowsum(dO O)`: `dV += Pᵀ dO`, `dS = P (dO Vᵀ - D) / √d_head`, `dQ = dS K`,
/// `dK += dSᵀ Q`. All but the log-sum-exp is of the type of `qkv`.
pub(super) fn backward<T: Stored>(
    qkv: &FlexTensor,
    saved: &(FlexTensor, FlexTensor),
    grad: &FlexTensor,
    heads: Heads,
    documents: &Documents,
) -> FlexTensor {
    let [qkv, output, log_sum_exp, grad] = [qkv, &saved.0, &saved.1, grad].map(contiguous);
    let given = Given { qkv, output, log_sum_exp, grad };
    let n = documents.token_count();
    let (d_head, kv_heads, group) = (heads.d_head, heads.n_kv_heads, heads.n_heads / heads.n_kv_heads);
    let mut qkv_grad = Buffer::of::<T>(n * heads.qkv_dim());
    let mut groups = columns(0, group * d_head, kv_heads);
    groups.extend(columns(heads.q_dim(), d_head, 2 * kv_heads));
    let parts = qkv_grad.as_mut::<T>(n * heads.qkv_dim());
    let mut parts = Output::cut(parts, heads.qkv_dim(), documents.ranges(), &groups).into_iter();
    let mut outputs = Vec::with_capacity(documents.count() * kv_heads);
    for _ in documents.ranges() {
        let [queries, keys, values] = [(); 3].map(|()| parts.by_ref().take(kv_heads).collect::<Vec<_>>());
        outputs.extend(queries.into_iter().zip(keys.into_iter().zip(values)));
    }
    Task::all(heads, documents).into_par_iter().zip(outputs).for_each(
        |(task, (mut q_grad, (mut k_grad, mut v_grad)))| {
            let [mut k_room, mut v_room] = [(); 2].map(|()| Vec::new());
            in_f32(&mut k_grad, &mut k_room, |k_grad| {
                in_f32(&mut v_grad, &mut v_room, |v_grad| {
                    given.gradients_of::<T>(&task, &mut q_grad, k_grad, v_grad);
                });
            });
        },
    );
    qkv_grad.into_tensor_of::<T>([n, heads.qkv_dim()])
}

/// What gradients are computed of.
struct Given {
    qkv: FlexTensor,
    output: FlexTensor,
    log_sum_exp: FlexTensor,
    /// For the output.
    grad: FlexTensor,
}

impl Given {
    /// The gradients of a task's queries, keys and values.
    fn gradients_of<T: Stored>(
        &self,
        task: &Task,
        q_grad: &mut Output<'_, T>,
        mut k_grad: Output<'_>,
        mut v_grad: Output<'_>,
    ) {
        let (heads, len, d_head) = (task.heads, task.len(), task.heads.d_head);
        let [mut key_room, mut value_room, mut query_room, mut grad_room, mut output_room, mut made_room] =
            [(); 6].map(|()| Vec::new());
        let keys = task.keys::<T>(&self.qkv, &mut key_room);
        let keys_transposed = keys.transposed();
        let values_transposed = task.values::<T>(&self.qkv, &mut value_room).transposed();
        k_grad.fill_zero();
        v_grad.fill_zero();
        let strip_len = STRIP.min(len) * len;
        let (mut probs, mut score_grads) = (Buffer::new(strip_len), Buffer::new(strip_len));
        for (query_head, own) in task.queries() {
            let queries = task.query::<T>(&self.qkv, query_head, &mut query_room);
            let grads = task.head::<T>(&self.grad, heads.q_dim(), query_head, &mut grad_room);
            let outputs = task.head::<T>(&self.output, heads.q_dim(), query_head, &mut output_room);
            for tokens in strips(len) {
                let (rows, seen) = (tokens.len(), tokens.end);
                let about_rows: Vec<_> = tokens
                    .clone()
                    .map(|token| {
                        let place = (task.document.start + token) * heads.n_heads + query_head;
                        (elements(&self.log_sum_exp)[place], grads.token(token), outputs.token(token))
                    })
                    .collect();
                let (probs, score_grads) = (&mut probs[..rows * seen], &mut score_grads[..rows * seen]);
                let times = |output: Output<'_>, a: Matrix<'_>, b: Matrix<'_>, write| {
                    product(output, a, b, 1.0, write, Threads::One);
                };
                let transposed = |values| Matrix::spaced(values, d_head, seen, len);
                let (queries, grads) = (queries.tokens(tokens.clone()), grads.tokens(tokens.clone()));
                times(Output::new(probs, rows, seen), queries, transposed(&keys_transposed), Write::Over);
                times(
                    Output::new(score_grads, rows, seen),
                    grads,
                    transposed(&values_transposed),
                    Write::Over,
                );
                gradients_of_strip(probs, score_grads, &about_rows, scale(d_head));
                let [probs, score_grads] =
                    [&*probs, &*score_grads].map(|strip| Matrix::new(strip, rows, seen));
                in_f32(&mut q_grad.part(tokens, own.clone()), &mut made_room, |q_grad| {
                    times(q_grad, score_grads, keys.tokens(0..seen), Write::Over);
                });
                times(k_grad.part(0..seen, 0..d_head), score_grads.transposed(), queries, Write::Add);
                times(v_grad.part(0..seen, 0..d_head), probs.transposed(), grads, Write::Add);
            }
        }
    }
}

/// Turns a strip of scores, not yet scaled, into probabilities, and a strip of `dO Vᵀ` into the gradients of the scores.
/// For each row: its log-sum-exp, and the gradient and the value of its output.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn gradients_of_strip(
    probs: &mut [f32],
    score_grads: &mut [f32],
    rows: &[(f32, &[f32], &[f32])],
    scale: f32,
) {
    const FMA: bool = target_cfg_f!(target_feature = "fma");
    let seen = probs.len() / rows.len();
    let strips = probs.chunks_exact_mut(seen).zip(score_grads.chunks_exact_mut(seen));
    for ((probs, score_grads), (visible, (log_sum_exp, grad, output))) in
        strips.zip((seen - rows.len() + 1..).zip(rows))
    {
        let row_sum = math::dot(grad, output);
        probs[visible..].fill(0.0);
        score_grads[visible..].fill(0.0);
        let (probs, score_grads) = (&mut probs[..visible], &mut score_grads[..visible]);
        for (prob, score_grad) in probs.iter_mut().zip(score_grads) {
            *prob = math::exp::<FMA>(*prob * scale - log_sum_exp);
            *score_grad = *prob * (*score_grad - row_sum) * scale;
        }
    }
}
