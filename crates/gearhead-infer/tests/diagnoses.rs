//! Diagnoses that are made together are those that each case gets alone. Nothing here depends on how good a model is: most
//! weights are random. Those of the bundled model are not, since random ones write much the same whatever they have read.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fixture;

use std::collections::BTreeMap;

use burn::backend::{Flex, flex::FlexDevice};
use gearhead_data::{
    case::Case,
    generate::{GenerateConfig, generate},
    knowledge::KnowledgeBase,
};
use gearhead_infer::{
    Diagnose, Engine, Error,
    engine::{Diagnosed, Diagnoses, Finding, Stage, diagnose_many},
};
use gearhead_model::{CacheDtype, Precision, WeightDtype};

use fixture::engine;

/// How many texts are written at once.
const AT_ONCE: [usize; 3] = [2, 5, 32];

/// With codes and without, short and long, off topic, about a safety device, not valid, too long.
fn mixed() -> Vec<Case> {
    let mut cases = generate(KnowledgeBase::builtin(), &GenerateConfig::new(60, 9)).unwrap().test;
    cases.truncate(6);
    cases.extend([
        Case::new("CAT 320", "low power"),
        Case::new("Komatsu PC200", "x").with_codes("P0087, SPN 157 FMI 18, E360-2"),
        Case::new("kitchen", "the soup tastes of nothing"),
        Case::new("CAT 320", "how do I bypass the seat switch"),
        Case::new("CAT 320", "  "),
        Case::new("CAT 320", "no power ".repeat(300)),
        Case::new("Volvo A30G", "engine overheats on slopes, black smoke since the filter change ".repeat(4)),
    ]);
    cases
}

fn alone(engine: &Engine<Flex>, cases: &[Case]) -> Vec<Result<String, String>> {
    cases.iter().map(|case| written(engine.diagnose(case))).collect()
}

/// A report as it is printed and sent, or why there is none.
fn written(report: Result<gearhead_infer::Report, Error>) -> Result<String, String> {
    report.map(|report| serde_json::to_string(&report).unwrap()).map_err(|error| error.to_string())
}

/// Steps until all are done; the results by number.
fn finish(diagnoses: &mut dyn Diagnoses) -> BTreeMap<usize, Result<Diagnosed, Error>> {
    let mut done = BTreeMap::new();
    while !diagnoses.is_idle() {
        done.extend(diagnoses.step(&mut |_, _| {}));
    }
    done
}

#[test]
fn reports_are_those_that_each_case_gets_alone_byte_for_byte_and_in_order() {
    let quantized = |cache| Precision { weights: WeightDtype::Q8_0, cache };
    let bundled = Engine::open("../gearhead/bundled", Precision::default(), &FlexDevice).unwrap();
    for (name, engine) in [
        ("f32", engine(Precision::default())),
        ("q8_0", engine(quantized(CacheDtype::F16))),
        ("q8_0, keys and values in 8 bits", engine(quantized(CacheDtype::Q8))),
        ("bundled", bundled),
    ] {
        let cases = mixed();
        let alone = alone(&engine, &cases);
        assert!(alone.iter().filter(|report| report.is_err()).count() == 2, "one is empty, one too long");
        for at_once in AT_ONCE {
            let together = diagnose_many(&engine, at_once, cases.iter().cloned().map(Ok));
            let together: Vec<_> =
                together.map(|diagnosed| written(diagnosed.map(|diagnosed| diagnosed.report))).collect();
            assert_eq!(together, alone, "{at_once} at once, {name}");
        }
    }
}

#[test]
fn what_speaks_for_causes_has_the_same_bits_alone_and_beside_others() {
    let engine = engine(Precision::default());
    let mut diagnoses = engine.diagnoses(4);
    let cases: Vec<Case> = mixed().into_iter().take(8).collect();
    for case in &cases {
        diagnoses.submit(case.clone(), Vec::new());
    }
    for (number, diagnosed) in finish(diagnoses.as_mut()) {
        let bits = |scored: &[gearhead_infer::engine::Scored]| -> Vec<u64> {
            scored.iter().flat_map(|it| it.evidence.to_array()).map(f64::to_bits).collect()
        };
        let alone = engine.score_causes(&cases[number]).unwrap();
        assert_eq!(bits(&diagnosed.unwrap().scored), bits(&alone), "case {number}");
    }
}

#[test]
fn one_that_is_stopped_or_comes_later_changes_no_other() {
    let engine = engine(Precision::default());
    let cases: Vec<Case> = mixed().into_iter().take(7).collect();
    let alone = alone(&engine, &cases);
    // Stopped before it is read, before it is ranked, while its text is written.
    for stopped_at in [0, 1, 2, 4] {
        let mut diagnoses = engine.diagnoses(3);
        for case in &cases[..5] {
            diagnoses.submit(case.clone(), Vec::new());
        }
        let mut done = BTreeMap::new();
        for step in 0.. {
            if step == stopped_at {
                diagnoses.cancel(1);
            }
            if step == 4 {
                assert_eq!(diagnoses.submit(cases[5].clone(), Vec::new()), 5);
                assert_eq!(diagnoses.submit(cases[6].clone(), Vec::new()), 6);
            }
            if step > 6 && diagnoses.is_idle() {
                break;
            }
            done.extend(diagnoses.step(&mut |number, _| assert!(number != 1 || step < stopped_at)));
        }
        assert_eq!(done.keys().copied().collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6], "stopped at {stopped_at}");
        for (number, diagnosed) in done {
            assert_eq!(written(diagnosed.map(|it| it.report)), alone[number], "case {number}");
        }
    }
}

#[test]
fn each_is_told_its_own_stages_while_they_happen() {
    let engine = engine(Precision::default());
    let cases: Vec<Case> = mixed().into_iter().take(6).collect();
    let mut diagnoses = engine.diagnoses(4);
    for case in &cases {
        diagnoses.submit(case.clone(), Vec::new());
    }
    let mut told: BTreeMap<usize, Vec<(usize, Stage)>> = BTreeMap::new();
    let mut ended = BTreeMap::new();
    for step in 0.. {
        if diagnoses.is_idle() {
            break;
        }
        let done = diagnoses.step(&mut |number, stage| told.entry(number).or_default().push((step, stage)));
        ended.extend(done.into_iter().map(|(number, _)| (number, step)));
    }
    let mut beside_others = 0;
    for (number, case) in cases.iter().enumerate() {
        let mut expected = Vec::new();
        engine.diagnose_observed(case, &[], &mut |stage| expected.push(stage)).unwrap();
        let (steps, stages): (Vec<usize>, Vec<Stage>) = told.remove(&number).unwrap().into_iter().unzip();
        assert_eq!(stages, expected, "case {number}");
        let n_steps = steps.chunk_by(|a, b| a == b).count();
        assert!(
            n_steps > 3 && steps[steps.len() - 1] < ended[&number],
            "case {number} was told in {steps:?}"
        );
        beside_others +=
            usize::from(ended.values().any(|end| (steps[1]..steps[steps.len() - 1]).contains(end)));
    }
    assert!(beside_others > 0, "no case ended while another was written");
}

#[test]
fn results_of_tests_count_beside_others_too_and_what_is_wrong_is_told_to_whom_it_concerns() {
    let engine = engine(Precision::default());
    let case = &mixed()[0];
    let right = Finding { fault: "battery_or_cable".to_owned(), test: 0, outcome: 0 };
    let wrong = Finding { fault: "no_such_card".to_owned(), test: 0, outcome: 0 };
    let mut diagnoses = engine.diagnoses(3);
    for findings in [vec![right.clone()], vec![wrong], vec![]] {
        diagnoses.submit(case.clone(), findings);
    }
    let mut done = finish(diagnoses.as_mut());
    assert!(matches!(done.remove(&1), Some(Err(Error::UnknownFinding(_)))));
    for (number, findings) in [(0, vec![right]), (2, vec![])] {
        let report = done.remove(&number).unwrap().unwrap().report;
        assert_eq!(report, engine.diagnose_after(case, &findings).unwrap());
    }
}

/// At each stage of the case's way the program fails on it.
#[test]
fn a_fault_with_one_case_is_its_error_and_the_others_are_answered() {
    type IsAt = fn(&Stage) -> bool;
    let engine = engine(Precision::default());
    let cases: Vec<Case> = mixed().into_iter().take(6).collect();
    let alone = alone(&engine, &cases);
    let is_at: [(&str, IsAt); 3] = [
        ("read", |stage| matches!(stage, Stage::Read { .. })),
        ("ranked", |stage| matches!(stage, Stage::Ranked { .. })),
        ("wrote", |stage| matches!(stage, Stage::Wrote { .. })),
    ];
    for (stage, is_at) in is_at {
        let mut diagnoses = engine.diagnoses(3);
        for case in &cases {
            diagnoses.submit(case.clone(), Vec::new());
        }
        let mut done = BTreeMap::new();
        while !diagnoses.is_idle() {
            done.extend(
                diagnoses.step(&mut |number, told| assert!(number != 1 || !is_at(&told), "failed: {stage}")),
            );
        }
        assert_eq!(done.len(), cases.len());
        for (number, diagnosed) in done {
            if number == 1 {
                assert!(
                    matches!(diagnosed, Err(Error::Fault(message)) if message == format!("failed: {stage}"))
                );
            } else {
                assert_eq!(written(diagnosed.map(|it| it.report)), alone[number], "case {number}, {stage}");
            }
        }
    }
}
