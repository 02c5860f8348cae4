//! The shape of a model, and its `config.json`.

use std::path::Path;

use gearhead_kernels::Heads;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The shape of a Llama-family decoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Token ids are below this. It comes from the tokenizer or from `config.json`, never from a training's configuration.
    #[serde(skip)]
    pub vocab_size: usize,
    /// Features of the residual stream.
    pub d_model: usize,
    /// Layers.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Features of a head; `d_model / n_heads` where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d_head: Option<usize>,
    /// Features inside the feed-forward layer.
    pub d_ff: usize,
    /// The longest sequence.
    pub max_seq_len: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f64,
    /// Whether the output layer is the embedding.
    pub tie_embeddings: bool,
    /// Id of the token that begins a text, if the model has one.
    #[serde(skip)]
    pub bos_id: Option<u32>,
    /// Ids of the tokens that end a text.
    #[serde(skip)]
    pub eos_ids: Vec<u32>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self::new(2048)
    }
}

impl ModelConfig {
    /// A small model of the given vocabulary; change what should differ.
    pub fn new(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            d_model: 256,
            n_layers: 4,
            n_heads: 4,
            n_kv_heads: 2,
            d_head: None,
            d_ff: 704,
            max_seq_len: 512,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-5,
            tie_embeddings: true,
            bos_id: None,
            eos_ids: Vec::new(),
        }
    }

    /// How the heads of a layer are laid out.
    pub fn heads(&self) -> Heads {
        Heads { n_heads: self.n_heads, n_kv_heads: self.n_kv_heads, d_head: self.d_head() }
    }

    /// Features of a head.
    pub fn d_head(&self) -> usize {
        self.d_head.unwrap_or(self.d_model / self.n_heads.max(1))
    }

    /// Numbers that are learned.
    pub fn parameter_count(&self) -> usize {
        let (d, head) = (self.d_model, self.d_head());
        let attention = 2 * d * self.n_heads * head + 2 * d * self.n_kv_heads * head;
        let layer = attention + 3 * d * self.d_ff + 2 * d;
        let embeddings = self.vocab_size * d * if self.tie_embeddings { 1 } else { 2 };
        embeddings + self.n_layers * layer + d
    }

    /// Inverse frequencies of the rotary embedding, one for each feature pair of a head.
    pub fn inverse_frequencies(&self) -> Vec<f32> {
        let d_head = self.d_head();
        (0..d_head / 2)
            .map(|pair| self.rope_theta.powf(-((2 * pair) as f64) / d_head as f64) as f32)
            .collect()
    }

    /// Checks that the sizes fit each other.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] names the field.
    pub fn validate(&self) -> Result<()> {
        let fault =
            |field, value, reason: &str| Err(Error::Config { field, value, reason: reason.to_owned() });
        for (field, value) in [
            ("vocab_size", self.vocab_size),
            ("d_model", self.d_model),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("n_kv_heads", self.n_kv_heads),
            ("d_ff", self.d_ff),
            ("max_seq_len", self.max_seq_len),
        ] {
            if value == 0 || value > 1 << 24 {
                return fault(field, value, "but must be from 1 to 16777216");
            }
        }
        if self.d_head.is_none() && !self.d_model.is_multiple_of(self.n_heads) {
            return fault(
                "d_model",
                self.d_model,
                &format!("which n_heads = {} does not divide", self.n_heads),
            );
        }
        if !self.n_heads.is_multiple_of(self.n_kv_heads) {
            return fault(
                "n_kv_heads",
                self.n_kv_heads,
                &format!("which does not divide n_heads = {}", self.n_heads),
            );
        }
        let d_head = self.d_head();
        if d_head == 0 || d_head > 1 << 16 || !d_head.is_multiple_of(2) {
            return fault(
                "d_head",
                d_head,
                "but rotary embedding needs an even number of features, at most 65536",
            );
        }
        for (field, value) in [("rope_theta", self.rope_theta), ("rms_norm_eps", self.rms_norm_eps)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::ConfigNumber { field, value });
            }
        }
        // Every product of two sizes stays far below the limit of a machine word.
        if self.parameter_count() > 1 << 40 {
            return fault(
                "d_model",
                self.d_model,
                "which with the other sizes makes more than a trillion parameters",
            );
        }
        Ok(())
    }

    /// Reads the text of a Hugging Face `config.json`; `path` is what error messages call it.
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
        json!({
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": false,
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
            "mlp_bias": false,
            "model_type": "llama",
            "num_attention_heads": self.n_heads,
            "num_hidden_layers": self.n_layers,
            "num_key_value_heads": self.n_kv_heads,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_scaling": null,
            "rope_theta": self.rope_theta,
            "tie_word_embeddings": self.tie_embeddings,
            "torch_dtype": dtype,
            "vocab_size": self.vocab_size,
        })
    }
}

/// `config.json` as transformers writes it, before and after version 5 (which moved the rotary parameters into an
/// object of their own).
#[derive(Deserialize)]
struct HfConfig {
    #[serde(default)]
    architectures: Vec<String>,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: usize,
    rms_norm_eps: f64,
    rope_theta: Option<f64>,
    rope_parameters: Option<HfRope>,
    rope_scaling: Option<HfRope>,
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
    #[serde(alias = "type")]
    rope_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl HfConfig {
    fn into_config(self, path: &Path) -> Result<ModelConfig> {
        let unsupported = |what: String| Err(Error::Unsupported { path: path.to_owned(), what });
        if self.architectures.iter().all(|name| name != "LlamaForCausalLM") {
            return unsupported(format!(
                "the architecture {:?} (only LlamaForCausalLM is)",
                self.architectures
            ));
        }
        for rope in [&self.rope_parameters, &self.rope_scaling].into_iter().flatten() {
            if let Some(kind) = rope.rope_type.as_deref().filter(|kind| *kind != "default") {
                return unsupported(format!("the rotary scaling {kind:?}"));
            }
        }
        if let Some(act) = self.hidden_act.as_deref().filter(|act| !matches!(*act, "silu" | "swish")) {
            return unsupported(format!("the activation {act:?}"));
        }
        if self.attention_bias || self.mlp_bias {
            return unsupported("a bias in linear layers".into());
        }
        let rope_theta = self.rope_parameters.and_then(|rope| rope.rope_theta).or(self.rope_theta);
        let config = ModelConfig {
            vocab_size: self.vocab_size,
            d_model: self.hidden_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            n_kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            d_head: self
                .head_dim
                .filter(|head| head.checked_mul(self.num_attention_heads) != Some(self.hidden_size)),
            d_ff: self.intermediate_size,
            max_seq_len: self.max_position_embeddings,
            rope_theta: rope_theta.unwrap_or(10_000.0),
            rms_norm_eps: self.rms_norm_eps,
            tie_embeddings: self.tie_word_embeddings,
            bos_id: self.bos_token_id,
            eos_ids: match self.eos_token_id {
                None => Vec::new(),
                Some(OneOrMany::One(id)) => vec![id],
                Some(OneOrMany::Many(ids)) => ids,
            },
        };
        config.validate()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_and_reading_is_the_identity() {
        let config = ModelConfig {
            d_head: Some(48),
            rope_theta: 5e5,
            bos_id: Some(1),
            eos_ids: vec![2, 7],
            ..ModelConfig::new(321)
        };
        let text = config.to_hf_json("float32").to_string();
        assert_eq!(ModelConfig::from_hf_json(text.as_bytes(), Path::new("config.json")).unwrap(), config);
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        let refused = |change: fn(&mut Value)| {
            let mut json = ModelConfig::new(300).to_hf_json("float32");
            change(&mut json);
            ModelConfig::from_hf_json(json.to_string().as_bytes(), Path::new("config.json"))
                .unwrap_err()
                .to_string()
        };
        assert!(
            refused(|json| json["architectures"] = json!(["GPT2LMHeadModel"])).contains("GPT2LMHeadModel")
        );
        assert!(refused(|json| json["rope_scaling"] = json!({"rope_type": "yarn"})).contains("yarn"));
        assert!(refused(|json| json["attention_bias"] = json!(true)).contains("bias"));
        assert!(refused(|json| json["num_key_value_heads"] = json!(3)).contains("n_kv_heads"));
        assert!(refused(|json| json["vocab_size"] = json!(0)).contains("vocab_size"));
        assert!(
            refused(|json| drop(json.as_object_mut().unwrap().remove("vocab_size"))).contains("vocab_size")
        );
    }

    #[test]
    fn impossible_sizes_are_named() {
        let config = ModelConfig { d_model: 250, ..ModelConfig::new(300) };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "model.d_model is 250, which n_heads = 4 does not divide"
        );
    }
}
