"""Optimizer steps of PyTorch, timed as `gearhead bench` times Gearhead's: the same weights, tokens and optimizer.

    python pytorch_training.py MODEL_DIR [--compile] [--bf16] [--documents 8] [--tokens 256] [--runs 5]
"""

import argparse
import json
import time

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--bf16", action="store_true", help="mixed precision: torch.autocast")
    parser.add_argument("--documents", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = LlamaForCausalLM.from_pretrained(args.model, dtype=torch.float32, attn_implementation="sdpa")
    model.train()
    vocab_size = model.config.vocab_size
    # As `gearhead::bench::documents`.
    places = torch.arange(args.documents * (args.tokens + 1))
    ids = ((7919 * places + 12345) % 104729 % vocab_size).reshape(args.documents, args.tokens + 1)
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed_tokens" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed_tokens" in name]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, fused=True)

    def loss_of(inputs, targets):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            logits = model(inputs, use_cache=False).logits
        return cross_entropy(logits.reshape(-1, vocab_size), targets.reshape(-1))

    if args.compile:
        loss_of = torch.compile(loss_of)

    def step():
        loss = loss_of(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    losses, seconds = [step() for _ in range(args.warm_up)], []
    for _ in range(args.runs):
        start = time.perf_counter()
        losses.append(step())
        seconds.append(time.perf_counter() - start)
    work = f"training step of {args.documents} x {args.tokens} tokens"
    measured = {"work": work, "tokens": args.documents * args.tokens, "seconds": seconds, "losses": losses}
    print(json.dumps({"measured": [measured]}))


if __name__ == "__main__":
    main()
