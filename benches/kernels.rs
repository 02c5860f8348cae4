//! Each operation by itself, on the devices of [`devices`]: `cargo bench -p gearhead --bench kernels [-- FILTER]`.
//!
//! Shapes are those of the model of 16.9 million parameters that engines are compared on.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails should stop")]

mod devices;

use std::time::{Duration, Instant};

use burn::tensor::{DType, Distribution, Int, Tensor, TensorData, backend::Backend};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gearhead::{
    device::{Job, run},
    kernels::{
        AdamWStep, AttentionWeights, AutodiffKernels, CacheTensor, Documents, Heads, Kernels, MlpWeights,
        Quantization, QuantizedWeight, RopeTable, Span, adamw_step, attention_block, cached_attention,
        embedding, linear, linear_16bit, linear_cross_entropy, mlp_block, quantized_linear, rms_norm, rope,
        sum_of_squares, swiglu,
    },
};

const D_MODEL: usize = 384;
const D_FF: usize = 1024;
const VOCAB: usize = 8192;
const HEADS: Heads = Heads { n_heads: 6, n_kv_heads: 6, d_head: 64 };
/// Tokens of one training step: 8 documents of 256.
const TOKENS: usize = 2048;

/// An operation that is timed, with what it needs made before.
type Operation<B> = fn(&burn::tensor::Device<B>) -> Box<dyn FnMut()>;

/// Runs an operation so many times on a device.
struct Timed {
    make: &'static str,
    times: u64,
}

impl Job for Timed {
    type Output = Duration;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Duration {
        let (_, _, make) = operations::<B>().into_iter().find(|(name, ..)| *name == self.make).unwrap();
        let mut operation = make(device);
        operation();
        B::sync(device).unwrap();
        let start = Instant::now();
        for _ in 0..self.times {
            operation();
        }
        B::sync(device).unwrap();
        start.elapsed()
    }
}

/// What there is to time.
struct Names;

impl Job for Names {
    type Output = Vec<(&'static str, usize)>;

    fn run<B: AutodiffKernels>(self, _: &B::Device) -> Self::Output {
        operations::<B>().into_iter().map(|(name, elements, _)| (name, elements)).collect()
    }
}

fn random<B: Backend, const D: usize>(shape: [usize; D], device: &B::Device) -> Tensor<B, D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

fn ids<B: Backend>(count: usize, below: usize, device: &B::Device) -> Tensor<B, 1, Int> {
    let ids = (0..count).map(|place| ((7919 * place + 12_345) % 104_729 % below) as i64).collect();
    Tensor::from_data(TensorData::new(ids, [count]), device)
}

fn table<B: Backend>(tokens: usize, device: &B::Device) -> RopeTable<B> {
    let positions: Vec<usize> = (0..tokens).map(|token| token % 256).collect();
    RopeTable::new(&positions, &[0.5; HEADS.d_head / 2], device)
}

fn documents() -> Documents {
    Documents::new(&(0..=8).map(|document| document * TOKENS / 8).collect::<Vec<_>>())
}

/// The feed-forward layer's gate and up, for `N` tokens.
fn linear_of<B: AutodiffKernels, const N: usize>(device: &B::Device) -> Box<dyn FnMut()> {
    let x = random::<B::InnerBackend, 2>([N, D_MODEL], device);
    let weights = [(); 2].map(|()| random([D_FF, D_MODEL], device));
    Box::new(move || ready::<B, _>(N, || drop(linear(x.clone(), weights.to_vec()))))
}

/// The same by weights of 16 bits.
fn linear_16bit_of<B: AutodiffKernels, const N: usize>(dtype: DType, device: &B::Device) -> Box<dyn FnMut()> {
    let x = random::<B::InnerBackend, 2>([N, D_MODEL], device);
    let weights = [(); 2].map(|()| random([D_FF, D_MODEL], device).cast(dtype));
    Box::new(move || ready::<B, _>(N, || drop(linear_16bit(x.clone(), weights.to_vec()))))
}

fn quantized_of<B: AutodiffKernels, const N: usize>(
    format: Quantization,
    device: &B::Device,
) -> Box<dyn FnMut()> {
    let x = random::<B::InnerBackend, 2>([N, D_MODEL], device);
    let weight = QuantizedWeight::new(vec![random([2 * D_FF, D_MODEL], device)], format);
    Box::new(move || ready::<B, _>(N, || drop(quantized_linear(x.clone(), &weight))))
}

/// With threads ready, where a model would have them so.
fn ready<B: AutodiffKernels, R>(tokens: usize, work: impl FnOnce() -> R) -> R {
    if tokens <= 256 { B::InnerBackend::together(work) } else { work() }
}

/// One token of each of `N` sequences after 256.
fn cached_of<B: AutodiffKernels, const N: usize>(dtype: DType, device: &B::Device) -> Box<dyn FnMut()> {
    let qkv = random::<B::InnerBackend, 2>([N, HEADS.qkv_dim()], device);
    let zeros = || CacheTensor::zeros([N, HEADS.n_kv_heads, 512, HEADS.d_head], dtype, device);
    let mut cache = Some([zeros(), zeros()]);
    let spans: Vec<_> = (0..N).map(|slot| Span { slot, len: 256, new: 1 }).collect();
    Box::new(move || {
        let held = cache.take().unwrap();
        let work = || cached_attention(qkv.clone(), held, None, &spans, HEADS).1;
        cache = Some(B::InnerBackend::together(work));
    })
}

/// Names, how many tokens or elements each is done with, and how to make them.
fn operations<B: AutodiffKernels>() -> Vec<(&'static str, usize, Operation<B>)> {
    vec![
        ("linear, 1 token", 1, linear_of::<B, 1>),
        ("linear, 8 tokens", 8, linear_of::<B, 8>),
        ("linear, 32 tokens", 32, linear_of::<B, 32>),
        ("linear, 128 tokens", 128, linear_of::<B, 128>),
        ("linear, 2048 tokens", TOKENS, linear_of::<B, TOKENS>),
        ("linear by bf16, 1 token", 1, |device| linear_16bit_of::<B, 1>(DType::BF16, device)),
        ("linear by bf16, 8 tokens", 8, |device| linear_16bit_of::<B, 8>(DType::BF16, device)),
        ("linear by bf16, 32 tokens", 32, |device| linear_16bit_of::<B, 32>(DType::BF16, device)),
        ("linear by bf16, 128 tokens", 128, |device| linear_16bit_of::<B, 128>(DType::BF16, device)),
        ("linear by bf16, 2048 tokens", TOKENS, |device| linear_16bit_of::<B, TOKENS>(DType::BF16, device)),
        ("linear by f16, 1 token", 1, |device| linear_16bit_of::<B, 1>(DType::F16, device)),
        ("linear by f16, 32 tokens", 32, |device| linear_16bit_of::<B, 32>(DType::F16, device)),
        ("linear by f16, 2048 tokens", TOKENS, |device| linear_16bit_of::<B, TOKENS>(DType::F16, device)),
        ("quantized linear q8_0, 1 token", 1, |device| quantized_of::<B, 1>(Quantization::Q8_0, device)),
        ("quantized linear q8_0, 32 tokens", 32, |device| quantized_of::<B, 32>(Quantization::Q8_0, device)),
        ("quantized linear q8_0, 2048 tokens", TOKENS, |device| {
            quantized_of::<B, TOKENS>(Quantization::Q8_0, device)
        }),
        ("quantized linear q4_0, 1 token", 1, |device| quantized_of::<B, 1>(Quantization::Q4_0, device)),
        ("quantized linear q4_0, 32 tokens", 32, |device| quantized_of::<B, 32>(Quantization::Q4_0, device)),
        ("cached attention f32, 1 sequence", 1, |device| cached_of::<B, 1>(DType::F32, device)),
        ("cached attention f32, 32 sequences", 32, |device| cached_of::<B, 32>(DType::F32, device)),
        ("cached attention f16, 32 sequences", 32, |device| cached_of::<B, 32>(DType::F16, device)),
        ("cached attention q8, 32 sequences", 32, |device| cached_of::<B, 32>(DType::I8, device)),
        ("attention block, forward", TOKENS, |device| attention_of::<B>(device, false)),
        ("attention block, forward and backward", TOKENS, |device| attention_of::<B>(device, true)),
        ("feed-forward block, forward", TOKENS, |device| mlp_of::<B>(device, false)),
        ("feed-forward block, forward and backward", TOKENS, |device| mlp_of::<B>(device, true)),
        ("output layer and loss, forward and backward", TOKENS, |device| {
            let hidden = random::<B, 2>([TOKENS, D_MODEL], device).require_grad();
            let weight = random::<B, 2>([VOCAB, D_MODEL], device).require_grad();
            let targets = ids(TOKENS, VOCAB, device);
            Box::new(move || {
                linear_cross_entropy(hidden.clone(), weight.clone(), targets.clone()).backward();
            })
        }),
        ("embedding, forward and backward", TOKENS, |device| {
            let table = random::<B, 2>([VOCAB, D_MODEL], device).require_grad();
            let ids = ids(TOKENS, VOCAB, device);
            Box::new(move || {
                embedding(table.clone(), ids.clone()).sum().backward();
            })
        }),
        ("rms_norm", TOKENS, |device| {
            let x = random::<B::InnerBackend, 2>([TOKENS, D_MODEL], device);
            let weight = random([D_MODEL], device);
            Box::new(move || drop(rms_norm(x.clone(), weight.clone(), 1e-5)))
        }),
        ("rope", TOKENS, |device| {
            let mut x = Some(random::<B::InnerBackend, 2>([TOKENS, HEADS.qkv_dim()], device));
            let table = table(TOKENS, device);
            Box::new(move || x = x.take().map(|x| rope(x, &table, HEADS.turned())))
        }),
        ("swiglu", TOKENS, |device| {
            let gate_up = random::<B::InnerBackend, 2>([TOKENS, 2 * D_FF], device);
            Box::new(move || drop(swiglu(gate_up.clone())))
        }),
        ("sum of squares", D_FF * D_MODEL, |device| {
            let x = random::<B::InnerBackend, 2>([D_FF, D_MODEL], device);
            Box::new(move || drop(sum_of_squares(x.clone())))
        }),
        ("AdamW step", VOCAB * D_MODEL, |device| {
            let step = AdamWStep {
                learning_rate: 1e-3,
                beta1: 0.9,
                beta2: 0.95,
                epsilon: 1e-8,
                weight_decay: 0.1,
                step: 3,
                grad_scale: 1.0,
            };
            let tensor = || random::<B::InnerBackend, 2>([VOCAB, D_MODEL], device);
            let grad = tensor();
            let mut state = Some((tensor(), (tensor(), tensor().abs())));
            Box::new(move || {
                let (parameter, moments) = state.take().unwrap();
                let (parameter, first, second) = adamw_step(parameter, grad.clone(), moments, &step);
                state = Some((parameter, (first, second)));
            })
        }),
    ]
}

fn attention_of<B: AutodiffKernels>(device: &B::Device, backward: bool) -> Box<dyn FnMut()> {
    let weights = [(); 4].map(|()| random::<B, 2>([D_MODEL, D_MODEL], device));
    let x = random::<B, 2>([TOKENS, D_MODEL], device);
    let norm = random::<B, 1>([D_MODEL], device);
    let (table, documents) = (table(TOKENS, device), documents());
    Box::new(move || {
        let [q, k, v, output] = weights.clone().map(|weight| weight.set_require_grad(backward));
        let weights = AttentionWeights { norm: norm.clone(), q, k, v, output };
        let y = attention_block(x.clone(), weights, HEADS, &table, &documents, 1e-5);
        if backward {
            y.sum().backward();
        }
    })
}

fn mlp_of<B: AutodiffKernels>(device: &B::Device, backward: bool) -> Box<dyn FnMut()> {
    let [gate, up] = [(); 2].map(|()| random::<B, 2>([D_FF, D_MODEL], device));
    let down = random::<B, 2>([D_MODEL, D_FF], device);
    let x = random::<B, 2>([TOKENS, D_MODEL], device);
    let norm = random::<B, 1>([D_MODEL], device);
    Box::new(move || {
        let [gate, up, down] = [&gate, &up, &down].map(|weight| weight.clone().set_require_grad(backward));
        let y = mlp_block(x.clone(), MlpWeights { norm: norm.clone(), gate, up, down }, 1e-5);
        if backward {
            y.sum().backward();
        }
    })
}

fn kernels(criterion: &mut Criterion) {
    for device in devices::devices() {
        let mut group = criterion.benchmark_group(format!("kernels/{device}"));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(2));
        for (name, elements) in run(&device, Names) {
            group.throughput(Throughput::Elements(elements as u64));
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|times| run(&device, Timed { make: name, times }));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
