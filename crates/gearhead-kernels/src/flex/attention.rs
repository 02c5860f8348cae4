//! Attention inside documents without the score matrix: one row of scores at a time, recomputed in the backward pass.
#![allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]

use std::ops::Range;

use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{contiguous, dims, elements, math, tensor};
use crate::Documents;

/// The sizes of one call.
#[derive(Clone, Copy)]
struct Sizes {
    heads: usize,
    kv_heads: usize,
    d_head: usize,
}

impl Sizes {
    fn of(q: &FlexTensor, k: &FlexTensor) -> Self {
        let ([_, heads, d_head], [_, kv_heads, _]) = (dims::<3>(q), dims::<3>(k));
        Self { heads, kv_heads, d_head }
    }

    /// The features of `head` of the token at `row` in a tensor of `heads` heads.
    #[inline(always)]
    fn at(self, row: usize, head: usize, heads: usize) -> Range<usize> {
        let start = (row * heads + head) * self.d_head;
        start..start + self.d_head
    }

    #[inline(always)]
    fn query(self, row: usize, head: usize) -> Range<usize> {
        self.at(row, head, self.heads)
    }

    #[inline(always)]
    fn key(self, row: usize, head: usize) -> Range<usize> {
        self.at(row, head * self.kv_heads / self.heads, self.kv_heads)
    }

    fn scale(self) -> f32 {
        (self.d_head as f32).sqrt().recip()
    }
}

/// Cuts a buffer of `row_len` elements a token into the documents' pieces.
fn by_document<'a>(mut buffer: &'a mut [f32], documents: &Documents, row_len: usize) -> Vec<&'a mut [f32]> {
    documents
        .ranges()
        .map(|range| {
            let (piece, rest) = std::mem::take(&mut buffer).split_at_mut(range.len() * row_len);
            buffer = rest;
            piece
        })
        .collect()
}

/// The elements of a document's tokens, `row_len` each.
fn rows<'a>(tensor: &'a FlexTensor, range: &Range<usize>, row_len: usize) -> &'a [f32] {
    &elements(tensor)[range.start * row_len..range.end * row_len]
}

/// The output `[n, heads, d_head]` and the log-sum-exp of each row of scores `[n, heads]`.
pub(super) fn forward(
    q: &FlexTensor,
    k: &FlexTensor,
    v: &FlexTensor,
    documents: &Documents,
) -> (FlexTensor, FlexTensor) {
    let sizes = Sizes::of(q, k);
    let [q, k, v] = [q, k, v].map(contiguous);
    let n = documents.token_count();
    let (q_row, kv_row) = (sizes.heads * sizes.d_head, sizes.kv_heads * sizes.d_head);
    let (mut output, mut log_sum_exp) = (vec![0.0; n * q_row], vec![0.0; n * sizes.heads]);
    by_document(&mut output, documents, q_row)
        .into_par_iter()
        .zip(by_document(&mut log_sum_exp, documents, sizes.heads))
        .zip(documents.ranges().collect::<Vec<_>>())
        .for_each(|((output, log_sum_exp), range)| {
            let (q, k, v) = (rows(&q, &range, q_row), rows(&k, &range, kv_row), rows(&v, &range, kv_row));
            forward_document(output, log_sum_exp, q, k, v, sizes);
        });
    (tensor(output, [n, sizes.heads, sizes.d_head]), tensor(log_sum_exp, [n, sizes.heads]))
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn forward_document(
    output: &mut [f32],
    log_sum_exp: &mut [f32],
    q: &[f32],
    k: &[f32],
    v: &[f32],
    sizes: Sizes,
) {
    let len = log_sum_exp.len() / sizes.heads;
    let scale = sizes.scale();
    let mut scores = vec![0.0; len];
    for head in 0..sizes.heads {
        for row in 0..len {
            let (query, scores) = (&q[sizes.query(row, head)], &mut scores[..=row]);
            for (column, score) in scores.iter_mut().enumerate() {
                *score = scale * math::dot(query, &k[sizes.key(column, head)]);
            }
            let largest = math::max(scores);
            let sum = math::exp_minus(scores, largest);
            log_sum_exp[row * sizes.heads + head] = largest + sum.ln();
            let output = &mut output[sizes.query(row, head)];
            for (column, weight) in scores.iter().enumerate() {
                math::add_scaled(output, weight / sum, &v[sizes.key(column, head)]);
            }
        }
    }
}

/// Gradients for `q`, `k` and `v`; `saved` is what [`forward`] returned.
pub(super) fn backward(
    q: &FlexTensor,
    k: &FlexTensor,
    v: &FlexTensor,
    saved: &(FlexTensor, FlexTensor),
    grad: &FlexTensor,
    documents: &Documents,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let sizes = Sizes::of(q, k);
    let [q, k, v, output, log_sum_exp, grad] = [q, k, v, &saved.0, &saved.1, grad].map(contiguous);
    let n = documents.token_count();
    let (q_row, kv_row) = (sizes.heads * sizes.d_head, sizes.kv_heads * sizes.d_head);
    let mut q_grad = vec![0.0; n * q_row];
    let (mut k_grad, mut v_grad) = (vec![0.0; n * kv_row], vec![0.0; n * kv_row]);
    by_document(&mut q_grad, documents, q_row)
        .into_par_iter()
        .zip(by_document(&mut k_grad, documents, kv_row).into_par_iter().zip(by_document(
            &mut v_grad,
            documents,
            kv_row,
        )))
        .zip(documents.ranges().collect::<Vec<_>>())
        .for_each(|((q_grad, (k_grad, v_grad)), range)| {
            let forward = Forward {
                q: rows(&q, &range, q_row),
                k: rows(&k, &range, kv_row),
                v: rows(&v, &range, kv_row),
                output: rows(&output, &range, q_row),
                log_sum_exp: rows(&log_sum_exp, &range, sizes.heads),
                grad: rows(&grad, &range, q_row),
            };
            backward_document(q_grad, k_grad, v_grad, &forward, sizes);
        });
    (
        tensor(q_grad, [n, sizes.heads, sizes.d_head]),
        tensor(k_grad, [n, sizes.kv_heads, sizes.d_head]),
        tensor(v_grad, [n, sizes.kv_heads, sizes.d_head]),
    )
}

/// What the forward pass of one document read and wrote, and the gradient of what it wrote.
struct Forward<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    output: &'a [f32],
    log_sum_exp: &'a [f32],
    grad: &'a [f32],
}

/// With `P = exp(S - log_sum_exp)` and `D = rowsum(dO O)`: `dV += P dO`, `dS = P (dO Vᵀ - D)`, `dQ += dS K`,
/// `dK += dS Q`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn backward_document<'a>(
    q_grad: &mut [f32],
    k_grad: &mut [f32],
    v_grad: &mut [f32],
    forward: &Forward<'a>,
    sizes: Sizes,
) {
    let len = forward.log_sum_exp.len() / sizes.heads;
    let scale = sizes.scale();
    let mut probs = vec![0.0; len];
    for head in 0..sizes.heads {
        for row in 0..len {
            let at = sizes.query(row, head);
            let (query, grad) = (&forward.q[at.clone()], &forward.grad[at.clone()]);
            let row_sum = math::dot(grad, &forward.output[at.clone()]);
            let probs = &mut probs[..=row];
            for (column, prob) in probs.iter_mut().enumerate() {
                *prob = scale * math::dot(query, &forward.k[sizes.key(column, head)]);
            }
            math::exp_minus(probs, forward.log_sum_exp[row * sizes.heads + head]);
            let q_grad = &mut q_grad[at];
            for (column, prob) in probs.iter().enumerate() {
                let key = sizes.key(column, head);
                let score_grad = prob * (math::dot(grad, &forward.v[key.clone()]) - row_sum) * scale;
                math::add_scaled(&mut v_grad[key.clone()], *prob, grad);
                math::add_scaled(q_grad, score_grad, &forward.k[key.clone()]);
                math::add_scaled(&mut k_grad[key], score_grad, query);
            }
        }
    }
}
