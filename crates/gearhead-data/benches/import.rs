//! How fast records come in: `cargo bench -p gearhead-data --bench import`.
#![allow(missing_docs, reason = "criterion's macro makes a public function")]

use std::{hint::black_box, io::Cursor, path::Path, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gearhead_data::{
    generate::{GenerateConfig, Split, generate},
    import::{ImportOptions, import_reader},
    knowledge::KnowledgeBase,
};

/// Bytes of each input.
const INPUT_BYTES: usize = 32 << 20;

fn repeated(lines: &str) -> String {
    lines.repeat(INPUT_BYTES.div_ceil(lines.len()))
}

fn jsonl() -> String {
    let generated =
        generate(KnowledgeBase::builtin(), &GenerateConfig::new(2_000, 7)).expect("the cards give cases");
    let lines = generated
        .split(Split::Train)
        .iter()
        .map(|case| serde_json::to_string(case).expect("a case is JSON") + "\n");
    repeated(&lines.collect::<String>())
}

fn csv() -> String {
    let generated =
        generate(KnowledgeBase::builtin(), &GenerateConfig::new(2_000, 7)).expect("the cards give cases");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for case in generated.split(Split::Train) {
        let texts = [&case.probable_cause, &case.solution].map(|text| text.clone().unwrap_or_default());
        let [cause, solution] = texts;
        let codes = case.error_codes.join(", ");
        let steps = case.diagnostic_steps.join("\n");
        writer
            .write_record([
                &case.equipment,
                &case.symptom,
                &codes,
                &steps,
                &cause,
                &solution,
                "North pit, bay 4",
            ])
            .expect("memory takes every row");
    }
    let rows = String::from_utf8(writer.into_inner().expect("memory is flushed")).expect("cases are UTF-8");
    "Machine,Complaint,Fault codes,Steps,Cause,Correction,Site\n".to_owned() + &repeated(&rows)
}

fn import(c: &mut Criterion) {
    let mut group = c.benchmark_group("import");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    for (name, text) in [("cases.jsonl", jsonl()), ("shop.csv", csv())] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter_batched(
                || Cursor::new(text.clone()),
                |input| {
                    let mut out = std::io::sink();
                    import_reader(Path::new(name), input, &ImportOptions::default(), &mut out, &mut ())
                        .map(black_box)
                },
                criterion::BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, import);
criterion_main!(benches);
