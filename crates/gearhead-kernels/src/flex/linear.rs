//! Linear layers and their gradients, each one matrix product on the layout that is there.

use std::ops::Range;

use burn_flex::FlexTensor;

use super::{
    all_f32,
    buffer::Buffer,
    contiguous, dims, elements, few_rows,
    product::{Matrix, Output, Threads, Write, product},
};

/// `x weightᵀ` for each weight, of 32 or 16 bits, side by side.
pub(super) fn forward(x: &FlexTensor, weights: &[FlexTensor]) -> FlexTensor {
    let x = contiguous(x);
    let n = matrix(&x).rows();
    let columns: usize = weights.iter().map(|weight| dims::<2>(weight)[0]).sum();
    if n <= few_rows::FEW || !all_f32(weights) {
        let weights: Vec<_> = weights.iter().map(contiguous).collect();
        let mut y = Buffer::new(n * columns);
        few_rows::linear(&mut y, &x, &weights, Write::Over);
        return y.into_tensor([n, columns]);
    }
    let mut y = Buffer::new(n * columns);
    let mut output = Output::new(&mut y, n, columns);
    let mut start = 0;
    for weight in weights {
        let weight = contiguous(weight);
        let weight = matrix(&weight);
        let part = output.part(0..n, start..start + weight.rows());
        product(part, matrix(&x), weight.transposed(), 1.0, Write::Over, Threads::All);
        start += weight.rows();
    }
    y.into_tensor([n, columns])
}

/// `residual + x weightᵀ`, with a weight of 32 or 16 bits.
pub(super) fn forward_add(x: &FlexTensor, weight: &FlexTensor, residual: &FlexTensor) -> FlexTensor {
    let [x, weight, residual] = [x, weight, residual].map(contiguous);
    let [n, columns] = dims(&residual);
    let mut y = Buffer::copy_of(elements(&residual));
    if n <= few_rows::FEW || !all_f32([&weight]) {
        few_rows::linear(&mut y, &x, &[weight], Write::Add);
        return y.into_tensor([n, columns]);
    }
    let output = Output::new(&mut y, n, columns);
    product(output, matrix(&x), matrix(&weight).transposed(), 1.0, Write::Add, Threads::All);
    y.into_tensor([n, columns])
}

/// `grad weight`, summed over the weights, each with its columns of `grad`.
pub(super) fn input_grad(grad: &FlexTensor, weights: &[FlexTensor]) -> FlexTensor {
    let grad = contiguous(grad);
    let n = matrix(&grad).rows();
    let columns = weights.first().map_or(0, |weight| dims::<2>(weight)[1]);
    let mut x_grad = Buffer::new(n * columns);
    let (mut start, mut write) = (0, Write::Over);
    for weight in weights {
        let weight = contiguous(weight);
        let weight = matrix(&weight);
        let grad = matrix(&grad).columns_of(start..start + weight.rows());
        let output = Output::new(&mut x_grad, n, columns);
        product(output, grad, weight, 1.0, write, Threads::All);
        (start, write) = (start + weight.rows(), Write::Add);
    }
    x_grad.into_tensor([n, columns])
}

/// `gradᵀ x` for some columns of `grad`.
pub(super) fn weight_grad(grad: &FlexTensor, columns: Range<usize>, x: &FlexTensor) -> FlexTensor {
    let (grad, x) = (contiguous(grad), contiguous(x));
    let (grad, x) = (matrix(&grad).columns_of(columns).transposed(), matrix(&x));
    let (rows, columns) = (grad.rows(), x.columns());
    let mut weight_grad = Buffer::new(rows * columns);
    let output = Output::new(&mut weight_grad, rows, columns);
    product(output, grad, x, 1.0, Write::Over, Threads::All);
    weight_grad.into_tensor([rows, columns])
}

fn matrix(tensor: &FlexTensor) -> Matrix<'_> {
    let [rows, columns] = dims(tensor);
    Matrix::new(elements(tensor), rows, columns)
}
