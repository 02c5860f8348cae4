//! AdamW with moments in 8 bits, against the step in full precision.

use burn::{
    backend::{Flex, flex::FlexDevice},
    tensor::{DType, Int, Tensor, TensorData},
};
use gearhead_kernels::{AdamWStep, MOMENT_BLOCK, Moments8Bit, adamw_step, adamw_step_8bit};

const STEP: AdamWStep = AdamWStep {
    learning_rate: 1e-2,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weight_decay: 0.1,
    step: 1,
    grad_scale: 0.5,
};

fn float(values: &[f32], dtype: DType) -> Tensor<Flex, 1> {
    let data = TensorData::new(values.to_vec(), [values.len()]).convert_dtype(dtype);
    Tensor::from_data(data, (&FlexDevice, dtype))
}

fn zeros(count: usize, dtype: DType) -> Moments8Bit<Flex> {
    let device = FlexDevice;
    let codes = || Tensor::<Flex, 1, Int>::zeros([count], (&device, DType::U8));
    let scales = || Tensor::zeros([count / MOMENT_BLOCK], (&device, dtype));
    Moments8Bit { codes: [codes(), codes()], scales: [scales(), scales()] }
}

fn values(tensor: Tensor<Flex, 1>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn noise(count: usize, phase: f32) -> Vec<f32> {
    (0..count).map(|index| ((index as f32 * 12.9898 + phase).sin() * 43_758.547).fract()).collect()
}

/// What codes stand for, read by a rule of their own.
fn decoded(moments: &Moments8Bit<Flex>, moment: usize) -> Vec<f32> {
    let codes: Vec<u8> = moments.codes[moment].clone().into_data().iter::<u8>().collect();
    let scales = values(moments.scales[moment].clone());
    let value = |(index, code): (usize, &u8)| {
        let (code, sign) = if moment == 0 && *code > 127 { (code - 128, -1.0) } else { (*code, 1.0) };
        let place = i32::from(code) - 1;
        let exponent = place.div_euclid(8) - if moment == 0 { 15 } else { 31 };
        let mantissa = 1.0 + place.rem_euclid(8) as f32 / 8.0;
        if code == 0 { 0.0 } else { sign * mantissa * 2.0_f32.powi(exponent) * scales[index / MOMENT_BLOCK] }
    };
    codes.iter().enumerate().map(value).collect()
}

/// One step is flex's own, the other the portable one: `f64` has no kernels of its own.
const BOTH: [DType; 2] = [DType::F32, DType::F64];

#[test]
fn the_first_step_is_that_of_full_precision_and_moments_are_a_code_away_at_most() {
    let count = 70 * MOMENT_BLOCK;
    for dtype in BOTH {
        let (parameter, grad) = (float(&noise(count, 0.0), dtype), float(&noise(count, 3.0), dtype));
        let none = || float(&vec![0.0; count], dtype);
        let (whole, first, second) = adamw_step(parameter.clone(), grad.clone(), (none(), none()), &STEP);
        let (stepped, moments) = adamw_step_8bit(parameter, grad, zeros(count, dtype), &STEP);
        for (ours, expected) in values(stepped).iter().zip(values(whole)) {
            assert!((ours - expected).abs() < 1e-6, "{ours} against {expected}");
        }
        for (moment, expected) in [first, second].into_iter().enumerate() {
            for (ours, expected) in decoded(&moments, moment).iter().zip(values(expected)) {
                let apart = (ours - expected).abs();
                assert!(apart <= 0.126 * expected.abs() + 1e-9, "{moment}: {ours} against {expected}");
            }
        }
    }
}

#[test]
fn what_is_rounded_keeps_its_mean_over_many_steps() {
    // Gradients of a size of their own in each place. With a decay of 0.999, what a step adds is far less than a code.
    let count = 8 * MOMENT_BLOCK;
    let sizes: Vec<f32> = (0..count).map(|index| 10.0_f32.powi(-((index % 5) as i32))).collect();
    for dtype in BOTH {
        let mut moments = zeros(count, dtype);
        let mut parameter = float(&vec![0.0; count], dtype);
        let (mut whole, mut first, mut second) =
            (parameter.clone(), float(&vec![0.0; count], dtype), float(&vec![0.0; count], dtype));
        for step in 1..=300 {
            let grad: Vec<f32> =
                noise(count, step as f32).iter().zip(&sizes).map(|(noise, size)| noise * size).collect();
            let step = AdamWStep { step, ..STEP };
            (parameter, moments) = adamw_step_8bit(parameter, float(&grad, dtype), moments, &step);
            (whole, first, second) = adamw_step(whole, float(&grad, dtype), (first, second), &step);
        }
        let (ours, expected) = (decoded(&moments, 1), values(second));
        for size in 0..5 {
            let mean = |values: &[f32]| -> f32 {
                values.iter().skip(size).step_by(5).zip(0..).map(|(value, _): (_, i32)| value).sum()
            };
            let ratio = mean(&ours) / mean(&expected);
            assert!((ratio - 1.0).abs() < 0.03, "second moments of size {size}: {ratio}");
        }
        let (ours, expected) = (values(parameter), values(whole));
        // The smallest reach below the smallest code of a first moment. Of noise alone a parameter takes a random walk, on
        // which what is rounded is not made good.
        for size in 0..4 {
            let of_size = || ours.iter().zip(&expected).skip(size).step_by(5);
            let apart: f32 = of_size().map(|(ours, expected)| (ours - expected).powi(2)).sum();
            let length: f32 = of_size().map(|(_, expected)| expected.powi(2)).sum();
            let apart = (apart / length).sqrt();
            assert!(apart < 0.2, "parameters of size {size}: {apart}");
        }
    }
}

#[test]
fn a_step_can_be_repeated_and_nothing_stays_nothing() {
    let count = 3 * MOMENT_BLOCK;
    let run = || {
        let (parameter, grad) =
            (float(&noise(count, 1.0), DType::F32), float(&noise(count, 2.0), DType::F32));
        let (parameter, moments) = adamw_step_8bit(parameter, grad, zeros(count, DType::F32), &STEP);
        (values(parameter), decoded(&moments, 0), decoded(&moments, 1))
    };
    assert_eq!(run(), run());
    for dtype in BOTH {
        let none = float(&vec![0.0; count], dtype);
        let (parameter, moments) = adamw_step_8bit(none.clone(), none, zeros(count, dtype), &STEP);
        assert!(values(parameter).iter().all(|value| *value == 0.0));
        assert!(decoded(&moments, 0).iter().chain(&decoded(&moments, 1)).all(|value| *value == 0.0));
    }
}
