//! Configurations as the Hub has them, and as they are written.

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
    assert!(refused(|json| drop(json.as_object_mut().unwrap().remove("vocab_size"))).contains("vocab_size"));
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
