//! A report in which every part is filled, made by hand.

use std::sync::LazyLock;

use gearhead_data::{
    case::Case,
    code::{CodeTable, Decoded, FaultClass, observations, parse_list},
    knowledge::{KnowledgeBase, Outcome},
    reading::Reader,
    severity::Severity,
    system::System,
};
use serde_json::json;

use crate::report::{
    Cause, LikelySystem, NextQuestion, Origin, OriginKind, Report, ReportedCode, SimilarCase, TestStep,
};

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn decoded(
    code: &str,
    meaning: Option<&str>,
    failure_mode: Option<&str>,
    class: Option<FaultClass>,
) -> Decoded {
    let mut decoded = CodeTable::builtin().decode(&parse_list(code)[0]);
    decoded.known = meaning.is_some();
    decoded.meaning = meaning.map(str::to_owned);
    decoded.failure_mode = failure_mode.map(str::to_owned);
    decoded.circuit_or_condition = class;
    decoded.note = meaning.is_none().then(|| "Only the maker's list gives the meaning.".to_owned());
    decoded
}

fn codes() -> Vec<ReportedCode> {
    let rail =
        decoded("SPN 157 FMI 18", Some("rail pressure"), Some("moderately low"), Some(FaultClass::Condition));
    let boost =
        decoded("SPN 102 FMI 4", Some("boost pressure"), Some("voltage low"), Some(FaultClass::Circuit));
    let unknown = decoded("ZQ-77431", None, None, None);
    vec![
        ReportedCode {
            decoded: rail,
            active: Some(true),
            count: Some(12),
            explained_by: strings(&["fuel_filter"]),
        },
        ReportedCode { decoded: boost, active: Some(false), count: Some(1), explained_by: Vec::new() },
        ReportedCode {
            decoded: unknown,
            active: None,
            count: None,
            explained_by: strings(&["fuel_filter", "fuel_pump"]),
        },
    ]
}

fn cause(fault: Option<&str>, system: System, name: &str, probability: f64) -> Cause {
    Cause {
        fault: fault.map(str::to_owned),
        system: Some(system),
        cause: name.to_owned(),
        probability,
        evidence_for: strings(&["SPN 157 FMI 18 is a code of this fault"]),
        evidence_against: strings(&["the complaint is like “white smoke”: Water in fuel"]),
        unknown: strings(&["vacuum at the pump inlet is high"]),
        ruled_out_by: strings(&["bubbles in the clear line", "black smoke and low boost", "left out"]),
    }
}

fn test(fault: &str, number: usize, action: &str, expected: &str, source: &str) -> TestStep {
    let outcome = |result: &str, means: &str, points_to: Option<&str>| -> Outcome {
        serde_json::from_value(json!({"result": result, "means": means, "points_to": points_to})).unwrap()
    };
    TestStep {
        fault: Some(fault.to_owned()),
        number: Some(number),
        action: action.to_owned(),
        tool: "low-pressure gauge".to_owned(),
        condition: "engine warm".to_owned(),
        expected: expected.to_owned(),
        source: source.to_owned(),
        outcomes: vec![
            outcome("pressure falls", "a restriction upstream", Some("fuel_filter")),
            outcome("pressure holds", "the supply is sound", None),
        ],
    }
}

/// A past case.
fn past() -> Case {
    let mut case = Case::new("Komatsu PC200-8", "weak when the bucket digs");
    case.id = Some("WO-4711".to_owned());
    case.date = Some("2025-11-02".to_owned());
    case.probable_cause = Some("Restricted fuel filter".to_owned());
    case.solution = Some("New filters, tank drained".to_owned());
    case
}

fn origin(parts: Vec<&'static str>, kind: OriginKind, name: &str, sources: &[&str]) -> Origin {
    let verified = !sources.is_empty() || name.starts_with("SPN");
    Origin { parts, kind, name: name.to_owned(), verified, sources: strings(sources) }
}

/// A report in which every part is filled.
pub(super) fn report() -> Report {
    static READER: LazyLock<Reader> = LazyLock::new(|| Reader::new(KnowledgeBase::builtin()));
    let mut case = Case::new(
        "Caterpillar 320 Excavator",
        "hydarulic pump starves and power is low under load since the filter change",
    );
    case.error_codes = strings(&["SPN 157 FMI 18 active OC 12", "SPN 102 FMI 4 stored", "ZQ-77431"]);
    case.serial = Some("ZAP00123".to_owned());
    case.hours = Some(4120.0);
    case.date = Some("2026-03-01".to_owned());
    case.id = Some("WO-9001".to_owned());
    let knowledge = KnowledgeBase::builtin();
    let mut reading = READER.read(&case, knowledge);
    reading.machine = None;
    let together: Vec<Decoded> =
        parse_list("100-4, 102-4, 110-3").iter().map(|code| knowledge.codes().decode(code)).collect();
    let first = test(
        "fuel_filter",
        0,
        "Measure the supply pressure at idle and at full load",
        "1.5 to 2.5 bar",
        "S-1",
    );
    Report {
        reading,
        declined: None,
        abstained: false,
        verdict: Severity::FinishAndPark,
        safety: strings(&["Stop the engine and let it cool", "Catch spilled fuel in a pan"]),
        codes: codes(),
        code_observations: observations(&together),
        system: Some(LikelySystem { system: System::Fuel, probability: 0.93 }),
        causes: vec![
            cause(Some("fuel_filter"), System::Fuel, "Restricted fuel filter", 0.87),
            cause(Some("fuel_pump"), System::Fuel, "Worn high-pressure fuel pump", 0.06),
            cause(None, System::AirExhaust, "Leaking charge-air hose", 0.004),
        ],
        missing: Vec::new(),
        next_question: Some(NextQuestion {
            question: first.action.clone(),
            separates: ["Restricted fuel filter".to_owned(), "Worn high-pressure fuel pump".to_owned()],
            expected_information: 0.624,
            cost: 3.0,
            test: first.clone(),
        }),
        tests: vec![
            first,
            test("fuel_filter", 1, "Measure the vacuum before the filter", "below 20 kPa", ""),
            test("fuel_pump", 0, "Look for metal in the fuel", "no metal at all", ""),
            test("fuel_pump", 1, "Measure the return flow", "", ""),
        ],
        probable_cause: "Restricted fuel filter. The element is full, and the pump starves under load."
            .to_owned(),
        solution: "Replace both filters, drain the tank and prime the system.".to_owned(),
        truncated: true,
        verification: Some("Full load for ten minutes without the code.".to_owned()),
        similar_cases: vec![SimilarCase { similarity: 0.71, case: past() }],
        work_order: "Caterpillar 320 Excavator. Complaint: loses power. Probable cause (87 %): filter."
            .to_owned(),
        origins: vec![
            origin(vec!["causes", "probable_cause"], OriginKind::Card, "fuel_filter", &["S-1", "FMEA"]),
            origin(vec!["causes"], OriginKind::Card, "fuel_pump", &[]),
            origin(vec!["codes"], OriginKind::CodeTable, "SPN 157 FMI 18", &[]),
            origin(vec!["codes"], OriginKind::CodeTable, "FC 9999", &[]),
            origin(vec!["solution"], OriginKind::Model, "written by the language model", &[]),
        ],
        model: "bundled".to_owned(),
        knowledge: "2026.11".to_owned(),
        case,
    }
}

/// The same, too uncertain for a diagnosis.
pub(super) fn abstained() -> Report {
    let mut report = report();
    report.abstained = true;
    report.causes[0].probability = 0.22;
    report.system = Some(LikelySystem { system: System::StartingCharging, probability: 0.72 });
    report.missing = strings(&["the fault codes on the display", "when it happens"]);
    report
}
