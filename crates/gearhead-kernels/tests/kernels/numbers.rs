//! Tensors as plain numbers, and what the tests do with them.

use burn::{
    backend::{Autodiff, Flex},
    tensor::{
        DType, Int, Tensor, TensorData, TensorPrimitive,
        backend::Backend,
        ops::{FloatTensor, IntTensor},
    },
};
use gearhead_kernels::{Documents, Heads, Kernels, RopeTable, linear, rope, swiglu};
use serde::Deserialize;

/// The backend that training runs on.
pub(crate) type Trained = Autodiff<Flex>;
/// Gradients by tensor.
pub(crate) type Gradients = <Trained as burn::tensor::backend::AutodiffBackend>::Gradients;

/// On `Flex`, f32 takes the hand-written operations and f64 the portable ones.
pub(crate) const FLEX_AND_PORTABLE: [DType; 2] = [DType::F32, DType::F64];

/// A tensor as the fixtures write it; every input is exact in f32.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

impl Numbers {
    pub(crate) fn of<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Self {
        Self { shape: tensor.dims().to_vec(), data: tensor.into_data().iter::<f64>().collect() }
    }

    pub(crate) fn tensor<B: Backend, const D: usize>(&self, dtype: DType) -> Tensor<B, D> {
        let data = TensorData::new(self.data.clone(), self.shape.clone()).convert_dtype(dtype);
        Tensor::from_data(data, (&B::Device::default(), dtype))
    }

    /// A tensor that gets a gradient.
    pub(crate) fn leaf<const D: usize>(&self, dtype: DType) -> Tensor<Trained, D> {
        self.tensor(dtype).require_grad()
    }

    pub(crate) fn largest(&self) -> f64 {
        self.data.iter().fold(0.0, |largest, value| value.abs().max(largest))
    }
}

/// Numbers for tensors too large to draw: the sines of their indices.
pub(crate) fn sines(shape: &[usize], phase: f64) -> Numbers {
    let shape = shape.to_vec();
    let count = shape.iter().product::<usize>();
    let data = (0..count).map(|index| f64::from((1.7 * index as f64 + phase).sin() as f32)).collect();
    Numbers { shape, data }
}

/// The gradients of `output` where `upstream` flows into it.
pub(crate) fn backward<const D: usize>(output: &Tensor<Trained, D>, upstream: &Numbers) -> Gradients {
    (output.clone() * upstream.tensor(output.dtype())).sum().backward()
}

/// The gradient of a leaf.
pub(crate) fn grad<const D: usize>(leaf: &Tensor<Trained, D>, grads: &Gradients) -> Tensor<Flex, D> {
    let grad = leaf.grad(grads).expect("the leaf is tracked");
    assert_eq!(grad.dtype(), leaf.dtype());
    grad
}

pub(crate) fn assert_within(what: &str, ours: &Numbers, expected: &Numbers, tolerance: f64) {
    assert_eq!(ours.shape, expected.shape, "{what}");
    assert_eq!(ours.data.len(), expected.data.len(), "{what}");
    for (index, (ours, expected)) in ours.data.iter().zip(&expected.data).enumerate() {
        assert!((ours - expected).abs() <= tolerance, "{what}, [{index}]: {ours}, not {expected}");
    }
}

/// What an operation computes, by name: its value, then its gradients.
pub(crate) type Outcome = Vec<(&'static str, Numbers)>;

fn raw<const D: usize>(tensor: Tensor<Flex, D>) -> FloatTensor<Flex> {
    tensor.into_primitive().tensor()
}

fn numbers<const D: usize>(tensor: FloatTensor<Flex>) -> Numbers {
    Numbers::of(Tensor::<Flex, D>::from_primitive(TensorPrimitive::Float(tensor)))
}

/// Columns of a matrix.
fn columns(tensor: &Tensor<Flex, 2>, start: usize, end: usize) -> Tensor<Flex, 2> {
    tensor.clone().slice([0..tensor.dims()[0], start..end])
}

/// Matrices side by side. Burn forgets the type of the numbers where it joins empty tensors.
fn side_by_side(parts: Vec<Tensor<Flex, 2>>) -> Tensor<Flex, 2> {
    let columns = parts.iter().map(|part| part.dims()[1]).sum();
    if parts[0].dims()[0] == 0 { parts[0].clone().reshape([0, columns]) } else { Tensor::cat(parts, 1) }
}

/// [`swiglu`] of gate, up and the gradient that flows in.
pub(crate) fn swiglu_and_gradients([gate, up, upstream]: [&Numbers; 3], dtype: DType) -> Outcome {
    let [gate, up, upstream] = [gate, up, upstream].map(|numbers| numbers.tensor::<Flex, 2>(dtype));
    let d_ff = gate.dims()[1];
    let gate_up = side_by_side(vec![gate, up]);
    let y = Numbers::of(swiglu(gate_up.clone()));
    let (grad, again) = Flex::swiglu_backward(raw(gate_up), raw(upstream));
    assert_within("the value once more", &numbers::<2>(again), &y, 1e-6 * y.largest().max(1.0));
    let grad = Tensor::from_primitive(TensorPrimitive::Float(grad));
    let (gate, up) = (columns(&grad, 0, d_ff), columns(&grad, d_ff, 2 * d_ff));
    vec![("y", y), ("dgate", Numbers::of(gate)), ("dup", Numbers::of(up))]
}

/// [`rope`] of `x[n, h, c]`, and its transpose of the gradient that flows in.
pub(crate) fn rope_and_gradient(
    [x, upstream]: [&Numbers; 2],
    positions: &[usize],
    inverse_frequencies: &[f32],
    dtype: DType,
) -> Outcome {
    let [x, upstream] = [x, upstream].map(|numbers| numbers.tensor::<Flex, 3>(dtype));
    let [n, heads, d_head] = x.dims();
    let table = RopeTable::<Flex>::new(positions, inverse_frequencies, &x.device());
    let table = RopeTable { cos: table.cos.cast(dtype), sin: table.sin.cast(dtype) };
    let back = RopeTable { cos: table.cos.clone(), sin: -table.sin.clone() };
    let turned = |x: Tensor<Flex, 3>, table: &RopeTable<Flex>| {
        // What stands behind the heads stays.
        let x = x.reshape([n, heads * d_head]);
        let tail = x.ones_like() * 7.0;
        let turned = rope(side_by_side(vec![x, tail.clone()]), table, heads);
        let after = columns(&turned, heads * d_head, 2 * heads * d_head);
        assert_eq!(Numbers::of(after), Numbers::of(tail), "what is no head is not turned");
        Numbers::of(columns(&turned, 0, heads * d_head).reshape([n, heads, d_head]))
    };
    vec![("y", turned(x, &table)), ("dx", turned(upstream, &back))]
}

/// Attention of `q[n, h, c]`, `k[n, g, c]`, `v[n, g, c]` and the gradient that flows in.
pub(crate) fn attention_and_gradients(
    [q, k, v, upstream]: [&Numbers; 4],
    documents: &Documents,
    dtype: DType,
) -> Outcome {
    let heads = Heads { n_heads: q.shape[1], n_kv_heads: k.shape[1], d_head: q.shape[2] };
    let n = q.shape[0];
    let flat = |numbers: &Numbers| {
        numbers.tensor::<Flex, 3>(dtype).reshape([n, numbers.shape[1] * numbers.shape[2]])
    };
    let qkv = raw(side_by_side(vec![flat(q), flat(k), flat(v)]));
    let saved = Flex::packed_attention(qkv.clone(), heads, documents);
    let out = Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(saved.0.clone()));
    let grad = Flex::packed_attention_backward(qkv, saved, raw(flat(upstream)), heads, documents);
    let grad = Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(grad));
    let (q_dim, kv_dim) = (heads.q_dim(), heads.kv_dim());
    let part = |start: usize, dim: usize| {
        Numbers::of(columns(&grad, start, start + dim).reshape([n, dim / heads.d_head, heads.d_head]))
    };
    vec![
        ("out", Numbers::of(out.reshape([n, heads.n_heads, heads.d_head]))),
        ("dq", part(0, q_dim)),
        ("dk", part(q_dim, kv_dim)),
        ("dv", part(q_dim + kv_dim, kv_dim)),
    ]
}

/// [`linear`] of `x`, a weight and the gradient that flows in; the weight also stands beside another, and is added to a
/// residual.
pub(crate) fn linear_and_gradients([x, weight, upstream]: [&Numbers; 3], dtype: DType) -> Outcome {
    let [x, weight, upstream] = [x, weight, upstream].map(|numbers| numbers.tensor::<Flex, 2>(dtype));
    let out = weight.dims()[0];
    let y = linear(x.clone(), vec![weight.clone()]);
    let close = |what: &str, ours: Tensor<Flex, 2>, expected: Tensor<Flex, 2>| {
        let expected = Numbers::of(expected);
        assert_within(what, &Numbers::of(ours), &expected, 1e-5 * expected.largest().max(1.0));
    };
    let both = linear(x.clone(), vec![weight.clone() * 2.0, weight.clone()]);
    close("beside another", columns(&both, out, 2 * out), y.clone());
    let residual = y.clone() * 3.0;
    close(
        "added to a residual",
        gearhead_kernels::linear_add(x.clone(), weight.clone(), residual),
        y.clone() * 4.0,
    );
    let x_grad = Flex::linear_input_grad(raw(upstream.clone()), vec![raw(weight.clone())]);
    let twice = side_by_side(vec![upstream.clone(), upstream.clone()]);
    let x_grad_of_both =
        Flex::linear_input_grad(raw(twice.clone()), vec![raw(weight.clone() * 2.0), raw(weight)]);
    let typed = |tensor| Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(tensor));
    close("summed over weights", typed(x_grad_of_both), typed(x_grad.clone()) * 3.0);
    let weight_grad = Flex::linear_weight_grad(raw(twice), out..2 * out, raw(x), dtype);
    vec![("y", Numbers::of(y)), ("dx", numbers::<2>(x_grad)), ("dweight", numbers::<2>(weight_grad))]
}

/// The loss of `hidden` and `weight`, and its gradients, twice: computed beside it, and through `Autodiff` where
/// `upstream` flows into it.
pub(crate) fn cross_entropy_and_gradients(
    [hidden, weight]: [&Numbers; 2],
    targets: &[i64],
    upstream: f64,
    dtype: DType,
) -> Outcome {
    let (hidden, weight) = (hidden.leaf::<2>(dtype), weight.leaf::<2>(dtype));
    let targets = Tensor::<Trained, 1, Int>::from_data(
        TensorData::new(targets.to_vec(), [targets.len()]),
        &hidden.device(),
    );
    let loss = gearhead_kernels::linear_cross_entropy(hidden.clone(), weight.clone(), targets.clone());
    assert_eq!(loss.dtype(), dtype);
    let ids: IntTensor<Flex> = targets.inner().into_primitive();
    let alone = Flex::linear_cross_entropy(raw(hidden.clone().inner()), raw(weight.clone().inner()), ids);
    assert_eq!(numbers::<1>(alone), Numbers::of(loss.clone()), "the loss without gradients");
    let grads = backward(&loss, &Numbers { shape: vec![1], data: vec![upstream] });
    vec![
        ("loss", Numbers::of(loss)),
        ("dhidden", Numbers::of(grad(&hidden, &grads))),
        ("dweight", Numbers::of(grad(&weight, &grads))),
    ]
}

/// Flex in f32 against portable in f64. A small element may be the difference of large ones, so that all are measured
/// by the largest of the outcome, or by one.
pub(crate) fn assert_agree(flex: &Outcome, portable: &Outcome) {
    let largest = portable.iter().fold(1.0_f64, |largest, (_, numbers)| largest.max(numbers.largest()));
    for ((what, flex), (_, portable)) in flex.iter().zip(portable) {
        assert_within(what, flex, portable, 1e-5 * largest);
    }
}

/// Documents by their lengths.
pub(crate) fn documents(lens: &[usize]) -> Documents {
    let mut offsets = vec![0];
    offsets.extend(lens.iter().scan(0, |end, len| {
        *end += len;
        Some(*end)
    }));
    Documents::new(&offsets)
}
