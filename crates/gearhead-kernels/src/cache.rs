//! How the keys and values of a cache are stored.

use std::ops::Range;

use burn::tensor::{
    DType, Int, Tensor,
    ops::{FloatTensor, IntTensor},
};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// Keys or values of a cache, `[slots, n_kv_heads, capacity, d_head]`: tensors of a backend, or what they are made of.
#[derive(Debug, Clone)]
pub enum CachePart<F, I> {
    /// In the numbers that attention computes with, or in fewer bits of the kind.
    Float(F),
    /// In 8 bits: whole numbers from -127 to 127 in i8, and what those of a token's head are times, `[slots, n_kv_heads, capacity, 1]` in
    /// f32.
    Bytes {
        /// The whole numbers.
        numbers: I,
        /// What they are times.
        scales: F,
    },
}

/// Keys or values of a cache.
pub type CacheTensor<B> = CachePart<Tensor<B, 4>, Tensor<B, 4, Int>>;

/// Keys or values of a cache as operations of a backend take them.
pub type RawCachePart<B> = CachePart<FloatTensor<B>, IntTensor<B>>;

impl<B: Kernels> CacheTensor<B> {
    /// Keys or values that are all 0, in a type of floating point, or in i8 for those of 8 bits.
    pub fn zeros(shape: [usize; 4], dtype: DType, device: &B::Device) -> Self {
        if dtype != DType::I8 {
            return Self::Float(Tensor::zeros(shape, (device, dtype)));
        }
        let [slots, kv_heads, capacity, _] = shape;
        Self::Bytes {
            numbers: Tensor::zeros(shape, (device, dtype)),
            scales: Tensor::zeros([slots, kv_heads, capacity, 1], (device, DType::F32)),
        }
    }

    /// Numbers as a cache stores them in a type of floating point, or in i8 for those of 8 bits.
    pub fn new(part: Tensor<B, 4>, dtype: DType) -> Self {
        if dtype != DType::I8 {
            return Self::Float(part.cast(dtype));
        }
        let part = part.cast(DType::F32);
        let largest = part.clone().abs().max_dim(3);
        // Where all are 0, so is what they are times.
        let factor = (largest.clone().recip() * 127.0).mask_fill(largest.clone().equal_elem(0.0), 0.0);
        Self::Bytes { numbers: (part * factor).round().int().cast(DType::I8), scales: largest / 127.0 }
    }

    /// The numbers, in a type of floating point.
    pub fn load(self, dtype: DType) -> Tensor<B, 4> {
        match self {
            Self::Float(part) => part.cast(dtype),
            Self::Bytes { numbers, scales } => (numbers.float().cast(DType::F32) * scales).cast(dtype),
        }
    }

    /// `[slots, n_kv_heads, capacity, d_head]`.
    pub fn dims(&self) -> [usize; 4] {
        match self {
            Self::Float(part) => part.dims(),
            Self::Bytes { numbers, .. } => numbers.dims(),
        }
    }

    /// What they are stored in: i8 for 8 bits.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Float(part) => part.dtype(),
            Self::Bytes { numbers, .. } => numbers.dtype(),
        }
    }

    /// Where they are.
    pub fn device(&self) -> B::Device {
        match self {
            Self::Float(part) => part.device(),
            Self::Bytes { numbers, .. } => numbers.device(),
        }
    }

    pub(crate) fn raw(self) -> RawCachePart<B> {
        match self {
            Self::Float(part) => CachePart::Float(raw(part)),
            Self::Bytes { numbers, scales } => {
                CachePart::Bytes { numbers: numbers.into_primitive(), scales: raw(scales) }
            }
        }
    }

    pub(crate) fn view(part: RawCachePart<B>) -> Self {
        match part {
            CachePart::Float(part) => Self::Float(view(part)),
            CachePart::Bytes { numbers, scales } => {
                Self::Bytes { numbers: Tensor::from_primitive(numbers), scales: view(scales) }
            }
        }
    }

    /// Some of the tokens of some slots.
    pub(crate) fn tokens(&self, slots: Range<usize>, tokens: Range<usize>) -> Self {
        let [_, kv_heads, _, d_head] = self.dims();
        let cells = |width| [slots.clone(), 0..kv_heads, tokens.clone(), 0..width];
        match self.clone() {
            Self::Float(part) => Self::Float(part.slice(cells(d_head))),
            Self::Bytes { numbers, scales } => {
                Self::Bytes { numbers: numbers.slice(cells(d_head)), scales: scales.slice(cells(1)) }
            }
        }
    }

    /// The same with other tokens in some slots, of a cache that is stored alike.
    pub(crate) fn with_tokens(self, slots: Range<usize>, tokens: Range<usize>, other: Self) -> Self {
        let [_, kv_heads, _, d_head] = self.dims();
        let cells = |width| [slots.clone(), 0..kv_heads, tokens.clone(), 0..width];
        match (self, other) {
            (Self::Float(part), Self::Float(other)) => Self::Float(part.slice_assign(cells(d_head), other)),
            (
                Self::Bytes { numbers, scales },
                Self::Bytes { numbers: other_numbers, scales: other_scales },
            ) => Self::Bytes {
                numbers: numbers.slice_assign(cells(d_head), other_numbers),
                scales: scales.slice_assign(cells(1), other_scales),
            },
            _ => panic!("both are stored alike"),
        }
    }
}
