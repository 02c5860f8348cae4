//! Texts that are written for clients.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use gearhead_infer::{Diagnose, engine::Writer};

use crate::{
    metrics::{Answer, Metrics},
    queue::{TextEvent, TextWork},
};

pub(crate) struct Texts<'a> {
    engine: &'a dyn Diagnose,
    at_once: usize,
    max_tokens: usize,
    metrics: Arc<Metrics>,
    // Made when the first text comes: who only diagnoses needs no memory for it.
    writer: Option<Box<dyn Writer + 'a>>,
    /// By the number that the writer gave them.
    running: HashMap<usize, Running>,
}

/// A client that waits for a text.
struct Running {
    work: TextWork,
    has_token: bool,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(
        engine: &'a dyn Diagnose,
        at_once: usize,
        max_tokens: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { engine, at_once, max_tokens, metrics, writer: None, running: HashMap::new() }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    pub(crate) fn begin(&mut self, work: TextWork) {
        if work.events.is_closed() {
            return;
        }
        let writer = self.writer.get_or_insert_with(|| self.engine.writer(self.at_once, self.max_tokens));
        // Which schemas the grammar's compiler can take is not ours to know.
        let number = catch_unwind(AssertUnwindSafe(|| writer.submit(&work.order)));
        match number {
            Ok(Ok(number)) => {
                self.metrics.read_tokens(work.order.prompt.len());
                self.running.insert(number, Running { work, has_token: false });
            }
            Ok(Err(error)) => _ = work.events.send(TextEvent::Done(Err(error))),
            Err(_) => {}
        }
    }

    /// Writes the next token of all; returns how many are done.
    pub(crate) fn step(&mut self) -> usize {
        let Self { writer: Some(writer), running, metrics, .. } = self else { return 0 };
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
                    metrics.first_token(Answer::Text, text.work.asked.elapsed());
                }
                let _ = text.work.events.send(TextEvent::Token(token));
            })
        }));
        metrics.wrote_tokens(written, begun.elapsed());
        metrics.cache(writer.cache_use());
        let Ok(done) = done else {
            // The writer may be in any state. The texts end; the next one gets a new writer.
            self.writer = None;
            self.running.clear();
            return 0;
        };
        let answered = done.len();
        for (number, text) in done {
            let Some(Running { work, .. }) = running.remove(&number) else { continue };
            metrics.answered(Answer::Text, work.asked.elapsed());
            let _ = work.events.send(TextEvent::Done(text));
        }
        answered
    }
}
