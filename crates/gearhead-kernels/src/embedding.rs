//! Rows of a table by their numbers.

use burn::tensor::{
    Int, Tensor, TensorMetadata,
    ops::{FloatTensor, IntTensor},
};

use crate::{
    Kernels,
    backend::{raw, view},
    precision::{in_type, of_sums},
};

/// The rows of `table` with the numbers `ids`, in their order; a row may come more than once.
///
/// # Shapes
///
/// `table`: `[rows, d]`, `ids`: `[n]`, result: `[n, d]`.
pub fn embedding<B: Kernels>(table: Tensor<B, 2>, ids: Tensor<B, 1, Int>) -> Tensor<B, 2> {
    view(B::gather_rows(raw(table), ids.into_primitive()))
}

/// `table` with `rows` added to its rows with the numbers `ids`, one after the other; a row may come more than once. A table
/// that nothing else holds is changed in place where the backend can. With it, the gradient of [`embedding`] is added to
/// what is there.
///
/// # Shapes
///
/// `table`: `[rows, d]`, `ids`: `[n]`, `rows`: `[n, d]`, result: `[rows, d]`.
pub fn add_rows<B: Kernels>(table: Tensor<B, 2>, ids: Tensor<B, 1, Int>, rows: Tensor<B, 2>) -> Tensor<B, 2> {
    view(B::add_rows(raw(table), ids.into_primitive(), raw(rows)))
}

pub(crate) fn portable<B: Kernels>(table: FloatTensor<B>, ids: IntTensor<B>) -> FloatTensor<B> {
    B::float_select(table, 0, ids)
}

pub(crate) fn portable_add<B: Kernels>(
    table: FloatTensor<B>,
    ids: IntTensor<B>,
    rows: FloatTensor<B>,
) -> FloatTensor<B> {
    let dtype = table.dtype();
    let [table, rows] = [table, rows].map(|part| in_type::<B>(part, of_sums(dtype)));
    in_type::<B>(B::float_select_add(table, 0, ids, rows), dtype)
}
