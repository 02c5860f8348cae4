//! The shape of a model as metadata.

use super::{Gguf, Metadata};
use crate::{
    config::{Family, ModelConfig, RopeScaling},
    error::{Error, Result},
};

/// What Llama 3.1 and all models after it scale between; the file holds the factors that came of it and not the numbers.
const LLAMA_3_FREQ_FACTORS: (f64, f64) = (1.0, 4.0);
/// The length that Llama 3 first saw, where a file does not say it.
const LLAMA_3_SEQ_LEN: usize = 8192;
/// Factors that are further apart are other ones; the file has them in 32 bits.
const SAME_FACTOR: f64 = 1e-4;

/// What frequencies are divided by, one for each feature pair of a head.
pub(super) const ROPE_FACTORS: &str = "rope_freqs.weight";

/// Keys of the tokens that end a text.
const EOS_KEYS: [&str; 3] =
    ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];
const BOS_KEY: &str = "tokenizer.ggml.bos_token_id";

/// llama.cpp's name for a family, of which its `llama` is two.
fn architecture(family: Family) -> &'static str {
    match family {
        Family::Llama { .. } | Family::Mistral => "llama",
        Family::Qwen2 => "qwen2",
        Family::Qwen3 { .. } => "qwen3",
    }
}

/// Whether llama.cpp can compute the model; what is in its way, if not.
pub(super) fn obstacle(config: &ModelConfig) -> Option<&'static str> {
    match config.family {
        Family::Qwen2 if config.d_model != config.n_heads * config.d_head() => {
            Some("a Qwen2 in GGUF whose heads together are not as wide as the model")
        }
        Family::Qwen3 { attention_bias: true } => Some("a Qwen3 with biases in GGUF"),
        _ => None,
    }
}

/// Adds what says the shape.
pub(super) fn add(config: &ModelConfig, metadata: &mut Metadata) {
    let architecture = architecture(config.family);
    metadata.string("general.architecture", architecture);
    let key = |name: &str| format!("{architecture}.{name}");
    for (name, size) in [
        ("vocab_size", config.vocab_size),
        ("context_length", config.max_seq_len),
        ("embedding_length", config.d_model),
        ("block_count", config.n_layers),
        ("feed_forward_length", config.d_ff),
        ("attention.head_count", config.n_heads),
        ("attention.head_count_kv", config.n_kv_heads),
        ("attention.key_length", config.d_head()),
        ("attention.value_length", config.d_head()),
        ("rope.dimension_count", config.d_head()),
    ] {
        metadata.u32(&key(name), size as u32);
    }
    metadata.f32(&key("attention.layer_norm_rms_epsilon"), config.rms_norm_eps as f32);
    metadata.f32(&key("rope.freq_base"), config.rope_theta as f32);
    match config.rope_scaling {
        None => {}
        Some(RopeScaling::Linear { factor }) => {
            metadata.string(&key("rope.scaling.type"), "linear");
            metadata.f32(&key("rope.scaling.factor"), factor as f32);
        }
        Some(RopeScaling::Llama3 { original_max_seq_len, .. }) => {
            metadata.u32(&key("rope.scaling.original_context_length"), original_max_seq_len as u32);
        }
    }
    if let Some(id) = config.bos_id {
        metadata.u32(BOS_KEY, id);
    }
    for (key, id) in EOS_KEYS.into_iter().zip(&config.eos_ids) {
        metadata.u32(key, *id);
    }
}

/// What frequencies are divided by, where that is not one number.
pub(super) fn rope_factors(config: &ModelConfig) -> Option<Vec<f32>> {
    let scaling = config.rope_scaling.filter(|scaling| matches!(scaling, RopeScaling::Llama3 { .. }));
    scaling.map(|_| factors(config).map(|factor| factor as f32).collect())
}

/// How much lower each frequency is than it would be without scaling.
fn factors(config: &ModelConfig) -> impl Iterator<Item = f64> + use<> {
    let plain = ModelConfig { rope_scaling: None, ..config.clone() }.inverse_frequencies();
    plain
        .into_iter()
        .zip(config.inverse_frequencies())
        .map(|(plain, scaled)| f64::from(plain) / f64::from(scaled))
}

/// Reads what says the shape, and checks it.
///
/// # Errors
///
/// Something is missing, impossible, or not supported.
pub(super) fn read(gguf: &Gguf<'_>) -> Result<ModelConfig> {
    if gguf.size("split.count")?.is_some_and(|parts| parts > 1) {
        return Err(gguf.unsupported("a model in several GGUF files (llama-gguf-split --merge makes one)"));
    }
    let name = gguf.string("general.architecture")?.unwrap_or_default();
    let has_bias = |part: &str| gguf.tensor(&format!("blk.0.attn_{part}.bias")).is_some();
    let family = match name {
        // What has these biases alone is Qwen2 but for the order of the rows, which is another one.
        "llama" if has_bias("q") != has_bias("output") => {
            return Err(gguf.unsupported("a llama with biases on one side of attention only"));
        }
        "llama" => Family::Llama { attention_bias: has_bias("q") },
        "qwen2" => Family::Qwen2,
        "qwen3" => Family::Qwen3 { attention_bias: false },
        other => {
            let what = format!(
                "the architecture {other:?} (only llama, which is Mistral's too, qwen2 and qwen3 are)"
            );
            return Err(gguf.unsupported(what));
        }
    };
    let key = |part: &str| format!("{name}.{part}");
    let size = |part: &str| gguf.size(&key(part));
    let needed = |part: &str| size(part)?.ok_or_else(|| gguf.fault(format!("`{}` is missing", key(part))));
    if size("expert_count")?.is_some_and(|experts| experts > 0) {
        return Err(gguf.unsupported("a mixture of experts"));
    }
    let embedding = gguf.tensor("token_embd.weight");
    let vocab_size = embedding.and_then(|it| it.shape.first().copied());
    let vocab_size = vocab_size.ok_or_else(|| gguf.fault("the tensor `token_embd.weight` is missing"))?;
    let (d_model, n_heads) = (needed("embedding_length")?, needed("attention.head_count")?);
    let d_head = size("attention.key_length")?.unwrap_or(d_model / n_heads.max(1));
    for part in ["attention.value_length", "rope.dimension_count"] {
        if let Some(other) = size(part)?.filter(|other| *other != d_head) {
            let what = format!("`{}` = {other}, while heads have {d_head} features,", key(part));
            return Err(gguf.unsupported(what));
        }
    }
    // What follows makes a list of all weights, which a stranger's number must not make long.
    let (n_layers, tensors) = (needed("block_count")?, gguf.tensors().count());
    if n_layers > tensors {
        return Err(
            gguf.fault(format!("{n_layers} layers are announced, but there are only {tensors} tensors"))
        );
    }
    let window = size("attention.sliding_window")?.filter(|window| *window > 0).unwrap_or(usize::MAX);
    let eps = key("attention.layer_norm_rms_epsilon");
    let id = |key: &str| -> Result<Option<u32>> { Ok(gguf.size(key)?.and_then(|id| u32::try_from(id).ok())) };
    let mut eos_ids = Vec::new();
    for key in EOS_KEYS {
        eos_ids.extend(id(key)?.filter(|id| !eos_ids.contains(id)));
    }
    let mut config = ModelConfig {
        vocab_size,
        d_model,
        n_layers,
        n_heads,
        n_kv_heads: size("attention.head_count_kv")?.unwrap_or(n_heads),
        d_head: Some(d_head),
        d_ff: needed("feed_forward_length")?,
        max_seq_len: needed("context_length")?.min(window),
        rope_theta: gguf.float(&key("rope.freq_base"))?.unwrap_or(10_000.0),
        rms_norm_eps: gguf.float(&eps)?.ok_or_else(|| gguf.fault(format!("`{eps}` is missing")))?,
        tie_embeddings: gguf.tensor("output.weight").is_none(),
        bos_id: id(BOS_KEY)?,
        eos_ids,
        family,
        rope_scaling: None,
    };
    // Sizes first: the frequencies that scaling is compared with are computed from them.
    config.validate().map_err(|error| gguf.fault(error.to_string()))?;
    config.rope_scaling = rope_scaling(gguf, &config, key)?;
    config.validate().map_err(|error| gguf.fault(error.to_string()))?;
    Ok(config)
}

fn rope_scaling(
    gguf: &Gguf<'_>,
    config: &ModelConfig,
    key: impl Fn(&str) -> String,
) -> Result<Option<RopeScaling>> {
    let factor = gguf.float(&key("rope.scaling.factor"))?.or(gguf.float(&key("rope.scale_linear"))?);
    match gguf.string(&key("rope.scaling.type"))?.unwrap_or("none") {
        "none" | "linear" => {}
        other => return Err(gguf.unsupported(format!("the rotary scaling {other:?}"))),
    }
    let Some(tensor) = gguf.tensor(ROPE_FACTORS) else {
        return Ok(factor
            .filter(|factor| (factor - 1.0).abs() > SAME_FACTOR)
            .map(|factor| RopeScaling::Linear { factor }));
    };
    let stored: Vec<f64> = tensor.ggml_type.expand(tensor.bytes).into_iter().map(f64::from).collect();
    let (low_freq_factor, high_freq_factor) = LLAMA_3_FREQ_FACTORS;
    let original = gguf.size(&key("rope.scaling.original_context_length"))?;
    let scaling = RopeScaling::Llama3 {
        factor: stored.iter().fold(1.0, |largest: f64, factor| largest.max(*factor)),
        low_freq_factor,
        high_freq_factor,
        original_max_seq_len: original.unwrap_or(LLAMA_3_SEQ_LEN),
    };
    let ours = ModelConfig { rope_scaling: Some(scaling), ..config.clone() };
    let is_same = stored.len() == config.d_head() / 2
        && factors(&ours).zip(&stored).all(|(ours, stored)| (ours / stored - 1.0).abs() < SAME_FACTOR);
    if is_same {
        Ok(Some(scaling))
    } else {
        Err(gguf.unsupported("a rotary scaling that is not that of Llama 3"))
    }
}

impl Gguf<'_> {
    fn unsupported(&self, what: impl Into<String>) -> Error {
        Error::Unsupported { path: self.path().to_owned(), what: what.into() }
    }
}
