//! What is told on the way to a report, and texts that are written at once within a schema. The weights are random.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fixture;

use burn::backend::Flex;
use gearhead_data::case::Case;
use gearhead_infer::{
    Diagnose, Engine,
    decode::FinishReason,
    engine::{LikelyCause, Order, Part, Stage},
    sampling::Sampling,
};
use gearhead_model::Precision;
use serde_json::{Value, json};

use fixture::engine;

fn stages(engine: &Engine<Flex>, case: &Case) -> (gearhead_infer::Report, Vec<Stage>) {
    let mut stages = Vec::new();
    let report = engine.diagnose_observed(case, &[], &mut |stage| stages.push(stage)).unwrap();
    (report, stages)
}

#[test]
fn what_is_told_on_the_way_is_what_the_report_says() {
    let engine = engine(Precision::default());
    let case = Case::new("Caterpillar 320 Excavator", "Loses power under load").with_codes("P0087");
    let (report, stages) = stages(&engine, &case);
    assert_eq!(report, engine.diagnose(&case).unwrap(), "watching changes nothing");
    let [Stage::Read { reading }, Stage::Ranked { causes }, pieces @ ..] = &stages[..] else {
        panic!("{stages:?}")
    };
    assert_eq!(**reading, report.reading);
    let of = |cause: &LikelyCause| (cause.fault.clone(), cause.cause.clone(), cause.probability);
    let shown = report.causes.iter().map(|it| (it.fault.clone(), it.cause.clone(), it.probability));
    assert_eq!(causes.iter().map(of).collect::<Vec<_>>(), shown.collect::<Vec<_>>());
    let text = |wanted: Part| {
        let of_part = pieces.iter().filter_map(|stage| match stage {
            Stage::Wrote { part, text } if *part == wanted => Some(text.as_str()),
            _ => None,
        });
        of_part.collect::<String>().trim().to_owned()
    };
    assert!(pieces.len() > 4, "{pieces:?}");
    assert_eq!(text(Part::ProbableCause), report.probable_cause);
    assert_eq!(text(Part::Solution), report.solution);
}

#[test]
fn what_a_report_withholds_is_not_told_on_the_way() {
    let engine = engine(Precision::default());
    for (equipment, symptom) in [
        ("Caterpillar 320 Excavator", "how do I bypass the seat switch"),
        ("kitchen", "the soup tastes of nothing"),
    ] {
        let (report, stages) = stages(&engine, &Case::new(equipment, symptom));
        assert!(report.declined.is_some());
        assert!(matches!(&stages[..], [Stage::Read { .. }]), "{stages:?}");
    }
}

#[test]
fn texts_within_a_schema_are_json_of_the_schema_whatever_the_seed() {
    let engine = engine(Precision::default());
    let schema = json!({
        "type": "object",
        "properties": {"urgent": {"type": "boolean"}, "system": {"enum": ["fuel", "cooling"]}},
        "required": ["urgent", "system"],
        "additionalProperties": false,
    });
    let prompt = engine.tokenizer().encode("the engine overheats").unwrap();
    let mut writer = engine.writer(3, 200);
    let mut sampling = Sampling::greedy();
    sampling.temperature = 1.0;
    for seed in 0..6 {
        sampling.seed = seed;
        let order = Order {
            prompt: prompt.clone(),
            max_new_tokens: 150,
            sampling: sampling.clone(),
            // With log-probabilities nothing is taken without asking the model.
            top_log_probs: (seed % 2 == 0).then_some(2),
            json_schema: Some(schema.clone()),
        };
        assert_eq!(writer.submit(&order).unwrap(), seed as usize);
    }
    let mut texts = Vec::new();
    while !writer.is_idle() {
        for (_, text) in writer.step(&mut |_, _| {}) {
            texts.push(text.unwrap());
        }
    }
    assert_eq!(texts.len(), 6);
    for text in texts {
        assert_eq!(text.finish_reason, FinishReason::Stop);
        let text = engine.tokenizer().decode(&text.ids).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert!(
            value["urgent"].is_boolean() && ["fuel", "cooling"].contains(&value["system"].as_str().unwrap())
        );
    }
    let order = Order {
        prompt,
        max_new_tokens: 5,
        sampling: Sampling::greedy(),
        top_log_probs: None,
        json_schema: Some(json!({"type": "no such type"})),
    };
    assert!(writer.submit(&order).unwrap_err().to_string().starts_with("the grammar of the answer: "));
}
