"""Makes the models that the engines are compared on: Hugging Face directories with random weights, and as GGUF.

    python models.py OUT            # OUT/reference and OUT/smollm2, each with model-f32.gguf, -f16, -bf16, -q8_0 and -q4_0

Beside them stand OUT/reference-f16, -bf16 and the like: the same as Hugging Face directories of that type. `reference` is a Llama of 16.9 million parameters, `smollm2` has the shape of SmolLM2-135M. Weights are random with a
fixed seed: speed does not depend on them.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy
import torch
from safetensors.torch import save_file

SHAPES = {
    "reference": dict(vocab_size=8192, hidden_size=384, num_hidden_layers=6, num_attention_heads=6,
                      num_key_value_heads=6, intermediate_size=1024, tie_word_embeddings=False),
    "smollm2": dict(vocab_size=49152, hidden_size=576, num_hidden_layers=30, num_attention_heads=9,
                    num_key_value_heads=3, intermediate_size=1536, tie_word_embeddings=True),
}
CONTEXT = 2048
ROPE_THETA = 10000.0
EPS = 1e-5


def config(shape):
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "max_position_embeddings": CONTEXT, "rms_norm_eps": EPS, "rope_theta": ROPE_THETA,
        "attention_bias": False, "mlp_bias": False,
        "bos_token_id": 1, "eos_token_id": 2, **shape,
    }


def weights(shape):
    generator = torch.Generator().manual_seed(7)
    d, ff, vocab = shape["hidden_size"], shape["intermediate_size"], shape["vocab_size"]
    kv = d // shape["num_attention_heads"] * shape["num_key_value_heads"]
    matrix = lambda rows, columns: torch.randn(rows, columns, generator=generator) * 0.02
    tensors = {"model.embed_tokens.weight": matrix(vocab, d), "model.norm.weight": torch.ones(d)}
    if not shape["tie_word_embeddings"]:
        tensors["lm_head.weight"] = matrix(vocab, d)
    for layer in range(shape["num_hidden_layers"]):
        name = lambda part: f"model.layers.{layer}.{part}.weight"
        tensors[name("input_layernorm")] = torch.ones(d)
        tensors[name("post_attention_layernorm")] = torch.ones(d)
        for part, rows in [("q_proj", d), ("k_proj", kv), ("v_proj", kv), ("o_proj", d)]:
            tensors[name(f"self_attn.{part}")] = matrix(rows, d)
        tensors[name("mlp.gate_proj")] = matrix(ff, d)
        tensors[name("mlp.up_proj")] = matrix(ff, d)
        tensors[name("mlp.down_proj")] = matrix(d, ff)
    return tensors


GGUF_NAMES = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}


def gguf_name(name):
    flat = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
            "lm_head.weight": "output.weight"}
    if name in flat:
        return flat[name]
    _, _, layer, part = name.removesuffix(".weight").split(".", 3)
    return f"blk.{layer}.{GGUF_NAMES[part]}.weight"


def interleaved(values, heads):
    """llama.cpp turns neighbouring features, Hugging Face those half a head apart: the rows of q and k are reordered."""
    rows, columns = values.shape
    return values.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(path, shape, tensors, quantization):
    writer = gguf.GGUFWriter(path, "llama")
    d_head = shape["hidden_size"] // shape["num_attention_heads"]
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape["hidden_size"])
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_feed_forward_length(shape["intermediate_size"])
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(EPS)
    writer.add_rope_freq_base(ROPE_THETA)
    writer.add_rope_dimension_count(d_head)
    writer.add_vocab_size(shape["vocab_size"])
    writer.add_tokenizer_model("none")
    for name, tensor in tensors.items():
        values = tensor.numpy()
        if "q_proj" in name:
            values = interleaved(values, shape["num_attention_heads"])
        if "k_proj" in name:
            values = interleaved(values, shape["num_key_value_heads"])
        if quantization is not None and values.ndim == 2:
            data = gguf.quants.quantize(numpy.ascontiguousarray(values), quantization)
            writer.add_tensor(gguf_name(name), data, raw_dtype=quantization)
        else:
            writer.add_tensor(gguf_name(name), numpy.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def save(directory, shape, tensors, dtype):
    directory.mkdir(parents=True, exist_ok=True)
    config_json = config(shape) | {"torch_dtype": str(dtype).removeprefix("torch.")}
    (directory / "config.json").write_text(json.dumps(config_json, indent=2))
    stored = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    save_file(stored, directory / "model.safetensors", metadata={"format": "pt"})


def main():
    out = Path(sys.argv[1])
    for name, shape in SHAPES.items():
        directory = out / name
        tensors = weights(shape)
        save(directory, shape, tensors, torch.float32)
        write_gguf(directory / "model-f32.gguf", shape, tensors, None)
        for dtype, torch_dtype in [("f16", torch.float16), ("bf16", torch.bfloat16)]:
            save(out / f"{name}-{dtype}", shape, tensors, torch_dtype)
            write_gguf(directory / f"model-{dtype}.gguf", shape, tensors, gguf.GGMLQuantizationType[dtype.upper()])
        write_gguf(directory / "model-q8_0.gguf", shape, tensors, gguf.GGMLQuantizationType.Q8_0)
        write_gguf(directory / "model-q4_0.gguf", shape, tensors, gguf.GGMLQuantizationType.Q4_0)
        print(directory)


if __name__ == "__main__":
    main()
