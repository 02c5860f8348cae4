//! What a service is set up with.

use std::time::Duration;

use crate::{keys::Keys, openai::ChatTemplate, origin::Origins, store::Store};

/// How a service answers, and whom. [`Settings::default`] suits one machine: no keys, nothing kept.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Requests that may be under way or wait for the engine; what comes beyond is answered 429.
    pub queue: usize,
    /// Texts that are written at once, and as many diagnoses beside them; more wait for a place.
    pub texts_at_once: usize,
    /// The most tokens of a text with its prompt, where the model can take more.
    pub max_tokens: usize,
    /// The largest body of a single request.
    pub max_body_bytes: usize,
    /// The largest file of cases, or log of a machine's bus.
    pub max_upload_bytes: usize,
    /// Connections at once; more wait until one closes.
    pub connections: usize,
    /// How long a client may take to send a request.
    pub request_time: Duration,
    /// How long an answer may take. A stop waits no longer than that for what is under way.
    pub answer_time: Duration,
    /// The keys of which a request must have one; `None` lets everyone in.
    pub keys: Option<Keys>,
    /// Which pages of other sites may ask, and under which names the service may be asked.
    pub origins: Origins,
    /// Where feedback and history are kept.
    pub store: Option<Store>,
    /// Whether diagnoses are kept in the store.
    pub keeps_history: bool,
    /// Whether the text of requests is logged.
    pub logs_text: bool,
    /// How a conversation becomes a prompt, where the model says so.
    pub chat_template: Option<ChatTemplate>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue: 64,
            texts_at_once: 8,
            max_tokens: 4096,
            max_body_bytes: 1 << 20,
            max_upload_bytes: 32 << 20,
            connections: 512,
            request_time: Duration::from_secs(30),
            answer_time: Duration::from_mins(2),
            keys: None,
            origins: Origins::default(),
            store: None,
            keeps_history: true,
            logs_text: false,
            chat_template: None,
        }
    }
}
