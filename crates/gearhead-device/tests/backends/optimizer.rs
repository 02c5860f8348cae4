//! AdamW, three steps: with moments in 32 bits against f64 on the CPU, and in 8 bits against its own rules.

use burn::{
    backend::{Flex, flex::FlexDevice},
    tensor::{DType, Int, Tensor, TensorData, backend::Backend},
};
use gearhead_device::{Job, run};
use gearhead_kernels::{
    AdamWStep, AutodiffKernels, Kernels, MOMENT_BLOCK, Moments8Bit, adamw_step, adamw_step_8bit,
};
use libtest_mimic::{Failed, Trial};

use crate::{
    devices::Tested,
    numbers::{Numbers, Outcome, within},
    tolerances::{Quantity, tolerance},
};

pub(crate) fn trials(tested: &Tested) -> Vec<Trial> {
    let mut trials = vec![tested.trial("optimizer::adamw_step", |tested| {
        let ours = run(&tested.device, ThreeSteps(DType::F32));
        let expected = three_steps::<Flex>(&FlexDevice, DType::F64);
        within(&ours, &expected, tolerance(Quantity::Operation, DType::F32))
    })];
    if !tested.holds_few_bits || !tested.stores.contains(&DType::U8) {
        return trials;
    }
    trials.push(tested.trial("optimizer::adamw_step_8bit", |tested| {
        let (parameter, moments) = run(&tested.device, FirstStep8Bit);
        let expected = first_step::<Flex>(&FlexDevice, DType::F64);
        let ours = vec![("parameter", parameter)];
        within(&ours, &expected[..1], tolerance(Quantity::Operation, DType::F32))?;
        let (first, second) = (&expected[1].1, &expected[2].1);
        a_code_away("first moment", &moments[0], first, EXPONENTS[0])?;
        a_code_away("second moment", &moments[1], second, EXPONENTS[1])
    }));
    trials
}

/// The smallest amount that has a code is two to the power of minus this, of the largest of a block.
const EXPONENTS: [i32; 2] = [15, 31];

const COUNT: usize = 70 * MOMENT_BLOCK;

fn at_step(step: u32) -> AdamWStep {
    AdamWStep {
        learning_rate: 1e-2,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.1,
        step,
        grad_scale: 0.5,
    }
}

/// Gradients of very different sizes, none of them nothing.
fn numbers<B: Backend>(device: &B::Device, dtype: DType, phase: f64) -> Tensor<B, 1> {
    let value = |index: usize| (1.7 * index as f64 + phase).sin() * 10.0_f64.powi(-((index % 4) as i32));
    let data = TensorData::new((0..COUNT).map(value).collect::<Vec<_>>(), [COUNT]);
    Tensor::from_data(data.convert_dtype(DType::F32).convert_dtype(dtype), (device, dtype))
}

struct ThreeSteps(DType);

impl Job for ThreeSteps {
    type Output = Outcome;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Outcome {
        three_steps::<B::InnerBackend>(device, self.0)
    }
}

fn three_steps<B: Kernels>(device: &B::Device, dtype: DType) -> Outcome {
    let zeros = || Tensor::<B, 1>::zeros([COUNT], (device, dtype));
    let (mut parameter, mut first, mut second) = (numbers::<B>(device, dtype, 0.0), zeros(), zeros());
    for step in 1..=3 {
        let grad = numbers(device, dtype, f64::from(step));
        (parameter, first, second) = adamw_step(parameter, grad, (first, second), &at_step(step));
    }
    named(parameter, first, second)
}

fn first_step<B: Kernels>(device: &B::Device, dtype: DType) -> Outcome {
    let zeros = || Tensor::<B, 1>::zeros([COUNT], (device, dtype));
    let (parameter, grad) = (numbers::<B>(device, dtype, 0.0), numbers(device, dtype, 1.0));
    let (parameter, first, second) = adamw_step(parameter, grad, (zeros(), zeros()), &at_step(1));
    named(parameter, first, second)
}

fn named<B: Backend>(parameter: Tensor<B, 1>, first: Tensor<B, 1>, second: Tensor<B, 1>) -> Outcome {
    vec![
        ("parameter", Numbers::of(parameter)),
        ("first moment", Numbers::of(first)),
        ("second moment", Numbers::of(second)),
    ]
}

/// The parameter after one step with moments in 8 bits, and what these stand for.
struct FirstStep8Bit;

impl Job for FirstStep8Bit {
    type Output = (Numbers, [Vec<f64>; 2]);

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
        let codes = || Tensor::<B::InnerBackend, 1, Int>::zeros([COUNT], (device, DType::U8));
        let scales = || Tensor::zeros([COUNT / MOMENT_BLOCK], (device, DType::F32));
        let moments = Moments8Bit { codes: [codes(), codes()], scales: [scales(), scales()] };
        let (parameter, grad) = (numbers(device, DType::F32, 0.0), numbers(device, DType::F32, 1.0));
        let (parameter, moments) = adamw_step_8bit::<B::InnerBackend>(parameter, grad, moments, &at_step(1));
        let decoded = [0, 1].map(|moment| {
            let codes = moments.codes[moment].clone().into_data().iter::<i64>().collect::<Vec<_>>();
            decoded(&codes, &Numbers::of(moments.scales[moment].clone()).data, moment)
        });
        (Numbers::of(parameter), decoded)
    }
}

/// What codes stand for, by a rule of their own.
fn decoded(codes: &[i64], scales: &[f64], moment: usize) -> Vec<f64> {
    let value = |(index, code): (usize, &i64)| {
        let (code, sign) = if moment == 0 && *code > 127 { (code - 128, -1.0) } else { (*code, 1.0) };
        let place = code as i32 - 1;
        let exponent = place.div_euclid(8) - EXPONENTS[moment];
        let amount = (1.0 + f64::from(place.rem_euclid(8)) / 8.0) * 2.0_f64.powi(exponent);
        if code == 0 { 0.0 } else { sign * amount * scales[index / MOMENT_BLOCK] }
    };
    codes.iter().enumerate().map(value).collect()
}

/// Two codes are an eighth of the smaller apart, and what is below the smallest may become nothing.
fn a_code_away(what: &str, ours: &[f64], expected: &Numbers, exponents: i32) -> Result<(), Failed> {
    let smallest = expected.largest() * 2.0_f64.powi(-exponents);
    let is_near = |ours: f64, expected: f64| (ours - expected).abs() <= 0.126 * expected.abs() + smallest;
    let mut pairs = ours.iter().zip(&expected.data).enumerate();
    match pairs.find(|(_, (ours, expected))| !is_near(**ours, **expected)) {
        Some((index, (ours, expected))) => {
            Err(format!("{what}[{index}] is {ours}, more than a code from {expected}").into())
        }
        None => Ok(()),
    }
}
