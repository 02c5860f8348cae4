//! Tensors as plain numbers, and how far they may be apart.

use burn::tensor::{Tensor, backend::Backend};
use libtest_mimic::Failed;

/// A tensor read back from its device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

impl Numbers {
    pub(crate) fn of<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Self {
        Self { shape: tensor.dims().to_vec(), data: tensor.into_data().iter::<f64>().collect() }
    }

    pub(crate) fn largest(&self) -> f64 {
        self.data.iter().fold(0.0, |largest, value| value.abs().max(largest))
    }
}

/// A part of what an operation computes.
pub(crate) type Named = (&'static str, Numbers);

/// What an operation computes.
pub(crate) type Outcome = Vec<Named>;

/// Fails where a number is further off than a share of the largest of its tensor.
pub(crate) fn within(ours: &[Named], expected: &[Named], share: f64) -> Result<(), Failed> {
    for ((what, ours), (_, expected)) in ours.iter().zip(expected) {
        if ours.shape != expected.shape {
            return Err(format!("{what} is {:?}, not {:?}", ours.shape, expected.shape).into());
        }
        let allowed = share * expected.largest();
        // What is no number is further off than any.
        let distance = |(ours, expected): (&f64, &f64)| {
            let distance = (ours - expected).abs();
            if distance.is_nan() { f64::INFINITY } else { distance }
        };
        let distances = ours.data.iter().zip(&expected.data).map(distance);
        let worst = distances.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((index, distance)) = worst else { continue };
        if distance > allowed {
            let (ours, expected) = (ours.data[index], expected.data[index]);
            return Err(format!(
                "{what}[{index}] is {ours}, not {expected}: {distance:.1e} apart, allowed {allowed:.1e}"
            )
            .into());
        }
    }
    Ok(())
}
