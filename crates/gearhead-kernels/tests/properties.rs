//! What holds for any numbers: flex and portable agree, attention looks where it may, threads change nothing.
#![cfg(feature = "flex")]

mod numbers;

use burn::{
    backend::Flex,
    tensor::{DType, Int, Tensor, TensorData, TensorPrimitive},
};
use gearhead_kernels::{
    AdamWStep, Documents, Kernels, RopeTable, adamw_step, cross_entropy, linear, packed_attention, rms_norm,
    rope, swiglu,
};
use proptest::prelude::*;

use numbers::{FLEX_AND_PORTABLE, Numbers, Trained, assert_within, backward, grad};

/// A tensor of any moderate numbers.
fn numbers(shape: &[usize]) -> impl Strategy<Value = Numbers> + use<> {
    let shape = shape.to_vec();
    prop::collection::vec(-2.0..2.0_f32, shape.iter().product::<usize>()).prop_map(move |data| Numbers {
        shape: shape.clone(),
        data: data.into_iter().map(f64::from).collect(),
    })
}

/// The same, for tensors too large to draw: the sines of their indices.
fn sines(shape: &[usize], phase: f64) -> Numbers {
    let shape = shape.to_vec();
    let count = shape.iter().product::<usize>();
    let data = (0..count).map(|index| f64::from((1.7 * index as f64 + phase).sin() as f32)).collect();
    Numbers { shape, data }
}

/// What each operation computes, by name: its value, then its gradients.
type Outcome = Vec<(&'static str, Numbers)>;

/// Flex in f32 against portable in f64. A small element may be the difference of large ones, so that all are measured
/// by the largest of the outcome, or by one.
fn assert_agree(flex: &Outcome, portable: &Outcome) {
    let largest = portable.iter().fold(1.0_f64, |largest, (_, numbers)| largest.max(numbers.largest()));
    for ((what, flex), (_, portable)) in flex.iter().zip(portable) {
        assert_within(what, flex, portable, 1e-5 * largest);
    }
}

/// Runs an operation on both implementations.
fn assert_flex_is_portable(run: impl Fn(DType) -> Outcome) {
    let [flex, portable] = FLEX_AND_PORTABLE.map(run);
    assert_agree(&flex, &portable);
}

/// Inputs of [`rms_norm`]: `x`, `weight`, the gradient that flows in. A large `eps` keeps rows of nearly zero from
/// magnifying rounding.
fn run_rms_norm([x, weight, upstream]: &[Numbers; 3], dtype: DType) -> Outcome {
    let (x, weight) = (x.leaf(dtype), weight.leaf(dtype));
    let y = rms_norm(x.clone(), weight.clone(), 0.1);
    let grads = backward(&y, upstream);
    vec![
        ("y", Numbers::of(y)),
        ("dx", Numbers::of(grad::<2>(&x, &grads))),
        ("dweight", Numbers::of(grad::<1>(&weight, &grads))),
    ]
}

/// Inputs of [`swiglu`]: `gate`, `up`, the gradient that flows in.
fn run_swiglu([gate, up, upstream]: &[Numbers; 3], dtype: DType) -> Outcome {
    let (gate, up) = (gate.leaf(dtype), up.leaf(dtype));
    let y = swiglu(gate.clone(), up.clone());
    let grads = backward(&y, upstream);
    vec![
        ("y", Numbers::of(y)),
        ("dgate", Numbers::of(grad(&gate, &grads))),
        ("dup", Numbers::of(grad(&up, &grads))),
    ]
}

/// Inputs of [`rope`]: `x`, the gradient that flows in; token `i` stands at `3 i`.
fn run_rope([x, upstream]: &[Numbers; 2], dtype: DType) -> Outcome {
    let x = x.leaf::<3>(dtype);
    let [n, _, d_head] = x.dims();
    let positions: Vec<usize> = (0..n).map(|token| 3 * token).collect();
    let inverse_frequencies: Vec<f32> = (0..d_head / 2).map(|pair| 0.5_f32.powi(pair as i32)).collect();
    let table = RopeTable::<Trained>::new(&positions, &inverse_frequencies, &x.device());
    let table = RopeTable { cos: table.cos.cast(dtype), sin: table.sin.cast(dtype) };
    let y = rope(x.clone(), &table);
    let grads = backward(&y, upstream);
    vec![("y", Numbers::of(y)), ("dx", Numbers::of(grad(&x, &grads)))]
}

/// Inputs of [`packed_attention`]: `q`, `k`, `v`, the gradient that flows in.
fn run_attention([q, k, v, upstream]: &[Numbers; 4], documents: &Documents, dtype: DType) -> Outcome {
    let [q, k, v] = [q, k, v].map(|numbers| numbers.leaf(dtype));
    let out = packed_attention(q.clone(), k.clone(), v.clone(), documents);
    let grads = backward(&out, upstream);
    vec![
        ("out", Numbers::of(out)),
        ("dq", Numbers::of(grad(&q, &grads))),
        ("dk", Numbers::of(grad(&k, &grads))),
        ("dv", Numbers::of(grad(&v, &grads))),
    ]
}

fn run_cross_entropy(logits: &Numbers, targets: &[i64], dtype: DType) -> Outcome {
    let logits = logits.leaf::<2>(dtype);
    let targets = Tensor::<Trained, 1, Int>::from_data(
        TensorData::new(targets.to_vec(), [targets.len()]),
        &logits.device(),
    );
    let loss = cross_entropy(logits.clone(), targets);
    let grads = loss.backward();
    vec![("loss", Numbers::of(loss)), ("dlogits", Numbers::of(grad(&logits, &grads)))]
}

/// Inputs of [`linear`]: `x`, `weight`, the gradient that flows in.
fn run_linear([x, weight, upstream]: &[Numbers; 3], dtype: DType) -> Outcome {
    let (x, weight) = (x.leaf(dtype), weight.leaf(dtype));
    let y = linear(x.clone(), weight.clone());
    let grads = backward(&y, upstream);
    vec![
        ("y", Numbers::of(y)),
        ("dx", Numbers::of(grad(&x, &grads))),
        ("dweight", Numbers::of(grad(&weight, &grads))),
    ]
}

const STEP: AdamWStep = AdamWStep {
    learning_rate: 1e-2,
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-8,
    weight_decay: 0.1,
    step: 3,
    grad_scale: 0.5,
};

/// Inputs of [`adamw_step`]: parameter, gradient, first moment, root of the second moment.
fn run_adamw([parameter, grad, first, root]: &[Numbers; 4], dtype: DType) -> Outcome {
    let [parameter, grad, first, root] =
        [parameter, grad, first, root].map(|numbers| numbers.tensor::<Flex, 1>(dtype));
    // A large second moment, so that the quotient does not magnify rounding.
    let second = root.clone() * root + 1.0;
    let (parameter, first, second) = adamw_step(parameter, grad, (first, second), &STEP);
    vec![
        ("parameter", Numbers::of(parameter)),
        ("exp_avg", Numbers::of(first)),
        ("exp_avg_sq", Numbers::of(second)),
    ]
}

/// Documents by their lengths.
fn documents(lens: &[usize]) -> Documents {
    let mut offsets = vec![0];
    offsets.extend(lens.iter().scan(0, |end, len| {
        *end += len;
        Some(*end)
    }));
    Documents::new(&offsets)
}

/// Documents, empty ones and none among them, and inputs of attention with any grouping of heads.
fn attention_inputs(
    lens: impl Strategy<Value = Vec<usize>>,
) -> impl Strategy<Value = (Documents, [Numbers; 4])> {
    (lens, 1..4_usize, 1..4_usize, 1..20_usize).prop_flat_map(|(lens, kv_heads, group, d_head)| {
        let n = lens.iter().sum();
        let tensor = |heads| numbers(&[n, heads, d_head]);
        let tensors =
            [tensor(kv_heads * group), tensor(kv_heads), tensor(kv_heads), tensor(kv_heads * group)];
        (Just(documents(&lens)), tensors)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flex_rms_norm_is_the_portable_one(
        inputs in (0..6_usize, 1..50_usize).prop_flat_map(|(n, d)| [numbers(&[n, d]), numbers(&[d]), numbers(&[n, d])])
    ) {
        assert_flex_is_portable(|dtype| run_rms_norm(&inputs, dtype));
    }

    #[test]
    fn flex_swiglu_is_the_portable_one(
        inputs in (0..6_usize, 1..50_usize).prop_flat_map(|(n, f)| [(); 3].map(|()| numbers(&[n, f])))
    ) {
        assert_flex_is_portable(|dtype| run_swiglu(&inputs, dtype));
    }

    #[test]
    fn flex_rope_is_the_portable_one(
        inputs in (0..6_usize, 1..4_usize, 1..12_usize)
            .prop_flat_map(|(n, h, half)| [(); 2].map(|()| numbers(&[n, h, 2 * half])))
    ) {
        assert_flex_is_portable(|dtype| run_rope(&inputs, dtype));
    }

    #[test]
    fn flex_attention_is_the_portable_one(
        (documents, inputs) in attention_inputs(prop::collection::vec(0..7_usize, 0..5))
    ) {
        assert_flex_is_portable(|dtype| run_attention(&inputs, &documents, dtype));
    }

    #[test]
    fn flex_cross_entropy_is_the_portable_one(
        (logits, targets, scale) in (0..6_usize, 1..50_usize).prop_flat_map(|(n, v)| {
            (numbers(&[n, v]), prop::collection::vec(0..v as i64, n), prop_oneof![Just(1.0), Just(60.0)])
        })
    ) {
        let data = logits.data.iter().map(|value| f64::from((value * scale) as f32)).collect();
        let logits = Numbers { data, ..logits };
        assert_flex_is_portable(|dtype| run_cross_entropy(&logits, &targets, dtype));
    }

    #[test]
    fn linear_is_the_same_in_both_types(
        inputs in (0..6_usize, 1..20_usize, 1..20_usize)
            .prop_flat_map(|(n, i, o)| [numbers(&[n, i]), numbers(&[o, i]), numbers(&[n, o])])
    ) {
        assert_flex_is_portable(|dtype| run_linear(&inputs, dtype));
    }

    #[test]
    fn flex_adamw_is_the_portable_one(
        inputs in (0..50_usize).prop_flat_map(|n| [(); 4].map(|()| numbers(&[n])))
    ) {
        assert_flex_is_portable(|dtype| run_adamw(&inputs, dtype));
    }

    #[test]
    fn a_token_changes_nothing_before_it_nor_in_other_documents(
        (documents, inputs) in attention_inputs(
            (prop::collection::vec(0..6_usize, 0..3), 1..6_usize).prop_map(|(mut lens, not_empty)| {
                lens.insert(lens.len() / 2, not_empty);
                lens
            })
        ),
        pick in any::<prop::sample::Index>(),
    ) {
        let n = documents.token_count();
        let token = pick.index(n);
        let own = documents.ranges().find(|range| range.contains(&token)).expect("each token is in a document");
        let row = |numbers: &Numbers, token: usize| {
            let len = numbers.data.len() / n;
            numbers.data[token * len..][..len].to_vec()
        };
        let change = |numbers: &Numbers| {
            let (mut changed, len) = (numbers.clone(), numbers.data.len() / n);
            changed.data[token * len..][..len].iter_mut().for_each(|value| *value += 1.0);
            changed
        };
        let [q, k, v, upstream] = &inputs;
        for dtype in FLEX_AND_PORTABLE {
            let before = run_attention(&inputs, &documents, dtype);
            // Forwards: what a token is reaches itself and what follows it.
            let changed = [change(q), change(k), change(v), upstream.clone()];
            let after = run_attention(&changed, &documents, dtype);
            let out = |outcome: &Outcome, at| row(&outcome[0].1, at);
            for other in (0..n).filter(|other| *other < token || !own.contains(other)) {
                prop_assert_eq!(out(&before, other), out(&after, other), "token {} saw {}", other, token);
            }
            prop_assert_ne!(out(&before, token), out(&after, token), "a token sees itself");
            // Backwards: what is asked of a token reaches itself and what comes before it.
            let changed = [q.clone(), k.clone(), v.clone(), change(upstream)];
            let after = run_attention(&changed, &documents, dtype);
            for ((what, before), (_, after)) in before.iter().zip(&after).skip(1) {
                for other in (0..n).filter(|other| *other > token || !own.contains(other)) {
                    prop_assert_eq!(row(before, other), row(after, other), "{} of {}", what, other);
                }
            }
            prop_assert_ne!(row(&before[3].1, token), row(&after[3].1, token), "a token is its own cause");
        }
    }
}

/// Shapes of several pieces of work each, so that there is something to share out.
fn run_all_at_size(dtype: DType) -> Vec<Outcome> {
    let lens = [40, 0, 1, 77, 13, 64, 5];
    let n = lens.iter().sum::<usize>();
    let targets: Vec<i64> = (0..70).map(|row| row * 13 % 1001).collect();
    vec![
        run_rms_norm(&[sines(&[301, 257], 0.0), sines(&[257], 1.0), sines(&[301, 257], 2.0)], dtype),
        run_swiglu(&[0.0, 1.0, 2.0].map(|phase| sines(&[333, 151], phase)), dtype),
        run_rope(&[0.0, 1.0].map(|phase| sines(&[150, 7, 34], phase)), dtype),
        run_attention(
            &[
                sines(&[n, 6, 17], 0.0),
                sines(&[n, 2, 17], 1.0),
                sines(&[n, 2, 17], 2.0),
                sines(&[n, 6, 17], 3.0),
            ],
            &documents(&lens),
            dtype,
        ),
        run_cross_entropy(&sines(&[70, 1001], 0.0), &targets, dtype),
        run_adamw(&[0.0, 1.0, 2.0, 3.0].map(|phase| sines(&[50_001], phase)), dtype),
    ]
}

#[test]
fn flex_is_portable_over_several_pieces_of_work() {
    let [flex, portable] = FLEX_AND_PORTABLE.map(run_all_at_size);
    for (flex, portable) in flex.iter().zip(&portable) {
        assert_agree(flex, portable);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let [one, three] = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            assert_eq!(rayon::current_num_threads(), threads);
            run_all_at_size(DType::F32)
        })
    });
    for (one, three) in one.iter().flatten().zip(three.iter().flatten()) {
        let bits = |numbers: &Numbers| numbers.data.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(bits(&one.1) == bits(&three.1), "{} depends on the number of threads", one.0);
    }
}

/// The same numbers as a window into a larger tensor, and as the transpose of a transpose.
fn views<const D: usize>(numbers: &Numbers) -> [Tensor<Flex, D>; 2] {
    let tensor = numbers.tensor::<Flex, D>(DType::F32);
    let rows = tensor.dims()[0];
    let larger = Tensor::cat(vec![tensor.clone() + 1.0, tensor.clone(), tensor.clone() - 1.0], 0);
    let strided = Tensor::stack::<3>(vec![tensor.clone().flatten::<1>(0, D - 1).unsqueeze::<2>(); 2], 2);
    let strided = strided.slice([0..1, 0..numbers.data.len(), 1..2]).reshape(tensor.shape());
    [larger.narrow(0, rows, rows), strided]
}

#[test]
fn views_into_larger_tensors_are_read_as_what_they_show() {
    let [x, y, z, upstream] = [0.0, 1.0, 2.0, 3.0].map(|phase| sines(&[6, 4], phase));
    let [plain_x, plain_y, plain_z, plain_upstream] =
        [&x, &y, &z, &upstream].map(|numbers| numbers.tensor::<Flex, 2>(DType::F32));
    let weight = || sines(&[4], 4.0).tensor::<Flex, 1>(DType::F32);
    let by_columns = |tensor: Tensor<Flex, 2>| {
        // The same numbers, one column after the other in memory.
        let [rows, columns] = tensor.dims();
        let data = Numbers::of(tensor.transpose());
        data.tensor::<Flex, 2>(DType::F32).reshape([columns, rows]).transpose()
    };
    let table = RopeTable::new(&[0, 3, 5, 6, 7, 9], &[1.0, 0.1], &plain_x.device());
    let documents = Documents::new(&[0, 4, 6]);
    let heads = |tensor: Tensor<Flex, 2>| tensor.unsqueeze_dim::<3>(1);
    for which in 0..3 {
        let view = |numbers: &Numbers| match which {
            2 => by_columns(numbers.tensor(DType::F32)),
            _ => views::<2>(numbers)[which].clone(),
        };
        let same = |what: &str, ours: Tensor<Flex, 2>, plain: Tensor<Flex, 2>| {
            assert_eq!(Numbers::of(ours), Numbers::of(plain), "{what}, view {which}");
        };
        same("rms_norm", rms_norm(view(&x), weight(), 1e-5), rms_norm(plain_x.clone(), weight(), 1e-5));
        same("swiglu", swiglu(view(&x), view(&y)), swiglu(plain_x.clone(), plain_y.clone()));
        same(
            "rope",
            rope(heads(view(&x)), &table).squeeze_dim(1),
            rope(heads(plain_x.clone()), &table).squeeze_dim(1),
        );
        same(
            "packed_attention",
            packed_attention(heads(view(&x)), heads(view(&y)), heads(view(&z)), &documents).squeeze_dim(1),
            packed_attention(
                heads(plain_x.clone()),
                heads(plain_y.clone()),
                heads(plain_z.clone()),
                &documents,
            )
            .squeeze_dim(1),
        );
        let second = |tensor: Tensor<Flex, 2>| tensor.powi_scalar(2);
        let ours = adamw_step(view(&x), view(&upstream), (view(&y), second(view(&z))), &STEP);
        let plain = (plain_x.clone(), plain_upstream.clone(), (plain_y.clone(), second(plain_z.clone())));
        let plain = adamw_step(plain.0, plain.1, plain.2, &STEP);
        same("adamw parameter", ours.0, plain.0);
        same("adamw first moment", ours.1, plain.1);
        same("adamw second moment", ours.2, plain.2);
    }
}

#[test]
fn only_tensors_that_are_tracked_get_gradients() {
    let (x, weight) = (sines(&[5, 8], 0.0), sines(&[3, 8], 1.0));
    let upstream = sines(&[5, 3], 2.0);
    for dtype in FLEX_AND_PORTABLE {
        let (tracked, frozen) = (x.leaf::<2>(dtype), weight.tensor::<Trained, 2>(dtype));
        let grads = backward(&linear(tracked.clone(), frozen.clone()), &upstream);
        assert!(frozen.grad(&grads).is_none());
        let both = run_linear(&[x.clone(), weight.clone(), upstream.clone()], dtype);
        assert_eq!(Numbers::of(grad(&tracked, &grads)), both[1].1);
        let (frozen, tracked) = (x.tensor::<Trained, 2>(dtype), weight.leaf::<2>(dtype));
        let grads = backward(&linear(frozen.clone(), tracked.clone()), &upstream);
        assert!(frozen.grad(&grads).is_none());
        assert_eq!(Numbers::of(grad(&tracked, &grads)), both[2].1);
    }
}

#[test]
fn adamw_on_a_window_of_a_larger_tensor_steps_what_the_window_shows() {
    let plain =
        [0.0, 1.0, 2.0, 3.0].map(|phase| sines(&[6], phase).tensor::<Flex, 1>(DType::F32).powi_scalar(2));
    // The trait's method, since the function's reshape would copy the window.
    let step = |[parameter, grad, first, second]: [Tensor<Flex, 1>; 4]| {
        let [parameter, grad, first, second] =
            [parameter, grad, first, second].map(|tensor| tensor.into_primitive().tensor());
        let (parameter, first, second) = Flex::adamw_step(parameter, grad, (first, second), &STEP);
        [parameter, first, second]
            .map(|tensor| Numbers::of(Tensor::<Flex, 1>::from_primitive(TensorPrimitive::Float(tensor))))
    };
    for start in [0, 2, 4] {
        let window = |tensor: &Tensor<Flex, 1>| {
            let rest = Tensor::ones([4 - start], &tensor.device());
            Tensor::cat(vec![Tensor::ones([start], &tensor.device()), tensor.clone(), rest], 0)
                .narrow(0, start, 6)
        };
        assert_eq!(step(plain.each_ref().map(window)), step(plain.clone()), "from {start}");
    }
}
