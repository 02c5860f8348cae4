//! One optimizer step of two models, on the devices of [`devices`]: `cargo bench -p gearhead --bench training`.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails should stop")]

mod devices;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gearhead::{
    bench::{self, Model},
    model::ModelConfig,
    train::config::TrainConfig,
};

/// A name, a shape, documents in a step and tokens in each.
struct Work {
    name: &'static str,
    config: ModelConfig,
    documents: usize,
    tokens: usize,
}

/// The shape that engines are compared on, and that of the bundled model with documents as long as its cases.
fn all_work() -> [Work; 2] {
    let reference = bench::reference_shape();
    let bundled = ModelConfig {
        d_model: 192,
        n_layers: 4,
        n_heads: 6,
        n_kv_heads: 6,
        d_ff: 512,
        ..ModelConfig::new(1536)
    };
    [
        Work { name: "16.9 M, 8 x 256 tokens", config: reference, documents: 8, tokens: 256 },
        Work { name: "bundled shape, 32 x 66 tokens", config: bundled, documents: 32, tokens: 66 },
    ]
}

fn training(criterion: &mut Criterion) {
    for device in devices::devices() {
        let mut group = criterion.benchmark_group(format!("training step/{device}"));
        group.sample_size(10);
        for Work { name, config, documents, tokens } in all_work() {
            group.throughput(Throughput::Elements((documents * tokens) as u64));
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|steps| {
                    let steps = usize::try_from(steps).unwrap();
                    let model = Model::Random(&config);
                    let config = TrainConfig::default();
                    let measured = bench::training(&device, model, documents, tokens, &config, steps);
                    measured.unwrap().seconds.iter().sum()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, training);
criterion_main!(benches);
