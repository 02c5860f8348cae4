//! The feed-forward layer: one operation of the kernels where its weights are plain, else put together from smaller ones.

use burn::tensor::Tensor;
use gearhead_kernels::{Kernels, MlpWeights, mlp_block, rms_norm, swiglu};

use crate::{decoder::MlpLayer, linear::LinearWeights};

/// `x` and what the feed-forward layer adds to it.
///
/// # Shapes
///
/// `x` and result: `[n, d_model]`.
pub(crate) fn packed<B: Kernels>(x: Tensor<B, 2>, weights: MlpLayer<B>, eps: f64) -> Tensor<B, 2> {
    let MlpLayer { norm, gate, up, down } = weights;
    if [&gate, &up, &down].into_iter().all(LinearWeights::is_plain) {
        let [gate, up, down] = [gate, up, down].map(|linear| linear.weight);
        return mlp_block(x, MlpWeights { norm, gate, up, down }, eps);
    }
    let normed = rms_norm(x.clone(), norm, eps);
    let gate_up = Tensor::cat(vec![gate.forward(normed.clone()), up.forward(normed)], 1);
    down.forward_add(swiglu(gate_up), x)
}
