//! HTTP service for Gearhead diagnoses, with a page for technicians.
//!
//! One thread owns the engine. It diagnoses, and writes texts, for several clients at once. The number of requests under way is bounded, and one that finds no place is told so at once; a client that leaves gives
//! its place back. The crate refuses to know how an engine is loaded.
//!
//! In reading order: [`Settings`]; [`Keys`] and [`Origins`], which say who may ask; [`Store`], which keeps feedback and
//! history; [`ChatTemplate`]; [`router`] and [`serve`]. The routes are those of `openapi.json`, which the service shows
//! under `/docs`.

mod address;
mod batch;
mod body;
mod cases;
mod codes;
mod diagnose;
mod error;
mod failure;
mod feedback;
mod health;
mod history;
mod keys;
mod knowledge;
mod listener;
mod metrics;
mod openai;
mod origin;
mod paced;
mod page;
mod queue;
mod routes;
mod settings;
mod store;
mod texts;
mod worker;

use std::{sync::Arc, thread};

use gearhead_data::{knowledge::KnowledgeBase, reading::Reader, tokenizer::Tokenizer};
use gearhead_infer::Diagnose;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
};

pub use error::{Error, Result};
pub use keys::Keys;
pub use openai::ChatTemplate;
pub use origin::Origins;
pub use routes::router;
pub use settings::Settings;
pub use store::Store;

use metrics::Metrics;
use queue::{Pace, Queue};
use worker::Worker;

/// Whole files that may be in memory at once.
const UPLOADS: usize = 4;

/// What the routes share.
struct App {
    settings: Settings,
    queue: Queue,
    uploads: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    model: Model,
}

/// What is known of the engine without asking its thread.
struct Model {
    name: String,
    is_diagnostic: bool,
    max_tokens: usize,
    tokenizer: Tokenizer,
    knowledge: Arc<KnowledgeBase>,
    reader: Reader,
}

impl App {
    /// Gives an engine a thread of its own.
    fn start(engine: Box<dyn Diagnose + Send>, settings: Settings) -> Result<Arc<Self>> {
        let model = Model {
            name: engine.name().to_owned(),
            is_diagnostic: engine.manifest().is_some(),
            max_tokens: settings.max_tokens.min(engine.max_seq_len()),
            tokenizer: engine.tokenizer().clone(),
            knowledge: Arc::clone(engine.knowledge()),
            reader: Reader::new(engine.knowledge()),
        };
        let metrics = Arc::new(Metrics::new(settings.queue));
        let pace = Arc::new(Pace::default());
        let worker = Worker {
            texts_at_once: settings.texts_at_once,
            max_tokens: model.max_tokens,
            metrics: Arc::clone(&metrics),
            pace: Arc::clone(&pace),
        };
        let (sender, work) = mpsc::unbounded_channel();
        thread::Builder::new()
            .name("gearhead-engine".to_owned())
            .spawn(move || worker.run(engine.as_ref(), work))?;
        let queue = Queue::new(settings.queue, sender, settings.answer_time, pace);
        let uploads = Arc::new(Semaphore::new(UPLOADS));
        Ok(Arc::new(Self { settings, queue, uploads, metrics, model }))
    }
}

/// Answers requests until `stop` comes, then finishes those that are under way.
///
/// # Errors
///
/// The operating system gives no thread.
pub async fn serve(
    listener: TcpListener,
    engine: Box<dyn Diagnose + Send>,
    settings: Settings,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let limits = listener::Limits {
        connections: settings.connections,
        request_time: settings.request_time,
        stop_time: settings.answer_time,
    };
    listener::run(listener, router(engine, settings)?, &limits, stop).await;
    Ok(())
}
