//! What clients ask for, checked.

use std::hash::{BuildHasher, RandomState};

use gearhead_data::tokenizer::Tokenizer;
use gearhead_infer::{engine::Order, sampling::Sampling};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{prompt::Message, unsupported};
use crate::failure::Failure;

/// Texts of one request at most, all prompts together.
const MAX_TEXTS: usize = 16;
/// Alternatives of a token at most, as OpenAI has it.
const MAX_TOP_LOG_PROBS: usize = 20;
/// Strings that end a text at most.
const MAX_STOPS: usize = 16;

/// Fields that both kinds of requests have.
#[derive(Debug, Deserialize)]
struct Shared {
    model: Option<String>,
    max_tokens: Option<usize>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    top_k: Option<usize>,
    min_p: Option<f32>,
    seed: Option<i64>,
    stop: Option<OneOrMany<String>>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
    n: Option<usize>,
    response_format: Option<ResponseFormat>,
    frequency_penalty: Option<f32>,
    presence_penalty: Option<f32>,
    logit_bias: Option<serde_json::Map<String, Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema { json_schema: NamedSchema },
}

#[derive(Debug, Deserialize)]
struct NamedSchema {
    schema: Value,
}

/// The body of `/v1/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct CompletionRequest {
    #[serde(flatten)]
    shared: Shared,
    prompt: Prompt,
    logprobs: Option<usize>,
    #[serde(default)]
    echo: bool,
    suffix: Option<String>,
    best_of: Option<usize>,
}

/// One prompt or several, as text or as tokens.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Ids(Vec<u32>),
    Texts(Vec<String>),
    ManyIds(Vec<Vec<u32>>),
}

/// The body of `/v1/chat/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatRequest {
    #[serde(flatten)]
    shared: Shared,
    messages: Vec<RawMessage>,
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    logprobs: bool,
    top_logprobs: Option<usize>,
    tools: Option<Vec<Value>>,
    functions: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
struct RawMessage {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    r#type: String,
    text: Option<String>,
}

/// What is asked for, within its limits.
#[derive(Debug)]
pub(crate) struct Options {
    pub(super) model: Option<String>,
    max_new_tokens: Option<usize>,
    sampling: Sampling,
    pub(super) stops: Vec<String>,
    pub(super) is_streamed: bool,
    pub(super) wants_usage: bool,
    pub(super) n: usize,
    pub(super) top_log_probs: Option<usize>,
    json_schema: Option<Value>,
}

impl Options {
    fn new(
        shared: &Shared,
        max_new_tokens: Option<usize>,
        top_log_probs: Option<usize>,
    ) -> Result<Self, Failure> {
        for (name, penalty) in
            [("frequency_penalty", shared.frequency_penalty), ("presence_penalty", shared.presence_penalty)]
        {
            if penalty.is_some_and(|penalty| penalty != 0.0) {
                return Err(unsupported(format!("`{name}` is not supported: leave it out or at 0")));
            }
        }
        if shared.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty()) {
            return Err(unsupported("`logit_bias` is not supported"));
        }
        let n = shared.n.unwrap_or(1);
        if !(1..=MAX_TEXTS).contains(&n) {
            return Err(Failure::bad_request(format!("`n` is {n}, but must be from 1 to {MAX_TEXTS}")));
        }
        if top_log_probs.is_some_and(|top| top > MAX_TOP_LOG_PROBS) {
            let message = format!("at most {MAX_TOP_LOG_PROBS} alternatives of a token are told");
            return Err(Failure::bad_request(message));
        }
        let stops = match shared.stop.clone() {
            None => Vec::new(),
            Some(OneOrMany::One(stop)) => vec![stop],
            Some(OneOrMany::Many(stops)) => stops,
        };
        if stops.len() > MAX_STOPS || stops.iter().any(String::is_empty) {
            let message = format!("`stop` is at most {MAX_STOPS} strings, none of them empty");
            return Err(Failure::bad_request(message));
        }
        let mut sampling = Sampling::greedy();
        sampling.temperature = shared.temperature.unwrap_or(1.0);
        sampling.top_p = shared.top_p.unwrap_or(1.0);
        sampling.top_k = shared.top_k.unwrap_or(0);
        sampling.min_p = shared.min_p.unwrap_or(0.0);
        // Without a seed each text is another one.
        sampling.seed = shared.seed.map_or_else(|| RandomState::new().hash_one(()), |seed| seed as u64);
        sampling.validate().map_err(|error| Failure::bad_request(error.to_string()))?;
        let wants_usage = shared.stream_options.as_ref().is_some_and(|options| options.include_usage);
        Ok(Self {
            model: shared.model.clone(),
            max_new_tokens,
            sampling,
            stops,
            is_streamed: shared.stream,
            wants_usage,
            n,
            top_log_probs,
            json_schema: shared.response_format.as_ref().and_then(schema),
        })
    }

    /// What the engine is asked for; each choice draws with a seed of its own.
    pub(super) fn order(&self, prompt: Vec<u32>, choice: usize, max_tokens: usize) -> Order {
        let mut sampling = self.sampling.clone();
        sampling.seed = sampling.seed.wrapping_add(choice as u64);
        Order {
            prompt,
            max_new_tokens: self.max_new_tokens.unwrap_or(max_tokens),
            sampling,
            top_log_probs: self.top_log_probs,
            json_schema: self.json_schema.clone(),
        }
    }
}

/// The schema that a format asks for. White space between its tokens is left out unless the schema says otherwise: a
/// small model can go on with blanks for ever.
fn schema(format: &ResponseFormat) -> Option<Value> {
    let mut schema = match format {
        ResponseFormat::Text => return None,
        ResponseFormat::JsonObject => json!({"type": "object"}),
        ResponseFormat::JsonSchema { json_schema } => json_schema.schema.clone(),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.entry("x-guidance").or_insert_with(|| json!({"whitespace_flexible": false}));
    }
    Some(schema)
}

impl CompletionRequest {
    pub(super) fn options(&self) -> Result<Options, Failure> {
        if self.echo || self.suffix.is_some() {
            return Err(unsupported("`echo` and `suffix` are not supported"));
        }
        if self.best_of.is_some_and(|best_of| best_of != self.shared.n.unwrap_or(1)) {
            return Err(unsupported("`best_of` is not supported: ask for `n` texts"));
        }
        // OpenAI's own default.
        Options::new(&self.shared, Some(self.shared.max_tokens.unwrap_or(16)), self.logprobs)
    }

    /// The prompts that are text.
    pub(super) fn texts(&self) -> Vec<&str> {
        match &self.prompt {
            Prompt::Text(text) => vec![text],
            Prompt::Texts(texts) => texts.iter().map(String::as_str).collect(),
            Prompt::Ids(_) | Prompt::ManyIds(_) => Vec::new(),
        }
    }

    pub(super) fn prompts(&self, tokenizer: &Tokenizer) -> Result<Vec<Vec<u32>>, Failure> {
        let encode = |text: &String| {
            tokenizer.encode(text).map_err(|error| Failure::bad_request(format!("`prompt`: {error}")))
        };
        let prompts = match &self.prompt {
            Prompt::Text(text) => vec![encode(text)?],
            Prompt::Ids(ids) => vec![ids.clone()],
            Prompt::Texts(texts) => texts.iter().map(encode).collect::<Result<_, _>>()?,
            Prompt::ManyIds(prompts) => prompts.clone(),
        };
        if prompts.is_empty() || prompts.len() * self.shared.n.unwrap_or(1) > MAX_TEXTS {
            return Err(Failure::bad_request(format!("a request asks for 1 to {MAX_TEXTS} texts")));
        }
        Ok(prompts)
    }
}

impl ChatRequest {
    pub(super) fn options(&self) -> Result<Options, Failure> {
        if [&self.tools, &self.functions].into_iter().flatten().any(|tools| !tools.is_empty()) {
            return Err(unsupported("`tools` are not supported"));
        }
        if self.top_logprobs.is_some() && !self.logprobs {
            return Err(Failure::bad_request("`top_logprobs` needs `logprobs`"));
        }
        let top = self.logprobs.then(|| self.top_logprobs.unwrap_or(0));
        Options::new(&self.shared, self.max_completion_tokens.or(self.shared.max_tokens), top)
    }

    /// The conversation, with the text of each message.
    pub(super) fn messages(&self) -> Result<Vec<Message>, Failure> {
        if self.messages.is_empty() {
            return Err(Failure::bad_request("`messages` is empty"));
        }
        self.messages.iter().map(RawMessage::text).collect()
    }
}

impl RawMessage {
    fn text(&self) -> Result<Message, Failure> {
        let content = match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                if let Some(part) = parts.iter().find(|part| part.r#type != "text") {
                    return Err(unsupported(format!("a part of type `{}` is not supported", part.r#type)));
                }
                parts.iter().filter_map(|part| part.text.as_deref()).collect()
            }
        };
        Ok(Message { role: self.role.clone(), content })
    }
}
