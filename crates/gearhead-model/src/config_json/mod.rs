//! The shape of a model as Hugging Face's `config.json`.

use std::path::Path;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::{
    config::{Family, ModelConfig, RopeScaling},
    error::{Error, Result},
};

/// What transformers takes for the window of attention where a configuration leaves it out.
const DEFAULT_WINDOW: usize = 4096;
/// What transformers takes for the width of Qwen3's heads where a configuration leaves it out.
const DEFAULT_QWEN3_HEAD: usize = 128;

impl Family {
    /// The name of the class in transformers.
    fn architecture(self) -> &'static str {
        match self {
            Self::Llama { .. } => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 { .. } => "Qwen3ForCausalLM",
        }
    }

    fn model_type(self) -> &'static str {
        match self {
            Self::Llama { .. } => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 { .. } => "qwen3",
        }
    }

    /// The fields of `config.json` that only this family has.
    fn own_fields(self) -> Value {
        match self {
            Self::Llama { attention_bias } => json!({"attention_bias": attention_bias, "mlp_bias": false}),
            // The longest sequence is no longer than the window.
            Self::Mistral => json!({"sliding_window": null}),
            Self::Qwen2 => json!({"use_sliding_window": false}),
            Self::Qwen3 { attention_bias } => {
                json!({"attention_bias": attention_bias, "use_sliding_window": false})
            }
        }
    }
}

impl RopeScaling {
    fn to_hf_json(self) -> Value {
        match self {
            Self::Linear { factor } => json!({"factor": factor, "rope_type": "linear"}),
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_seq_len } => json!({
                "factor": factor,
                "high_freq_factor": high_freq_factor,
                "low_freq_factor": low_freq_factor,
                "original_max_position_embeddings": original_max_seq_len,
                "rope_type": "llama3",
            }),
        }
    }
}

impl ModelConfig {
    /// Reads the text of a Hugging Face `config.json` of Llama, Mistral, Qwen2 or Qwen3; `path` is what error messages
    /// call it. A model whose attention slides is opened for sequences of at most its window, within which that is full
    /// attention.
    ///
    /// # Errors
    ///
    /// The text is not such a configuration, or asks for what this version cannot compute.
    pub fn from_hf_json(text: &[u8], path: &Path) -> Result<Self> {
        let hf: HfConfig = serde_json::from_slice(text)
            .map_err(|error| Error::Json { path: path.to_owned(), reason: error.to_string() })?;
        hf.into_config(path)
    }

    /// The configuration as a Hugging Face `config.json`; `dtype` is that of the weights, such as `float16`.
    pub fn to_hf_json(&self, dtype: &str) -> Value {
        let mut json = json!({
            "architectures": [self.family.architecture()],
            "attention_dropout": 0.0,
            "bos_token_id": self.bos_id,
            "eos_token_id": match self.eos_ids.as_slice() {
                [] => Value::Null,
                [only] => json!(only),
                several => json!(several),
            },
            "head_dim": self.d_head(),
            "hidden_act": "silu",
            "hidden_size": self.d_model,
            "initializer_range": 0.02,
            "intermediate_size": self.d_ff,
            "max_position_embeddings": self.max_seq_len,
            "model_type": self.family.model_type(),
            "num_attention_heads": self.n_heads,
            "num_hidden_layers": self.n_layers,
            "num_key_value_heads": self.n_kv_heads,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_scaling": self.rope_scaling.map(RopeScaling::to_hf_json),
            "rope_theta": self.rope_theta,
            "tie_word_embeddings": self.tie_embeddings,
            "torch_dtype": dtype,
            "vocab_size": self.vocab_size,
        });
        if let (Value::Object(json), Value::Object(own)) = (&mut json, self.family.own_fields()) {
            json.extend(own);
        }
        json
    }
}

/// `config.json` as transformers writes it, before and after version 5 (which moved the rotary parameters into an
/// object of their own).
#[derive(Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "the file has them")]
struct HfConfig {
    #[serde(default)]
    architectures: Vec<String>,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    #[serde(default)]
    head_dim: Field<usize>,
    max_position_embeddings: usize,
    #[serde(default)]
    sliding_window: Field<usize>,
    #[serde(default)]
    use_sliding_window: bool,
    rms_norm_eps: f64,
    rope_theta: Option<f64>,
    rope_parameters: Option<HfRope>,
    rope_scaling: Option<HfRope>,
    original_max_position_embeddings: Option<usize>,
    partial_rotary_factor: Option<f64>,
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
    bos_token_id: Option<u32>,
    eos_token_id: Option<OneOrMany>,
}

#[derive(Deserialize)]
struct HfRope {
    rope_theta: Option<f64>,
    rope_type: Option<String>,
    /// The older name of `rope_type`; some files have both.
    r#type: Option<String>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
    partial_rotary_factor: Option<f64>,
}

/// A field that means one thing where it is null and another where it is left out.
#[derive(Default)]
enum Field<T> {
    #[default]
    Absent,
    Present(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Present)
    }
}

impl<T> Field<T> {
    /// Its value, or `absent` where it is left out.
    fn or(self, absent: Option<T>) -> Option<T> {
        match self {
            Self::Absent => absent,
            Self::Present(value) => value,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl HfConfig {
    fn into_config(self, path: &Path) -> Result<ModelConfig> {
        let family = self.family(path)?;
        let rope_scaling = self.rope_scaling(path)?;
        let rope_theta = self.ropes().find_map(|rope| rope.rope_theta).or(self.rope_theta);
        let unsupported = |what: String| Err(Error::Unsupported { path: path.to_owned(), what });
        if let Some(act) = self.hidden_act.as_deref().filter(|act| !matches!(*act, "silu" | "swish")) {
            return unsupported(format!("the activation {act:?}"));
        }
        if self.mlp_bias {
            return unsupported("a bias in the feed-forward layers".into());
        }
        if self.turned_parts().any(|part| (part - 1.0).abs() > f64::EPSILON) {
            return unsupported("rotary embedding of a part of each head".into());
        }
        let window = match family {
            Family::Llama { .. } => None,
            Family::Mistral => self.sliding_window.or(Some(DEFAULT_WINDOW)),
            Family::Qwen2 | Family::Qwen3 { .. } => {
                self.sliding_window.or(Some(DEFAULT_WINDOW)).filter(|_| self.use_sliding_window)
            }
        };
        let default_head = matches!(family, Family::Qwen3 { .. }).then_some(DEFAULT_QWEN3_HEAD);
        let config = ModelConfig {
            vocab_size: self.vocab_size,
            d_model: self.hidden_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            n_kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            d_head: self
                .head_dim
                .or(default_head)
                .filter(|head| head.checked_mul(self.num_attention_heads) != Some(self.hidden_size)),
            d_ff: self.intermediate_size,
            max_seq_len: window.unwrap_or(usize::MAX).min(self.max_position_embeddings),
            rope_theta: rope_theta.unwrap_or(10_000.0),
            rms_norm_eps: self.rms_norm_eps,
            tie_embeddings: self.tie_word_embeddings,
            bos_id: self.bos_token_id,
            eos_ids: match self.eos_token_id {
                None => Vec::new(),
                Some(OneOrMany::One(id)) => vec![id],
                Some(OneOrMany::Many(ids)) => ids,
            },
            family,
            rope_scaling,
        };
        config.validate()?;
        Ok(config)
    }

    fn family(&self, path: &Path) -> Result<Family> {
        let attention_bias = self.attention_bias;
        let known = [
            Family::Llama { attention_bias },
            Family::Mistral,
            Family::Qwen2,
            Family::Qwen3 { attention_bias },
        ];
        let is_named = |family: &Family| self.architectures.iter().any(|name| name == family.architecture());
        known.into_iter().find(is_named).ok_or_else(|| {
            let known = known.map(Family::architecture).join(", ");
            let what = format!("the architecture {:?} (only {known} are)", self.architectures);
            Error::Unsupported { path: path.to_owned(), what }
        })
    }

    /// The objects that hold rotary parameters: that of version 5, and that of version 4.
    fn ropes(&self) -> impl Iterator<Item = &HfRope> {
        [&self.rope_parameters, &self.rope_scaling].into_iter().flatten()
    }

    /// How much of each head is turned, wherever that is said.
    fn turned_parts(&self) -> impl Iterator<Item = f64> {
        self.ropes().filter_map(|rope| rope.partial_rotary_factor).chain(self.partial_rotary_factor)
    }

    fn rope_scaling(&self, path: &Path) -> Result<Option<RopeScaling>> {
        let scaled = self.ropes().find_map(|rope| {
            let kind = rope.rope_type.as_deref().or(rope.r#type.as_deref());
            kind.filter(|kind| *kind != "default").map(|kind| (kind, rope))
        });
        let Some((kind, rope)) = scaled else { return Ok(None) };
        let fault = |reason: String| Error::Json { path: path.to_owned(), reason };
        let number = |name: &str, value: Option<f64>| {
            value.ok_or_else(|| fault(format!("the rotary scaling {kind:?} has no `{name}`")))
        };
        match kind {
            "linear" => Ok(Some(RopeScaling::Linear { factor: number("factor", rope.factor)? })),
            "llama3" => {
                let low_freq_factor = number("low_freq_factor", rope.low_freq_factor)?;
                let high_freq_factor = number("high_freq_factor", rope.high_freq_factor)?;
                if high_freq_factor <= low_freq_factor {
                    return Err(fault(format!(
                        "`high_freq_factor` is {high_freq_factor}, but must be above `low_freq_factor`, \
                         {low_freq_factor}"
                    )));
                }
                let original = rope.original_max_position_embeddings;
                Ok(Some(RopeScaling::Llama3 {
                    factor: number("factor", rope.factor)?,
                    low_freq_factor,
                    high_freq_factor,
                    original_max_seq_len: original
                        .or(self.original_max_position_embeddings)
                        .unwrap_or(self.max_position_embeddings),
                }))
            }
            other => Err(Error::Unsupported {
                path: path.to_owned(),
                what: format!("the rotary scaling {other:?} (only \"linear\" and \"llama3\" are)"),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
