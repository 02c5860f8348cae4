//! Reports of many cases in their order.

use std::collections::VecDeque;

use gearhead_data::case::Case;

use super::{Diagnose, Diagnosed, Diagnoses};
use crate::error::Result;

/// Diagnoses cases as they come from an iterator, the texts of so many at once. No more cases are asked for than twice
/// as many, so that a long file needs no more memory than a short one. What the iterator has in the place of a case that
/// cannot be read stands in the place of its report.
pub fn diagnose_many<I: Iterator<Item = Result<Case>>>(
    engine: &dyn Diagnose,
    at_once: usize,
    cases: I,
) -> Reports<'_, I> {
    let at_once = at_once.max(1);
    Reports { diagnoses: engine.diagnoses(at_once), cases, ahead: 2 * at_once, places: VecDeque::new() }
}

/// Reports in the order of their cases: see [`diagnose_many`].
pub struct Reports<'a, I> {
    diagnoses: Box<dyn Diagnoses + 'a>,
    cases: I,
    ahead: usize,
    /// The next reports.
    places: VecDeque<Place>,
}

/// Where a report belongs.
enum Place {
    /// It is being made, under this number.
    Open(usize),
    Taken(Box<Result<Diagnosed>>),
}

impl<I: Iterator<Item = Result<Case>>> Iterator for Reports<'_, I> {
    type Item = Result<Diagnosed>;

    fn next(&mut self) -> Option<Result<Diagnosed>> {
        loop {
            while self.places.len() < self.ahead
                && let Some(case) = self.cases.next()
            {
                self.places.push_back(match case {
                    Ok(case) => Place::Open(self.diagnoses.submit(case, Vec::new())),
                    Err(error) => Place::Taken(Box::new(Err(error))),
                });
            }
            match self.places.pop_front()? {
                Place::Taken(diagnosed) => return Some(*diagnosed),
                open @ Place::Open(_) => self.places.push_front(open),
            }
            for (number, diagnosed) in self.diagnoses.step(&mut |_, _| {}) {
                let is_its = |place: &&mut Place| matches!(place, Place::Open(open) if *open == number);
                if let Some(place) = self.places.iter_mut().find(is_its) {
                    *place = Place::Taken(Box::new(diagnosed));
                }
            }
        }
    }
}

impl<I> std::fmt::Debug for Reports<'_, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reports").field("places", &self.places.len()).finish_non_exhaustive()
    }
}
