//! Answers as OpenAI's service words them.

use std::{
    hash::{BuildHasher, RandomState},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};

use super::choice::{Finish, LogProbs, Spelling};

/// What all parts of an answer share.
#[derive(Debug)]
pub(super) struct Form {
    number: u64,
    created: u64,
    model: String,
    wants_usage: bool,
    prompt_tokens: usize,
}

/// One of the two interfaces.
pub(super) trait Shape: 'static {
    const PREFIX: &'static str;
    const WHOLE: &'static str;
    const CHUNK: &'static str;

    /// A whole text.
    fn choice(index: usize, text: &str, log_probs: Option<&[LogProbs]>, finish: Option<Finish>) -> Value;

    /// What begins a stream, if anything does.
    fn begin(index: usize) -> Option<Value>;

    /// More text.
    fn delta(index: usize, text: &str, log_probs: Option<&[LogProbs]>, finish: Option<Finish>) -> Value;
}

pub(super) struct Chat;
pub(super) struct Completion;

impl Form {
    pub(super) fn new(model: &str, wants_usage: bool, prompt_tokens: usize) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            number: RandomState::new().hash_one(()),
            created: now.map_or(0, |now| now.as_secs()),
            model: model.to_owned(),
            wants_usage,
            prompt_tokens,
        }
    }

    fn object<S: Shape>(&self, kind: &str, choices: &[Value]) -> Value {
        json!({
            "id": format!("{}-{:016x}", S::PREFIX, self.number),
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }

    pub(super) fn whole<S: Shape>(&self, choices: &[Value], n_tokens: usize) -> Value {
        let mut whole = self.object::<S>(S::WHOLE, choices);
        whole["usage"] = self.usage(n_tokens);
        whole
    }

    pub(super) fn chunk<S: Shape>(&self, choice: Value) -> Value {
        let mut chunk = self.object::<S>(S::CHUNK, &[choice]);
        if self.wants_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    /// What ends a stream, where it is asked for.
    pub(super) fn last<S: Shape>(&self, n_tokens: usize) -> Option<Value> {
        self.wants_usage.then(|| {
            let mut last = self.object::<S>(S::CHUNK, &[]);
            last["usage"] = self.usage(n_tokens);
            last
        })
    }

    fn usage(&self, n_tokens: usize) -> Value {
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": n_tokens,
            "total_tokens": self.prompt_tokens + n_tokens,
        })
    }
}

impl Finish {
    fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Declined => "content_filter",
        }
    }
}

impl Shape for Chat {
    const PREFIX: &'static str = "chatcmpl";
    const WHOLE: &'static str = "chat.completion";
    const CHUNK: &'static str = "chat.completion.chunk";

    fn choice(index: usize, text: &str, log_probs: Option<&[LogProbs]>, finish: Option<Finish>) -> Value {
        json!({
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": null},
            "logprobs": chat_log_probs(log_probs),
            "finish_reason": finish.map(Finish::word),
        })
    }

    fn begin(index: usize) -> Option<Value> {
        let delta = json!({"role": "assistant", "content": ""});
        Some(json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": null}))
    }

    fn delta(index: usize, text: &str, log_probs: Option<&[LogProbs]>, finish: Option<Finish>) -> Value {
        let delta = if text.is_empty() { json!({}) } else { json!({"content": text}) };
        json!({
            "index": index,
            "delta": delta,
            "logprobs": chat_log_probs(log_probs),
            "finish_reason": finish.map(Finish::word),
        })
    }
}

fn chat_log_probs(log_probs: Option<&[LogProbs]>) -> Value {
    let Some(log_probs) = log_probs else { return Value::Null };
    let entry = |spelling: &Spelling, log_prob: f32| json!({"token": spelling.text, "logprob": log_prob, "bytes": spelling.bytes});
    let token = |it: &LogProbs| {
        let mut token = entry(&it.token, it.log_prob);
        token["top_logprobs"] =
            it.top.iter().map(|(spelling, log_prob)| entry(spelling, *log_prob)).collect();
        token
    };
    json!({"content": log_probs.iter().map(token).collect::<Vec<_>>(), "refusal": null})
}

impl Shape for Completion {
    const PREFIX: &'static str = "cmpl";
    const WHOLE: &'static str = "text_completion";
    const CHUNK: &'static str = "text_completion";

    fn choice(index: usize, text: &str, log_probs: Option<&[LogProbs]>, finish: Option<Finish>) -> Value {
        json!({
            "index": index,
            "text": text,
            "logprobs": completion_log_probs(log_probs),
            "finish_reason": finish.map(Finish::word),
        })
    }

    fn begin(_: usize) -> Option<Value> {
        None
    }

    fn delta(index: usize, text: &str, log_probs: Option<&[LogProbs]>, finish: Option<Finish>) -> Value {
        Self::choice(index, text, log_probs, finish)
    }
}

fn completion_log_probs(log_probs: Option<&[LogProbs]>) -> Value {
    let Some(log_probs) = log_probs else { return Value::Null };
    let mut offset = 0;
    let offsets = log_probs.iter().map(|it| {
        let at = offset;
        offset += it.token.text.chars().count();
        at
    });
    let top = |it: &LogProbs| -> Map<String, Value> {
        it.top.iter().map(|(spelling, log_prob)| (spelling.text.clone(), json!(log_prob))).collect()
    };
    json!({
        "text_offset": offsets.collect::<Vec<_>>(),
        "tokens": log_probs.iter().map(|it| it.token.text.as_str()).collect::<Vec<_>>(),
        "token_logprobs": log_probs.iter().map(|it| it.log_prob).collect::<Vec<_>>(),
        "top_logprobs": log_probs.iter().map(top).collect::<Vec<_>>(),
    })
}
