//! Rows of a table by their numbers, and the way back.

use burn::{backend::Flex, tensor::ops::IntTensor};
use burn_flex::FlexTensor;

use super::{buffer::Buffer, contiguous, dims, elements, ids};

pub(super) fn forward(table: &FlexTensor, rows: IntTensor<Flex>) -> FlexTensor {
    let (table, rows) = (contiguous(table), ids(rows));
    let [_, d] = dims(&table);
    let table = elements(&table);
    let mut y = Buffer::new(rows.len() * d);
    for (y, row) in y.chunks_exact_mut(d.max(1)).zip(&rows) {
        y.copy_from_slice(&table[*row as usize * d..][..d]);
    }
    y.into_tensor([rows.len(), d])
}

/// In the order of the rows, whatever the number of threads: a sum does not depend on it.
pub(super) fn backward(table_rows: usize, rows: IntTensor<Flex>, grad: &FlexTensor) -> FlexTensor {
    let (rows, grad) = (ids(rows), contiguous(grad));
    let [_, d] = dims::<2>(&grad);
    let mut table_grad = Buffer::zeros(table_rows * d);
    for (grad, row) in elements(&grad).chunks_exact(d.max(1)).zip(&rows) {
        for (sum, value) in table_grad[*row as usize * d..][..d].iter_mut().zip(grad) {
            *sum += value;
        }
    }
    table_grad.into_tensor([table_rows, d])
}
