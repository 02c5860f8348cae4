//! Hand-written operations for Burn's CPU backend.
//!
//! Most is safe Rust over slices: the loops are written so that the compiler vectorises them, compiled for several
//! instruction sets by `multiversion` and chosen at run time. Sums of products of few tokens are written for the
//! registers of each instruction set. Work is spread over threads in pieces that do not depend on the number of threads,
//! so that results never do either.
//!
//! What is given in 16 bits is computed in f32 ([`precision`]), but for products of bf16 where the CPU has a unit for them
//! ([`bf16_products`]): there weights of a wider type are rounded, and nowhere else.

mod adamw;
mod adamw_8bit;
mod attention;
mod bf16_products;
mod buffer;
mod cached_attention;
mod crew;
mod elementwise;
mod embedding;
mod few_rows;
mod frozen;
mod linear;
mod linear_cross_entropy;
mod math;
mod pool;
mod precision;
mod product;
mod quantized;
mod rms_norm;
mod simd;
mod squares;

use std::{ops::Range, sync::Mutex};

use burn::{
    backend::Flex,
    tensor::{
        DType, Int, Tensor, TensorPrimitive,
        ops::{FloatTensorOps, IntTensor},
    },
};
use burn_flex::{FlexQTensor, FlexTensor};
use half::f16;
use rayon::iter::{
    IndexedParallelIterator,
    plumbing::{Producer, ProducerCallback},
};

use self::{
    buffer::Buffer,
    precision::{all_by_hand, by_type, in_type, narrowed, wide},
};
use crate::{
    AdamWStep, CachePart, Documents, Heads, Kernels, OutputWeight, Quantization, RawCachePart, SharedPrefix,
    Span, adamw as adamw_ops, adamw_8bit as adamw_8bit_ops, attention as attention_ops,
    embedding as embedding_ops, frozen as frozen_ops, linear as linear_ops, linear_16bit as linear_16bit_ops,
    linear_cross_entropy as linear_cross_entropy_ops, log_probs as log_probs_ops, quantized as quantized_ops,
    rms_norm as rms_norm_ops, rope as rope_ops, squares as squares_ops, swiglu as swiglu_ops,
};

/// Whether this CPU has a matrix unit for bf16 (AMX), and the system lets this process use it: products of many tokens and
/// weights of bf16 are then its, and so are those of trainings in bf16.
pub fn cpu_has_matrix_unit() -> bool {
    simd::MatrixUnit::of_bf16().is_some()
}

impl Kernels for Flex {
    type QuantizedWeight = Quantized;

    fn together<R>(work: impl FnOnce() -> R) -> R {
        crew::together(work)
    }

    fn release_memory(_device: &Self::Device) {
        pool::release();
    }

    fn rms_norm(x: FlexTensor, weight: FlexTensor, eps: f64) -> FlexTensor {
        if !all_by_hand([&x, &weight]) {
            return rms_norm_ops::portable::<Self>(x, weight, eps);
        }
        by_type!(x.dtype(), T => rms_norm::forward::<T>(&x, &wide(weight), eps as f32))
    }

    fn rms_norm_backward(
        x: FlexTensor,
        weight: FlexTensor,
        grad: FlexTensor,
        beside: Option<FlexTensor>,
        eps: f64,
    ) -> (FlexTensor, FlexTensor) {
        if !all_by_hand([&x, &weight, &grad]) {
            return rms_norm_ops::portable_backward::<Self>(x, weight, grad, beside, eps);
        }
        let (dtype, of_weight) = (x.dtype(), weight.dtype());
        let (grad, beside) = (in_type(grad, dtype), beside.map(|beside| in_type(beside, dtype)));
        let weight = wide(weight);
        let (x_grad, weight_grad) = by_type!(
            dtype,
            T => rms_norm::backward::<T>(&x, &weight, &grad, beside.as_ref(), eps as f32)
        );
        (x_grad, narrowed(weight_grad, of_weight))
    }

    fn linear_out_in(x: FlexTensor, weights: Vec<FlexTensor>) -> FlexTensor {
        if !all_by_hand(weights.iter().chain([&x])) {
            return linear_ops::portable::<Self>(x, weights);
        }
        if let Some(unit) = bf16_products::unit_for(&x) {
            return bf16_products::forward(unit, &x, &weights);
        }
        let dtype = x.dtype();
        narrowed(linear::forward(&wide(x), &all_wide(weights)), dtype)
    }

    fn linear_add(x: FlexTensor, weight: FlexTensor, residual: FlexTensor) -> FlexTensor {
        if !all_by_hand([&x, &weight, &residual]) {
            return linear_ops::portable_add::<Self>(x, weight, residual);
        }
        let dtype = x.dtype();
        if let Some(unit) = bf16_products::unit_for(&x) {
            return bf16_products::forward_add(unit, &x, weight, &in_type(residual, dtype));
        }
        narrowed(linear::forward_add(&wide(x), &wide(weight), &wide(residual)), dtype)
    }

    fn linear_16bit(x: FlexTensor, weights: Vec<FlexTensor>) -> FlexTensor {
        if !all_f32([&x]) {
            return linear_16bit_ops::portable::<Self>(&x, weights);
        }
        linear::forward(&x, &weights)
    }

    fn linear_16bit_add(x: FlexTensor, weight: FlexTensor, residual: FlexTensor) -> FlexTensor {
        if !all_f32([&x, &residual]) {
            let y = linear_16bit_ops::portable::<Self>(&x, vec![weight]);
            return <Self as FloatTensorOps<Self>>::float_add(residual, y);
        }
        linear::forward_add(&x, &weight, &residual)
    }

    fn quantize_weights(weights: Vec<FlexTensor>, format: Quantization) -> Quantized {
        if !all_f32(&weights) {
            return Quantized::Burn(quantized_ops::portable_quantize::<Self>(weights, format));
        }
        Quantized::Packed(quantized::pack(&weights, format))
    }

    fn dequantize_weights(weight: &Quantized) -> FlexTensor {
        match weight {
            Quantized::Packed(weight) => quantized::unpack(weight),
            Quantized::Burn(weight) => quantized_ops::portable_dequantize::<Self>(weight, DType::F64),
        }
    }

    fn quantized_linear(x: FlexTensor, weight: &Quantized) -> FlexTensor {
        match weight {
            Quantized::Packed(weight) => quantized::linear(&x, weight, None),
            Quantized::Burn(weight) => quantized_ops::portable::<Self>(x, weight),
        }
    }

    fn quantized_linear_add(x: FlexTensor, weight: &Quantized, residual: FlexTensor) -> FlexTensor {
        match weight {
            Quantized::Packed(weight) => quantized::linear(&x, weight, Some(&residual)),
            Quantized::Burn(_) => {
                <Self as FloatTensorOps<Self>>::float_add(residual, Self::quantized_linear(x, weight))
            }
        }
    }

    fn widen(weight: TensorPrimitive<Self>, dtype: DType) -> FlexTensor {
        // Products take 16 bits as they are, and for other types f32.
        if dtype == DType::F64 {
            return frozen_ops::portable_widen::<Self>(weight, dtype);
        }
        match weight {
            TensorPrimitive::Float(weight) if weight.dtype() == dtype => weight,
            TensorPrimitive::Float(weight) => wide(weight),
            TensorPrimitive::QFloat(weight) => frozen::widen_8bit(&weight).unwrap_or_else(|| {
                frozen_ops::portable_widen::<Self>(TensorPrimitive::QFloat(weight), DType::F32)
            }),
        }
    }

    fn linear_input_grad(grad: FlexTensor, weights: Vec<FlexTensor>) -> FlexTensor {
        if !all_by_hand(weights.iter().chain([&grad])) {
            return linear_ops::portable_input_grad::<Self>(grad, weights);
        }
        if let Some(unit) = bf16_products::unit_for(&grad) {
            return bf16_products::input_grad(unit, &grad, &weights);
        }
        let dtype = grad.dtype();
        narrowed(linear::input_grad(&wide(grad), &all_wide(weights)), dtype)
    }

    fn linear_weight_grad(
        grad: FlexTensor,
        columns: Range<usize>,
        x: FlexTensor,
        dtype: DType,
    ) -> FlexTensor {
        if !all_by_hand([&grad, &x]) {
            return linear_ops::portable_weight_grad::<Self>(grad, columns, x, dtype);
        }
        if let Some(unit) = bf16_products::unit_for(&grad) {
            return narrowed(bf16_products::weight_grad(unit, &grad, columns, &x), dtype);
        }
        narrowed(linear::weight_grad(&wide(grad), columns, &wide(x)), dtype)
    }

    fn gather_rows(table: FlexTensor, ids: IntTensor<Self>) -> FlexTensor {
        // Rows are copied, which needs no other type.
        if table.dtype() != DType::F32 {
            return embedding_ops::portable::<Self>(table, ids);
        }
        embedding::forward(&table, ids)
    }

    fn add_rows(table: FlexTensor, ids: IntTensor<Self>, rows: FlexTensor) -> FlexTensor {
        if !all_by_hand([&table, &rows]) {
            return embedding_ops::portable_add::<Self>(table, ids, rows);
        }
        let dtype = table.dtype();
        let sums = by_type!(rows.dtype(), T => embedding::add_rows::<T>(wide(table), ids, &rows));
        narrowed(sums, dtype)
    }

    fn rope(x: FlexTensor, cos: FlexTensor, sin: FlexTensor, heads: usize) -> FlexTensor {
        if !all_by_hand([&x, &cos, &sin]) {
            return rope_ops::portable::<Self>(x, cos, sin, heads);
        }
        by_type!(x.dtype(), T => elementwise::rope::<T>(x, &wide(cos), &wide(sin), heads))
    }

    fn swiglu(gate_up: FlexTensor) -> FlexTensor {
        if !all_by_hand([&gate_up]) {
            return swiglu_ops::portable::<Self>(gate_up);
        }
        by_type!(gate_up.dtype(), T => elementwise::swiglu::<T>(&gate_up))
    }

    fn swiglu_backward(gate_up: FlexTensor, grad: FlexTensor) -> (FlexTensor, FlexTensor) {
        if !all_by_hand([&gate_up, &grad]) {
            return swiglu_ops::portable_backward::<Self>(gate_up, grad);
        }
        let grad = in_type(grad, gate_up.dtype());
        by_type!(gate_up.dtype(), T => elementwise::swiglu_backward::<T>(&gate_up, &grad))
    }

    fn packed_attention(qkv: FlexTensor, heads: Heads, documents: &Documents) -> (FlexTensor, FlexTensor) {
        if !all_by_hand([&qkv]) {
            return attention_ops::portable::<Self>(qkv, heads, documents);
        }
        by_type!(qkv.dtype(), T => attention::forward::<T>(&qkv, heads, documents))
    }

    fn packed_attention_backward(
        qkv: FlexTensor,
        saved: (FlexTensor, FlexTensor),
        grad: FlexTensor,
        heads: Heads,
        documents: &Documents,
    ) -> FlexTensor {
        if !all_by_hand([&qkv, &saved.0, &grad]) {
            return attention_ops::portable_backward::<Self>(qkv, saved.0, grad, heads, documents);
        }
        let dtype = qkv.dtype();
        let (saved, grad) = ((in_type(saved.0, dtype), saved.1), in_type(grad, dtype));
        by_type!(dtype, T => attention::backward::<T>(&qkv, &saved, &grad, heads, documents))
    }

    fn cached_attention(
        qkv: FlexTensor,
        cache: [RawCachePart<Self>; 2],
        prefix: Option<SharedPrefix<RawCachePart<Self>>>,
        spans: &[Span],
        heads: Heads,
    ) -> (FlexTensor, [RawCachePart<Self>; 2]) {
        let stored = stored_in(&cache[0]);
        let mut parts = cache.iter().chain(prefix.iter().flat_map(|prefix| &prefix.cache));
        let is_uniform = parts.all(|part| stored_in(part) == stored);
        let dtype = qkv.dtype();
        let attend = match stored {
            DType::F32 => cached_attention::attend::<f32>,
            DType::F16 => cached_attention::attend::<f16>,
            DType::I8 => cached_attention::attend::<i8>,
            _ => return attention_ops::portable_cached::<Self>(qkv, cache, prefix, spans, heads),
        };
        if !is_uniform || !all_by_hand([&qkv]) {
            return attention_ops::portable_cached::<Self>(qkv, cache, prefix, spans, heads);
        }
        let (output, cache) = attend(&wide(qkv), cache, prefix, spans, heads);
        (narrowed(output, dtype), cache)
    }

    fn set_slot(
        part: RawCachePart<Self>,
        slot: usize,
        from: RawCachePart<Self>,
        len: usize,
    ) -> RawCachePart<Self> {
        match stored_in(&part) {
            DType::F32 => cached_attention::set_slot::<f32>(part, slot, from, len),
            DType::F16 => cached_attention::set_slot::<f16>(part, slot, from, len),
            DType::I8 => cached_attention::set_slot::<i8>(part, slot, from, len),
            _ => attention_ops::portable_set_slot::<Self>(part, slot, from, len),
        }
    }

    fn linear_cross_entropy(hidden: FlexTensor, weight: FlexTensor, targets: IntTensor<Self>) -> FlexTensor {
        if !all_by_hand([&hidden, &weight]) {
            return linear_cross_entropy_ops::portable::<Self>(hidden, weight, targets);
        }
        linear_cross_entropy::loss(&hidden, &weight, targets)
    }

    fn log_probs(logits: FlexTensor, of: IntTensor<Self>) -> FlexTensor {
        if !all_by_hand([&logits]) {
            return log_probs_ops::portable::<Self>(logits, of);
        }
        linear_cross_entropy::log_probs(wide(logits), of)
    }

    fn linear_cross_entropy_with_grads(
        hidden: FlexTensor,
        weight: FlexTensor,
        targets: IntTensor<Self>,
        output: OutputWeight,
        scale: f32,
    ) -> (FlexTensor, FlexTensor, Option<FlexTensor>) {
        if !all_by_hand([&hidden, &weight]) {
            return linear_cross_entropy_ops::portable_with_grads::<Self>(
                hidden, weight, targets, output, scale,
            );
        }
        let (dtype, weight_dtype) = (hidden.dtype(), weight.dtype());
        let (loss, hidden_grad, weight_grad) =
            linear_cross_entropy::loss_with_grads(&hidden, &weight, targets, output, scale);
        (loss, narrowed(hidden_grad, dtype), weight_grad.map(|grad| narrowed(grad, weight_dtype)))
    }

    fn sum_of_squares(x: FlexTensor) -> FlexTensor {
        if !all_by_hand([&x]) {
            return squares_ops::portable::<Self>(x);
        }
        squares::sum(&wide(x))
    }

    fn adamw_step(
        parameter: FlexTensor,
        grad: FlexTensor,
        moments: (FlexTensor, FlexTensor),
        step: &AdamWStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        if !all_f32([&parameter, &grad, &moments.0, &moments.1]) {
            return adamw_ops::portable::<Self>(parameter, grad, moments, step);
        }
        adamw::step(parameter, &grad, moments, step)
    }

    fn adamw_step_8bit(
        parameter: FlexTensor,
        grad: FlexTensor,
        codes: [IntTensor<Self>; 2],
        scales: [FlexTensor; 2],
        step: &AdamWStep,
    ) -> (FlexTensor, [IntTensor<Self>; 2], [FlexTensor; 2]) {
        if !all_f32([&parameter, &grad, &scales[0], &scales[1]]) {
            return adamw_8bit_ops::portable::<Self>(parameter, grad, codes, scales, step);
        }
        adamw_8bit::step(parameter, &grad, codes, scales, step)
    }
}

/// Weights in few bits: of `f32` packed by hand, of other types as Burn has them.
#[derive(Debug, Clone)]
pub enum Quantized {
    /// For `f32`.
    Packed(quantized::PackedWeight),
    /// For other types.
    Burn(FlexQTensor),
}

/// The type of the numbers of keys or values.
fn stored_in(part: &RawCachePart<Flex>) -> DType {
    let (CachePart::Float(numbers) | CachePart::Bytes { numbers, .. }) = part;
    numbers.dtype()
}

fn all_wide(tensors: Vec<FlexTensor>) -> Vec<FlexTensor> {
    tensors.into_iter().map(wide).collect()
}

fn all_f32<'a>(tensors: impl IntoIterator<Item = &'a FlexTensor>) -> bool {
    tensors.into_iter().all(|tensor| tensor.dtype() == DType::F32)
}

/// The tensor with its elements in order of their indices, and nothing else in its storage.
fn contiguous(tensor: &FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor.clone() } else { tensor.to_contiguous() }
}

/// The tensor with its elements in order of their indices, and nothing else in its storage. What was given is gone, so that
/// writing copies nothing where it was the only one.
#[allow(
    clippy::needless_pass_by_value,
    reason = "a tensor that is held elsewhere is copied before it is written"
)]
fn owned(tensor: FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

/// The elements of a tensor that [`contiguous`] made.
fn elements(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().expect("the caller made the tensor contiguous")
}

fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    tensor.layout().shape().dims::<D>()
}

/// The sum, `[1]`, in f64 and in the order of the parts: the same for any number of threads.
fn ordered_sum(parts: &[f32]) -> FlexTensor {
    let sum: f64 = parts.iter().map(|part| f64::from(*part)).sum();
    Buffer::copy_of(&[sum as f32]).into_tensor([1])
}

/// The numbers of a tensor of integers.
fn ids(tensor: IntTensor<Flex>) -> Vec<i64> {
    Tensor::<Flex, 1, Int>::from_primitive(tensor).into_data().iter::<i64>().collect()
}

/// Rows in one piece of work: enough to pay for handing it to another thread.
fn rows_per_task(row_len: usize) -> usize {
    (16_384 / row_len.max(1)).max(1)
}

/// Multiplications that pay for waking another thread.
const WORTH_WAKING: usize = 1 << 16;

/// Multiplications that pay for handing work to a thread that is awake.
const WORTH_SHARING: usize = 1 << 13;

/// Does pieces of work on the threads that are ready, or else on those of the pool. A single piece is done where it is
/// asked for: to hand it over takes longer than most of them.
fn each<I: IndexedParallelIterator>(pieces: I, work: impl Fn(I::Item) + Sync + Send) {
    struct Collected;
    impl<T: Send> ProducerCallback<T> for Collected {
        type Output = Vec<Mutex<Option<T>>>;

        fn callback<P: Producer<Item = T>>(self, producer: P) -> Self::Output {
            producer.into_iter().map(|piece| Mutex::new(Some(piece))).collect()
        }
    }
    if pieces.len() <= 1 {
        here(pieces, work);
    } else if let Some(crew) = crew::led() {
        let pieces = pieces.with_producer(Collected);
        crew.run(pieces.len(), &|piece| {
            let piece = pieces[piece].lock().expect("a piece is taken once").take();
            work(piece.expect("a piece is taken once"));
        });
    } else {
        pieces.for_each(work);
    }
}

/// [`each`], but on one thread where so many multiplications are not worth two.
fn each_if_worth<I: IndexedParallelIterator>(
    multiplications: usize,
    pieces: I,
    work: impl Fn(I::Item) + Sync + Send,
) {
    let worth = if crew::led().is_some() { WORTH_SHARING } else { WORTH_WAKING };
    if multiplications < worth { here(pieces, work) } else { each(pieces, work) }
}

/// Does pieces of work one after the other.
fn here<I: IndexedParallelIterator>(pieces: I, work: impl Fn(I::Item)) {
    struct Here<F>(F);
    impl<T, F: Fn(T)> ProducerCallback<T> for Here<F> {
        type Output = ();

        fn callback<P: Producer<Item = T>>(self, producer: P) {
            producer.into_iter().for_each(self.0);
        }
    }
    pieces.with_producer(Here(work));
}
