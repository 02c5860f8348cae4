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
mod tests {
    use super::*;

    fn read(json: &Value) -> Result<ModelConfig> {
        ModelConfig::from_hf_json(json.to_string().as_bytes(), Path::new("config.json"))
    }

    const LLAMA_3: RopeScaling = RopeScaling::Llama3 {
        factor: 32.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_seq_len: 8192,
    };

    #[test]
    fn writing_and_reading_is_the_identity() {
        let families = [
            Family::Llama { attention_bias: false },
            Family::Llama { attention_bias: true },
            Family::Mistral,
            Family::Qwen2,
            Family::Qwen3 { attention_bias: false },
            Family::Qwen3 { attention_bias: true },
        ];
        for family in families {
            for rope_scaling in [None, Some(RopeScaling::Linear { factor: 2.5 }), Some(LLAMA_3)] {
                let config = ModelConfig {
                    d_head: Some(48),
                    rope_theta: 5e5,
                    bos_id: Some(1),
                    eos_ids: vec![2, 7],
                    family,
                    rope_scaling,
                    ..ModelConfig::new(321)
                };
                assert_eq!(read(&config.to_hf_json("float32")).unwrap(), config);
            }
        }
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        let refused = |change: fn(&mut Value)| {
            let mut json = ModelConfig::new(300).to_hf_json("float32");
            change(&mut json);
            read(&json).unwrap_err().to_string()
        };
        assert_eq!(
            refused(|json| json["architectures"] = json!(["GPT2LMHeadModel"])),
            "config.json: the architecture [\"GPT2LMHeadModel\"] (only LlamaForCausalLM, MistralForCausalLM, \
             Qwen2ForCausalLM, Qwen3ForCausalLM are) is not supported"
        );
        assert_eq!(
            refused(|json| json["rope_scaling"] = json!({"rope_type": "yarn", "factor": 4.0})),
            "config.json: the rotary scaling \"yarn\" (only \"linear\" and \"llama3\" are) is not supported"
        );
        assert_eq!(
            refused(|json| json["rope_scaling"] = json!({"type": "linear"})),
            "config.json: the rotary scaling \"linear\" has no `factor`"
        );
        assert!(
            refused(|json| json["rope_scaling"] = json!({"type": "linear", "factor": -2.0}))
                .contains("rope_scaling.factor is -2")
        );
        let equal = |json: &mut Value| {
            json["rope_parameters"] = json!({
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 4.0
            });
        };
        assert!(refused(equal).contains("`high_freq_factor` is 4, but must be above `low_freq_factor`"));
        assert!(refused(|json| json["mlp_bias"] = json!(true)).contains("bias"));
        assert!(refused(|json| json["hidden_act"] = json!("gelu")).contains("gelu"));
        assert!(refused(|json| json["partial_rotary_factor"] = json!(0.5)).contains("a part of each head"));
        assert!(refused(|json| json["num_key_value_heads"] = json!(3)).contains("n_kv_heads"));
        assert!(refused(|json| json["vocab_size"] = json!(0)).contains("vocab_size"));
        assert!(
            refused(|json| drop(json.as_object_mut().unwrap().remove("vocab_size"))).contains("vocab_size")
        );
    }

    #[test]
    fn a_window_of_attention_bounds_the_sequence() {
        let with = |family, window: Value| {
            let config = ModelConfig { max_seq_len: 32768, family, ..ModelConfig::new(300) };
            let mut json = config.to_hf_json("float32");
            json.as_object_mut().unwrap().remove("sliding_window");
            json.as_object_mut().unwrap().extend(window.as_object().unwrap().clone());
            read(&json).unwrap().max_seq_len
        };
        assert_eq!(with(Family::Mistral, json!({"sliding_window": null})), 32768);
        assert_eq!(with(Family::Mistral, json!({"sliding_window": 1024})), 1024);
        assert_eq!(with(Family::Mistral, json!({})), 4096, "as transformers takes it");
        let qwen = Family::Qwen3 { attention_bias: false };
        for family in [Family::Qwen2, qwen] {
            assert_eq!(with(family, json!({"sliding_window": 1024, "use_sliding_window": false})), 32768);
            assert_eq!(with(family, json!({"sliding_window": 1024, "use_sliding_window": true})), 1024);
            assert_eq!(with(family, json!({"use_sliding_window": true})), 4096);
        }
        assert_eq!(with(Family::default(), json!({"sliding_window": 1024})), 32768, "Llama has no window");
    }

    /// The sizes of a model on the Hub, and what they must be read as.
    fn assert_reads(json: &Value, expected: &ModelConfig, parameters: usize) {
        let config = read(json).unwrap();
        assert_eq!(&config, expected);
        assert_eq!(config.parameter_count(), parameters, "as published");
        assert_eq!(read(&config.to_hf_json("bfloat16")).unwrap(), config);
    }

    #[test]
    fn llama_3_2_1b_is_read() {
        let json = json!({
            "architectures": ["LlamaForCausalLM"], "attention_bias": false, "bos_token_id": 128_000,
            "eos_token_id": [128_001, 128_008, 128_009], "head_dim": 64, "hidden_act": "silu",
            "hidden_size": 2048, "intermediate_size": 8192, "max_position_embeddings": 131_072,
            "mlp_bias": false, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16,
            "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-5,
            "rope_scaling": {
                "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                "original_max_position_embeddings": 8192, "rope_type": "llama3"
            },
            "rope_theta": 500_000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
            "vocab_size": 128_256
        });
        let expected = ModelConfig {
            d_model: 2048,
            n_layers: 16,
            n_heads: 32,
            n_kv_heads: 8,
            d_ff: 8192,
            max_seq_len: 131_072,
            rope_theta: 500_000.0,
            bos_id: Some(128_000),
            eos_ids: vec![128_001, 128_008, 128_009],
            rope_scaling: Some(LLAMA_3),
            ..ModelConfig::new(128_256)
        };
        assert_reads(&json, &expected, 1_235_814_400);
        // As version 5 writes it, and with the original length beside it.
        let mut five = json.clone();
        let mut rope = json["rope_scaling"].clone();
        rope["rope_theta"] = json!(500_000);
        rope.as_object_mut().unwrap().remove("original_max_position_embeddings");
        five.as_object_mut().unwrap().remove("rope_theta");
        five["rope_scaling"] = Value::Null;
        five["rope_parameters"] = rope;
        five["original_max_position_embeddings"] = json!(8192);
        five["dtype"] = json!("bfloat16");
        assert_eq!(read(&five).unwrap(), read(&json).unwrap());
    }

    #[test]
    fn qwen_2_5_half_b_is_read() {
        let json = json!({
            "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151_643,
            "eos_token_id": 151_645, "hidden_act": "silu", "hidden_size": 896, "intermediate_size": 4864,
            "max_position_embeddings": 32768, "max_window_layers": 21, "model_type": "qwen2",
            "num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2,
            "rms_norm_eps": 1e-6, "rope_theta": 1_000_000.0, "sliding_window": 32768,
            "tie_word_embeddings": true, "torch_dtype": "bfloat16", "use_cache": true,
            "use_sliding_window": false, "vocab_size": 151_936
        });
        let expected = ModelConfig {
            d_model: 896,
            n_layers: 24,
            n_heads: 14,
            n_kv_heads: 2,
            d_ff: 4864,
            max_seq_len: 32768,
            rope_theta: 1e6,
            rms_norm_eps: 1e-6,
            bos_id: Some(151_643),
            eos_ids: vec![151_645],
            family: Family::Qwen2,
            ..ModelConfig::new(151_936)
        };
        assert_reads(&json, &expected, 494_032_768);
    }

    #[test]
    fn qwen_3_0_6b_is_read() {
        let mut json = json!({
            "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "bos_token_id": 151_643,
            "eos_token_id": 151_645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 1024,
            "intermediate_size": 3072, "max_position_embeddings": 40960, "max_window_layers": 28,
            "model_type": "qwen3", "num_attention_heads": 16, "num_hidden_layers": 28,
            "num_key_value_heads": 8, "rms_norm_eps": 1e-6, "rope_scaling": null, "rope_theta": 1_000_000,
            "sliding_window": null, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
            "use_sliding_window": false, "vocab_size": 151_936
        });
        let expected = ModelConfig {
            d_model: 1024,
            n_layers: 28,
            n_heads: 16,
            n_kv_heads: 8,
            d_head: Some(128),
            d_ff: 3072,
            max_seq_len: 40960,
            rope_theta: 1e6,
            rms_norm_eps: 1e-6,
            bos_id: Some(151_643),
            eos_ids: vec![151_645],
            family: Family::Qwen3 { attention_bias: false },
            ..ModelConfig::new(151_936)
        };
        assert_reads(&json, &expected, 596_049_920);
        json.as_object_mut().unwrap().remove("head_dim");
        assert_reads(&json, &expected, 596_049_920);
    }

    #[test]
    fn mistral_7b_is_read() {
        let json = json!({
            "architectures": ["MistralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1,
            "eos_token_id": 2, "head_dim": null, "hidden_act": "silu", "hidden_size": 4096,
            "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mistral",
            "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
            "rms_norm_eps": 1e-5, "rope_theta": 1_000_000.0, "sliding_window": null,
            "tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 32768
        });
        let expected = ModelConfig {
            d_model: 4096,
            n_layers: 32,
            n_heads: 32,
            n_kv_heads: 8,
            d_ff: 14336,
            max_seq_len: 32768,
            rope_theta: 1e6,
            tie_embeddings: false,
            bos_id: Some(1),
            eos_ids: vec![2],
            family: Family::Mistral,
            ..ModelConfig::new(32768)
        };
        assert_reads(&json, &expected, 7_248_023_552);
    }

    #[test]
    fn tiny_llama_is_read() {
        let json = json!({
            "architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
            "hidden_act": "silu", "hidden_size": 2048, "intermediate_size": 5632,
            "max_position_embeddings": 2048, "model_type": "llama", "num_attention_heads": 32,
            "num_hidden_layers": 22, "num_key_value_heads": 4, "rms_norm_eps": 1e-5, "rope_scaling": null,
            "tie_word_embeddings": false, "torch_dtype": "float32", "vocab_size": 32000
        });
        let expected = ModelConfig {
            d_model: 2048,
            n_layers: 22,
            n_heads: 32,
            n_kv_heads: 4,
            d_ff: 5632,
            max_seq_len: 2048,
            tie_embeddings: false,
            bos_id: Some(1),
            eos_ids: vec![2],
            ..ModelConfig::new(32000)
        };
        assert_reads(&json, &expected, 1_100_048_384);
    }

    #[test]
    fn smol_lm2_135m_is_read() {
        let json = json!({
            "architectures": ["LlamaForCausalLM"], "attention_bias": false, "bos_token_id": 0,
            "eos_token_id": 0, "hidden_act": "silu", "hidden_size": 576, "intermediate_size": 1536,
            "is_llama_config": true, "max_position_embeddings": 8192, "model_type": "llama",
            "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
            "rms_norm_eps": 1e-5, "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100_000,
            "tie_word_embeddings": true, "torch_dtype": "bfloat16", "vocab_size": 49152
        });
        let expected = ModelConfig {
            d_model: 576,
            n_layers: 30,
            n_heads: 9,
            n_kv_heads: 3,
            d_ff: 1536,
            max_seq_len: 8192,
            rope_theta: 1e5,
            bos_id: Some(0),
            eos_ids: vec![0],
            ..ModelConfig::new(49152)
        };
        assert_reads(&json, &expected, 134_515_008);
    }

    #[test]
    fn the_kind_of_scaling_may_have_both_of_its_names() {
        let mut json = ModelConfig::new(300).to_hf_json("float32");
        json["rope_scaling"] = json!({"type": "linear", "rope_type": "linear", "factor": 2});
        assert_eq!(read(&json).unwrap().rope_scaling, Some(RopeScaling::Linear { factor: 2.0 }));
        json["rope_scaling"] = json!({"type": "default"});
        assert_eq!(read(&json).unwrap().rope_scaling, None);
    }
}
