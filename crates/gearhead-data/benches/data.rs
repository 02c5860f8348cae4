//! How fast cases are read, fingerprinted and checked, on one core: `cargo bench -p gearhead-data --bench data`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gearhead_data::{
    case::CaseReader,
    check::{Files, Options, check},
    duplicates::{Sketcher, fingerprint},
    generate::{GenerateConfig, generate},
    knowledge::KnowledgeBase,
};

/// 200,000 generated cases as JSONL and as one JSON array.
fn files() -> (String, String) {
    let generated =
        generate(KnowledgeBase::builtin(), &GenerateConfig::new(250_000, 7)).expect("count is large");
    let lines: Vec<String> =
        generated.train.iter().map(|case| serde_json::to_string(case).expect("a case is JSON")).collect();
    (lines.join("\n"), format!("[{}]", lines.join(",\n")))
}

fn reading(criterion: &mut Criterion) {
    let (lines, array) = files();
    let mut group = criterion.benchmark_group("read");
    group.sample_size(10);
    for (name, text) in [("jsonl", &lines), ("array", &array)] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| CaseReader::new("bench", text.as_bytes()).flatten().count());
        });
    }
    group.finish();
}

fn duplicates(criterion: &mut Criterion) {
    const SYMPTOM: &str =
        "Machine lacks grunt when heavily loaded, though it ticks over perfectly and exhaust stays clean";
    let sketcher = Sketcher::new();
    let mut group = criterion.benchmark_group("duplicates");
    group.throughput(Throughput::Bytes(SYMPTOM.len() as u64));
    group.bench_function("fingerprint", |bencher| bencher.iter(|| fingerprint(black_box(SYMPTOM))));
    group.bench_function("sketch", |bencher| bencher.iter(|| sketcher.sketch(black_box(SYMPTOM))));
    group.finish();
}

/// The whole check of a file on disk, its closing comparison of complaints included.
fn checking(criterion: &mut Criterion) {
    let (lines, _) = files();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("cases.jsonl");
    std::fs::write(&path, &lines).expect("the temporary folder can be written");
    let input = Files::train([path]);
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(lines.len() as u64));
    group.bench_function("jsonl", |bencher| {
        bencher.iter(|| check(&input, &Options::default(), &mut |_| ()).expect("the file holds cases").score);
    });
    group.finish();
}

criterion_group!(benches, reading, duplicates, checking);
criterion_main!(benches);
