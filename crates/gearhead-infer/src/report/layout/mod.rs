//! What a report says, in which order and in which words. It is made once, and text, Markdown and HTML only set it, so that
//! all of them say the same.

mod causes;
mod codes;
mod line;
mod sources;
mod steps;

use gearhead_data::{
    case::Case,
    reading::{Condition, Reading},
    severity::Severity,
    system::System,
};

use super::{Declined, DeclinedKind, ModelAnswer, Report, SimilarCase};

pub(super) use line::Line;

/// A report, ready to be set.
#[derive(Debug)]
pub(super) struct Layout {
    /// The machine.
    pub(super) title: Line,
    /// Complaint and record, as given.
    pub(super) given: Vec<Fact>,
    /// In the order in which a technician needs them.
    pub(super) sections: Vec<Section>,
    /// Versions, and what comes before all of this.
    pub(super) footer: Line,
}

/// A value and what it is.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: Line,
}

/// A heading and what stands below it.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) kind: Kind,
    pub(super) title: Line,
    pub(super) blocks: Vec<Block>,
}

/// What a section is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Reading,
    Declined,
    Verdict(Severity),
    Codes,
    Causes,
    Missing,
    Question,
    Tests,
    Diagnosis,
    Repair,
    Verification,
    SimilarCases,
    WorkOrder,
    Origins,
}

impl Kind {
    /// The name in lower case with hyphens.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Declined => "declined",
            Self::Verdict(_) => "verdict",
            Self::Codes => "codes",
            Self::Causes => "causes",
            Self::Missing => "missing",
            Self::Question => "question",
            Self::Tests => "tests",
            Self::Diagnosis => "diagnosis",
            Self::Repair => "repair",
            Self::Verification => "verification",
            Self::SimilarCases => "similar-cases",
            Self::WorkOrder => "work-order",
            Self::Origins => "origins",
        }
    }
}

/// A part of a section.
#[derive(Debug)]
pub(super) enum Block {
    /// Running text.
    Text(Line),
    /// What must not be overlooked.
    Alert(Line),
    /// Small print.
    Note(Line),
    /// Values with their names.
    Facts(Vec<Fact>),
    /// Texts of one kind.
    List(Vec<Line>),
    /// Safety steps.
    Safety(Vec<Line>),
    /// Fault codes and past cases: a name, what is said of it, and more of it.
    Entries(Vec<Entry>),
    /// Ranked causes.
    Causes(Vec<RankedCause>),
    /// Tests to tick off.
    Tests(Vec<TestEntry>),
}

/// A fault code or a past case.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Line,
    pub(super) says: Line,
    pub(super) more: Vec<Line>,
}

/// A cause in its rank.
#[derive(Debug)]
pub(super) struct RankedCause {
    pub(super) rank: usize,
    pub(super) name: Line,
    pub(super) system: Option<Line>,
    pub(super) probability: f64,
    pub(super) findings: Vec<(Weight, Line)>,
}

/// What a finding does to a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It speaks for it.
    For,
    /// It speaks against it.
    Against,
    /// It would speak for it, and nobody has said it yet.
    Unknown,
    /// It would point elsewhere, and nobody has looked for it yet.
    NotIf,
}

impl Weight {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::For => "for",
            Self::Against => "against",
            Self::Unknown => "not said yet",
            Self::NotIf => "not if",
        }
    }
}

/// A test to do.
#[derive(Debug)]
pub(super) struct TestEntry {
    /// Its number in a list of tests.
    pub(super) number: Option<usize>,
    pub(super) action: Line,
    /// The card and the test's number on it, from 1: `battery_or_cable:2`.
    pub(super) tag: Option<Line>,
    pub(super) facts: Vec<Fact>,
    /// Results with their meaning; the first is number 1.
    pub(super) outcomes: Vec<Line>,
}

impl Layout {
    /// Lays a report out.
    pub(super) fn new(report: &Report) -> Self {
        let sections = if let Some(Declined { kind, .. }) = report.declined {
            // What is not about a machine's fault says nothing of whether the machine may work.
            let verdict = (kind != DeclinedKind::OutOfDomain).then(|| verdict(report));
            vec![
                reading(&report.reading),
                declined(report.declined.as_ref()),
                verdict,
                codes::section(report),
            ]
        } else {
            vec![
                reading(&report.reading),
                Some(verdict(report)),
                codes::section(report),
                causes::section(report),
                missing(report),
                steps::question(report),
                steps::section(report),
                diagnosis(report),
                repair(
                    if report.abstained { "Repair, if the guess is right" } else { "Repair" },
                    &report.solution,
                    report.truncated,
                ),
                verification(report),
                similar_cases(report),
                work_order(report),
                sources::section(report),
            ]
        };
        Self {
            title: Line::new(&report.case.equipment),
            given: given(&report.case),
            sections: sections.into_iter().flatten().collect(),
            footer: Line::new(format!(
                "Model {}, knowledge {}. The manufacturer's specification comes first.",
                report.model, report.knowledge
            )),
        }
    }
}

impl Layout {
    /// Lays out what the model wrote by itself.
    pub(super) fn of_model_answer(answer: &ModelAnswer) -> Self {
        let steps: Vec<Line> = answer.diagnostic_steps.iter().map(Line::new).collect();
        let tests = (!steps.is_empty()).then(|| Section::new(Kind::Tests, "Tests", vec![Block::List(steps)]));
        let sections = [
            declined(answer.declined.as_ref()),
            written(Kind::Diagnosis, "Cause", &answer.probable_cause),
            repair("Repair", &answer.solution, answer.truncated),
            tests,
        ];
        Self {
            title: Line::new(&answer.case.equipment),
            given: given(&answer.case),
            sections: sections.into_iter().flatten().collect(),
            footer: Line::new(format!(
                "Model {} alone: nothing in this was checked, and safety steps are not part of it. The manufacturer's \
                 specification comes first.",
                answer.model
            )),
        }
    }
}

impl Fact {
    fn new(name: &'static str, value: impl AsRef<str>) -> Self {
        Self { name, value: Line::new(value) }
    }
}

impl Section {
    fn new(kind: Kind, title: impl AsRef<str>, blocks: Vec<Block>) -> Self {
        Self { kind, title: Line::new(title), blocks }
    }
}

fn given(case: &Case) -> Vec<Fact> {
    let mut facts = vec![Fact::new("Complaint", &case.symptom)];
    let record = [
        case.serial.as_ref().map(|serial| format!("serial number {serial}")),
        case.hours.map(|hours| format!("{hours} h")),
        case.date.clone(),
        case.id.as_ref().map(|id| format!("record {id}")),
    ];
    let record: Vec<String> = record.into_iter().flatten().collect();
    if !record.is_empty() {
        facts.push(Fact::new("Unit", record.join(", ")));
    }
    facts
}

/// How the case was understood, where that is not plain from the complaint.
fn reading(reading: &Reading) -> Option<Section> {
    let mut facts = Vec::new();
    if reading.machine.is_none() {
        facts.push(Fact::new("Machine", "kind not recognised: causes that it cannot have are not left out"));
    }
    if !reading.mended.is_empty() {
        let mended: Vec<String> =
            reading.mended.iter().map(|mended| format!("{} → {}", mended.from, mended.to)).collect();
        facts.push(Fact::new("Mended", mended.join(", ")));
    }
    let conditions: Vec<&str> = reading.conditions().into_iter().map(condition).collect();
    if !conditions.is_empty() {
        facts.push(Fact::new("Happens", conditions.join(", ")));
    }
    if let Some(since) = &reading.since {
        facts.push(Fact::new("Since when", since));
    }
    (!facts.is_empty()).then(|| Section::new(Kind::Reading, "How this was read", vec![Block::Facts(facts)]))
}

const fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Cold => "cold",
        Condition::Hot => "hot",
        Condition::Loaded => "under load",
        Condition::Idle => "at idle",
        Condition::Travelling => "travelling",
        Condition::Grade => "on a slope",
        Condition::Starting => "at the start",
        Condition::Wet => "in the wet",
        Condition::Intermittent => "now and then",
        Condition::Constant => "all the time",
        _ => "otherwise",
    }
}

fn declined(declined: Option<&Declined>) -> Option<Section> {
    let message = &declined?.message;
    Some(Section::new(Kind::Declined, "No diagnosis", vec![Block::Alert(Line::new(message))]))
}

fn verdict(report: &Report) -> Section {
    let title = match report.verdict {
        Severity::Stop => "STOP the machine now.",
        Severity::FinishAndPark => "FINISH the task at hand, then park the machine.",
        Severity::Plan => "PLAN the repair; the machine can work until then.",
    };
    let steps: Vec<Line> = report.safety.iter().map(Line::new).collect();
    let blocks = if steps.is_empty() { Vec::new() } else { vec![Block::Safety(steps)] };
    Section::new(Kind::Verdict(report.verdict), title, blocks)
}

fn missing(report: &Report) -> Option<Section> {
    let missing: Vec<Line> = report.missing.iter().map(Line::new).collect();
    let title = "What would make it surer";
    (!missing.is_empty()).then(|| Section::new(Kind::Missing, title, vec![Block::List(missing)]))
}

fn diagnosis(report: &Report) -> Option<Section> {
    let title = if report.abstained { "The best guess" } else { "Diagnosis" };
    written(Kind::Diagnosis, title, &report.probable_cause)
}

fn repair(title: &str, solution: &str, is_truncated: bool) -> Option<Section> {
    let mut section = written(Kind::Repair, title, solution);
    if is_truncated {
        let note = Block::Note(Line::new("The text was cut off: the model has no room for more."));
        section.get_or_insert_with(|| Section::new(Kind::Repair, title, Vec::new())).blocks.push(note);
    }
    section
}

fn verification(report: &Report) -> Option<Section> {
    written(Kind::Verification, "To prove the repair", report.verification.as_deref()?)
}

fn work_order(report: &Report) -> Option<Section> {
    written(Kind::WorkOrder, "For the work order", &report.work_order)
}

/// A section of one paragraph; none where it would be empty.
fn written(kind: Kind, title: &str, text: &str) -> Option<Section> {
    let text = Line::new(text);
    (!text.is_empty()).then(|| Section::new(kind, title, vec![Block::Text(text)]))
}

fn similar_cases(report: &Report) -> Option<Section> {
    let entries: Vec<Entry> = report.similar_cases.iter().map(similar_case).collect();
    let title = "Past cases like this one";
    (!entries.is_empty()).then(|| Section::new(Kind::SimilarCases, title, vec![Block::Entries(entries)]))
}

fn similar_case(similar: &SimilarCase) -> Entry {
    let case = &similar.case;
    let record = case.id.as_ref().map(|id| format!("record {id}"));
    let name = [Some(case.equipment.clone()), case.date.clone(), record];
    let name: Vec<String> = name.into_iter().flatten().collect();
    let of_fault = || case.fault.as_ref().map(|fault| format!("it was: {fault}"));
    let was = case.probable_cause.as_ref().map(|cause| format!("it was: {cause}")).or_else(of_fault);
    let cured = case.solution.as_ref().map(|solution| format!("cured by: {solution}"));
    Entry {
        name: Line::new(format!("{}, {} alike", name.join(", "), percent(similar.similarity))),
        says: Line::new(&case.symptom),
        more: [was, cured].into_iter().flatten().map(Line::new).collect(),
    }
}

/// A share in percent that is never rounded to none or to all.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if share > 0.0 && percent < 1.0 {
        "<1 %".to_owned()
    } else if share < 1.0 && percent > 99.0 {
        ">99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

fn system_name(system: System) -> String {
    match system {
        System::AirExhaust => "air and exhaust".to_owned(),
        System::StartingCharging => "starting and charging".to_owned(),
        System::BrakesSteering => "brakes and steering".to_owned(),
        System::Hvac => "heating and air conditioning".to_owned(),
        other => other.as_str().replace('_', " "),
    }
}

/// The rank of the shown cause with a card, from 1.
fn rank_of(report: &Report, fault: &str) -> Option<usize> {
    let position = report.causes.iter().position(|cause| cause.fault.as_deref() == Some(fault));
    position.map(|position| position + 1)
}
