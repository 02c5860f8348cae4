//! Weights of 16 bits: what is computed with them is what they stand for.

use burn::{
    backend::{Flex, flex::FlexDevice},
    tensor::{DType, Tensor, TensorData},
};
use gearhead_kernels::{linear, linear_16bit, linear_16bit_add};
use half::{bf16, f16};

use crate::numbers::{FLEX_AND_PORTABLE, Numbers, Trained, assert_within, backward, grad, sines};

const HALVES: [DType; 2] = [DType::F16, DType::BF16];

fn weights(rows: &[usize], inner: usize, dtype: DType) -> Vec<Tensor<Flex, 2>> {
    let part = |(index, rows): (usize, &usize)| sines(&[*rows, inner], index as f64).tensor(dtype);
    rows.iter().enumerate().map(part).collect()
}

#[test]
fn a_product_is_that_of_the_wide_weights() {
    for half in HALVES {
        // Rows that fill registers or do not, over several pieces of work.
        for (rows, inner) in [(vec![1], 1), (vec![5], 16), (vec![9, 8], 70), (vec![700, 333], 33)] {
            let narrow = weights(&rows, inner, half);
            let wide: Vec<_> = narrow.iter().map(|weight| weight.clone().cast(DType::F64)).collect();
            for n in [0, 1, 2, 3, 4, 5, 13, 32, 33, 256, 257, 300] {
                let x = sines(&[n, inner], 0.5);
                let expected = Numbers::of(linear(x.tensor::<Flex, 2>(DType::F64), wide.clone()));
                for (dtype, tolerance) in FLEX_AND_PORTABLE.into_iter().zip([1e-6 * inner as f64, 1e-12]) {
                    let what = format!("{half:?} in {dtype:?}, {n} x {inner} x {rows:?}");
                    let x = x.tensor::<Flex, 2>(dtype);
                    let y = linear_16bit(x.clone(), narrow.clone());
                    assert_eq!(y.dtype(), dtype, "{what}");
                    assert_within(&what, &Numbers::of(y.clone()), &expected, tolerance);
                    let residual = linear_16bit(x.clone(), narrow[..1].to_vec());
                    let sum = linear_16bit_add(x, narrow[0].clone(), residual.clone());
                    let twice = Numbers::of(residual.mul_scalar(2.0));
                    assert_within(&what, &Numbers::of(sum), &twice, 2.0 * tolerance);
                }
            }
        }
    }
}

#[test]
fn every_number_is_what_it_stands_for() {
    const INNER: usize = 16;
    let f16s = (0..=u16::MAX).map(f16::from_bits).filter(|half| half.is_finite());
    let f16s: Vec<_> = f16s.map(|half| (half.to_bits(), half.to_f32())).collect();
    let bf16s = (0..=u16::MAX).map(bf16::from_bits).filter(|half| half.is_finite());
    let bf16s: Vec<_> = bf16s.map(|half| (half.to_bits(), half.to_f32())).collect();
    for (dtype, numbers) in HALVES.into_iter().zip([f16s, bf16s]) {
        let rows = numbers.len() / INNER;
        let (bits, expected): (Vec<u16>, Vec<f32>) = numbers.into_iter().unzip();
        let bytes = bits.into_iter().flat_map(u16::to_ne_bytes).collect();
        let data = TensorData::from_bytes_vec(bytes, vec![rows, INNER], dtype);
        let weight = Tensor::<Flex, 2>::from_data(data, (&FlexDevice, dtype));
        // A token that has nothing but one feature gets a column of the weights.
        let tokens = Tensor::<Flex, 2>::eye(INNER, &FlexDevice);
        let together = linear_16bit(tokens.clone(), vec![weight.clone()]);
        for token in 0..INNER {
            let column: Vec<f32> = expected.iter().skip(token).step_by(INNER).copied().collect();
            let alone =
                linear_16bit(tokens.clone().slice([token..token + 1, 0..INNER]), vec![weight.clone()]);
            for y in [alone, together.clone().slice([token..token + 1, 0..rows])] {
                assert_eq!(y.into_data().to_vec::<f32>().unwrap(), column, "{dtype:?}, column {token}");
            }
        }
    }
}

#[test]
fn a_gradient_flows_to_the_activations() {
    let (x, upstream) = (sines(&[3, 64], 0.5), sines(&[3, 20], 1.5));
    for half in HALVES {
        for dtype in FLEX_AND_PORTABLE {
            let weight = sines(&[20, 64], 2.5).tensor::<Trained, 2>(half);
            let (leaf, residual) = (x.leaf::<2>(dtype), upstream.leaf::<2>(dtype));
            let y = linear_16bit_add(leaf.clone(), weight.clone(), residual.clone());
            let grads = backward(&y, &upstream);
            let wide = weight.inner().cast(DType::F64).transpose();
            let expected = Numbers::of(linear(upstream.tensor::<Flex, 2>(DType::F64), vec![wide]));
            assert_within("dx", &Numbers::of(grad::<2>(&leaf, &grads)), &expected, 1e-5);
            assert_within("dresidual", &Numbers::of(grad::<2>(&residual, &grads)), &upstream, 0.0);
        }
    }
}
