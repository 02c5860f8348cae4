//! The trait that a backend implements, and what `Autodiff` makes of it.

use burn::{
    backend::{
        Autodiff,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    },
    tensor::{
        Tensor, TensorPrimitive,
        backend::{AutodiffBackend, Backend},
        ops::{FloatTensor, IntTensor},
    },
};

use crate::{AdamWStep, Documents, adamw, attention, cross_entropy, linear, rms_norm, rope, swiglu};

/// The operations, on a backend's own tensors. Every method has a portable default; the functions of the crate's
/// root are the typed way to call them.
///
/// Shapes: `n` tokens, `d` features, `h` query heads, `g` key and value heads, `c` features of a head.
pub trait Kernels: Backend {
    /// `x[n, d]`, `weight[d]` to `[n, d]`.
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        rms_norm::portable::<Self>(x, weight, eps)
    }
    /// Gradients of [`Kernels::rms_norm`] for `x` and `weight`.
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rms_norm::portable_backward::<Self>(x, weight, grad, eps)
    }
    /// `x[n, i]`, `weight[o, i]` to `[n, o]`.
    fn linear_out_in(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::portable::<Self>(x, weight)
    }
    /// `x[n, h, c]`, `cos[n, c/2]`, `sin[n, c/2]` to `[n, h, c]`.
    fn rope(x: FloatTensor<Self>, cos: FloatTensor<Self>, sin: FloatTensor<Self>) -> FloatTensor<Self> {
        rope::portable::<Self>(x, cos, sin)
    }
    /// `gate[n, f]`, `up[n, f]` to `[n, f]`.
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::portable::<Self>(gate, up)
    }
    /// Gradients of [`Kernels::swiglu`] for `gate` and `up`.
    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        swiglu::portable_backward::<Self>(gate, up, grad)
    }
    /// `q[n, h, c]`, `k[n, g, c]`, `v[n, g, c]` to the output `[n, h, c]` and whatever the backward pass of the same
    /// backend needs beside it.
    fn packed_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        documents: &Documents,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        attention::portable::<Self>(q, k, v, documents)
    }
    /// Gradients of [`Kernels::packed_attention`] for `q`, `k` and `v`.
    fn packed_attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        saved: (FloatTensor<Self>, FloatTensor<Self>),
        grad: FloatTensor<Self>,
        documents: &Documents,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        attention::portable_backward::<Self>(q, k, v, saved.1, grad, documents)
    }
    /// `logits[n, v]`, `targets[n]` to the summed loss `[1]` and its gradient for the logits `[n, v]`.
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        cross_entropy::portable::<Self>(logits, targets)
    }
    /// Parameter and the two moments after one step; all four tensors have one shape.
    fn adamw_step(
        parameter: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        moments: (FloatTensor<Self>, FloatTensor<Self>),
        step: &AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        adamw::portable::<Self>(parameter, grad, moments, step)
    }
}

/// A backend that can be trained on: `Autodiff` of one that has the kernels.
pub trait AutodiffKernels: AutodiffBackend<InnerBackend: Kernels> + Kernels {}
impl<B: AutodiffBackend<InnerBackend: Kernels> + Kernels> AutodiffKernels for B {}

#[cfg(feature = "cuda")]
impl Kernels for burn::backend::Cuda {}
#[cfg(feature = "rocm")]
impl Kernels for burn::backend::Rocm {}
// `Vulkan` and `Metal` are names of the same backend with another shader compiler.
#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
impl Kernels for burn::backend::Wgpu {}
#[cfg(feature = "tch")]
impl Kernels for burn::backend::LibTorch {}

/// A typed view of a backend's tensor.
pub(crate) fn view<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

/// The backend's tensor of a typed view.
pub(crate) fn raw<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

/// Hands each parent that is tracked its gradient.
fn register<B: Backend, S, const N: usize>(
    ops: Ops<S, N>,
    grads: &mut Gradients,
    values: [FloatTensor<B>; N],
) {
    for (parent, value) in ops.parents.into_iter().zip(values) {
        if let Some(node) = parent {
            grads.register::<B>(node.id, value);
        }
    }
}

/// One operation with a hand-written backward pass: `$parents` are the tensors that get gradients.
macro_rules! tracked {
    ($op:expr, $backend:ty, $strategy:ty, [$($parent:ident),+], $state:expr, $output:expr) => {
        match $op.prepare::<$strategy>([$($parent.node.clone()),+]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = $output;
                prep.finish($state(&output), output.0)
            }
            OpsKind::UnTracked(prep) => prep.finish($output.0),
        }
    };
}

impl<B: Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct RmsNorm;
        impl<B: Kernels> Backward<B, 2> for RmsNorm {
            type State = (FloatTensor<B>, FloatTensor<B>, f64);
            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let (x, weight, eps) = ops.state.clone();
                let (x, weight) = B::rms_norm_backward(x, weight, grad, eps);
                register::<B, _, 2>(ops, grads, [x, weight]);
            }
        }
        tracked!(
            RmsNorm,
            B,
            C,
            [x, weight],
            |_: &(FloatTensor<B>,)| (x.primitive.clone(), weight.primitive.clone(), eps),
            (B::rms_norm(x.primitive.clone(), weight.primitive.clone(), eps),)
        )
    }

    fn linear_out_in(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Linear;
        impl<B: Kernels> Backward<B, 2> for Linear {
            type State = (FloatTensor<B>, FloatTensor<B>);
            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let (x, weight) = ops.state.clone();
                let [x_parent, weight_parent] = &ops.parents;
                // A frozen weight or an input without gradient costs no product.
                if let Some(node) = x_parent {
                    grads.register::<B>(node.id, B::float_matmul(grad.clone(), weight));
                }
                if let Some(node) = weight_parent {
                    grads.register::<B>(node.id, B::float_matmul(B::float_transpose(grad), x));
                }
            }
        }
        tracked!(
            Linear,
            B,
            C,
            [x, weight],
            |_: &(FloatTensor<B>,)| (x.primitive.clone(), weight.primitive.clone()),
            (B::linear_out_in(x.primitive.clone(), weight.primitive.clone()),)
        )
    }

    fn rope(x: FloatTensor<Self>, cos: FloatTensor<Self>, sin: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Rope;
        impl<B: Kernels> Backward<B, 1> for Rope {
            type State = (FloatTensor<B>, FloatTensor<B>);
            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let (cos, sin) = ops.state.clone();
                // A rotation's transpose is the rotation by the opposite angle.
                let x = B::rope(grad, cos, B::float_neg(sin));
                register::<B, _, 1>(ops, grads, [x]);
            }
        }
        tracked!(
            Rope,
            B,
            C,
            [x],
            |_: &(FloatTensor<B>,)| (cos.primitive.clone(), sin.primitive.clone()),
            (B::rope(x.primitive.clone(), cos.primitive.clone(), sin.primitive.clone()),)
        )
    }

    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Swiglu;
        impl<B: Kernels> Backward<B, 2> for Swiglu {
            type State = (FloatTensor<B>, FloatTensor<B>);
            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let (gate, up) = ops.state.clone();
                let (gate, up) = B::swiglu_backward(gate, up, grad);
                register::<B, _, 2>(ops, grads, [gate, up]);
            }
        }
        tracked!(
            Swiglu,
            B,
            C,
            [gate, up],
            |_: &(FloatTensor<B>,)| (gate.primitive.clone(), up.primitive.clone()),
            (B::swiglu(gate.primitive.clone(), up.primitive.clone()),)
        )
    }

    fn packed_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        documents: &Documents,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        #[derive(Debug)]
        struct PackedAttention;
        impl<B: Kernels> Backward<B, 3> for PackedAttention {
            type State = ([FloatTensor<B>; 3], (FloatTensor<B>, FloatTensor<B>), Documents);
            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let ([q, k, v], saved, documents) = ops.state.clone();
                let (q, k, v) = B::packed_attention_backward(q, k, v, saved, grad, &documents);
                register::<B, _, 3>(ops, grads, [q, k, v]);
            }
        }
        let inputs = || [q.primitive.clone(), k.primitive.clone(), v.primitive.clone()];
        let [q_in, k_in, v_in] = inputs();
        let output = tracked!(
            PackedAttention,
            B,
            C,
            [q, k, v],
            |saved: &(FloatTensor<B>, FloatTensor<B>)| (inputs(), saved.clone(), documents.clone()),
            B::packed_attention(q_in, k_in, v_in, documents)
        );
        (output.clone(), output)
    }

    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        #[derive(Debug)]
        struct CrossEntropy;
        impl<B: Kernels> Backward<B, 1> for CrossEntropy {
            type State = FloatTensor<B>;
            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let scale = view::<B, 1>(grad).unsqueeze::<2>();
                let logits = raw(view::<B, 2>(ops.state.clone()).mul(scale));
                register::<B, _, 1>(ops, grads, [logits]);
            }
        }
        let loss = tracked!(
            CrossEntropy,
            B,
            C,
            [logits],
            |output: &(FloatTensor<B>, FloatTensor<B>)| output.1.clone(),
            B::cross_entropy(logits.primitive.clone(), targets.clone())
        );
        (loss.clone(), loss)
    }
}
