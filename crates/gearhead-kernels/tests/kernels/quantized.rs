//! Weights of 8 and 4 bits: what is computed with them is what they stand for, on every implementation.

use burn::{
    backend::Flex,
    tensor::{DType, Tensor},
};
use gearhead_kernels::{Quantization, QuantizedWeight, quantized_linear, quantized_linear_add};

use crate::numbers::{FLEX_AND_PORTABLE, Numbers, Trained, assert_within, backward, grad, sines};

const FORMATS: [Quantization; 2] = [Quantization::Q8_0, Quantization::Q4_0];

/// Activations as a CPU rounds them: each group of 32 to whole numbers up to 127.
fn rounded(x: &Numbers) -> Numbers {
    let round = |group: &[f64]| {
        let largest = group.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        group.iter().map(|value| (value / scale).round_ties_even() * scale).collect::<Vec<_>>()
    };
    Numbers { shape: x.shape.clone(), data: x.data.chunks(32).flat_map(round).collect() }
}

/// `x weightᵀ` in f64.
fn product(x: &Numbers, weight: &Numbers) -> Numbers {
    let (n, inner, out) = (x.shape[0], x.shape[1], weight.shape[0]);
    let dot = |token: usize, row: usize| {
        let (x, weight) = (&x.data[token * inner..][..inner], &weight.data[row * inner..][..inner]);
        x.iter().zip(weight).map(|(x, weight)| x * weight).sum::<f64>()
    };
    let data = (0..n).flat_map(|token| (0..out).map(move |row| dot(token, row))).collect();
    Numbers { shape: vec![n, out], data }
}

fn weights(rows: &[usize], inner: usize, dtype: DType) -> Vec<Tensor<Flex, 2>> {
    let part = |(index, rows): (usize, &usize)| sines(&[*rows, inner], index as f64).tensor(dtype);
    rows.iter().enumerate().map(part).collect()
}

#[test]
fn both_implementations_store_the_same_numbers() {
    for format in FORMATS {
        let [flex, portable] = FLEX_AND_PORTABLE.map(|dtype| {
            let weight = QuantizedWeight::new(weights(&[7, 40], 96, dtype), format);
            Numbers::of(weight.dequantize())
        });
        assert_eq!(flex.shape, [47, 96]);
        assert_eq!(flex, portable, "{format}");
        let exact = Numbers::of(Tensor::cat(weights(&[7, 40], 96, DType::F32), 0));
        let most = if format == Quantization::Q8_0 { 0.6 / 127.0 } else { 0.8 / 6.5 };
        assert_within(&format.to_string(), &flex, &exact, most);
    }
}

#[test]
fn a_product_is_that_of_the_numbers_that_are_stored() {
    for format in FORMATS {
        // Rows that fill blocks of 16 or do not, over several pieces of work; tokens for every size of a tile, and for
        // several strips.
        for (rows, inner) in [(vec![1], 32), (vec![16], 64), (vec![9, 8], 96), (vec![700, 333], 96)] {
            for n in [0, 1, 2, 3, 5, 11, 12, 13, 31, 200] {
                let what = format!("{format}, {n} x {inner} x {rows:?}");
                let x = sines(&[n, inner], 0.5);
                let weight = QuantizedWeight::new(weights(&rows, inner, DType::F32), format);
                let stored = Numbers::of(weight.dequantize());
                let y = quantized_linear(x.tensor::<Flex, 2>(DType::F32), &weight);
                let expected = product(&rounded(&x), &stored);
                assert_within(&what, &Numbers::of(y.clone()), &expected, 1e-5 * inner as f64);
                let residual = y.clone() * 0.5;
                let sum = quantized_linear_add(x.tensor::<Flex, 2>(DType::F32), &weight, residual.clone());
                assert_within(&what, &Numbers::of(sum), &Numbers::of(residual + y), 1e-5 * inner as f64);
            }
        }
        let weight = QuantizedWeight::new(weights(&[9, 8], 96, DType::F64), format);
        let x = sines(&[3, 96], 0.5);
        let y = quantized_linear(x.tensor::<Flex, 2>(DType::F64), &weight);
        let expected = product(&x, &Numbers::of(weight.dequantize()));
        assert_within("portable", &Numbers::of(y), &expected, 1e-9);
    }
}

#[test]
fn a_gradient_flows_to_the_activations() {
    let (x, upstream) = (sines(&[3, 64], 0.5), sines(&[3, 20], 1.5));
    for dtype in FLEX_AND_PORTABLE {
        let weight = sines(&[20, 64], 2.5).tensor::<Trained, 2>(dtype);
        let weight = QuantizedWeight::<Trained>::new(vec![weight], Quantization::Q8_0);
        let leaf = x.leaf::<2>(dtype);
        let residual = upstream.leaf::<2>(dtype);
        let y = quantized_linear_add(leaf.clone(), &weight, residual.clone());
        let grads = backward(&y, &upstream);
        let stored = Numbers::of(weight.dequantize().inner().transpose());
        assert_within("dx", &Numbers::of(grad::<2>(&leaf, &grads)), &product(&upstream, &stored), 1e-5);
        assert_within("dresidual", &Numbers::of(grad::<2>(&residual, &grads)), &upstream, 0.0);
    }
}
