//! In which numbers a training computes, and the loss scale that f16 needs.

use burn::tensor::{DType, backend::Backend};
use gearhead_model::storage::{check_computes, computes};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The numbers of activations and of the gradients that flow back through them. Weights, their gradients and moments, sums
/// and losses are f32 with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationDtype {
    /// 32 bit.
    #[default]
    F32,
    /// 16 bit, the upper half of an f32.
    Bf16,
    /// 16 bit, IEEE 754: more digits and a shorter range, so the loss is scaled.
    F16,
}

impl ActivationDtype {
    /// The name in a configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// Whether a device computes with such numbers.
    pub fn is_computed_by<B: Backend>(self, device: &B::Device) -> bool {
        computes::<B>(device, self.dtype())
    }

    /// Makes sure of it.
    ///
    /// # Errors
    ///
    /// Names `train.precision` and the backend.
    pub fn check<B: Backend>(self, device: &B::Device) -> Result<()> {
        let option = || format!("train.precision = \"{}\"", self.name());
        Ok(check_computes::<B>(device, self.dtype(), option)?)
    }

    pub(crate) const fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }

    pub(crate) const fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }
}

/// What the mean loss is multiplied with before gradients are computed, so that small ones do not vanish in f16: halved where
/// they overflow, doubled after many steps in which they did not.
///
/// # Source
///
/// Micikevicius et al., *Mixed Precision Training*, 2018, sections 3.2 and 5; the numbers are those of PyTorch's `GradScaler`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LossScale {
    value: f64,
    /// Since it was changed.
    steps: u32,
}

const FIRST: f64 = 65_536.0;
/// With less, gradients that overflow are not for the scale to blame.
const SMALLEST: f64 = 1.0;
const STEPS_TO_DOUBLE: u32 = 2000;

impl LossScale {
    /// The first scale, where the numbers need one.
    pub(crate) fn first(dtype: ActivationDtype) -> Option<Self> {
        (dtype == ActivationDtype::F16).then_some(Self { value: FIRST, steps: 0 })
    }

    pub(crate) const fn value(self) -> f64 {
        self.value
    }

    /// The scale after gradients that overflowed, if it can fall.
    pub(crate) fn lowered(self) -> Option<Self> {
        (self.value > SMALLEST).then_some(Self { value: self.value / 2.0, steps: 0 })
    }

    /// The scale after a step that was taken.
    pub(crate) fn after_step(self) -> Self {
        if self.steps + 1 == STEPS_TO_DOUBLE {
            Self { value: 2.0 * self.value, steps: 0 }
        } else {
            Self { steps: self.steps + 1, ..self }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_falls_with_each_overflow_and_rises_after_many_steps_without() {
        assert_eq!(LossScale::first(ActivationDtype::F32), None);
        assert_eq!(LossScale::first(ActivationDtype::Bf16), None);
        let mut scale = LossScale::first(ActivationDtype::F16).unwrap();
        scale = scale.lowered().unwrap();
        for _ in 1..STEPS_TO_DOUBLE {
            scale = scale.after_step();
            assert_eq!(scale.value().to_bits(), 32_768.0_f64.to_bits());
        }
        assert_eq!(scale.after_step().value().to_bits(), 65_536.0_f64.to_bits());
        // An overflow begins the count anew.
        scale = scale.lowered().unwrap().after_step();
        assert_eq!(scale.value().to_bits(), 16_384.0_f64.to_bits());
        let lowest = (0..14).fold(scale, |scale, _| scale.lowered().unwrap());
        assert_eq!((lowest.value().to_bits(), lowest.lowered()), (1.0_f64.to_bits(), None));
    }
}
