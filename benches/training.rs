//! One optimizer step, on the shape of `configs/small.toml`: `cargo bench -p gearhead --bench training`.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails should stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gearhead::{
    data::{
        generate::{GenerateConfig, generate},
        knowledge::KnowledgeBase,
        prompt::{LossOn, Sections, encode_case, texts},
        tokenizer::Tokenizer,
    },
    device::{Job, run},
    kernels::AutodiffKernels,
    model::{Decoder, ModelConfig},
    train::{
        config::TrainConfig,
        optimizer::{AdamW, step_gradients},
    },
};

/// Steps a small model over the first 16 generated cases.
struct Steps<'a>(&'a mut Criterion);

impl Job for Steps<'_> {
    type Output = ();

    fn run<B: AutodiffKernels>(self, device: &B::Device) {
        let cases = generate(KnowledgeBase::builtin(), &GenerateConfig::new(200, 7)).unwrap().train;
        let all: Vec<String> = cases.iter().flat_map(|case| texts(case).collect::<Vec<_>>()).collect();
        let tokenizer = Tokenizer::train(all.iter(), 1024, 2).unwrap();
        let encode =
            |case| encode_case(&tokenizer, case, LossOn::Targets, Sections::CauseSolution, 512).unwrap().0;
        let documents: Vec<_> = cases.iter().take(16).map(encode).collect();
        let documents: Vec<_> = documents.iter().collect();
        let config = ModelConfig {
            d_model: 192,
            n_layers: 4,
            n_heads: 6,
            d_ff: 512,
            ..ModelConfig::new(tokenizer.vocab_size())
        };
        let mut decoder = Some(Decoder::<B>::init(&config, 1, device).unwrap());
        let mut optimizer = AdamW::<B>::default();
        let tokens: usize = documents.iter().map(|document| document.ids.len() - 1).sum();
        let mut group = self.0.benchmark_group(format!("training/{}", B::name(device)));
        group.throughput(Throughput::Elements(tokens as u64)).sample_size(20);
        group.bench_function("step of 16 cases", |bencher| {
            bencher.iter(|| {
                let current = decoder.take().unwrap();
                let gradients = step_gradients(&current, &documents, 1);
                decoder = Some(optimizer.step(current, gradients, 1e-3, &TrainConfig::default()));
            });
        });
        group.finish();
    }
}

fn training(criterion: &mut Criterion) {
    run(&"auto".parse().unwrap(), Steps(criterion));
}

criterion_group!(benches, training);
criterion_main!(benches);
