//! Diagnoses that are made together.
//!
//! A case passes four stages: it is read, its causes are ranked, its text is written, and the report is made. Reading and
//! making reports need no network: threads do that for some cases while the network is at others. Ranking hands the
//! network hundreds of tokens of one case and is worth no company, but each token of a text is a pass over the weights by
//! itself: these are written together, one token or what is forced of every text in a pass, and a text that comes later
//! joins. Prompts are read and causes ranked one case after the other, so that no bit of a probability depends on which
//! other cases are there.

use std::{
    collections::{HashMap, VecDeque},
    sync::mpsc,
};

use gearhead_data::case::Case;
use gearhead_kernels::Kernels;

use super::{
    Engine, Finding, Scored, Stage,
    read_case::{RankedCase, ReadCase},
    stage::Parts,
};
use crate::{
    batch::Batcher,
    decode::{Continuation, Prefix},
    error::Result,
    fault::contained,
    report::{Report, Written},
};

/// A report, and what speaks for each cause that the case's machine can have.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Diagnosed {
    /// The report.
    pub report: Report,
    /// What speaks for each cause, in the order of the manifest.
    pub scored: Vec<Scored>,
}

/// Diagnoses that are made together: see [`Diagnose::diagnoses`](super::Diagnose::diagnoses).
///
/// Each report is the one that its case gets alone, but for what rounding decides of a text; probabilities are the same bit
/// by bit.
pub trait Diagnoses {
    /// Asks for the diagnosis of a case of which some tests were done; returns its number, counted from 0.
    fn submit(&mut self, case: Case, findings: Vec<Finding>) -> usize;

    /// Stops a diagnosis: its place is free from the next step on.
    fn cancel(&mut self, number: usize);

    /// Takes each diagnosis that has a place a step on, and says how far it has come. Returns those that are done: a case that
    /// is not valid or does not fit the model has an error, and so has one on which the program fails.
    fn step(&mut self, on_stage: &mut dyn FnMut(usize, Stage)) -> Vec<(usize, Result<Diagnosed>)>;

    /// Whether nothing is left to do.
    fn is_idle(&self) -> bool;
}

/// The only diagnosis of several that are made together.
pub(super) fn only(
    diagnoses: &mut dyn Diagnoses,
    case: &Case,
    findings: &[Finding],
    on_stage: &mut dyn FnMut(Stage),
) -> Result<Diagnosed> {
    diagnoses.submit(case.clone(), findings.to_vec());
    loop {
        if let Some((_, diagnosed)) = diagnoses.step(&mut |_, stage| on_stage(stage)).pop() {
            return diagnosed;
        }
    }
}

/// The diagnoses of an engine.
pub(super) struct EngineDiagnoses<'a, B: Kernels> {
    engine: &'a Engine<B>,
    batcher: Batcher<'a, B>,
    at_once: usize,
    submitted: usize,
    asked: VecDeque<Asked>,
    read: VecDeque<(usize, ReadCase<'a>)>,
    /// By the numbers that the batcher gave their texts.
    writing: HashMap<usize, Writing<'a>>,
    written: Vec<Writing<'a>>,
}

/// A case that nothing was done for.
struct Asked {
    number: usize,
    case: Case,
    findings: Vec<Finding>,
}

/// A case whose text is written, or was.
struct Writing<'a> {
    number: usize,
    ranked: RankedCase<'a>,
    parts: Parts<'a>,
    is_of_card: bool,
    /// `None` where the report has no text.
    text: Option<Continuation>,
}

type Done = Vec<(usize, Result<Diagnosed>)>;

impl<'a, B: Kernels> EngineDiagnoses<'a, B> {
    pub(super) fn new(engine: &'a Engine<B>, at_once: usize) -> Self {
        let at_once = at_once.max(1);
        Self {
            engine,
            batcher: Batcher::new(&engine.predictor, at_once, engine.background.max_seq_len),
            at_once,
            submitted: 0,
            asked: VecDeque::new(),
            read: VecDeque::new(),
            writing: HashMap::new(),
            written: Vec::new(),
        }
    }

    /// Ranks the causes of one case, if a place is free for its text, and writes the next tokens of all texts.
    fn run_network(&mut self, on_stage: &mut dyn FnMut(usize, Stage)) -> Done {
        let mut failed = Done::new();
        if self.writing.len() < self.at_once
            && let Some((number, read)) = self.read.pop_front()
            && let Err(error) = contained(|| self.rank(number, read, on_stage))
        {
            failed.push((number, Err(error)));
        }
        let Self { batcher, writing, written, .. } = self;
        let ended = batcher.step(&mut |text, token| {
            if let Some(writing) = writing.get_mut(&text) {
                writing.add(token.id, on_stage);
            }
        });
        for (text, continuation) in ended {
            let Some(mut writing) = writing.remove(&text) else { continue };
            match continuation {
                Ok(text) => {
                    writing.text = Some(text);
                    written.push(writing);
                }
                Err(error) => failed.push((writing.number, Err(error))),
            }
        }
        failed
    }

    /// Ranks the causes of a case and asks for its text.
    fn rank(
        &mut self,
        number: usize,
        read: ReadCase<'a>,
        on_stage: &mut dyn FnMut(usize, Stage),
    ) -> Result<()> {
        let (prefix, scored) = read.weigh(&self.engine.predictor)?;
        let parts = Parts::new(read.diagnosis.markers, &read.background.tokenizer);
        let ranked = read.ranked(scored)?;
        let writing = Writing { number, ranked, parts, is_of_card: false, text: None };
        // Nothing of the text would be shown.
        if writing.ranked.read.is_declined() {
            self.written.push(writing);
            return Ok(());
        }
        on_stage(number, writing.ranked.stage());
        self.begin(prefix, writing, on_stage)
    }

    fn begin(
        &mut self,
        prefix: Prefix<B>,
        mut writing: Writing<'a>,
        on_stage: &mut dyn FnMut(usize, Stage),
    ) -> Result<()> {
        let task = writing.ranked.task();
        writing.is_of_card = task.is_of_card;
        let constraint = self.engine.grammars()?.lark(task.grammar)?;
        let begun = writing.ranked.begun().to_vec();
        let text = self.batcher.submit_constrained(prefix, &begun, constraint)?;
        for id in begun {
            writing.add(id, on_stage);
        }
        self.writing.insert(text, writing);
        Ok(())
    }
}

impl<B: Kernels> Diagnoses for EngineDiagnoses<'_, B> {
    fn submit(&mut self, case: Case, findings: Vec<Finding>) -> usize {
        let number = self.submitted;
        self.asked.push_back(Asked { number, case, findings });
        self.submitted += 1;
        number
    }

    fn cancel(&mut self, number: usize) {
        self.asked.retain(|asked| asked.number != number);
        self.read.retain(|(read, _)| *read != number);
        self.written.retain(|written| written.number != number);
        for (text, _) in self.writing.extract_if(|_, writing| writing.number == number) {
            self.batcher.cancel(text);
        }
    }

    fn step(&mut self, on_stage: &mut dyn FnMut(usize, Stage)) -> Done {
        // As many as threads can read by the time that the network has ranked the next.
        let ahead = rayon::current_num_threads().saturating_sub(self.read.len());
        let asked: Vec<_> = self.asked.drain(..ahead.min(self.asked.len())).collect();
        let written = std::mem::take(&mut self.written);
        let background = &self.engine.background;
        // The receivers outlive all that is sent.
        let (reads, read) = mpsc::channel();
        let (judges, judged) = mpsc::channel();
        let mut done = rayon::in_place_scope(|scope| {
            for Asked { number, case, findings } in asked {
                let reads = reads.clone();
                scope.spawn(move |_| {
                    let read = contained(|| ReadCase::new(background, case, findings));
                    let _ = reads.send((number, read));
                });
            }
            for writing in written {
                let judges = judges.clone();
                scope.spawn(move |_| {
                    let number = writing.number;
                    let _ = judges.send((number, contained(|| writing.judged())));
                });
            }
            self.run_network(on_stage)
        });
        done.extend(judged.try_iter());
        let mut ready = Vec::new();
        for (number, read) in read.try_iter() {
            match read {
                Ok(case) => ready.push((number, case)),
                Err(error) => done.push((number, Err(error))),
            }
        }
        // In the order in which they were asked for, whichever thread was the first.
        ready.sort_unstable_by_key(|(number, _)| *number);
        for (number, case) in ready {
            let told = contained(|| {
                on_stage(number, case.stage());
                Ok(())
            });
            match told {
                Ok(()) => self.read.push_back((number, case)),
                Err(error) => done.push((number, Err(error))),
            }
        }
        done.sort_unstable_by_key(|(number, _)| *number);
        done
    }

    fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.read.is_empty() && self.writing.is_empty() && self.written.is_empty()
    }
}

impl Writing<'_> {
    /// Says what one more token adds.
    fn add(&mut self, id: u32, on_stage: &mut dyn FnMut(usize, Stage)) {
        if let Some(stage) = self.parts.push(id) {
            on_stage(self.number, stage);
        }
    }

    fn judged(self) -> Result<Diagnosed> {
        let written = match self.text {
            None => Written::default(),
            Some(Continuation { ids, finish_reason }) => {
                let read = &self.ranked.read;
                let ids = [self.ranked.begun(), &ids].concat();
                let written = read.background.sections(read.diagnosis, &ids, finish_reason)?;
                Written { is_of_card: self.is_of_card, ..written }
            }
        };
        Ok(self.ranked.judged(written))
    }
}
