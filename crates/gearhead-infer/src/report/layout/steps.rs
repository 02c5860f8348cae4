//! The next question and the tests.

use super::{Block, Fact, Kind, Line, Section, TestEntry, rank_of};
use crate::report::{Report, TestStep};

/// What stands for a value that only the maker can give.
const SEE_MAKER: &str = "see the manufacturer's specification";

pub(super) fn question(report: &Report) -> Option<Section> {
    let next = report.next_question.as_ref()?;
    let mut blocks = Vec::new();
    if next.question != next.test.action {
        blocks.push(Block::Text(Line::new(&next.question)));
    }
    blocks.push(Block::Tests(vec![in_full(None, &next.test, report)]));
    let [first, second] = &next.separates;
    blocks.push(Block::Facts(vec![
        Fact::new("Tells apart", format!("{first} / {second}")),
        Fact::new(
            "Information",
            format!(
                "{:.2} bits expected; 1 bit settles an even choice between two",
                next.expected_information
            ),
        ),
        Fact::new("Effort", format!("{}; 1 is a look, 8 takes something apart", next.cost)),
    ]));
    Some(Section::new(Kind::Question, "Find this out first", blocks))
}

pub(super) fn section(report: &Report) -> Option<Section> {
    if report.tests.is_empty() {
        return None;
    }
    let asked = report.next_question.as_ref().map(|next| &next.test);
    let entry = |(number, test): (usize, &TestStep)| {
        if test.fault.is_some() && asked.is_some_and(|asked| is_same(asked, test)) {
            let already = Fact::new("See", "above");
            return TestEntry {
                facts: vec![already],
                outcomes: Vec::new(),
                ..in_full(Some(number), test, report)
            };
        }
        in_full(Some(number), test, report)
    };
    let mut blocks = vec![Block::Tests((1..).zip(&report.tests).map(entry).collect())];
    let with_results = report.tests.iter().find(|test| !test.outcomes.is_empty());
    if let Some(tag) = with_results.and_then(tag) {
        blocks.push(Block::Note(Line::new(format!(
            "In brackets stand card and test. A result that was found is told as {tag}=1, with the number of the result."
        ))));
    }
    Some(Section::new(Kind::Tests, "Tests, in order", blocks))
}

fn is_same(a: &TestStep, b: &TestStep) -> bool {
    (&a.fault, a.number) == (&b.fault, b.number)
}

/// How a test of a card is named: `battery_or_cable:2`.
fn tag(test: &TestStep) -> Option<String> {
    Some(format!("{}:{}", test.fault.as_deref()?, test.number? + 1))
}

fn in_full(number: Option<usize>, test: &TestStep, report: &Report) -> TestEntry {
    let good = if test.outcomes.is_empty() && test.expected.is_empty() { String::new() } else { good(test) };
    let facts = [("With", &test.tool), ("When", &test.condition), ("Good", &good)];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let means = |outcome: &gearhead_data::knowledge::Outcome| {
        let cause = outcome.points_to.as_deref().and_then(|fault| rank_of(report, fault));
        let cause = cause.map_or(String::new(), |rank| format!(" (speaks for cause {rank})"));
        Line::new(format!("{}: {}{cause}", outcome.result, outcome.means))
    };
    TestEntry {
        number,
        action: Line::new(&test.action),
        tag: tag(test).map(Line::new),
        facts: facts.map(|(name, value)| Fact::new(name, value)).collect(),
        outcomes: test.outcomes.iter().map(means).collect(),
    }
}

/// What a sound machine shows: a number has its source behind it, or the maker's specification in its place.
fn good(test: &TestStep) -> String {
    let expected = test.expected.trim();
    if expected.is_empty() {
        SEE_MAKER.to_owned()
    } else if !test.source.trim().is_empty() {
        format!("{expected} [source: {}]", test.source.trim())
    } else if expected.contains(|letter: char| letter.is_ascii_digit()) && !expected.contains("specification")
    {
        format!("{expected}; {SEE_MAKER}")
    } else {
        expected.to_owned()
    }
}
