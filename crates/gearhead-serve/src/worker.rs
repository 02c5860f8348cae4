//! The thread that owns the engine. It takes all diagnoses that are under way a step on, or all texts: where there are
//! both, they get equal time, so that neither waits long for the other.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gearhead_infer::Diagnose;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    cases::Cases,
    metrics::Metrics,
    queue::{Pace, Work},
    texts::Texts,
};

/// What the thread works with beside the engine.
pub(crate) struct Worker {
    pub(crate) texts_at_once: usize,
    pub(crate) max_tokens: usize,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pace: Arc<Pace>,
}

impl Worker {
    /// Works until nobody can ask any more.
    pub(crate) fn run(&self, engine: &dyn Diagnose, mut work: UnboundedReceiver<Work>) {
        let mut cases = Cases::new(engine, self.texts_at_once, Arc::clone(&self.metrics));
        let mut texts = Texts::new(engine, self.texts_at_once, self.max_tokens, Arc::clone(&self.metrics));
        // Time that texts are to get before the next step of cases, and time since the last answer.
        let (mut owed, mut worked) = (Duration::ZERO, Duration::ZERO);
        loop {
            let mut next = if cases.is_idle() && texts.is_idle() {
                let Some(next) = work.blocking_recv() else { return };
                Some(next)
            } else {
                work.try_recv().ok()
            };
            while let Some(new) = next {
                match new {
                    Work::Diagnosis(case) => cases.begin(*case),
                    Work::Text(text) => texts.begin(text),
                }
                next = work.try_recv().ok();
            }
            let begun = Instant::now();
            let answered = if !cases.is_idle() && (owed.is_zero() || texts.is_idle()) {
                let answered = cases.step();
                owed = begun.elapsed();
                answered
            } else {
                let answered = texts.step();
                owed = owed.saturating_sub(begun.elapsed());
                answered
            };
            worked += begun.elapsed();
            if answered > 0 {
                self.pace.observe(worked / answered as u32);
                worked = Duration::ZERO;
            }
        }
    }
}
