//! The way to the engine: a bounded number of requests under way, and what each waits for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use gearhead_data::case::Case;
use gearhead_infer::{
    Error, Report,
    batch::Token,
    decode::Continuation,
    engine::{Finding, Order, Stage},
};
use tokio::sync::{
    AcquireError, OwnedSemaphorePermit, Semaphore,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
};

use crate::failure::Failure;

/// A case that waits for the engine. Nobody listens any more where the receiver is gone.
#[derive(Debug)]
pub(crate) struct DiagnosisWork {
    pub(crate) case: Case,
    pub(crate) findings: Vec<Finding>,
    pub(crate) told: Told,
    pub(crate) asked: Instant,
    pub(crate) events: UnboundedSender<DiagnosisEvent>,
}

/// What a client wants to know of a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// The report.
    Report,
    /// Every stage on the way, and the report.
    Stages,
}

#[derive(Debug)]
pub(crate) enum DiagnosisEvent {
    Stage(Stage),
    Done(Box<Result<Report, Error>>),
}

/// A text that waits for the engine.
#[derive(Debug)]
pub(crate) struct TextWork {
    pub(crate) order: Order,
    pub(crate) asked: Instant,
    pub(crate) events: UnboundedSender<TextEvent>,
}

#[derive(Debug)]
pub(crate) enum TextEvent {
    Token(Token),
    Done(Result<Continuation, Error>),
}

#[derive(Debug)]
pub(crate) enum Work {
    Diagnosis(Box<DiagnosisWork>),
    Text(TextWork),
}

/// What a request waits for. Its place in the queue is free when this is dropped, as it is when a client leaves.
#[derive(Debug)]
pub(crate) struct Ticket<E> {
    pub(crate) events: UnboundedReceiver<E>,
    _place: Arc<OwnedSemaphorePermit>,
    until: tokio::time::Instant,
    answer_time: Duration,
}

impl<E> Ticket<E> {
    /// What comes next.
    ///
    /// # Errors
    ///
    /// The time for the answer is over, or the engine failed.
    pub(crate) async fn next(&mut self) -> Result<E, Failure> {
        match tokio::time::timeout_at(self.until, self.events.recv()).await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => Err(Failure::internal()),
            Err(_) => Err(Failure::too_slow(self.answer_time.as_secs())),
        }
    }
}

/// The places, and the channel to the engine's thread.
#[derive(Debug)]
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    size: usize,
    work: UnboundedSender<Work>,
    answer_time: Duration,
    pace: Arc<Pace>,
}

/// How long the engine has lately taken for a request.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    micros: AtomicU64,
}

impl Pace {
    /// A running mean, in which a request counts for an eighth.
    pub(crate) fn observe(&self, time: Duration) {
        let new = time.as_micros() as u64;
        let old = self.micros.load(Ordering::Relaxed);
        let mean = if old == 0 { new } else { old - old / 8 + new / 8 };
        self.micros.store(mean, Ordering::Relaxed);
    }
}

impl Queue {
    pub(crate) fn new(
        size: usize,
        work: UnboundedSender<Work>,
        answer_time: Duration,
        pace: Arc<Pace>,
    ) -> Self {
        Self { places: Arc::new(Semaphore::new(size)), size, work, answer_time, pace }
    }

    /// Whether the engine's thread still runs.
    pub(crate) fn is_running(&self) -> bool {
        !self.work.is_closed()
    }

    /// Requests under way or waiting.
    pub(crate) fn len(&self) -> usize {
        self.size - self.places.available_permits()
    }

    /// When a place should be free again, at the pace at which requests were lately answered.
    pub(crate) fn retry_after_s(&self) -> u64 {
        let micros = self.pace.micros.load(Ordering::Relaxed) * self.len() as u64;
        micros.div_ceil(1_000_000).clamp(1, 60)
    }

    /// A place, if one is free.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| Failure::busy(self.retry_after_s()))
    }

    /// A place, as soon as one is free.
    pub(crate) async fn wait_for_place(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.places).acquire_owned().await
    }

    pub(crate) fn diagnose(
        &self,
        place: OwnedSemaphorePermit,
        case: Case,
        findings: Vec<Finding>,
        told: Told,
    ) -> Result<Ticket<DiagnosisEvent>, Failure> {
        self.send(Arc::new(place), |asked, events| {
            Work::Diagnosis(Box::new(DiagnosisWork { case, findings, told, asked, events }))
        })
    }

    /// Asks for a text. Several texts of one request share its place.
    pub(crate) fn write(
        &self,
        place: Arc<OwnedSemaphorePermit>,
        order: Order,
    ) -> Result<Ticket<TextEvent>, Failure> {
        self.send(place, |asked, events| Work::Text(TextWork { order, asked, events }))
    }

    fn send<E>(
        &self,
        place: Arc<OwnedSemaphorePermit>,
        work: impl FnOnce(Instant, UnboundedSender<E>) -> Work,
    ) -> Result<Ticket<E>, Failure> {
        let (sender, events) = mpsc::unbounded_channel();
        self.work.send(work(Instant::now(), sender)).map_err(|_| Failure::stopped())?;
        let until = tokio::time::Instant::now() + self.answer_time;
        Ok(Ticket { events, _place: place, until, answer_time: self.answer_time })
    }
}
