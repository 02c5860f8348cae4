//! Matrix products by the `gemm` crate, on matrices as they lie in memory.
#![allow(unsafe_code, reason = "the crate takes addresses, and threads write between each other's columns")]

use std::{any::TypeId, marker::PhantomData, ops::Range};

/// A matrix to read.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows that follow each other, from the first value on.
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::spaced(values, rows, columns, columns)
    }

    /// Rows that begin `row_stride` values after each other.
    pub(super) fn spaced(values: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        if rows > 0 {
            assert!(values.len() >= (rows - 1) * row_stride + columns, "the matrix lies in the slice");
        }
        Self { values, rows, columns, row_stride, column_stride: 1 }
    }

    pub(super) fn rows(self) -> usize {
        self.rows
    }

    pub(super) fn columns(self) -> usize {
        self.columns
    }

    /// Some of the columns.
    pub(super) fn columns_of(self, columns: Range<usize>) -> Self {
        assert!(columns.start <= columns.end && columns.end <= self.columns, "the columns exist");
        let start = (columns.start * self.column_stride).min(self.values.len());
        Self { values: &self.values[start..], columns: columns.len(), ..self }
    }

    /// The same values with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A matrix to write, whose rows may have values of others between them.
pub(super) struct Output<'a, T = f32> {
    start: *mut T,
    rows: usize,
    columns: usize,
    row_stride: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: an output is the only way to its values, as `&mut [T]` would be.
unsafe impl<T: Send> Send for Output<'_, T> {}

impl<'a, T> Output<'a, T> {
    /// Rows that follow each other, from the first value on.
    pub(super) fn new(values: &'a mut [T], rows: usize, columns: usize) -> Self {
        assert!(values.len() >= rows * columns, "the matrix lies in the slice");
        Self { start: values.as_mut_ptr(), rows, columns, row_stride: columns, lifetime: PhantomData }
    }

    /// Cuts a matrix into groups of rows, and each of these into groups of columns: all groups of columns of the first
    /// rows, all of the second, and so on. What is in no group is not written.
    pub(super) fn cut(
        values: &'a mut [T],
        row_len: usize,
        rows: impl Iterator<Item = Range<usize>>,
        columns: &[Range<usize>],
    ) -> Vec<Self> {
        fn apart(groups: &[Range<usize>]) -> bool {
            let ends = std::iter::once(0).chain(groups.iter().map(|group| group.end));
            groups.iter().zip(ends).all(|(group, before)| before <= group.start && group.start <= group.end)
        }
        let rows: Vec<_> = rows.collect();
        assert!(apart(&rows) && apart(columns), "groups follow each other");
        let last = |groups: &[Range<usize>]| groups.last().map_or(0, |group| group.end);
        assert!(
            last(columns) <= row_len && last(&rows) * row_len <= values.len(),
            "the groups lie in the matrix"
        );
        let start = values.as_mut_ptr();
        let mut parts = Vec::with_capacity(rows.len() * columns.len());
        for rows in rows {
            for columns in columns {
                // Parts have no element in common: that is what was just checked.
                parts.push(Self {
                    start: start.wrapping_add(rows.start * row_len + columns.start),
                    rows: rows.len(),
                    columns: columns.len(),
                    row_stride: row_len,
                    lifetime: PhantomData,
                });
            }
        }
        parts
    }

    /// Some rows of some columns.
    pub(super) fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> Output<'_, T> {
        assert!(rows.end <= self.rows && columns.end <= self.columns, "the part lies in the matrix");
        let start = self.start.wrapping_add(rows.start * self.row_stride + columns.start);
        Output {
            start,
            rows: rows.len(),
            columns: columns.len(),
            row_stride: self.row_stride,
            lifetime: PhantomData,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The values of one row.
    pub(super) fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows, "the row lies in the matrix");
        // SAFETY: the row lies in the matrix, and is borrowed from its only owner.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.row_stride), self.columns) }
    }
}

impl<T: Copy + Default> Output<'_, T> {
    /// Makes every element 0.
    pub(super) fn fill_zero(&mut self) {
        (0..self.rows).for_each(|row| self.row(row).fill(T::default()));
    }
}

impl<T: 'static> Output<'_, T> {
    /// The same, if its values are f32: then the address is of such.
    pub(super) fn as_f32(&mut self) -> Option<Output<'_>> {
        let is_f32 = TypeId::of::<T>() == TypeId::of::<f32>();
        let &mut Self { start, rows, columns, row_stride, .. } = self;
        is_f32.then(|| Output { start: start.cast(), rows, columns, row_stride, lifetime: PhantomData })
    }
}

/// What becomes of the values that stand where the product goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// They are replaced.
    Over,
    /// The product is added to them.
    Add,
}

/// Who computes a product.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    /// Every thread of the pool, for products that are worth it.
    All,
    /// The caller, who is one of many.
    One,
}

/// `scale · a b` to `output`.
///
/// # Panics
///
/// Where the sizes do not fit: a programmer's error.
#[allow(clippy::needless_pass_by_value, reason = "an output is a borrow, and passed on like one")]
pub(super) fn product(
    output: Output<'_>,
    a: Matrix<'_>,
    b: Matrix<'_>,
    scale: f32,
    write: Write,
    threads: Threads,
) {
    assert!(a.columns == b.rows && output.rows == a.rows && output.columns == b.columns, "the sizes fit");
    let parallelism = match threads {
        Threads::All => gemm::Parallelism::Rayon(0),
        Threads::One => gemm::Parallelism::None,
    };
    // SAFETY: every element of the three matrices lies in memory that `Matrix` and `Output` vouch for, and the output
    // is borrowed for writing, so neither input is part of it.
    unsafe {
        gemm::gemm(
            output.rows,
            output.columns,
            a.columns,
            output.start,
            1,
            output.row_stride as isize,
            write == Write::Add,
            a.values.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}
