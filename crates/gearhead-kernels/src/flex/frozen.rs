//! Weights of 8 bit in 32.

use burn::tensor::{
    TensorMetadata,
    quantization::{QTensorPrimitive, QuantLevel},
};
use burn_flex::{FlexQTensor, FlexTensor};
use rayon::prelude::*;

use super::{
    buffer::{Buffer, TASK},
    each,
};
use crate::quantized::GROUP;

/// A weight in groups of 8 bit; none where it is quantised in another way.
pub(super) fn widen_8bit(weight: &FlexQTensor) -> Option<FlexTensor> {
    let QuantLevel::Block(block) = weight.scheme().level else { return None };
    if block.num_elements() != GROUP || !weight.tensor().is_contiguous() {
        return None;
    }
    let numbers = weight.tensor().as_slice::<i8>()?;
    let mut wide = Buffer::new(numbers.len());
    let pieces = wide.par_chunks_mut(TASK).zip(numbers.par_chunks(TASK));
    each(pieces.zip(weight.scales().par_chunks(TASK / GROUP)), |((wide, numbers), scales)| {
        let groups = wide.as_chunks_mut::<GROUP>().0.iter_mut().zip(numbers.as_chunks::<GROUP>().0);
        for ((wide, numbers), scale) in groups.zip(scales) {
            for (wide, number) in wide.iter_mut().zip(numbers) {
                *wide = scale * f32::from(*number);
            }
        }
    });
    Some(wide.into_tensor(weight.shape()))
}
