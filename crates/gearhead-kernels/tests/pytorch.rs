//! Every operation and its gradients against PyTorch: `fixtures/kernels/make.py` made the expected numbers.
#![cfg(feature = "flex")]

mod numbers;

use burn::{
    backend::Flex,
    tensor::{DType, Int, Tensor, TensorData, backend::Backend},
};
use gearhead_kernels::{
    AdamWStep, Documents, RopeTable, adamw_step, cross_entropy, linear, packed_attention, rms_norm, rope,
    swiglu,
};
use serde::{Deserialize, de::DeserializeOwned};

use numbers::{FLEX_AND_PORTABLE, Numbers, Trained, assert_within, backward, grad};

/// The cases of one operation, each on both implementations.
fn for_each_case<T: DeserializeOwned>(operation: &str, mut check: impl FnMut(&T, DType)) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/kernels/expected.json");
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    let expected: serde_json::Value = serde_json::from_str(&text).expect("the fixture is JSON");
    let cases = Vec::<T>::deserialize(&expected[operation]).expect("the cases have the fields of README.md");
    assert!(!cases.is_empty());
    for case in &cases {
        for dtype in FLEX_AND_PORTABLE {
            check(case, dtype);
        }
    }
}

/// Within 1e-5 of the largest element, or 2e-6.
fn assert_close<B: Backend, const D: usize>(what: &str, ours: Tensor<B, D>, expected: &Numbers) {
    let dtype = ours.dtype();
    assert_within(
        &format!("{what} in {dtype:?}"),
        &Numbers::of(ours),
        expected,
        (1e-5 * expected.largest()).max(2e-6),
    );
}

fn targets<B: Backend>(ids: &[i64]) -> Tensor<B, 1, Int> {
    Tensor::from_data(TensorData::from(ids), &B::Device::default())
}

#[test]
fn rms_norm_is_that_of_pytorch() {
    #[derive(Deserialize)]
    struct Case {
        eps: f64,
        x: Numbers,
        weight: Numbers,
        grad: Numbers,
        y: Numbers,
        dx: Numbers,
        dweight: Numbers,
    }
    for_each_case("rms_norm", |case: &Case, dtype| {
        let (x, weight) = (case.x.leaf(dtype), case.weight.leaf(dtype));
        let y = rms_norm(x.clone(), weight.clone(), case.eps);
        let grads = backward(&y, &case.grad);
        assert_close("y", y, &case.y);
        assert_close("dx", grad(&x, &grads), &case.dx);
        assert_close("dweight", grad(&weight, &grads), &case.dweight);
    });
}

#[test]
fn swiglu_is_that_of_pytorch() {
    #[derive(Deserialize)]
    struct Case {
        gate: Numbers,
        up: Numbers,
        grad: Numbers,
        y: Numbers,
        dgate: Numbers,
        dup: Numbers,
    }
    for_each_case("swiglu", |case: &Case, dtype| {
        let (gate, up) = (case.gate.leaf(dtype), case.up.leaf(dtype));
        let y = swiglu(gate.clone(), up.clone());
        let grads = backward(&y, &case.grad);
        assert_close("y", y, &case.y);
        assert_close("dgate", grad(&gate, &grads), &case.dgate);
        assert_close("dup", grad(&up, &grads), &case.dup);
    });
}

#[test]
fn rope_is_that_of_transformers() {
    #[derive(Deserialize)]
    struct Case {
        theta: f64,
        positions: Vec<usize>,
        x: Numbers,
        grad: Numbers,
        y: Numbers,
        dx: Numbers,
    }
    for_each_case("rope", |case: &Case, dtype| {
        let x = case.x.leaf::<3>(dtype);
        let [_, _, d_head] = x.dims();
        let inverse_frequencies: Vec<f32> = (0..d_head / 2)
            .map(|pair| case.theta.powf(-((2 * pair) as f64) / d_head as f64) as f32)
            .collect();
        let table = RopeTable::<Trained>::new(&case.positions, &inverse_frequencies, &x.device());
        let table = RopeTable { cos: table.cos.cast(dtype), sin: table.sin.cast(dtype) };
        let y = rope(x.clone(), &table);
        let grads = backward(&y, &case.grad);
        assert_close("y", y, &case.y);
        assert_close("dx", grad(&x, &grads), &case.dx);
    });
}

#[test]
fn packed_attention_is_that_of_pytorch_on_each_document() {
    #[derive(Deserialize)]
    struct Case {
        offsets: Vec<usize>,
        q: Numbers,
        k: Numbers,
        v: Numbers,
        grad: Numbers,
        out: Numbers,
        dq: Numbers,
        dk: Numbers,
        dv: Numbers,
    }
    for_each_case("packed_attention", |case: &Case, dtype| {
        let [q, k, v] = [&case.q, &case.k, &case.v].map(|numbers| numbers.leaf(dtype));
        let out = packed_attention(q.clone(), k.clone(), v.clone(), &Documents::new(&case.offsets));
        let grads = backward(&out, &case.grad);
        assert_close("out", out, &case.out);
        assert_close("dq", grad(&q, &grads), &case.dq);
        assert_close("dk", grad(&k, &grads), &case.dk);
        assert_close("dv", grad(&v, &grads), &case.dv);
    });
}

#[test]
fn cross_entropy_is_that_of_pytorch() {
    #[derive(Deserialize)]
    struct Case {
        targets: Vec<i64>,
        loss: f64,
        logits: Numbers,
        dlogits: Numbers,
    }
    for_each_case("cross_entropy", |case: &Case, dtype| {
        // The loss is summed; training divides it, so a gradient other than one flows in.
        for upstream in [1.0, 0.25] {
            let logits = case.logits.leaf::<2>(dtype);
            let loss = cross_entropy(logits.clone(), targets(&case.targets));
            assert_eq!(loss.dtype(), dtype);
            let grads = backward(&loss, &Numbers { shape: vec![1], data: vec![upstream] });
            assert_close("loss", loss, &Numbers { shape: vec![1], data: vec![case.loss] });
            let mut dlogits = case.dlogits.clone();
            dlogits.data.iter_mut().for_each(|value| *value *= upstream);
            assert_close("dlogits", grad(&logits, &grads), &dlogits);
        }
    });
}

#[test]
fn linear_is_that_of_pytorch() {
    #[derive(Deserialize)]
    struct Case {
        x: Numbers,
        weight: Numbers,
        grad: Numbers,
        y: Numbers,
        dx: Numbers,
        dweight: Numbers,
    }
    for_each_case("linear", |case: &Case, dtype| {
        let (x, weight) = (case.x.leaf(dtype), case.weight.leaf(dtype));
        let y = linear(x.clone(), weight.clone());
        let grads = backward(&y, &case.grad);
        assert_close("y", y, &case.y);
        assert_close("dx", grad(&x, &grads), &case.dx);
        assert_close("dweight", grad(&weight, &grads), &case.dweight);
    });
}

#[derive(Deserialize)]
struct AdamWCase {
    lr: f32,
    betas: [f32; 2],
    eps: f32,
    weight_decay: f32,
    parameter: Numbers,
    grads: Vec<Numbers>,
    parameter_after: Vec<Numbers>,
    exp_avg: Numbers,
    exp_avg_sq: Numbers,
}

/// Within `relative` of the largest element, however small that is.
fn assert_relatively_close(what: &str, ours: &Numbers, expected: &Numbers, relative: f64) {
    assert_within(what, ours, expected, relative * expected.largest());
}

fn three_adamw_steps<const D: usize>(case: &AdamWCase, dtype: DType, grad_scale: f32) {
    let mut parameter = case.parameter.tensor::<Flex, D>(dtype);
    let mut moments = (parameter.zeros_like(), parameter.zeros_like());
    for (index, (grad, expected)) in case.grads.iter().zip(&case.parameter_after).enumerate() {
        let step = AdamWStep {
            learning_rate: case.lr,
            beta1: case.betas[0],
            beta2: case.betas[1],
            epsilon: case.eps,
            weight_decay: case.weight_decay,
            step: index as u32 + 1,
            grad_scale,
        };
        let grad = grad.tensor::<Flex, D>(dtype).div_scalar(grad_scale);
        let (before, first_before, second_before) = (parameter.clone(), moments.0.clone(), moments.1.clone());
        let kept = [&before, &first_before, &second_before].map(|tensor| Numbers::of(tensor.clone()));
        let (next, first, second) = adamw_step(parameter, grad, moments, &step);
        // What someone else still holds is not written to.
        assert_eq!([before, first_before, second_before].map(Numbers::of), kept);
        // One step changes a parameter by 1e-2 at most, so it must be much closer than that.
        assert_relatively_close("parameter", &Numbers::of(next.clone()), expected, 1e-6);
        parameter = next;
        moments = (first, second);
    }
    assert_relatively_close("exp_avg", &Numbers::of(moments.0), &case.exp_avg, 1e-5);
    assert_relatively_close("exp_avg_sq", &Numbers::of(moments.1), &case.exp_avg_sq, 1e-5);
}

#[test]
fn adamw_is_that_of_pytorch_over_three_steps() {
    for_each_case("adamw", |case: &AdamWCase, dtype| {
        for grad_scale in [1.0, 0.25] {
            match case.parameter.shape.len() {
                1 => three_adamw_steps::<1>(case, dtype, grad_scale),
                2 => three_adamw_steps::<2>(case, dtype, grad_scale),
                rank => panic!("no case has rank {rank}"),
            }
        }
    });
}
