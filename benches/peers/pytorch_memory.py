"""Memory of PyTorch's optimizer steps on a Llama of 124 million parameters, each configuration in a fresh process.

    python pytorch_memory.py [--tokens 512] [--batch 32] [--pieces 16,32] [--steps 2] [--only-pieces N]

A step is `--batch` documents of `--tokens` tokens in as many accumulated pieces as `--pieces` says. Each number of
pieces is run without and with gradient checkpointing, with AdamW as PyTorch chooses (on a CPU a loop over tensors) and
fused. Weights are random with a fixed seed. The peak is that of the whole process, as the kernel counted it;
`imports_bytes` of it were there before the model. Only in the second step do activations and the optimizer's state meet.

`--only-pieces 3` ends each step after three pieces: the same memory in less time, but no speed.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time

SHAPE = dict(
    vocab_size=32000, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, num_key_value_heads=12,
    intermediate_size=2560, max_position_embeddings=2048, tie_word_embeddings=True,
)
OPTIMIZERS = {"default": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}


def peak_bytes():
    """The largest resident size of this process so far. Linux counts it in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)


def measure(args):
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(args.threads)
    torch.manual_seed(7)
    imports_bytes = peak_bytes()
    model = LlamaForCausalLM(LlamaConfig(attn_implementation="sdpa", **SHAPE)).train()
    if args.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed_tokens" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed_tokens" in name]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    chosen = OPTIMIZERS[args.optimizer]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, **chosen)

    vocab_size = SHAPE["vocab_size"]
    # As `gearhead::bench::documents`.
    places = torch.arange(args.batch * (args.tokens + 1))
    ids = ((7919 * places + 12345) % 104729 % vocab_size).reshape(args.batch, args.tokens + 1)
    targets = args.batch * args.tokens
    pieces = ids.chunk(args.pieces)
    pieces = pieces[:args.only_pieces or len(pieces)]

    def backward(piece):
        logits = model(piece[:, :-1], use_cache=False).logits
        loss = cross_entropy(logits.reshape(-1, vocab_size), piece[:, 1:].reshape(-1), reduction="sum") / targets
        loss.backward()
        return loss.item()

    backward(pieces[0])
    optimizer.zero_grad(set_to_none=True)
    losses, seconds, gradient_bytes = [], [], 0
    for _ in range(args.steps):
        start = time.perf_counter()
        losses.append(sum(backward(piece) for piece in pieces))
        before_update = peak_bytes()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        gradient_bytes = sum(p.grad.nbytes for p in model.parameters())
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
    state = [value for values in optimizer.state.values() for value in values.values()]
    whole = args.only_pieces is None
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens": args.tokens, "batch": args.batch, "pieces": args.pieces, "pieces_run": len(pieces),
        "checkpointing": args.checkpointing, "optimizer": args.optimizer, "threads": args.threads,
        "peak_bytes": peak_bytes(), "peak_before_last_update_bytes": before_update, "imports_bytes": imports_bytes,
        "weight_bytes": sum(p.nbytes for p in model.parameters()), "gradient_bytes": gradient_bytes,
        "optimizer_bytes": sum(value.nbytes for value in state if isinstance(value, torch.Tensor)),
        "seconds": seconds, "losses": losses,
        "tokens_per_second": targets / min(seconds) if whole else None,
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }


def in_fresh_process(args, pieces, checkpointing, optimizer):
    command = [sys.executable, __file__, "--one", "--optimizer", optimizer, "--pieces", str(pieces)]
    for name in ["tokens", "batch", "steps", "threads"]:
        command += [f"--{name}", str(getattr(args, name))]
    if args.only_pieces is not None:
        command += ["--only-pieces", str(args.only_pieces)]
    if checkpointing:
        command.append("--checkpointing")
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--pieces", default="16,32", help="numbers of pieces, of which each is measured")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--only-pieces", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--optimizers", default="default,fused", help="of " + ", ".join(OPTIMIZERS))
    parser.add_argument("--one", action="store_true", help="measure one configuration in this process")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="default", help="with --one")
    parser.add_argument("--checkpointing", action="store_true", help="with --one")
    args = parser.parse_args()
    if args.one:
        args.pieces = int(args.pieces)
        print(json.dumps(measure(args)))
        return
    measured = []
    for pieces in map(int, args.pieces.split(",")):
        for checkpointing in [False, True]:
            for optimizer in args.optimizers.split(","):
                measured.append(in_fresh_process(args, pieces, checkpointing, optimizer))
                print(f"pieces {pieces}, checkpointing {checkpointing}, {optimizer}: "
                      f"{measured[-1]['peak_bytes'] / 2**20:.0f} MiB", file=sys.stderr)
    print(json.dumps({"measured": measured}))


if __name__ == "__main__":
    main()
