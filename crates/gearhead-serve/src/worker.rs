//! The thread that owns the engine. A case is one piece of work, a text many small ones: where both wait, they get equal
//! time, so that neither waits long for the other.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use gearhead_infer::{
    Diagnose,
    engine::{Stage, Writer},
};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    metrics::{Answer, Metrics},
    queue::{DiagnosisEvent, DiagnosisWork, Pace, TextEvent, TextWork, Told, Work},
};

/// What the thread works with beside the engine.
pub(crate) struct Worker {
    pub(crate) texts_at_once: usize,
    pub(crate) max_tokens: usize,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pace: Arc<Pace>,
}

/// A text that is being written.
struct Running {
    work: TextWork,
    begun: Instant,
    has_token: bool,
}

/// The texts that are being written, by the number that the writer gave them.
#[derive(Default)]
struct Texts<'a> {
    // Made when the first text comes: who only diagnoses needs no memory for it.
    writer: Option<Box<dyn Writer + 'a>>,
    running: HashMap<usize, Running>,
}

impl Worker {
    /// Works until nobody can ask any more.
    pub(crate) fn run(&self, engine: &dyn Diagnose, mut work: UnboundedReceiver<Work>) {
        let (mut cases, mut texts) = (VecDeque::new(), Texts::default());
        // Time that texts are to get before the next case.
        let mut owed = Duration::ZERO;
        loop {
            let mut next = if cases.is_empty() && texts.running.is_empty() {
                let Some(next) = work.blocking_recv() else { return };
                Some(next)
            } else {
                work.try_recv().ok()
            };
            while let Some(new) = next {
                match new {
                    Work::Diagnosis(case) => cases.push_back(case),
                    Work::Text(text) => self.begin(engine, &mut texts, text),
                }
                next = work.try_recv().ok();
            }
            let begun = Instant::now();
            if let Some(case) = cases.pop_front_if(|_| owed.is_zero() || texts.running.is_empty()) {
                self.diagnose(engine, &case);
                owed = begun.elapsed();
            } else if !texts.running.is_empty() {
                self.step(&mut texts);
                owed = owed.saturating_sub(begun.elapsed());
            }
        }
    }

    fn diagnose(&self, engine: &dyn Diagnose, work: &DiagnosisWork) {
        let DiagnosisWork { case, findings, told, asked, events } = work;
        if events.is_closed() {
            tracing::debug!("a client left before its case was begun");
            return;
        }
        let begun = Instant::now();
        let mut has_text = false;
        let mut on_stage = |stage: Stage| {
            if !has_text && matches!(stage, Stage::Wrote { .. }) {
                has_text = true;
                self.metrics.first_token(Answer::Diagnosis, asked.elapsed());
            }
            if *told == Told::Stages {
                // A client that has left is noticed with the next case.
                let _ = events.send(DiagnosisEvent::Stage(stage));
            }
        };
        // A fault of the program must not take the service away from everyone else.
        let report =
            catch_unwind(AssertUnwindSafe(|| engine.diagnose_observed(case, findings, &mut on_stage)));
        self.pace.observe(begun.elapsed());
        self.metrics.answered(Answer::Diagnosis, asked.elapsed());
        if let Ok(report) = report {
            let _ = events.send(DiagnosisEvent::Done(Box::new(report)));
        }
    }

    fn begin<'a>(&self, engine: &'a dyn Diagnose, texts: &mut Texts<'a>, work: TextWork) {
        if work.events.is_closed() {
            return;
        }
        let writer = texts.writer.get_or_insert_with(|| engine.writer(self.texts_at_once, self.max_tokens));
        // Which schemas the grammar's compiler can take is not ours to know.
        let number = catch_unwind(AssertUnwindSafe(|| writer.submit(&work.order)));
        match number {
            Ok(Ok(number)) => {
                self.metrics.read_tokens(work.order.prompt.len());
                texts.running.insert(number, Running { work, begun: Instant::now(), has_token: false });
            }
            Ok(Err(error)) => _ = work.events.send(TextEvent::Done(Err(error))),
            Err(_) => {}
        }
    }

    fn step(&self, texts: &mut Texts<'_>) {
        let Texts { writer: Some(writer), running } = texts else { return };
        running.retain(|number, text| {
            let is_wanted = !text.work.events.is_closed();
            if !is_wanted {
                writer.cancel(*number);
            }
            is_wanted
        });
        let (begun, mut written) = (Instant::now(), 0);
        let done = catch_unwind(AssertUnwindSafe(|| {
            writer.step(&mut |number, token| {
                let Some(text) = running.get_mut(&number) else { return };
                written += 1;
                if !text.has_token {
                    text.has_token = true;
                    self.metrics.first_token(Answer::Text, text.work.asked.elapsed());
                }
                let _ = text.work.events.send(TextEvent::Token(token));
            })
        }));
        self.metrics.wrote_tokens(written, begun.elapsed());
        self.metrics.cache(writer.cache_use());
        let Ok(done) = done else {
            // The writer may be in any state. The texts end; the next one gets a new writer.
            *texts = Texts::default();
            return;
        };
        for (number, text) in done {
            let Some(running) = running.remove(&number) else { continue };
            self.pace.observe(running.begun.elapsed());
            self.metrics.answered(Answer::Text, running.work.asked.elapsed());
            let _ = running.work.events.send(TextEvent::Done(text));
        }
    }
}
