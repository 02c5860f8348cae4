//! In which types the numbers of a model stand in memory while it predicts.

use std::fmt;

use gearhead_kernels::{FrozenDtype, Quantization};
use serde::{Deserialize, Serialize};

use crate::cache::CacheDtype;

/// How the numbers of a model are stored that predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Precision {
    /// Of weights.
    pub weights: WeightDtype,
    /// Of keys and values.
    pub cache: CacheDtype,
}

/// How the weights of the linear layers and of the output layer are stored. Norms and biases are f32 in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum WeightDtype {
    /// 32 bit.
    #[default]
    #[serde(rename = "f32")]
    F32,
    /// 16 bit, IEEE 754. The embedding too.
    #[serde(rename = "f16")]
    F16,
    /// 16 bit, the upper half of an f32. The embedding too.
    #[serde(rename = "bf16")]
    Bf16,
    /// 8 bit with a scale for each 32 weights of a row: [`Quantization::Q8_0`]. The embedding is f32.
    #[serde(rename = "q8_0")]
    Q8_0,
    /// 4 bit with such a scale: [`Quantization::Q4_0`]. The embedding is f32.
    #[serde(rename = "q4_0")]
    Q4_0,
}

impl WeightDtype {
    /// What the weights are packed to, where they have fewer than 16 bits.
    pub(crate) const fn quantization(self) -> Option<Quantization> {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => None,
            Self::Q8_0 => Some(Quantization::Q8_0),
            Self::Q4_0 => Some(Quantization::Q4_0),
        }
    }

    /// The type of the tensors that they are, or that they are packed from.
    pub(crate) const fn of_tensors(self) -> FrozenDtype {
        match self {
            Self::F32 | Self::Q8_0 | Self::Q4_0 => FrozenDtype::F32,
            Self::F16 => FrozenDtype::F16,
            Self::Bf16 => FrozenDtype::Bf16,
        }
    }
}

impl fmt::Display for WeightDtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Q8_0 => "q8_0",
            Self::Q4_0 => "q4_0",
        })
    }
}
