//! Every operation and its gradients against PyTorch: `fixtures/kernels/make.py` made the expected numbers.

use burn::{
    backend::Flex,
    tensor::{DType, Tensor, backend::Backend},
};
use gearhead_kernels::{AdamWStep, Documents, adamw_step, rms_norm};
use serde::{Deserialize, de::DeserializeOwned};

use crate::numbers::{
    FLEX_AND_PORTABLE, Numbers, Outcome, assert_within, attention_and_gradients, backward,
    cross_entropy_and_gradients, grad, linear_and_gradients, rope_and_gradient, swiglu_and_gradients,
};

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

/// The identity matrix, with which hidden states are logits.
fn identity(size: usize) -> Numbers {
    let data = (0..size * size).map(|place| f64::from(u8::from(place % (size + 1) == 0))).collect();
    Numbers { shape: vec![size, size], data }
}

/// Within 1e-5 of the largest element, or 2e-6.
fn assert_close<B: Backend, const D: usize>(what: &str, ours: Tensor<B, D>, expected: &Numbers) {
    assert_outcome(&vec![("", Numbers::of(ours))], &[expected], what);
}

fn assert_outcome(ours: &Outcome, expected: &[&Numbers], where_: impl std::fmt::Debug) {
    assert_eq!(ours.len(), expected.len());
    for ((what, ours), expected) in ours.iter().zip(expected) {
        let tolerance = (1e-5 * expected.largest()).max(2e-6);
        assert_within(&format!("{what} in {where_:?}"), ours, expected, tolerance);
    }
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
        let ours = swiglu_and_gradients([&case.gate, &case.up, &case.grad], dtype);
        assert_outcome(&ours, &[&case.y, &case.dgate, &case.dup], dtype);
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
        let d_head = case.x.shape[2];
        let inverse_frequencies: Vec<f32> = (0..d_head / 2)
            .map(|pair| case.theta.powf(-((2 * pair) as f64) / d_head as f64) as f32)
            .collect();
        let ours = rope_and_gradient([&case.x, &case.grad], &case.positions, &inverse_frequencies, dtype);
        assert_outcome(&ours, &[&case.y, &case.dx], dtype);
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
        let documents = Documents::new(&case.offsets);
        let ours = attention_and_gradients([&case.q, &case.k, &case.v, &case.grad], &documents, dtype);
        assert_outcome(&ours, &[&case.out, &case.dq, &case.dk, &case.dv], dtype);
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
            let identity = identity(case.logits.shape[1]);
            let ours = cross_entropy_and_gradients([&case.logits, &identity], &case.targets, upstream, dtype);
            let loss = Numbers { shape: vec![1], data: vec![case.loss] };
            let mut dlogits = case.dlogits.clone();
            dlogits.data.iter_mut().for_each(|value| *value *= upstream);
            assert_outcome(&ours[..2].to_vec(), &[&loss, &dlogits], dtype);
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
        let ours = linear_and_gradients([&case.x, &case.weight, &case.grad], dtype);
        assert_outcome(&ours, &[&case.y, &case.dx, &case.dweight], dtype);
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
