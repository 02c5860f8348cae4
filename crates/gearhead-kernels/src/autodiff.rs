//! What `Autodiff` makes of the operations: each a node of its graph, whose backward pass is written by hand.

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
        DType, Tensor, TensorMetadata, TensorPrimitive,
        backend::{AutodiffBackend, Backend},
        ops::{FloatTensor, IntTensor, QuantizedTensor},
    },
};

use crate::{
    AttentionContext, AutodiffKernels, Documents, Heads, Kernels, OutputWeight, Quantization,
    backend::{raw, view},
    block::{self, AttentionSaved, MlpSaved},
    frozen,
    linear::{self, LinearSaved},
};

/// An operation under `Autodiff`, by its backward pass: of what was kept, the gradient that flows in and which parents
/// want one, the gradients of the parents.
macro_rules! operation {
    ($name:ident, $count:literal, $state:ty, $backward:expr) => {
        #[derive(Debug)]
        struct $name;
        impl<B: Kernels> Backward<B, $count> for $name {
            type State = $state;
            fn backward(self, ops: Ops<Self::State, $count>, grads: &mut Gradients, _: &mut Checkpointer) {
                let Ops { parents, node, state } = ops;
                let grad = grads.consume::<B>(&node);
                let wanted = parents.each_ref().map(Option::is_some);
                // A copy of references, so that what was kept goes when all is done: when its memory went earlier, the
                // next step was some two percent slower.
                let values = $backward(state.clone(), grad, wanted);
                for (parent, value) in parents.into_iter().zip(values) {
                    if let (Some(parent), Some(value)) = (parent, value) {
                        grads.register::<B>(parent.id, value);
                    }
                }
            }
        }
    };
}

/// Runs an operation: `$untracked` where no parent wants a gradient, else `$tracked`, which also says what to keep.
macro_rules! run {
    ($name:ident, $strategy:ty, $parents:expr, $tracked:expr, $untracked:expr) => {{
        // Held until the operation is part of the graph: what nobody holds, a backward pass on another thread may sweep
        // away.
        let parents = $parents;
        let nodes = parents.each_ref().map(|parent| parent.node.clone());
        let output = match $name.prepare::<$strategy>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (output, state) = $tracked;
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish($untracked),
        };
        drop(parents);
        output
    }};
}

/// The inner backend's tensors.
fn inner<B: Backend, C: CheckpointStrategy, const N: usize>(
    tensors: &[FloatTensor<Autodiff<B, C>>; N],
) -> [FloatTensor<B>; N] {
    tensors.each_ref().map(|tensor| tensor.primitive.clone())
}

impl<B: Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    const HOLDS_FEW_BITS: bool = B::HOLDS_FEW_BITS;

    type QuantizedWeight = B::QuantizedWeight;

    fn together<R>(work: impl FnOnce() -> R) -> R {
        B::together(work)
    }

    fn release_memory(device: &Self::Device) {
        B::release_memory(device);
    }

    fn linear_16bit(x: FloatTensor<Self>, weights: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        operation!(Linear16Bit, 1, Vec<FloatTensor<B>>, |weights: Vec<_>, grad: FloatTensor<B>, _| {
            let wide = |weight| B::widen(TensorPrimitive::Float(weight), grad.dtype());
            let weights = weights.into_iter().map(wide).collect();
            [Some(B::linear_input_grad(grad, weights))]
        });
        let x_in = x.primitive.clone();
        let weights: Vec<_> = weights.into_iter().map(|weight| weight.primitive).collect();
        let forward = || B::linear_16bit(x_in.clone(), weights.clone());
        run!(Linear16Bit, C, [x], (forward(), weights.clone()), forward())
    }

    fn quantize_weights(weights: Vec<FloatTensor<Self>>, format: Quantization) -> Self::QuantizedWeight {
        B::quantize_weights(weights.into_iter().map(|weight| weight.primitive).collect(), format)
    }

    fn dequantize_weights(weight: &Self::QuantizedWeight) -> FloatTensor<Self> {
        <Self as AutodiffBackend>::from_inner(B::dequantize_weights(weight))
    }

    fn quantized_linear(x: FloatTensor<Self>, weight: &Self::QuantizedWeight) -> FloatTensor<Self> {
        operation!(QuantizedLinear, 1, B::QuantizedWeight, |weight, grad, _| {
            [Some(B::linear_input_grad(grad, vec![B::dequantize_weights(&weight)]))]
        });
        let x_in = x.primitive.clone();
        let forward = || B::quantized_linear(x_in.clone(), weight);
        run!(QuantizedLinear, C, [x], (forward(), weight.clone()), forward())
    }

    fn narrow(weight: FloatTensor<Self>) -> QuantizedTensor<Self> {
        B::narrow(weight.primitive)
    }

    fn widen(weight: TensorPrimitive<Self>, dtype: DType) -> FloatTensor<Self> {
        match weight {
            // What is wide already may be trained, and stays in its graph.
            TensorPrimitive::Float(weight) if weight.dtype() == dtype => weight,
            weight => <Self as AutodiffBackend>::from_inner(B::widen(frozen::inner::<B, C>(weight), dtype)),
        }
    }

    fn frozen_linear(x: FloatTensor<Self>, weight: TensorPrimitive<Self>) -> FloatTensor<Self> {
        // What is kept is the weight as it is stored.
        operation!(FrozenLinear, 1, TensorPrimitive<B>, |weight, grad: FloatTensor<B>, _| {
            let weight = B::widen(weight, grad.dtype());
            [Some(B::linear_input_grad(grad, vec![weight]))]
        });
        let (x_in, weight) = (x.primitive.clone(), frozen::inner::<B, C>(weight));
        let forward = || B::frozen_linear(x_in.clone(), weight.clone());
        run!(FrozenLinear, C, [x], (forward(), weight.clone()), forward())
    }

    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        operation!(RmsNorm, 2, (FloatTensor<B>, FloatTensor<B>, f64), |(x, weight, eps), grad, _| {
            let (x, weight) = B::rms_norm_backward(x, weight, grad, None, eps);
            [Some(x), Some(weight)]
        });
        let (x_in, weight_in) = (x.primitive.clone(), weight.primitive.clone());
        let forward = || B::rms_norm(x_in.clone(), weight_in.clone(), eps);
        run!(RmsNorm, C, [x, weight], (forward(), (x_in, weight_in, eps)), forward())
    }

    fn attention_block(
        x: FloatTensor<Self>,
        weights: [FloatTensor<Self>; 5],
        context: AttentionContext<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        operation!(AttentionBlock, 6, AttentionSaved<FloatTensor<B>>, block::attention_backward::<B>);
        let AttentionContext { heads, cos, sin, documents, eps } = context;
        let context = AttentionContext { heads, cos: cos.primitive, sin: sin.primitive, documents, eps };
        let (x_in, weights_in) = (x.primitive.clone(), inner::<B, C, 5>(&weights));
        let [norm, q, k, v, output] = weights;
        run!(
            AttentionBlock,
            C,
            [x, norm, q, k, v, output],
            block::attention::<B>(x_in, weights_in, context),
            B::attention_block(x_in, weights_in, context)
        )
    }

    fn mlp_block(x: FloatTensor<Self>, weights: [FloatTensor<Self>; 4], eps: f64) -> FloatTensor<Self> {
        operation!(MlpBlock, 5, MlpSaved<FloatTensor<B>>, block::mlp_backward::<B>);
        let (x_in, weights_in) = (x.primitive.clone(), inner::<B, C, 4>(&weights));
        let [norm, gate, up, down] = weights;
        run!(
            MlpBlock,
            C,
            [x, norm, gate, up, down],
            block::mlp::<B>(x_in, weights_in, eps),
            B::mlp_block(x_in, weights_in, eps)
        )
    }

    fn gather_rows(table: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
        operation!(GatherRows, 1, (usize, IntTensor<B>), |(rows, ids), grad: FloatTensor<B>, _| {
            let grad = view::<B, 2>(grad);
            let zeros = Tensor::<B, 2>::zeros([rows, grad.dims()[1]], (&grad.device(), grad.dtype()));
            [Some(B::add_rows(raw(zeros), ids, raw(grad)))]
        });
        let table_in = table.primitive.clone();
        let rows = table_in.shape()[0];
        let forward = || B::gather_rows(table_in.clone(), ids.clone());
        run!(GatherRows, C, [table], (forward(), (rows, ids.clone())), forward())
    }

    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        // What is kept are the gradients of the loss, which were computed beside it.
        operation!(
            LinearCrossEntropy,
            2,
            [Option<FloatTensor<B>>; 2],
            |gradients: [Option<FloatTensor<B>>; 2], grad, _| {
                let scale = view::<B, 1>(grad).unsqueeze::<2>();
                let scaled = |found: Tensor<B, 2>| {
                    let dtype = found.dtype();
                    raw(found * scale.clone().cast(dtype))
                };
                gradients.map(|found| found.map(|found| scaled(view(found))))
            }
        );
        let (hidden_in, weight_in) = (hidden.primitive.clone(), weight.primitive.clone());
        let output = if weight.is_tracked() { OutputWeight::Trained } else { OutputWeight::Frozen };
        run!(
            LinearCrossEntropy,
            C,
            [hidden, weight],
            {
                let (loss, hidden_grad, weight_grad) =
                    B::linear_cross_entropy_with_grads(hidden_in, weight_in, targets, output, 1.0);
                (loss, [Some(hidden_grad), weight_grad])
            },
            B::linear_cross_entropy(hidden_in, weight_in, targets)
        )
    }

    fn linear_out_in(x: FloatTensor<Self>, weights: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        operation!(LinearOutIn, 2, LinearSaved<FloatTensor<B>>, |saved, grad, _| {
            linear::backward::<B>(saved, grad)
        });
        // An operation for each weight, so that each gradient is computed only where it is wanted.
        let part = |weight: FloatTensor<Self>| {
            let (x_in, weight_in) = (x.primitive.clone(), weight.primitive.clone());
            let saved = kept::<B, C>(&x, &weight);
            let forward = || B::linear_out_in(x_in.clone(), vec![weight_in.clone()]);
            run!(LinearOutIn, C, [x.clone(), weight], (forward(), saved), forward())
        };
        linear::side_by_side::<Self>(weights.into_iter().map(part).collect())
    }

    fn linear_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        residual: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        operation!(LinearAdd, 3, LinearSaved<FloatTensor<B>>, |saved, grad: FloatTensor<B>, _| {
            let [x, weight] = linear::backward::<B>(saved, grad.clone());
            [x, weight, Some(grad)]
        });
        let (x_in, weight_in) = (x.primitive.clone(), weight.primitive.clone());
        let (residual_in, saved) = (residual.primitive.clone(), kept::<B, C>(&x, &weight));
        let forward = || B::linear_add(x_in.clone(), weight_in.clone(), residual_in.clone());
        run!(LinearAdd, C, [x, weight, residual], (forward(), saved), forward())
    }

    fn rope(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self> {
        // A rotation's transpose is the rotation by the opposite angle.
        operation!(Rope, 1, (FloatTensor<B>, FloatTensor<B>, usize), |(cos, sin, heads), grad, _| {
            [Some(B::rope(grad, cos, B::float_neg(sin), heads))]
        });
        let (x_in, cos, sin) = (x.primitive.clone(), cos.primitive, sin.primitive);
        let forward = || B::rope(x_in.clone(), cos.clone(), sin.clone(), heads);
        run!(Rope, C, [x], (forward(), (cos, sin, heads)), forward())
    }

    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        operation!(Swiglu, 1, FloatTensor<B>, |gate_up, grad, _| {
            [Some(B::swiglu_backward(gate_up, grad).0)]
        });
        let gate_up_in = gate_up.primitive.clone();
        let forward = || B::swiglu(gate_up_in.clone());
        run!(Swiglu, C, [gate_up], (forward(), gate_up_in), forward())
    }

    fn packed_attention(
        qkv: FloatTensor<Self>,
        heads: Heads,
        documents: &Documents,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        operation!(PackedAttention, 1, PackedAttentionSaved<FloatTensor<B>>, |saved, grad, _| {
            let PackedAttentionSaved { qkv, result, heads, documents } = saved;
            [Some(B::packed_attention_backward(qkv, result, grad, heads, &documents))]
        });
        let qkv_in = qkv.primitive.clone();
        let result = B::packed_attention(qkv_in.clone(), heads, documents);
        let (attended, beside) = result.clone();
        let saved = || PackedAttentionSaved { qkv: qkv_in, result, heads, documents: documents.clone() };
        let attended = run!(PackedAttention, C, [qkv], (attended, saved()), attended);
        (attended, <Self as AutodiffBackend>::from_inner(beside))
    }

    fn packed_attention_backward(
        qkv: FloatTensor<Self>,
        saved: (FloatTensor<Self>, FloatTensor<Self>),
        grad: FloatTensor<Self>,
        heads: Heads,
        documents: &Documents,
    ) -> FloatTensor<Self> {
        // What was kept is in the form of the backend below, which alone can read it.
        let saved = (saved.0.primitive, saved.1.primitive);
        let grad = B::packed_attention_backward(qkv.primitive, saved, grad.primitive, heads, documents);
        <Self as AutodiffBackend>::from_inner(grad)
    }
}

impl<B: Kernels, C: CheckpointStrategy> AutodiffKernels for Autodiff<B, C> {
    fn gradients_from<const D: usize>(output: Tensor<Self, D>, grad: Tensor<B, D>) -> Self::Gradients {
        // Burn begins a backward pass at a number. This one is not computed, and its own backward pass hands on `grad` instead of the
        // 1 that it is given.
        operation!(Root, 1, FloatTensor<B>, |grad, _, _| [Some(grad)]);
        let device = grad.device();
        let root = || raw(Tensor::<B, 1>::zeros([1], &device));
        let grad = raw(grad);
        let root: FloatTensor<Self> = run!(Root, C, [raw(output)], (root(), grad), root());
        view::<Self, 1>(root).backward()
    }
}

/// What a linear layer keeps.
fn kept<B: Kernels, C: CheckpointStrategy>(
    x: &FloatTensor<Autodiff<B, C>>,
    weight: &FloatTensor<Autodiff<B, C>>,
) -> LinearSaved<FloatTensor<B>> {
    let of_x = weight.is_tracked().then(|| (x.primitive.clone(), weight.dtype()));
    (of_x, x.is_tracked().then(|| weight.primitive.clone()))
}

/// What the backward pass of attention goes by.
#[derive(Debug, Clone)]
struct PackedAttentionSaved<F> {
    qkv: F,
    /// The output, and whatever the backend's attention wants kept beside it.
    result: (F, F),
    heads: Heads,
    documents: Documents,
}
