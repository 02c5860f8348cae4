//! How far a device may be from its reference.

use burn::tensor::DType;

/// What is compared, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Values and gradients of an operation with the same in f64, as a share of the largest number of the tensor.
    Operation,
    /// The same of a block, whose operations each round what they hand on.
    Block,
    /// The same where the result is f32, whatever it is made of.
    Sum,
    /// The same where sums go over 50,000 tokens of a vocabulary: software Vulkan is off by 3e-4 there, the CPU by 1e-5.
    LargeVocabulary,
    /// The same where activations are rounded to 8 bits, as the CPU does before it multiplies with weights in few bits.
    RoundedActivations,
    /// The same where activations are rounded to bf16 before they are multiplied, and the products after, as all but the CPU do.
    MultipliedInBf16,
    /// The same where what is computed is stored in 16 bits at the end.
    StoredIn16Bits,
    /// The same in 8 bits: a number that lies between two whole ones may become either.
    StoredIn8Bits,
    /// A loss with PyTorch's in float64, in nats.
    Loss,
    /// A gradient's norm with PyTorch's in float64, as a share.
    GradientNorm,
    /// How far a parameter moved, with PyTorch's in float64, as a share.
    Moved,
    /// A logit with transformers' in float32.
    Logit,
    /// The log-probability of a token with that of the CPU, for every precision in which a model predicts. The CPU rounds
    /// activations to 8 bits before it multiplies with weights in few bits, others to bf16 where weights are of that.
    LogProbInFewBits,
    /// A loss with that of a training that never changed its device, as a share.
    LossAfterMove,
    /// A loss of adapters beside weights in few bits with that of the CPU, in nats. Where a device holds no bf16, the embedding
    /// beside weights in 8 bits stays in 32: on software Vulkan that makes 2.8e-4.
    LossBesideFewBits,
}

/// A model is computed in f32 on every device, and weights in few bits are multiplied in f32.
const NEVER: f64 = f64::NAN;

/// By the type of the numbers that are computed with: f32, f16, bf16.
const TOLERANCES: [(Quantity, [f64; 3]); 15] = [
    (Quantity::Operation, [1e-5, 2e-3, 1.6e-2]),
    (Quantity::Block, [1e-5, 8e-3, 5e-2]),
    (Quantity::Sum, [1e-5, 1e-5, 1e-5]),
    (Quantity::LargeVocabulary, [1e-3, 2e-3, 1.6e-2]),
    (Quantity::RoundedActivations, [1e-2, NEVER, NEVER]),
    (Quantity::MultipliedInBf16, [1e-2, 2e-3, 1.6e-2]),
    (Quantity::StoredIn16Bits, [1e-3, 2e-3, 1.6e-2]),
    (Quantity::StoredIn8Bits, [1e-2, 1e-2, 1.6e-2]),
    (Quantity::Loss, [1e-5, NEVER, NEVER]),
    (Quantity::GradientNorm, [5e-5, NEVER, NEVER]),
    (Quantity::Moved, [1e-4, NEVER, NEVER]),
    (Quantity::Logit, [1e-4, NEVER, NEVER]),
    (Quantity::LogProbInFewBits, [5e-2, NEVER, NEVER]),
    (Quantity::LossAfterMove, [1e-4, NEVER, NEVER]),
    (Quantity::LossBesideFewBits, [1e-3, NEVER, NEVER]),
];

/// What the table says.
pub(crate) fn tolerance(quantity: Quantity, computed: DType) -> f64 {
    let row = TOLERANCES.iter().find(|(of, _)| *of == quantity);
    let (_, [f32, f16, bf16]) = row.expect("every quantity has a row");
    match computed {
        DType::F16 => *f16,
        DType::BF16 => *bf16,
        _ => *f32,
    }
}
