//! The blocks of a layer against the same parts put together one by one under Burn's own differentiation.

use burn::tensor::{DType, Tensor, activation};
use gearhead_kernels::{
    AttentionWeights, Documents, Heads, MlpWeights, RopeTable, attention_block, mlp_block,
};
use proptest::prelude::*;

use crate::numbers::{FLEX_AND_PORTABLE, Numbers, Trained, assert_agree, backward, documents, grad, sines};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_are_what_their_parts_are(
        (documents, n_kv_heads, group, half) in
            (prop::collection::vec(0..5_usize, 1..4), 1..3_usize, 1..3_usize, 1..4_usize)
                .prop_map(|(lens, kv, group, half)| (documents(&[&lens[..], &[1]].concat()), kv, group, half)),
        phase in 0.0..6.0_f64,
    ) {
        let heads = Heads { n_heads: n_kv_heads * group, n_kv_heads, d_head: 2 * half };
        for dtype in FLEX_AND_PORTABLE {
            assert_blocks_agree(heads, &documents, phase, dtype);
        }
    }
}

/// A block of `x`, its norm's weight and its matrices.
type Block<'a> =
    dyn Fn(Tensor<Trained, 2>, Tensor<Trained, 1>, &[Tensor<Trained, 2>]) -> Tensor<Trained, 2> + 'a;

/// Both blocks, with their gradients, against the same parts put together one by one under Burn's own differentiation,
/// in f64.
fn assert_blocks_agree(heads: Heads, documents: &Documents, phase: f64, dtype: DType) {
    const D_MODEL: usize = 6;
    const D_FF: usize = 5;
    let n = documents.token_count();
    let x = sines(&[n, D_MODEL], phase);
    let upstream = sines(&[n, D_MODEL], phase + 1.0);
    let norm = sines(&[D_MODEL], phase + 2.0);
    let matrices = |shapes: &[[usize; 2]]| -> Vec<Numbers> {
        shapes.iter().zip(3..).map(|(shape, place)| sines(shape, phase + f64::from(place))).collect()
    };
    let inverse_frequencies: Vec<f32> = (0..heads.d_head / 2).map(|pair| 0.5_f32.powi(pair as i32)).collect();
    let run = |block: &Block<'_>, weights: &[Numbers], dtype: DType| {
        let (x, norm) = (x.leaf::<2>(dtype), norm.leaf::<1>(dtype));
        let weights: Vec<_> = weights.iter().map(|weight| weight.leaf::<2>(dtype)).collect();
        let y = block(x.clone(), norm.clone(), &weights);
        let grads = backward(&y, &upstream);
        let mut outcome = vec![
            ("y", Numbers::of(y)),
            ("dx", Numbers::of(grad(&x, &grads))),
            ("dnorm", Numbers::of(grad(&norm, &grads))),
        ];
        outcome.extend(weights.iter().map(|weight| ("dweight", Numbers::of(grad(weight, &grads)))));
        outcome
    };
    let table = |dtype: DType| {
        let table = RopeTable::<Trained>::new(
            &documents.positions(),
            &inverse_frequencies,
            &burn::backend::flex::FlexDevice,
        );
        RopeTable { cos: table.cos.cast(dtype), sin: table.sin.cast(dtype) }
    };
    let (q_dim, kv_dim) = (heads.q_dim(), heads.kv_dim());
    let attention = matrices(&[[q_dim, D_MODEL], [kv_dim, D_MODEL], [kv_dim, D_MODEL], [D_MODEL, q_dim]]);
    let ours = run(
        &|x, norm, weights| {
            let [q, k, v, output] = [0, 1, 2, 3].map(|index| weights[index].clone());
            let weights = AttentionWeights { norm, q, k, v, output };
            attention_block(x, weights, heads, &table(dtype), documents, 0.1)
        },
        &attention,
        dtype,
    );
    let parts = run(
        &|x, norm, weights| plain_attention_block(x, norm, weights, heads, &table(DType::F64), documents),
        &attention,
        DType::F64,
    );
    assert_agree(&ours, &parts);
    let mlp = matrices(&[[D_FF, D_MODEL], [D_FF, D_MODEL], [D_MODEL, D_FF]]);
    let ours = run(
        &|x, norm, weights| {
            let [gate, up, down] = [0, 1, 2].map(|index| weights[index].clone());
            mlp_block(x, MlpWeights { norm, gate, up, down }, 0.1)
        },
        &mlp,
        dtype,
    );
    let parts = run(
        &|x, norm, weights| {
            let normed = plain_rms_norm(x.clone(), norm);
            let of = |weight: &Tensor<Trained, 2>| normed.clone().matmul(weight.clone().transpose());
            x + (activation::silu(of(&weights[0])) * of(&weights[1])).matmul(weights[2].clone().transpose())
        },
        &mlp,
        DType::F64,
    );
    assert_agree(&ours, &parts);
}

fn plain_rms_norm(x: Tensor<Trained, 2>, norm: Tensor<Trained, 1>) -> Tensor<Trained, 2> {
    let mean_square = (x.clone() * x.clone()).mean_dim(1);
    x / (mean_square + 0.1).sqrt() * norm.unsqueeze()
}

fn plain_attention_block(
    x: Tensor<Trained, 2>,
    norm: Tensor<Trained, 1>,
    weights: &[Tensor<Trained, 2>],
    heads: Heads,
    table: &RopeTable<Trained>,
    documents: &Documents,
) -> Tensor<Trained, 2> {
    let normed = plain_rms_norm(x.clone(), norm);
    let (half, group) = (heads.d_head / 2, heads.n_heads / heads.n_kv_heads);
    let head = |weight: usize, head: usize| {
        let rows = weights[weight].clone().narrow(0, head * 2 * half, 2 * half);
        normed.clone().matmul(rows.transpose())
    };
    let turned = |x: Tensor<Trained, 2>| {
        let [n, _] = x.dims();
        let (low, high) = (x.clone().slice([0..n, 0..half]), x.slice([0..n, half..2 * half]));
        let (cos, sin) = (table.cos.clone(), table.sin.clone());
        let low_turned = low.clone() * cos.clone() - high.clone() * sin.clone();
        Tensor::cat(vec![low_turned, high * cos + low * sin], 1)
    };
    let mut y = x;
    for document in documents.ranges().filter(|document| !document.is_empty()) {
        for index in 0..heads.n_heads {
            let rows = |x: Tensor<Trained, 2>| x.slice([document.clone(), 0..2 * half]);
            let (q, k) = (rows(turned(head(0, index))), rows(turned(head(1, index / group))));
            let v = rows(head(2, index / group));
            let scores = q.matmul(k.transpose()) / (heads.d_head as f64).sqrt();
            let len = document.len();
            let ahead = Tensor::<Trained, 2, burn::tensor::Bool>::tril_mask([len, len], 0, &y.device());
            let attended = activation::softmax(scores.mask_fill(ahead, f64::NEG_INFINITY), 1).matmul(v);
            let d_model = y.dims()[1];
            let columns = weights[3].clone().slice([0..d_model, index * 2 * half..(index + 1) * 2 * half]);
            let now = y.clone().slice([document.clone(), 0..d_model]) + attended.matmul(columns.transpose());
            y = y.slice_assign([document.clone(), 0..d_model], now);
        }
    }
    y
}
