//! The engine over a model directory: what a report holds, and what is refused. The weights are random, so nothing
//! here depends on how good a model is.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fixture;

use std::fs;

use burn::backend::{Flex, flex::FlexDevice};
use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    manifest::{LINEAR, MANIFEST, Ranking, hash},
    system::System,
};
use gearhead_infer::{
    Diagnose, Engine, Error, Report,
    decode::FinishReason,
    engine::{Fitted, PastCasesAre, fit, learn_linear},
    eval::{Options as EvalOptions, evaluate},
    sampling::Sampling,
};
use gearhead_model::Precision;
use serde_json::Value;
use tempfile::TempDir;

use fixture::{cases, engine_with, save, tokenizer};

fn engine() -> Engine<Flex> {
    fixture::engine(Precision::default())
}

fn model_directory() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    save(&path, |_| {});
    (folder, path)
}

fn excavator() -> Case {
    Case::new("Caterpillar 320 Excavator", "Loses power under load").with_codes("P0087, SPN 157 FMI 18")
}

/// Ids of the faults that the engine weighs for a machine, with their systems.
fn weighed(engine: &Engine<Flex>, equipment: &str) -> Vec<(String, System)> {
    let case = Case::new(equipment, "makes a loud grinding noise from the track");
    let candidates = &engine.manifest().unwrap().candidates;
    let scored = engine.score_causes(&case).unwrap();
    let fault = |index: usize| (candidates[index].fault.clone().unwrap(), candidates[index].system.unwrap());
    scored.iter().map(|scored| fault(scored.index)).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn probabilities_are_the_softmax_of_the_scores_over_all_candidates() {
    let engine = engine();
    let case = excavator();
    let ranking = engine.manifest().unwrap().ranking;
    let candidates = &engine.manifest().unwrap().candidates;
    let scored = engine.score_causes(&case).unwrap();
    assert!(scored.len() > 60, "{} candidates", scored.len());
    let weights: Vec<f64> = scored.iter().map(|scored| scored.score(&ranking).exp()).collect();
    let total: f64 = weights.iter().sum();
    let causes = engine.diagnose(&case).unwrap().causes;
    assert!(!causes.is_empty() && causes.len() <= 8);
    assert!(causes.is_sorted_by(|a, b| a.probability >= b.probability));
    for cause in &causes {
        let index = scored.iter().position(|scored| candidates[scored.index].cause == cause.cause).unwrap();
        let expected = weights[index] / total;
        assert!((cause.probability - expected).abs() < 1e-9, "{}: {}", cause.cause, cause.probability);
        assert_eq!(cause.fault, candidates[scored[index].index].fault);
    }
    let best = weights.iter().copied().fold(0.0, f64::max) / total;
    assert!((causes[0].probability - best).abs() < 1e-9);
}

#[test]
fn probabilities_of_few_candidates_are_all_shown_and_sum_to_one() {
    let engine = engine_with(|manifest| {
        manifest.candidates.truncate(6);
        manifest.candidates.iter_mut().for_each(|candidate| candidate.fault = None);
        // So flat that no cause is too improbable to be shown.
        manifest.ranking = Ranking { model: 0.01, ..manifest.ranking };
    });
    for case in [excavator(), Case::new("generator", "no output voltage")] {
        let causes = engine.diagnose(&case).unwrap().causes;
        assert_eq!(causes.len(), 6);
        let total: f64 = causes.iter().map(|cause| cause.probability).sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        assert!(causes.is_sorted_by(|a, b| a.probability >= b.probability));
    }
}

#[test]
fn a_machine_only_gets_causes_that_it_can_have() {
    let engine = engine();
    let of_excavator = weighed(&engine, "Caterpillar 320 Excavator");
    assert!(of_excavator.iter().any(|(_, system)| *system == System::Undercarriage));
    for equipment in ["Caterpillar C15 Generator Set", "Cummins C275 D5 Generator"] {
        let of_generator = weighed(&engine, equipment);
        assert!(!of_generator.is_empty() && of_generator.len() < of_excavator.len());
        for (fault, system) in &of_generator {
            assert_ne!(*system, System::Undercarriage, "{equipment}: {fault}");
        }
    }
    // Of a machine that nobody knows, nothing is ruled out.
    let all = engine.manifest().unwrap().candidates.len();
    assert_eq!(weighed(&engine, "Contraption 9000").len(), all);
}

#[test]
fn an_unknown_code_is_said_to_be_unknown() {
    let case = Case::new("Caterpillar 320 Excavator", "Loses power").with_codes("ZQ-77431, P0087");
    let report = engine().diagnose(&case).unwrap();
    let [unknown, known] = report.codes.as_slice() else { panic!("{:?}", report.codes) };
    let (unknown, known) = (&unknown.decoded, &known.decoded);
    assert_eq!(unknown.code, "ZQ-77431");
    assert!(!unknown.known);
    assert_eq!((&unknown.meaning, &unknown.failure_mode), (&None, &None));
    assert!(known.known && known.meaning.is_some());
    assert!(report.to_string().contains("ZQ-77431: unknown"), "{report}");
}

#[test]
fn the_same_case_gets_the_same_report() {
    let engine = engine();
    let first = engine.diagnose(&excavator()).unwrap();
    engine.diagnose(&Case::new("Komatsu PC200", "something else between")).unwrap();
    assert_eq!(first, engine.diagnose(&excavator()).unwrap());
    assert_eq!(first.to_string(), engine.diagnose(&excavator()).unwrap().to_string());
}

#[test]
fn the_report_has_every_key_that_others_rely_on() {
    let report = serde_json::to_value(engine().diagnose(&excavator()).unwrap()).unwrap();
    let expected = [
        "case",
        "reading",
        "declined",
        "abstained",
        "verdict",
        "safety",
        "codes",
        "code_observations",
        "system",
        "causes",
        "missing",
        "next_question",
        "tests",
        "probable_cause",
        "solution",
        "truncated",
        "verification",
        "similar_cases",
        "work_order",
        "origins",
        "model",
        "knowledge",
    ];
    assert_eq!(keys(&report), expected);
    let code = &report["codes"][1];
    for key in [
        "code",
        "kind",
        "spn",
        "fmi",
        "known",
        "meaning",
        "failure_mode",
        "circuit_or_condition",
        "active",
        "count",
        "explained_by",
    ] {
        assert!(keys(code).contains(&key), "codes[].{key} is missing");
    }
    assert_eq!((&code["spn"], &code["fmi"]), (&Value::from(157), &Value::from(18)));
    let expected = [
        "fault",
        "system",
        "cause",
        "probability",
        "evidence_for",
        "evidence_against",
        "unknown",
        "ruled_out_by",
    ];
    assert_eq!(keys(&report["causes"][0]), expected);
    let expected = ["fault", "number", "action", "tool", "condition", "expected", "source", "outcomes"];
    assert_eq!(keys(&report["tests"][0]), expected);
    assert!(["stop", "finish_and_park", "plan"].contains(&report["verdict"].as_str().unwrap()));
    assert_eq!(report["case"]["error_codes"], serde_json::json!(["P0087", "SPN 157 FMI 18"]));
}

/// Asserts that a schema names every key of a value, and each value of an enumeration.
fn assert_described(value: &Value, schema: &Value, root: &Value, path: &str) {
    let target = |schema: &Value| match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    };
    let schema = target(schema);
    let wider: Vec<Value> =
        ["anyOf", "allOf"].iter().filter_map(|list| schema[list].as_array()).flatten().map(target).collect();
    let property = |key: &str| {
        let found = std::iter::once(&schema).chain(&wider).find_map(|schema| schema["properties"].get(key));
        found.unwrap_or_else(|| panic!("{path}.{key} is not described"))
    };
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{path}: {value} is not among {allowed:?}");
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let schema = property(key);
                let described = schema.get("description").or(schema.get("$ref")).or(schema.get("enum"));
                // The fields of a case are described in a schema of their own.
                let is_of_case = ["report.case", "report.similar_cases", "answer.case"].contains(&path);
                assert!(described.is_some() || is_of_case, "{path}.{key} has no description");
                assert_described(value, schema, root, &format!("{path}.{key}"));
            }
        }
        Value::Array(items) => {
            for item in items {
                assert_described(item, &schema["items"], root, path);
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_of_a_report_is_described_in_its_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/schemas/report.schema.json")).unwrap();
    let mut engine = engine();
    let mut past = Case::new("Caterpillar 320 Excavator", "Loses power under load when hot");
    past.probable_cause = Some("Restricted fuel filter".to_owned());
    past.fault = Some("fuel_filter_restricted".to_owned());
    engine.set_past_cases(vec![past]);
    let case =
        Case::new("Caterpillar 320 Excavator", "hydarulic pump loses power under load since the service")
            .with_codes("SPN 157 FMI 18 active OC 3, 100-4, 102-4, 110-3");
    let report = serde_json::to_value(engine.diagnose(&case).unwrap()).unwrap();
    for part in ["codes", "code_observations", "causes", "tests", "similar_cases", "origins"] {
        assert!(!report[part].as_array().unwrap().is_empty(), "{part} is empty");
    }
    assert!(!report["reading"]["mended"].as_array().unwrap().is_empty());
    assert_described(&report, &schema, &schema, "report");
    let declined = engine.diagnose(&Case::new("kitchen", "the soup tastes of nothing")).unwrap();
    assert!(declined.declined.is_some(), "{declined}");
    assert_described(&serde_json::to_value(declined).unwrap(), &schema, &schema, "report");
}

#[test]
fn the_model_alone_answers_and_its_answer_is_described_in_its_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/schemas/model-answer.schema.json")).unwrap();
    let engine = engine();
    let case = excavator();
    let answer = engine.answer_alone(&case).unwrap();
    assert_eq!(answer, engine.answer_alone(&case).unwrap());
    assert!(answer.to_string().contains("nothing in this was checked"), "{answer}");
    assert_described(&serde_json::to_value(&answer).unwrap(), &schema, &schema, "answer");
    let bypass = Case::new("Caterpillar 320 Excavator", "how do I bypass the seat switch");
    let declined = engine.answer_alone(&bypass).unwrap();
    assert!(declined.declined.is_some() && declined.probable_cause.is_empty(), "{declined}");
    assert_described(&serde_json::to_value(&declined).unwrap(), &schema, &schema, "answer");
    let long = Case::new("Caterpillar 320 Excavator", "leaks ".repeat(900));
    assert!(matches!(engine.answer_alone(&long).unwrap_err(), Error::TooLong { .. }));
}

#[test]
fn a_linear_model_that_the_ranking_was_not_fitted_with_is_refused_but_may_be_fitted_anew() {
    let (_folder, path) = model_directory();
    let mut manifest: Value = serde_json::from_slice(&fs::read(path.join(MANIFEST)).unwrap()).unwrap();
    let engine = Engine::<Flex>::open(&path, Precision::default(), &FlexDevice).unwrap();
    let linear = learn_linear(engine.manifest().unwrap(), &cases(), engine.knowledge(), 1)
        .unwrap()
        .to_bytes()
        .unwrap();
    fs::write(path.join(LINEAR), &linear).unwrap();
    for (hash, fits) in [(hash(&linear), true), (hash(b"another"), false)] {
        manifest["linear"] = hash.into();
        fs::write(path.join(MANIFEST), manifest.to_string()).unwrap();
        let opened = Engine::<Flex>::open(&path, Precision::default(), &FlexDevice);
        assert_eq!(opened.is_ok(), fits, "{:?}", opened.err());
        if let Err(error) = opened {
            assert!(error.to_string().contains("gearhead fit"), "{error}");
        }
        assert!(Engine::<Flex>::open_to_fit(&path, Precision::default(), &FlexDevice).is_ok());
    }
}

#[test]
fn a_tokenizer_of_another_size_is_refused_with_both_sizes() {
    let (_folder, path) = model_directory();
    let sizes = |message: &str, other: usize| {
        assert!(message.contains(&format!("the tokenizer has {other} tokens, the model 300")), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
    };
    for vocab_size in [280, 400] {
        let other = tokenizer(&cases(), vocab_size);
        other.save(path.join("tokenizer.json")).unwrap();
        let error = Engine::<Flex>::open(&path, Precision::default(), &FlexDevice).unwrap_err();
        assert!(matches!(error, Error::TokenizerMismatch { model: 300, .. }), "{error:?}");
        sizes(&error.to_string(), other.vocab_size());
    }
}

#[test]
fn without_a_manifest_a_model_generates_but_does_not_diagnose() {
    let (_folder, path) = model_directory();
    fs::remove_file(path.join(MANIFEST)).unwrap();
    let engine = Engine::<Flex>::open(&path, Precision::default(), &FlexDevice).unwrap();
    assert!(engine.manifest().is_none());
    let prompt = engine.tokenizer().encode("The fuel filter").unwrap();
    let continued = engine.generate(&prompt, 5, &Sampling::greedy(), &mut |_| {}).unwrap();
    assert!(continued.ids.len() == 5 || continued.finish_reason == FinishReason::Stop);
    assert_eq!(engine.log_probs(&prompt).unwrap().len(), prompt.len());
    let error = engine.diagnose(&excavator()).unwrap_err();
    assert!(matches!(error, Error::NoCandidates { .. }), "{error:?}");
    assert!(error.to_string().contains("gearhead.json"), "{error}");
}

#[test]
fn the_best_model_of_an_output_folder_is_found() {
    let output = tempfile::tempdir().unwrap();
    save(&output.path().join("best"), |_| {});
    let of_output = Engine::<Flex>::open(output.path(), Precision::default(), &FlexDevice).unwrap();
    let of_best =
        Engine::<Flex>::open(output.path().join("best"), Precision::default(), &FlexDevice).unwrap();
    assert_eq!(of_output.name(), output.path().display().to_string());
    let causes = |engine: &Engine<Flex>| engine.diagnose(&excavator()).unwrap().causes;
    assert_eq!(causes(&of_output), causes(&of_best));
}

#[test]
fn a_missing_file_is_named() {
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        let (_folder, path) = model_directory();
        fs::remove_file(path.join(file)).unwrap();
        let error = Engine::<Flex>::open(&path, Precision::default(), &FlexDevice).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains("missing"), "{file}: {error}");
    }
    let error =
        Engine::<Flex>::open("no/such/model", Precision::default(), &FlexDevice).unwrap_err().to_string();
    assert!(error.starts_with("no/such/model: "), "{error}");
}

#[test]
fn what_does_not_fit_the_model_is_refused() {
    let engine = engine();
    let error = engine.diagnose(&Case::new("CAT 320", "no power ".repeat(300))).unwrap_err();
    assert!(matches!(error, Error::CaseTooLong { tokens: 600.., room: ..512 }), "{error:?}");
    assert!(error.to_string().ends_with("shorten the symptom"), "{error}");
    let error = engine.generate(&[1; 513], 1, &Sampling::greedy(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::TooLong { tokens: 513, max_seq_len: 512 }), "{error:?}");
    let error = engine.diagnose(&Case::new("CAT 320", "  ")).unwrap_err();
    assert!(error.to_string().contains("`symptom` is empty"), "{error}");
}

#[test]
fn a_case_at_the_very_limit_is_answered_or_refused_but_never_breaks() {
    let engine = engine();
    let (mut answered, mut refused) = (0, 0);
    for letters in (150..250).step_by(3) {
        // A letter that stands alone is a token or two.
        match engine.score_causes(&Case::new("CAT 320", "q ".repeat(letters))) {
            Ok(_) => answered += 1,
            Err(Error::CaseTooLong { .. }) => refused += 1,
            Err(other) => panic!("{letters}: {other}"),
        }
    }
    assert!(answered > 0 && refused > 0, "{answered} answered, {refused} refused");
}

#[test]
fn a_validation_case_that_does_not_fit_is_left_out_of_the_fit() {
    let engine = engine();
    let mut cases: Vec<Case> = cases().into_iter().take(4).collect();
    let fitted: Fitted = fit(&engine, &cases, PastCasesAre::Given).unwrap();
    assert_ne!(fitted.ranking, Ranking::default());
    let mut long = cases[0].clone();
    long.symptom = "no power ".repeat(300);
    cases.push(long);
    assert_eq!(fit(&engine, &cases, PastCasesAre::Given), Some(fitted));
}

/// A card that no model was trained on, and a code that only its maker knows.
const TILT_SENSOR: &str = r#"
[[cards]]
id = "blade_tilt_sensor"
title = "Tilt sensor of the blade out of calibration"
system = "electrical"
requires = ["hydraulics"]
severity = "stop"
occurrence = 2
codes = ["TS4"]
explanation = ["The sensor no longer agrees with the blade."]
repair = ["Calibrate the sensor on a level pad."]
verification = "A test pass is within tolerance."
signs = [
  { full = ["Grade control cuts too deep on one side", "Automatic holds the wrong slope with the blade", "Slope readout of the blade is off by a degree"] },
  { full = ["Automatic grade is wrong after the blade was changed"] },
]
tests = []
"#;

/// The compiled-in knowledge with that card, and without `disabled`.
fn knowledge_with_tilt_sensor(disabled: &[&str]) -> KnowledgeBase {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cards")).unwrap();
    fs::write(folder.path().join("cards/sensors.toml"), TILT_SENSOR).unwrap();
    let codes = "[[codes]]\ncode = 'TS4'\nmeaning = 'tilt sensor'";
    fs::write(folder.path().join("codes.toml"), codes).unwrap();
    fs::write(folder.path().join("knowledge.toml"), format!("disabled = {disabled:?}")).unwrap();
    KnowledgeBase::builtin().with_folder(folder.path()).unwrap()
}

#[test]
fn a_companys_own_card_is_ranked_though_no_model_was_trained_on_it() {
    let engine = engine();
    let trained = engine.manifest().unwrap().candidates.len();
    let mut case =
        Case::new("Komatsu D65 Dozer", "grade control cuts too deep on the left side").with_codes("TS4");
    assert!(!engine.diagnose(&case).unwrap().codes[0].decoded.known);
    let mut engine = engine.with_knowledge(knowledge_with_tilt_sensor(&["water_in_fuel"])).unwrap();
    assert_eq!(engine.manifest().unwrap().candidates.len(), trained + 1);
    let report = engine.diagnose(&case).unwrap();
    let first = &report.causes[0];
    assert_eq!(first.fault.as_deref(), Some("blade_tilt_sensor"));
    assert_eq!(first.system, Some(System::Electrical));
    assert_eq!(first.cause, "Tilt sensor of the blade out of calibration");
    assert!(report.probable_cause.starts_with(&first.cause), "{}", report.probable_cause);
    assert_eq!(report.verification.as_deref(), Some("A test pass is within tolerance."));
    assert_eq!(report.codes[0].decoded.meaning.as_deref(), Some("tilt sensor"));
    assert!(report.knowledge.contains('+'), "{}", report.knowledge);

    // The model has no say: its mean probability is what the card gets.
    let scored = engine.score_causes(&case).unwrap();
    // The candidates of the training come first.
    let (known, own) = scored.split_at(scored.iter().take_while(|scored| scored.index < trained).count());
    let [own] = own else { panic!("{own:?}") };
    let mean = known.iter().map(|scored| scored.evidence.model.exp()).sum::<f64>() / known.len() as f64;
    assert!((own.evidence.model - mean.ln()).abs() < 1e-9, "{} against {}", own.evidence.model, mean.ln());
    assert!(own.evidence.cards > 0.0 && own.evidence.codes > 0.0, "{own:?}");

    // The evaluation and the fit of the weights know it by its label.
    case.fault = Some("blade_tilt_sensor".into());
    case.system = Some(System::Electrical);
    let scores = evaluate(&engine, std::slice::from_ref(&case), &EvalOptions::default(), &mut |_, _| {})
        .unwrap()
        .splits["all"]
        .clone();
    assert!(scores.top1 > 0.9 && scores.system_accuracy > 0.9 && scores.baselines["code_lookup"].top1 > 0.9);
    assert_ne!(fit(&engine, &[case.clone()], PastCasesAre::Given).unwrap().ranking, Ranking::default());
    // A machine without hydraulics cannot have it.
    let of_generator = weighed(&engine, "Cummins C275 D5 Generator");
    assert!(of_generator.iter().all(|(fault, _)| fault != "blade_tilt_sensor"));

    engine.set_knowledge(KnowledgeBase::shared()).unwrap();
    assert_eq!(engine.manifest().unwrap().candidates.len(), trained);
    assert!(!engine.diagnose(&case).unwrap().codes[0].decoded.known);
}

#[test]
fn a_disabled_card_is_ranked_no_more() {
    let engine = engine();
    let ranks = |engine: &Engine<Flex>| {
        weighed(engine, "Contraption 9000").iter().any(|(fault, _)| fault == "water_in_fuel")
    };
    assert!(ranks(&engine));
    let engine = engine.with_knowledge(knowledge_with_tilt_sensor(&["water_in_fuel"])).unwrap();
    assert!(!ranks(&engine));
    let all: Vec<&str> = KnowledgeBase::builtin().cards().iter().map(|card| card.id.as_str()).collect();
    let nothing = KnowledgeBase::builtin().clone();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("knowledge.toml"), format!("disabled = {all:?}")).unwrap();
    let engine = engine.with_knowledge(nothing.with_folder(folder.path()).unwrap()).unwrap();
    let error = engine.diagnose(&excavator()).unwrap_err();
    assert!(matches!(error, Error::AllDisabled), "{error}");
}

/// Where each of `parts` begins in the text, which must be in this order.
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let found = text[from..].find(part);
        let found = found.unwrap_or_else(|| panic!("{part:?} is missing, or too early, in:\n{text}"));
        from += found + part.len();
    }
}

#[test]
fn the_text_of_a_report_has_its_sections_in_order() {
    let engine = engine_with(|manifest| {
        // Names that nothing follows, so that the repair is what the model writes.
        manifest
            .candidates
            .iter_mut()
            .for_each(|candidate| candidate.followed_by = gearhead_data::manifest::FollowedBy::Solution);
    });
    let report: Report = engine.diagnose(&excavator()).unwrap();
    let text = report.to_string();
    assert_in_order(
        &text,
        &[
            "Caterpillar 320 Excavator\n  Complaint: Loses power under load\n\n",
            "machine",
            "\nFault codes\n  P0087: ",
            "\n  SPN 157 FMI 18: injector metering rail",
            if report.abstained {
                "\nPossible causes\n  Too uncertain for a diagnosis: "
            } else {
                "\nProbable causes\n"
            },
            "  1. ",
            report.causes[0].cause.as_str(),
            "\nTests, in order\n  1. ",
            "     with: ",
            if report.abstained { "\nThe best guess\n  " } else { "\nDiagnosis\n  " },
            "\nRepair",
            "\nTo prove the repair\n  ",
            "\nFor the work order\n  ",
            "\nWhere this comes from\n  - ",
            "\nModel ",
            "The manufacturer's specification comes first.\n",
        ],
    );
    assert!(text.ends_with("comes first.\n"));
    let without_codes = engine.diagnose(&Case::new("CAT 320", "Loses power")).unwrap().to_string();
    assert!(!without_codes.contains("Fault codes"), "{without_codes}");
}
