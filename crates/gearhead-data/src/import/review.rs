//! Looking at each case before it is taken: keep, edit, skip, go back, keep the rest, stop.
//!
//! [`Review`] is the order of questions and answers; who answers is a [`Reviewer`], which on a terminal is a person.
//!
//! ```
//! use gearhead_data::{Result, case::Case, import::{Place, review::{Decision, Review, Reviewer, Verdict}}};
//!
//! struct SkipAll;
//! impl Reviewer for SkipAll {
//!     fn decide(&mut self, _: &Case, _: &Place, _: usize) -> Result<Decision> {
//!         Ok(Decision::Skip)
//!     }
//! }
//!
//! let mut review = Review::new(SkipAll);
//! let mut done = review.offer(Case::new("Volvo L90F", "Slow boom"), Place::Line(1))?;
//! done.extend(review.finish());
//! assert_eq!(done[0].verdict, Verdict::Skipped);
//! # gearhead_data::Result::Ok(())
//! ```

use std::collections::VecDeque;

use serde_json::Value;

use super::Place;
use crate::{
    case::{Case, parse_case},
    error::{Error, RecordFault, Result},
};

/// How many cases can be gone back over. Older ones are given out and can no longer be changed.
const MAX_BACK: usize = 100;

/// An answer about one case.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// Take it as it is.
    Keep,
    /// Take this in its place; it is shown again, so that it can be looked at.
    Edit(Box<Case>),
    /// Do not take it.
    Skip,
    /// Ask about the one before again.
    Back,
    /// Take it and all that follow, without asking.
    KeepRest,
    /// Take neither it nor any that follow.
    Stop,
}

/// Who answers.
pub trait Reviewer {
    /// Says what becomes of `case`, which stands at `place` and is the `number`-th, from 1.
    ///
    /// # Errors
    ///
    /// No answer can be had.
    fn decide(&mut self, case: &Case, place: &Place, number: usize) -> Result<Decision>;

    /// Hears why the last answer could not be followed; the same question follows.
    fn refused(&mut self, reason: &str) {
        let _ = reason;
    }
}

impl<R: Reviewer + ?Sized> Reviewer for Box<R> {
    fn decide(&mut self, case: &Case, place: &Place, number: usize) -> Result<Decision> {
        (**self).decide(case, place, number)
    }

    fn refused(&mut self, reason: &str) {
        (**self).refused(reason);
    }
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is taken.
    Kept,
    /// It was looked at and is not taken.
    Skipped,
    /// The review was stopped before it.
    NotReviewed,
}

impl Verdict {
    /// Why the case is not taken; `None` if it is.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Kept => None,
            Self::Skipped => Some("skipped in review"),
            Self::NotReviewed => Some("not reviewed"),
        }
    }
}

/// A case that was reviewed, edits made.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// The case.
    pub case: Case,
    /// Where it came from.
    pub place: Place,
    /// What became of it.
    pub verdict: Verdict,
}

/// A review that is going on.
///
/// A case that was answered is held back for as long as the reviewer could still go back to it.
pub struct Review<R> {
    reviewer: R,
    phase: Phase,
    answered: VecDeque<Reviewed>,
    /// Cases given out already.
    given_out: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Asking,
    KeepingRest,
    Stopped,
}

impl<R: Reviewer> Review<R> {
    /// Starts a review.
    pub fn new(reviewer: R) -> Self {
        Self { reviewer, phase: Phase::Asking, answered: VecDeque::new(), given_out: 0 }
    }

    /// Whether the reviewer has stopped: no further case will be asked about or kept.
    pub fn is_stopped(&self) -> bool {
        self.phase == Phase::Stopped
    }

    /// Asks about `case` and gives out, in order, the cases whose verdict is final.
    ///
    /// # Errors
    ///
    /// Whatever the reviewer's answer failed with. What [`Review::finish`] gives out is then still good.
    pub fn offer(&mut self, case: Case, place: Place) -> Result<Vec<Reviewed>> {
        self.answered.push_back(Reviewed { case, place, verdict: Verdict::NotReviewed });
        if self.phase == Phase::Asking {
            self.ask_from(self.answered.len() - 1)?;
        }
        let verdict = match self.phase {
            Phase::Asking => {
                let surplus = self.answered.len().saturating_sub(MAX_BACK);
                return Ok(self.give_out(surplus));
            }
            Phase::KeepingRest => Verdict::Kept,
            Phase::Stopped => Verdict::NotReviewed,
        };
        // Those that were answered have their verdict; the rest follow the phase.
        for reviewed in &mut self.answered {
            if reviewed.verdict == Verdict::NotReviewed {
                reviewed.verdict = verdict;
            }
        }
        Ok(self.give_out(self.answered.len()))
    }

    /// Gives out what is still held.
    pub fn finish(&mut self) -> Vec<Reviewed> {
        self.give_out(self.answered.len())
    }

    fn give_out(&mut self, count: usize) -> Vec<Reviewed> {
        self.given_out += count;
        self.answered.drain(..count).collect()
    }

    /// Asks until every held case from `at` on has an answer.
    fn ask_from(&mut self, mut at: usize) -> Result<()> {
        while at < self.answered.len() {
            let number = self.given_out + at + 1;
            let asked = &mut self.answered[at];
            asked.verdict = Verdict::NotReviewed;
            match self.reviewer.decide(&asked.case, &asked.place, number)? {
                Decision::Keep => asked.verdict = Verdict::Kept,
                Decision::Skip => asked.verdict = Verdict::Skipped,
                Decision::Edit(case) => {
                    match case.validate() {
                        Ok(()) => asked.case = *case,
                        Err(error) => self.reviewer.refused(&error.to_string()),
                    }
                    continue;
                }
                Decision::Back => {
                    match at.checked_sub(1) {
                        Some(before) => at = before,
                        None => self.reviewer.refused("there is no case before this one to go back to"),
                    }
                    continue;
                }
                Decision::KeepRest => {
                    self.phase = Phase::KeepingRest;
                    return Ok(());
                }
                Decision::Stop => {
                    self.phase = Phase::Stopped;
                    return Ok(());
                }
            }
            at += 1;
        }
        Ok(())
    }
}

/// The fields that a reviewer can change, in the order in which they are shown.
pub const EDITABLE: [&str; 11] = [
    "equipment",
    "symptom",
    "error_codes",
    "diagnostic_steps",
    "probable_cause",
    "solution",
    "system",
    "id",
    "serial",
    "hours",
    "date",
];

/// The text of a field as a person edits it: a list is joined by `; `. Empty where the case has none.
pub fn field_text(case: &Case, field: &str) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match serde_json::to_value(case).ok().as_ref().and_then(|value| value.get(field)) {
        None => String::new(),
        Some(Value::Array(items)) => items.iter().map(text).collect::<Vec<_>>().join("; "),
        Some(value) => text(value),
    }
}

/// The case with one field changed to what [`field_text`] would show as `text`; an empty text takes the field away.
///
/// # Errors
///
/// [`Error::Case`]: the case would no longer be one.
pub fn with_field(case: &Case, field: &str, text: &str) -> Result<Case> {
    let text = text.trim();
    let json_fault = |error: serde_json::Error| Error::Case(RecordFault::Json(error.to_string()));
    let mut value = serde_json::to_value(case).map_err(json_fault)?;
    let of_list = || text.split(';').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>();
    let changed = match field {
        "error_codes" | "diagnostic_steps" => Value::from(of_list()),
        // A text that is no number stays a text, and the case's own check says what is wrong with it.
        "hours" => text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from),
        _ => Value::from(text),
    };
    let emptied = text.is_empty() && !matches!(field, "equipment" | "symptom");
    value[field] = if emptied { Value::Null } else { changed };
    let case = parse_case(&value.to_string()).map_err(Error::Case)?;
    case.validate()?;
    Ok(case)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers from a list, and remembers what it was asked.
    #[derive(Default)]
    struct Script {
        answers: VecDeque<Decision>,
        asked: Vec<(usize, String)>,
        refusals: Vec<String>,
    }

    impl Reviewer for &mut Script {
        fn decide(&mut self, case: &Case, _: &Place, number: usize) -> Result<Decision> {
            self.asked.push((number, case.symptom.clone()));
            Ok(self.answers.pop_front().expect("no more questions than answers"))
        }

        fn refused(&mut self, reason: &str) {
            self.refusals.push(reason.to_owned());
        }
    }

    fn run(answers: impl IntoIterator<Item = Decision>, cases: u64) -> (Vec<(String, Verdict)>, Script) {
        let mut script = Script { answers: answers.into_iter().collect(), ..Script::default() };
        let mut review = Review::new(&mut script);
        let mut done = Vec::new();
        for number in 1..=cases {
            done.extend(review.offer(Case::new("L90F", format!("s{number}")), Place::Line(number)).unwrap());
        }
        done.extend(review.finish());
        (done.into_iter().map(|reviewed| (reviewed.case.symptom, reviewed.verdict)).collect(), script)
    }

    fn verdicts(done: &[(String, Verdict)]) -> Vec<Verdict> {
        done.iter().map(|(_, verdict)| *verdict).collect()
    }

    use Decision::{Back, Edit, Keep, KeepRest, Skip, Stop};
    use Verdict::{Kept, NotReviewed, Skipped};

    #[test]
    fn each_case_gets_its_answer() {
        let (done, script) = run([Keep, Skip, Keep], 3);
        assert_eq!(verdicts(&done), [Kept, Skipped, Kept]);
        assert_eq!(script.asked.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn going_back_asks_again_and_then_goes_on() {
        let (done, script) = run([Skip, Skip, Back, Back, Keep, Keep, Skip], 3);
        assert_eq!(verdicts(&done), [Kept, Kept, Skipped]);
        let numbers: Vec<usize> = script.asked.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2, 3, 2, 1, 2, 3]);
    }

    #[test]
    fn there_is_nothing_before_the_first() {
        let (done, script) = run([Back, Keep], 1);
        assert_eq!(verdicts(&done), [Kept]);
        assert_eq!(script.refusals.len(), 1);
    }

    #[test]
    fn the_rest_is_kept_unasked_and_what_was_answered_stays() {
        let (done, script) = run([Skip, KeepRest], 5);
        assert_eq!(verdicts(&done), [Skipped, Kept, Kept, Kept, Kept]);
        assert_eq!(script.asked.len(), 2);
    }

    #[test]
    fn stopping_leaves_the_rest_not_reviewed() {
        let (done, script) = run([Keep, Skip, Stop], 5);
        assert_eq!(verdicts(&done), [Kept, Skipped, NotReviewed, NotReviewed, NotReviewed]);
        assert_eq!(script.asked.len(), 3);
    }

    #[test]
    fn stopping_after_going_back_leaves_those_gone_back_over_not_reviewed() {
        let (done, _) = run([Keep, Keep, Back, Back, Stop], 3);
        assert_eq!(verdicts(&done), [NotReviewed, NotReviewed, NotReviewed]);
    }

    #[test]
    fn an_edit_is_shown_again_and_a_bad_one_refused() {
        let edited = Case::new("L90F", "better");
        let bad = Case::new("", "no machine");
        let (done, script) = run([Edit(Box::new(bad)), Edit(Box::new(edited)), Keep], 1);
        assert_eq!(done, [("better".to_owned(), Kept)]);
        assert_eq!(script.asked[2], (1, "better".to_owned()));
        assert_eq!(script.refusals, ["`equipment` is empty"]);
    }

    #[test]
    fn numbers_and_order_hold_beyond_what_can_be_gone_back_over() {
        let cases = MAX_BACK as u64 * 2 + 7;
        let (done, script) = run((0..cases).map(|_| Keep), cases);
        assert_eq!(done.len() as u64, cases);
        assert!((1..).zip(&done).all(|(number, (symptom, _))| *symptom == format!("s{number}")));
        assert_eq!(script.asked.last().unwrap().0 as u64, cases);
    }

    #[test]
    fn a_field_is_changed_as_it_is_shown() {
        let case = Case::new("L90F", "slow").with_codes("P0087, E360(2)");
        assert_eq!(field_text(&case, "error_codes"), "P0087; E360(2)");
        let case = with_field(&case, "error_codes", "SPN 157 FMI 18 ; P0088;").unwrap();
        assert_eq!(case.error_codes, ["SPN 157 FMI 18", "P0088"]);
        let case = with_field(&case, "hours", "4120.5").unwrap();
        assert_eq!((case.hours, field_text(&case, "hours").as_str()), (Some(4120.5), "4120.5"));
        assert_eq!(with_field(&case, "hours", "").unwrap().hours, None);
        let fault = |field, text| with_field(&case, field, text).unwrap_err().to_string();
        assert_eq!(fault("hours", "many"), "`hours` must be a number, found a string");
        assert_eq!(fault("symptom", " "), "`symptom` is empty");
        assert_eq!(fault("system", "kitchen"), "`system` is \"kitchen\", which is not a system");
    }

    #[test]
    fn every_editable_field_survives_being_shown_and_set() {
        let mut case = Case::new("L90F", "slow").with_codes("P0087");
        case.diagnostic_steps = vec!["look".into(), "listen".into()];
        case.probable_cause = Some("filter".into());
        case.solution = Some("replace".into());
        case.hours = Some(12.0);
        case.system = crate::system::System::from_word("fuel");
        for field in EDITABLE {
            assert_eq!(with_field(&case, field, &field_text(&case, field)).unwrap(), case, "{field}");
        }
    }
}
