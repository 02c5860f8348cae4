//! Diagnoses that are under way for clients.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use gearhead_infer::{
    Diagnose,
    engine::{Diagnoses, Stage},
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    metrics::{Answer, Metrics},
    queue::{DiagnosisEvent, DiagnosisWork, Told},
};

pub(crate) struct Cases<'a> {
    engine: &'a dyn Diagnose,
    at_once: usize,
    metrics: Arc<Metrics>,
    // Made when the first case comes: who only writes texts needs no memory for it.
    diagnoses: Option<Box<dyn Diagnoses + 'a>>,
    /// By the number that the engine gave them.
    running: HashMap<usize, Running>,
}

/// A client that waits for a diagnosis.
struct Running {
    told: Told,
    asked: Instant,
    events: UnboundedSender<DiagnosisEvent>,
    has_text: bool,
}

impl<'a> Cases<'a> {
    pub(crate) fn new(engine: &'a dyn Diagnose, at_once: usize, metrics: Arc<Metrics>) -> Self {
        Self { engine, at_once, metrics, diagnoses: None, running: HashMap::new() }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    pub(crate) fn begin(&mut self, work: DiagnosisWork) {
        let DiagnosisWork { case, findings, told, asked, events } = work;
        if events.is_closed() {
            tracing::debug!("a client left before its case was begun");
            return;
        }
        let diagnoses = self.diagnoses.get_or_insert_with(|| self.engine.diagnoses(self.at_once));
        let number = diagnoses.submit(case, findings);
        self.running.insert(number, Running { told, asked, events, has_text: false });
    }

    /// Takes all a step on; returns how many were answered.
    pub(crate) fn step(&mut self) -> usize {
        let Self { diagnoses: Some(diagnoses), running, metrics, .. } = self else { return 0 };
        running.retain(|number, case| {
            let is_wanted = !case.events.is_closed();
            if !is_wanted {
                diagnoses.cancel(*number);
            }
            is_wanted
        });
        let done = catch_unwind(AssertUnwindSafe(|| {
            diagnoses.step(&mut |number, stage| {
                if let Some(case) = running.get_mut(&number) {
                    case.tell(stage, metrics);
                }
            })
        }));
        let Ok(done) = done else {
            // The engine may be in any state. The cases end; the next one gets new room.
            self.diagnoses = None;
            self.running.clear();
            return 0;
        };
        let answered = done.len();
        for (number, diagnosed) in done {
            let Some(Running { asked, events, .. }) = running.remove(&number) else { continue };
            metrics.answered(Answer::Diagnosis, asked.elapsed());
            let report = diagnosed.map(|diagnosed| diagnosed.report);
            let _ = events.send(DiagnosisEvent::Done(Box::new(report)));
        }
        answered
    }
}

impl Running {
    fn tell(&mut self, stage: Stage, metrics: &Metrics) {
        if !self.has_text && matches!(stage, Stage::Wrote { .. }) {
            self.has_text = true;
            metrics.first_token(Answer::Diagnosis, self.asked.elapsed());
        }
        if self.told == Told::Stages {
            // A client that has left is noticed before the next step.
            let _ = self.events.send(DiagnosisEvent::Stage(stage));
        }
    }
}
