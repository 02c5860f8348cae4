//! The smaller operations under `Autodiff` against the same formulas under Burn's own differentiation.

use burn::tensor::{Bool, DType, Tensor, activation};
use gearhead_kernels::{
    Documents, Heads, RopeTable, linear, linear_add, packed_attention, rms_norm, rope, swiglu,
};
use proptest::prelude::*;

use crate::numbers::{FLEX_AND_PORTABLE, Numbers, Trained, assert_agree, backward, documents, grad, sines};

/// What an operation makes of matrices.
type Operation<'a> = dyn Fn(&[Tensor<Trained, 2>], DType) -> Tensor<Trained, 2> + 'a;

/// An operation on matrices of these shapes, with the gradients of all, against its formula in f64.
fn assert_is(shapes: &[[usize; 2]], phase: f64, ours: &Operation<'_>, formula: &Operation<'_>) {
    let inputs: Vec<Numbers> =
        shapes.iter().zip(1..).map(|(shape, place)| sines(shape, phase + f64::from(place))).collect();
    let run = |operation: &Operation<'_>, dtype: DType| {
        let inputs: Vec<_> = inputs.iter().map(|input| input.leaf::<2>(dtype)).collect();
        let y = operation(&inputs, dtype);
        let grads = backward(&y, &sines(&y.dims(), phase));
        let mut outcome = vec![("y", Numbers::of(y))];
        outcome.extend(inputs.iter().map(|input| ("gradient", Numbers::of(grad(input, &grads)))));
        outcome
    };
    let expected = run(formula, DType::F64);
    for dtype in FLEX_AND_PORTABLE {
        assert_agree(&run(ours, dtype), &expected);
    }
}

fn columns(x: &Tensor<Trained, 2>, start: usize, end: usize) -> Tensor<Trained, 2> {
    x.clone().slice([0..x.dims()[0], start..end])
}

/// Cosines and sines of `n` positions, each three after the other.
fn table(n: usize, half: usize, dtype: DType) -> RopeTable<Trained> {
    let positions: Vec<usize> = (0..n).map(|token| 3 * token).collect();
    let inverse_frequencies: Vec<f32> = (0..half).map(|pair| 0.5_f32.powi(pair as i32)).collect();
    let table = RopeTable::new(&positions, &inverse_frequencies, &burn::backend::flex::FlexDevice);
    RopeTable { cos: table.cos.cast(dtype), sin: table.sin.cast(dtype) }
}

fn plain_rope(
    x: &Tensor<Trained, 2>,
    table: &RopeTable<Trained>,
    heads: usize,
    half: usize,
) -> Tensor<Trained, 2> {
    let (cos, sin) = (table.cos.clone(), table.sin.clone());
    let mut parts = Vec::new();
    for head in 0..heads {
        let start = 2 * half * head;
        let (low, high) = (columns(x, start, start + half), columns(x, start + half, start + 2 * half));
        parts.push(low.clone() * cos.clone() - high.clone() * sin.clone());
        parts.push(high * cos.clone() + low * sin.clone());
    }
    parts.push(columns(x, 2 * half * heads, x.dims()[1]));
    Tensor::cat(parts, 1)
}

fn plain_attention(qkv: &Tensor<Trained, 2>, heads: Heads, documents: &Documents) -> Tensor<Trained, 2> {
    let Heads { n_heads, n_kv_heads, d_head } = heads;
    let mut outputs = Vec::new();
    for range in documents.ranges().filter(|range| !range.is_empty()) {
        let rows = qkv.clone().slice([range.clone(), 0..heads.qkv_dim()]);
        let head = |index: usize| columns(&rows, index * d_head, (index + 1) * d_head);
        let ahead = Tensor::<Trained, 2, Bool>::tril_mask([range.len(), range.len()], 0, &qkv.device());
        let attended = (0..n_heads).map(|index| {
            let group = index / (n_heads / n_kv_heads);
            let (q, k, v) = (head(index), head(n_heads + group), head(n_heads + n_kv_heads + group));
            let scores = q.matmul(k.transpose()) / (d_head as f64).sqrt();
            activation::softmax(scores.mask_fill(ahead.clone(), f64::NEG_INFINITY), 1).matmul(v)
        });
        outputs.push(Tensor::cat(attended.collect(), 1));
    }
    Tensor::cat(outputs, 0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_of_linear_layers_are_those_of_their_formula(
        (n, inner, outs) in (1..9_usize, 1..20_usize, prop::collection::vec(1..20_usize, 1..4)),
        phase in 0.0..6.0_f64,
    ) {
        let weights = outs.iter().map(|out| [*out, inner]);
        let shapes: Vec<_> = [[n, inner]].into_iter().chain(weights).collect();
        assert_is(
            &shapes,
            phase,
            &|inputs, _| linear(inputs[0].clone(), inputs[1..].to_vec()),
            &|inputs, _| {
                let parts = inputs[1..].iter().map(|weight| inputs[0].clone().matmul(weight.clone().transpose()));
                Tensor::cat(parts.collect(), 1)
            },
        );
        assert_is(
            &[[n, inner], [outs[0], inner], [n, outs[0]]],
            phase,
            &|inputs, _| linear_add(inputs[0].clone(), inputs[1].clone(), inputs[2].clone()),
            &|inputs, _| inputs[0].clone().matmul(inputs[1].clone().transpose()) + inputs[2].clone(),
        );
    }

    #[test]
    fn the_gradient_of_rope_is_that_of_its_formula(
        (n, heads, half, behind) in (1..9_usize, 1..4_usize, 1..6_usize, 0..5_usize),
        phase in 0.0..6.0_f64,
    ) {
        assert_is(
            &[[n, 2 * half * heads + behind]],
            phase,
            &|inputs, dtype| rope(inputs[0].clone(), &table(n, half, dtype), heads),
            &|inputs, dtype| plain_rope(&inputs[0], &table(n, half, dtype), heads, half),
        );
    }

    #[test]
    fn the_gradient_of_swiglu_is_that_of_its_formula(
        (n, d_ff) in (1..9_usize, 1..20_usize),
        phase in 0.0..6.0_f64,
    ) {
        assert_is(
            &[[n, 2 * d_ff]],
            phase,
            &|inputs, _| swiglu(inputs[0].clone()),
            &|inputs, _| activation::silu(columns(&inputs[0], 0, d_ff)) * columns(&inputs[0], d_ff, 2 * d_ff),
        );
    }

    #[test]
    fn the_gradient_of_attention_is_that_of_its_formula(
        (lens, n_kv_heads, group, d_head) in
            (prop::collection::vec(0..6_usize, 0..4), 1..3_usize, 1..4_usize, 1..9_usize),
        phase in 0.0..6.0_f64,
    ) {
        let documents = documents(&[&lens[..], &[2]].concat());
        let heads = Heads { n_heads: n_kv_heads * group, n_kv_heads, d_head };
        assert_is(
            &[[documents.token_count(), heads.qkv_dim()]],
            phase,
            &|inputs, _| packed_attention(inputs[0].clone(), heads, &documents),
            &|inputs, _| plain_attention(&inputs[0], heads, &documents),
        );
    }
}

#[test]
fn operations_of_no_rows_have_gradients_of_no_rows() {
    let (heads, documents) = (Heads { n_heads: 2, n_kv_heads: 1, d_head: 2 }, Documents::new(&[0, 0]));
    let leaf = |shape: [usize; 2]| sines(&shape, 0.0).leaf::<2>(DType::F32);
    let (x, weights) = (leaf([0, 6]), vec![leaf([4, 6]), leaf([4, 6])]);
    let normed = rms_norm(x.clone(), sines(&[6], 2.0).leaf(DType::F32), 0.1);
    let qkv = rope(linear(normed, weights), &table(0, 1, DType::F32), heads.turned());
    let y = linear_add(packed_attention(qkv, heads, &documents), leaf([6, 4]), x.clone());
    assert_eq!(y.dims(), [0, 6]);
    let grads = backward(&y, &sines(&[0, 6], 4.0));
    assert_eq!(grad(&x, &grads).dims(), [0, 6]);
}

#[test]
fn only_matrices_that_are_tracked_get_gradients() {
    let numbers = [[5, 4], [3, 4], [2, 4], [5, 5]].map(|shape| sines(&shape, shape[0] as f64));
    let upstream = sines(&[5, 5], 9.0);
    for dtype in FLEX_AND_PORTABLE {
        let run = |trained: [bool; 4]| {
            let leaves = [0, 1, 2, 3].map(|index| {
                let tensor = numbers[index].tensor::<Trained, 2>(dtype);
                if trained[index] { tensor.require_grad() } else { tensor }
            });
            let [x, one, two, residual] = leaves.clone();
            let y = linear(x.clone(), vec![one.clone(), two.clone()]);
            let weight = Tensor::cat(vec![one, two], 0);
            let grads = backward(&(y + linear_add(x, weight, residual)), &upstream);
            leaves.map(|leaf| leaf.grad(&grads).map(Numbers::of))
        };
        let all = run([true; 4]);
        for only in 0..4 {
            let mut trained = [false; 4];
            trained[only] = true;
            for (index, (one, all)) in run(trained).iter().zip(&all).enumerate() {
                assert_eq!(one.as_ref(), if index == only { all.as_ref() } else { None });
            }
        }
    }
}
