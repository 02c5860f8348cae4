//! How ggml stores numbers: one by one, or in blocks of a row that have scales in common.
//!
//! **Source**: ggml, `ggml-common.h` for the blocks and `ggml-quants.c` for what their numbers mean.

mod k;
mod lookup;
mod plain;

use gearhead_kernels::{
    Quantization,
    quantized::{GROUP, quantize_group},
};
use half::f16;

/// Weights in a block of the `K` types.
const K_LEN: usize = 256;

/// The ways of storing numbers that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, non_camel_case_types, reason = "ggml's names say all there is")]
pub enum GgmlType {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    IQ4_NL,
    IQ4_XS,
}

/// What there is to know of a type.
struct Layout {
    number: u32,
    name: &'static str,
    len: usize,
    bytes: usize,
    /// A block to its numbers.
    expand: fn(&[u8], &mut [f32]),
}

impl GgmlType {
    /// Every type that is read.
    pub const ALL: [Self; 15] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2_K,
        Self::Q3_K,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
        Self::IQ4_NL,
        Self::IQ4_XS,
    ];

    fn layout(self) -> Layout {
        let of = |number, name, len, bytes, expand: fn(&[u8], &mut [f32])| Layout {
            number,
            name,
            len,
            bytes,
            expand,
        };
        match self {
            Self::F32 => of(0, "f32", 1, 4, plain::f32),
            Self::F16 => of(1, "f16", 1, 2, plain::f16),
            Self::BF16 => of(30, "bf16", 1, 2, plain::bf16),
            Self::Q4_0 => of(2, "q4_0", GROUP, 18, plain::q4_0),
            Self::Q4_1 => of(3, "q4_1", GROUP, 20, plain::q4_1),
            Self::Q5_0 => of(6, "q5_0", GROUP, 22, plain::q5_0),
            Self::Q5_1 => of(7, "q5_1", GROUP, 24, plain::q5_1),
            Self::Q8_0 => of(8, "q8_0", GROUP, 34, plain::q8_0),
            Self::Q2_K => of(10, "q2_K", K_LEN, 84, k::q2_k),
            Self::Q3_K => of(11, "q3_K", K_LEN, 110, k::q3_k),
            Self::Q4_K => of(12, "q4_K", K_LEN, 144, k::q4_k),
            Self::Q5_K => of(13, "q5_K", K_LEN, 176, k::q5_k),
            Self::Q6_K => of(14, "q6_K", K_LEN, 210, k::q6_k),
            Self::IQ4_NL => of(20, "iq4_nl", GROUP, 18, lookup::iq4_nl),
            Self::IQ4_XS => of(23, "iq4_xs", K_LEN, 136, lookup::iq4_xs),
        }
    }

    /// The type with a number.
    pub(super) fn from_number(number: u32) -> Result<Self, String> {
        Self::ALL.into_iter().find(|it| it.number() == number).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("is stored in the type with the number {number}, only {known} are read")
        })
    }

    /// Its number in a file.
    pub fn number(self) -> u32 {
        self.layout().number
    }

    /// Its name, as llama.cpp writes it.
    pub fn name(self) -> &'static str {
        self.layout().name
    }

    /// Numbers in a block.
    pub fn block_len(self) -> usize {
        self.layout().len
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        self.layout().bytes
    }

    /// The numbers of whole blocks.
    pub fn expand(self, bytes: &[u8]) -> Vec<f32> {
        let Layout { len, bytes: block_bytes, expand, .. } = self.layout();
        let mut numbers = vec![0.0; bytes.len() / block_bytes * len];
        for (block, numbers) in bytes.chunks_exact(block_bytes).zip(numbers.chunks_exact_mut(len)) {
            expand(block, numbers);
        }
        numbers
    }
}

/// Rows of numbers in blocks of 32: the numbers that Gearhead's own layers in few bits multiply with.
///
/// # Panics
///
/// Where the numbers are no whole blocks: the caller chose the type by the rows.
pub(super) fn quantized(numbers: &[f32], format: Quantization) -> Vec<u8> {
    let (groups, rest) = numbers.as_chunks::<GROUP>();
    assert!(rest.is_empty(), "rows are whole groups");
    let mut bytes = Vec::with_capacity(groups.len() * (2 + GROUP));
    for group in groups {
        let (scale, numbers) = quantize_group(group, format);
        bytes.extend(scale.to_le_bytes());
        match format {
            Quantization::Q8_0 => bytes.extend(numbers.map(|number| number as u8)),
            Quantization::Q4_0 => {
                // The first half of the block in the low four bits, the second in the high ones.
                let (low, high) = numbers.split_at(GROUP / 2);
                bytes.extend(
                    low.iter().zip(high).map(|(low, high)| (low + 8) as u8 | ((high + 8) as u8) << 4),
                );
            }
        }
    }
    bytes
}

/// A number of 16 bits in a block.
fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_types_are_their_own() {
        for (index, one) in GgmlType::ALL.into_iter().enumerate() {
            assert_eq!(GgmlType::from_number(one.number()), Ok(one));
            assert!(GgmlType::ALL[..index].iter().all(|other| other.name() != one.name()));
        }
        assert!(GgmlType::from_number(16).unwrap_err().contains("q4_K"));
    }

    #[test]
    fn what_is_quantized_is_what_the_kernels_multiply_with() {
        let numbers: Vec<f32> = (0..96).map(|index| (index as f32 * 1.7).sin() * 0.1).collect();
        for (format, ggml_type) in
            [(Quantization::Q8_0, GgmlType::Q8_0), (Quantization::Q4_0, GgmlType::Q4_0)]
        {
            let expanded = ggml_type.expand(&quantized(&numbers, format));
            let groups = numbers.as_chunks::<GROUP>().0.iter().map(|group| quantize_group(group, format));
            let expected: Vec<f32> = groups
                .flat_map(|(scale, numbers)| numbers.map(|number| f32::from(number) * scale.to_f32()))
                .collect();
            assert_eq!(expanded, expected);
        }
    }
}
