//! The bundled model: loading, a whole diagnosis, decoding. `cargo bench -p gearhead --bench inference`.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails should stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gearhead::{Case, Engine, infer::sampling::Sampling};

fn inference(criterion: &mut Criterion) {
    criterion.bench_function("load the bundled model", |bencher| bencher.iter(|| Engine::bundled().unwrap()));

    let engine = Engine::bundled().unwrap();
    let case =
        Case::new("Caterpillar 320 Excavator", "Loses power under load").with_codes("P0087, SPN 157 FMI 18");
    criterion.bench_function("diagnose one case", |bencher| bencher.iter(|| engine.diagnose(&case).unwrap()));

    let engine = engine.as_diagnose();
    let prompt = engine.tokenizer().encode("The fuel filter is plugged").unwrap();
    let mut tokens = 0;
    engine.generate(&prompt, 64, &Sampling::greedy(), &mut |_| tokens += 1).unwrap();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(tokens));
    group.bench_function("up to 64 tokens", |bencher| {
        bencher.iter(|| engine.generate(&prompt, 64, &Sampling::greedy(), &mut |_| {}).unwrap());
    });
    group.finish();
}

criterion_group!(benches, inference);
criterion_main!(benches);
