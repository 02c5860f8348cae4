//! Rows of a table by their numbers.

use burn::tensor::{
    Int, Tensor,
    ops::{FloatTensor, IntTensor},
};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// The rows of `table` with the numbers `ids`, in their order; a row may come more than once.
///
/// # Shapes
///
/// `table`: `[rows, d]`, `ids`: `[n]`, result: `[n, d]`.
pub fn embedding<B: Kernels>(table: Tensor<B, 2>, ids: Tensor<B, 1, Int>) -> Tensor<B, 2> {
    view(B::gather_rows(raw(table), ids.into_primitive()))
}

pub(crate) fn portable<B: Kernels>(table: FloatTensor<B>, ids: IntTensor<B>) -> FloatTensor<B> {
    B::float_select(table, 0, ids)
}

/// Adds the gradient of each row of the result to that of the table's row it came from.
pub(crate) fn portable_backward<B: Kernels>(
    rows: usize,
    ids: IntTensor<B>,
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let grad = view::<B, 2>(grad);
    let [_, d] = grad.dims();
    let zeros = Tensor::<B, 2>::zeros([rows, d], (&grad.device(), grad.dtype()));
    B::float_select_add(raw(zeros), 0, ids, raw(grad))
}
