//! Rows of a table by their numbers, and the way back.

use burn::{backend::Flex, tensor::ops::IntTensor};
use burn_flex::FlexTensor;

use super::{
    buffer::Buffer,
    contiguous, dims, elements, ids, owned,
    precision::{Stored, numbers},
};

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

/// In the order of the rows, whatever the number of threads: a sum does not depend on it. The table is f32.
pub(super) fn add_rows<T: Stored>(table: FlexTensor, ids: IntTensor<Flex>, rows: &FlexTensor) -> FlexTensor {
    let (ids, rows) = (super::ids(ids), contiguous(rows));
    let [_, d] = dims::<2>(&rows);
    let mut table = owned(table);
    let sums = table.storage_mut::<f32>();
    let mut room = Vec::new();
    for (row, id) in numbers::<T>(&rows).chunks_exact(d.max(1)).zip(&ids) {
        for (sum, value) in sums[*id as usize * d..][..d].iter_mut().zip(T::read(row, &mut room)) {
            *sum += value;
        }
    }
    table
}
