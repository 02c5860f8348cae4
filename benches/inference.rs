//! The bundled model: loading, tokenizing, a whole diagnosis. And reading and continuing prompts with the shape that engines are
//! compared on, on the devices of [`devices`]: `cargo bench -p gearhead --bench inference [-- FILTER]`.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails should stop")]

mod devices;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gearhead::{
    Case, Device, Engine,
    bench::{self, Generation, Model},
    model::{CacheDtype, Precision, WeightDtype},
};

fn bundled(criterion: &mut Criterion) {
    criterion.bench_function("load the bundled model", |bencher| bencher.iter(|| Engine::bundled().unwrap()));

    let engine = Engine::bundled().unwrap();
    let case =
        Case::new("Caterpillar 320 Excavator", "Loses power under load").with_codes("P0087, SPN 157 FMI 18");
    criterion.bench_function("diagnose one case", |bencher| bencher.iter(|| engine.diagnose(&case).unwrap()));

    let tokenizer = engine.as_diagnose().tokenizer();
    let text =
        "Loses power under load, black smoke at full throttle; fuel pressure 3.2 bar at idle. ".repeat(20);
    let mut group = criterion.benchmark_group("tokenizer");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("encode", |bencher| bencher.iter(|| tokenizer.encode(&text).unwrap()));
    group.finish();
}

fn generation(criterion: &mut Criterion) {
    for device in devices::devices() {
        generation_on(&device, criterion);
    }
}

/// Prompts of 128 tokens, and 32 more of each, in every precision and several at a time.
fn generation_on(device: &Device, criterion: &mut Criterion) {
    let config = bench::reference_shape();
    let precisions =
        [WeightDtype::F32, WeightDtype::F16, WeightDtype::Bf16, WeightDtype::Q8_0, WeightDtype::Q4_0];
    let mut group = criterion.benchmark_group(format!("generation/{device}"));
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(3));
    for weights in precisions {
        let precision = Precision { weights, cache: CacheDtype::F16 };
        for batch in [1, 8, 32] {
            let work = Generation { batch, prompt_tokens: 128, new_tokens: 32, precision };
            for (index, part, tokens) in
                [(0, "reading", work.prompt_tokens), (1, "continuing", work.new_tokens)]
            {
                group.throughput(Throughput::Elements((batch * tokens) as u64));
                group.bench_function(format!("{part}, {weights}, {batch} at a time"), |bencher| {
                    bencher.iter_custom(|runs| {
                        let runs = usize::try_from(runs).unwrap();
                        let measured = bench::generation(device, Model::Random(&config), work, runs).unwrap();
                        measured[index].seconds.iter().sum()
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, bundled, generation);
criterion_main!(benches);
