//! What holds for any numbers: flex and portable agree, attention looks where it may, threads change nothing.

use burn::{
    backend::Flex,
    tensor::{DType, Tensor, TensorPrimitive},
};
use gearhead_kernels::{
    AdamWStep, CacheTensor, Documents, Heads, Kernels, MlpWeights, RopeTable, SharedPrefix, Span, adamw_step,
    cached_attention, embedding, linear, mlp_block, rms_norm, rope, sum_of_squares, swiglu,
};
use proptest::prelude::*;

use crate::numbers::{
    FLEX_AND_PORTABLE, Numbers, Outcome, Trained, assert_agree, attention_and_gradients, backward,
    cross_entropy_and_gradients, documents, grad, linear_and_gradients, rope_and_gradient, sines,
    swiglu_and_gradients,
};

/// A tensor of any moderate numbers.
fn numbers(shape: &[usize]) -> impl Strategy<Value = Numbers> + use<> {
    let shape = shape.to_vec();
    prop::collection::vec(-2.0..2.0_f32, shape.iter().product::<usize>()).prop_map(move |data| Numbers {
        shape: shape.clone(),
        data: data.into_iter().map(f64::from).collect(),
    })
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
fn run_swiglu(inputs: &[Numbers; 3], dtype: DType) -> Outcome {
    swiglu_and_gradients(inputs.each_ref(), dtype)
}

/// Inputs of [`rope`]: `x`, the gradient that flows in; token `i` stands at `3 i`.
fn run_rope(inputs: &[Numbers; 2], dtype: DType) -> Outcome {
    let [n, d_head] = [0, 2].map(|axis| inputs[0].shape[axis]);
    let positions: Vec<usize> = (0..n).map(|token| 3 * token).collect();
    let inverse_frequencies: Vec<f32> = (0..d_head / 2).map(|pair| 0.5_f32.powi(pair as i32)).collect();
    rope_and_gradient(inputs.each_ref(), &positions, &inverse_frequencies, dtype)
}

/// Inputs of attention: `q`, `k`, `v`, the gradient that flows in.
fn run_attention(inputs: &[Numbers; 4], documents: &Documents, dtype: DType) -> Outcome {
    attention_and_gradients(inputs.each_ref(), documents, dtype)
}

/// Inputs of the output layer: hidden states and weight.
fn run_cross_entropy(inputs: &[Numbers; 2], targets: &[i64], dtype: DType) -> Outcome {
    cross_entropy_and_gradients(inputs.each_ref(), targets, 1.0, dtype)
}

/// Inputs of [`linear`]: `x`, `weight`, the gradient that flows in.
fn run_linear(inputs: &[Numbers; 3], dtype: DType) -> Outcome {
    linear_and_gradients(inputs.each_ref(), dtype)
}

/// Inputs of [`embedding`]: the table, the gradient that flows in.
fn run_embedding([table, upstream]: &[Numbers; 2], ids: &[i64], dtype: DType) -> Outcome {
    let table = table.leaf::<2>(dtype);
    let ids = Tensor::from_data(burn::tensor::TensorData::new(ids.to_vec(), [ids.len()]), &table.device());
    let y = embedding(table.clone(), ids);
    let grads = backward(&y, upstream);
    vec![("y", Numbers::of(y)), ("dtable", Numbers::of(grad(&table, &grads)))]
}

/// What new tokens of some sequences look at.
#[derive(Debug, Clone)]
struct Cached {
    qkv: Numbers,
    cache: [Numbers; 2],
    prefix: Option<([Numbers; 2], usize)>,
    spans: Vec<Span>,
    heads: Heads,
}

/// Attention over a cache whose numbers are stored in another type.
fn run_cached(inputs: &Cached, stored: DType, dtype: DType) -> Outcome {
    let qkv = inputs.qkv.tensor::<Flex, 2>(dtype);
    let part = |part: &Numbers| {
        // In f32 first: what is nearest to a number of either type is the same.
        CacheTensor::new(part.tensor::<Flex, 4>(DType::F32).cast(dtype), stored)
    };
    let parts = |parts: &[Numbers; 2]| parts.each_ref().map(part);
    let numbers = |part: CacheTensor<Flex>| Numbers::of(part.load(dtype));
    let prefix = inputs.prefix.as_ref().map(|(cache, len)| SharedPrefix { cache: parts(cache), len: *len });
    let cache = parts(&inputs.cache);
    let held = cache.clone().map(numbers);
    let (output, [keys, values]) = cached_attention(qkv, cache.clone(), prefix, &inputs.spans, inputs.heads);
    assert_eq!(cache.map(numbers), held, "a cache that someone else holds is not written to");
    vec![("output", Numbers::of(output)), ("keys", numbers(keys)), ("values", numbers(values))]
}

fn run_sum_of_squares(x: &Numbers, dtype: DType) -> Outcome {
    vec![("sum", Numbers::of(sum_of_squares(x.tensor::<Flex, 2>(dtype))))]
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
        (inputs, targets, scale) in (0..6_usize, 1..50_usize, 1..9_usize).prop_flat_map(|(n, v, d)| {
            (
                [numbers(&[n, d]), numbers(&[v, d])],
                prop::collection::vec(0..v as i64, n),
                prop_oneof![Just(1.0), Just(20.0)],
            )
        })
    ) {
        let [hidden, weight] = inputs;
        let data = hidden.data.iter().map(|value| f64::from((value * scale) as f32)).collect();
        let inputs = [Numbers { data, ..hidden }, weight];
        assert_flex_is_portable(|dtype| run_cross_entropy(&inputs, &targets, dtype));
    }

    #[test]
    fn flex_embedding_is_the_portable_one(
        (inputs, ids) in (0..9_usize, 1..9_usize, 1..9_usize).prop_flat_map(|(n, rows, d)| {
            ([numbers(&[rows, d]), numbers(&[n, d])], prop::collection::vec(0..rows as i64, n))
        })
    ) {
        assert_flex_is_portable(|dtype| run_embedding(&inputs, &ids, dtype));
    }

    #[test]
    fn flex_sum_of_squares_is_the_portable_one(
        x in (0..6_usize, 1..50_usize).prop_flat_map(|(n, d)| numbers(&[n, d]))
    ) {
        assert_flex_is_portable(|dtype| run_sum_of_squares(&x, dtype));
    }

    #[test]
    fn flex_attention_over_a_cache_is_the_portable_one(
        inputs in (1..3_usize, 1..3_usize, 1..36_usize, prop::collection::vec((0..9_usize, 1..7_usize), 1..4), 0..6_usize)
            .prop_flat_map(|(n_kv_heads, group, d_head, spans, prefix)| {
                let heads = Heads { n_heads: n_kv_heads * group, n_kv_heads, d_head };
                // Every second slot, the last first.
                let slots = 2 * spans.len();
                let spans: Vec<_> = (0..).zip(&spans).map(|(index, (len, new))| Span {
                    slot: slots - 2 * index - 1,
                    len: *len,
                    new: *new,
                }).collect();
                let n = spans.iter().map(|span| span.new).sum();
                let cache = [slots, n_kv_heads, 16, d_head];
                let shared = [1, n_kv_heads, prefix + 2, d_head];
                let numbers = (
                    numbers(&[n, heads.qkv_dim()]),
                    [numbers(&cache), numbers(&cache)],
                    [numbers(&shared), numbers(&shared)],
                );
                numbers.prop_map(move |(qkv, cache, shared)| Cached {
                    qkv,
                    cache,
                    prefix: (prefix > 0).then_some((shared, prefix)),
                    spans: spans.clone(),
                    heads,
                })
            }),
    ) {
        assert_flex_is_portable(|dtype| run_cached(&inputs, dtype, dtype));
        assert_flex_is_portable(|dtype| run_cached(&inputs, DType::F16, dtype));
        assert_flex_is_portable(|dtype| run_cached(&inputs, DType::I8, dtype));
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
        run_cross_entropy(&[sines(&[70, 24], 0.0), sines(&[1001, 24], 1.0)], &targets, dtype),
        // Four chunks of logits.
        run_cross_entropy(&[sines(&[70, 3], 0.0), sines(&[200_001, 3], 1.0)], &targets, dtype),
        run_linear(&[sines(&[301, 129], 0.0), sines(&[257, 129], 1.0), sines(&[301, 257], 2.0)], dtype),
        // So few tokens that the weights are not packed.
        run_linear(&[sines(&[70, 129], 0.0), sines(&[1301, 129], 1.0), sines(&[70, 1301], 2.0)], dtype),
        run_linear(&[sines(&[3, 129], 0.0), sines(&[1301, 129], 1.0), sines(&[3, 1301], 2.0)], dtype),
        run_cached(
            &Cached {
                qkv: sines(&[70 + 1 + 3, 8 * 80], 0.0),
                cache: [1.0, 2.0].map(|phase| sines(&[3, 2, 200, 80], phase)),
                prefix: Some(([3.0, 4.0].map(|phase| sines(&[1, 2, 130, 80], phase)), 129)),
                spans: [(2, 101, 70), (0, 199, 1), (1, 0, 3)]
                    .map(|(slot, len, new)| Span { slot, len, new })
                    .to_vec(),
                heads: Heads { n_heads: 4, n_kv_heads: 2, d_head: 80 },
            },
            dtype,
            dtype,
        ),
        run_embedding(&[sines(&[1001, 67], 0.0), sines(&[70, 67], 1.0)], &targets, dtype),
        run_sum_of_squares(&sines(&[301, 777], 0.0), dtype),
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
    let heads = Heads { n_heads: 2, n_kv_heads: 1, d_head: 1 };
    let attention = |qkv: Tensor<Flex, 2>| {
        let output = Flex::packed_attention(qkv.into_primitive().tensor(), heads, &documents).0;
        Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(output))
    };
    for which in 0..3 {
        let view = |numbers: &Numbers| match which {
            2 => by_columns(numbers.tensor(DType::F32)),
            _ => views::<2>(numbers)[which].clone(),
        };
        let same = |what: &str, ours: Tensor<Flex, 2>, plain: Tensor<Flex, 2>| {
            assert_eq!(Numbers::of(ours), Numbers::of(plain), "{what}, view {which}");
        };
        same("rms_norm", rms_norm(view(&x), weight(), 1e-5), rms_norm(plain_x.clone(), weight(), 1e-5));
        same("swiglu", swiglu(view(&x)), swiglu(plain_x.clone()));
        same("rope", rope(view(&x), &table, 1), rope(plain_x.clone(), &table, 1));
        same("linear", linear(view(&x), vec![view(&y)]), linear(plain_x.clone(), vec![plain_y.clone()]));
        same("packed_attention", attention(view(&x)), attention(plain_x.clone()));
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
fn what_someone_else_holds_is_not_turned_in_place() {
    let x = sines(&[6, 4], 0.0).tensor::<Flex, 2>(DType::F32);
    let table = RopeTable::new(&[0, 3, 5, 6, 7, 9], &[1.0, 0.1], &x.device());
    let before = Numbers::of(x.clone());
    let turned = rope(x.clone(), &table, 1);
    assert_eq!(Numbers::of(x), before);
    assert_ne!(Numbers::of(turned), before);
}

#[test]
fn only_tensors_that_are_tracked_get_gradients() {
    let (x, upstream) = (sines(&[5, 4], 0.0), sines(&[5, 4], 1.0));
    let weights = [2.0, 3.0, 4.0].map(|phase| sines(&[4, 4], phase));
    for dtype in FLEX_AND_PORTABLE {
        let run = |trained: [bool; 5]| {
            let leaf = |numbers: &Numbers, is_trained: bool| {
                if is_trained { numbers.leaf::<2>(dtype) } else { numbers.tensor::<Trained, 2>(dtype) }
            };
            let x = leaf(&x, trained[0]);
            let norm = sines(&[4], 5.0).tensor::<Trained, 1>(dtype);
            let norm = if trained[1] { norm.require_grad() } else { norm };
            let [gate, up, down] = [0, 1, 2].map(|index| leaf(&weights[index], trained[2 + index]));
            let block =
                MlpWeights { norm: norm.clone(), gate: gate.clone(), up: up.clone(), down: down.clone() };
            let grads = backward(&mlp_block(x.clone(), block, 0.1), &upstream);
            let of = |leaf: &Tensor<Trained, 2>| leaf.grad(&grads).map(Numbers::of);
            [of(&x), norm.grad(&grads).map(Numbers::of), of(&gate), of(&up), of(&down)]
        };
        let all = run([true; 5]);
        for only in 0..5 {
            let mut trained = [false; 5];
            trained[only] = true;
            for (index, (one, all)) in run(trained).iter().zip(&all).enumerate() {
                assert_eq!(one.as_ref(), if index == only { all.as_ref() } else { None });
            }
        }
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
