"""Peak memory of twelve trainings as `gearhead plan` predicts it, and as the system measures it (`ru_maxrss` of the process).

    python benches/memory.py --gearhead target/release/gearhead

Cases are generated; long texts are several cases' solutions in one. Every training does two epochs, with an evaluation, a
checkpoint and the fit at its end. Linux only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SHAPES = {
    "4 M": {"d_model": 192, "n_layers": 4, "n_heads": 6, "n_kv_heads": 2, "d_ff": 512},
    "14 M": {"d_model": 384, "n_layers": 6, "n_heads": 6, "n_kv_heads": 6, "d_ff": 1024},
    "32 M": {"d_model": 512, "n_layers": 8, "n_heads": 8, "n_kv_heads": 4, "d_ff": 1408},
    "90 M": {"d_model": 768, "n_layers": 12, "n_heads": 12, "n_kv_heads": 12, "d_ff": 2048},
}

# Shape, tied, text, cases, and what differs from the defaults of `train`.
TRAININGS = [
    ("4 M", True, "short", 128, {"batch_size": 64}),
    ("4 M", False, "long", 32, {"batch_size": 16, "accumulation": 2}),
    ("14 M", True, "short", 48, {"batch_size": 16}),
    ("14 M", False, "short", 64, {"batch_size": 32, "accumulation": 4}),
    ("14 M", True, "short", 64, {"batch_size": 32, "recompute_every": 1}),
    ("14 M", False, "long", 16, {"batch_size": 8, "recompute_every": 2, "optimizer_dtype": "8bit"}),
    ("32 M", True, "long", 8, {"batch_size": 4}),
    ("32 M", False, "short", 32, {"batch_size": 16, "accumulation": 2, "recompute_every": 2, "optimizer_dtype": "8bit"}),
    ("90 M", True, "short", 16, {"batch_size": 8, "accumulation": 4}),
    ("90 M", True, "long", 4, {"batch_size": 2, "accumulation": 2, "recompute_every": 1, "optimizer_dtype": "8bit"}),
    ("14 M", True, "short", 48, {"batch_size": 16, "precision": "bf16"}),
    ("32 M", True, "long", 8, {"batch_size": 4, "precision": "bf16"}),
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gearhead", type=Path, required=True)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of trainings, from 1")
    args = parser.parse_args()
    gearhead = str(args.gearhead.resolve())
    print("| | parameters | tied | texts | batch_size | accumulation | recompute_every | precision | optimizer_dtype | predicted | measured | error |")
    print("| --- " * 12 + "|")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_data(gearhead)
        errors = []
        for number, training in enumerate(TRAININGS, 1):
            if args.only is None or number in args.only:
                errors.append(run(gearhead, number, *training))
    print(f"\nlargest error: {100 * max(errors, key=abs):+.1f} %")


def make_data(gearhead):
    subprocess.run([gearhead, "data", "generate", "--count", "4000", "--seed", "3", "--out", "data"], check=True, capture_output=True)
    tokenizer = ["tokenizer", "train", "data/train.jsonl", "--vocab-size", "8192", "--out", "tokenizer.json"]
    subprocess.run([gearhead, *tokenizer], check=True, capture_output=True)
    for name in ["train", "validation"]:
        cases = [json.loads(line) for line in Path(f"data/{name}.jsonl").read_text().splitlines()]
        write(f"short-{name}.jsonl", cases[:512])
        solutions = [case["solution"] for case in cases]
        several = [" ".join(solutions[8 * i : 8 * i + 8]) for i in range(128)]
        write(f"long-{name}.jsonl", [case | {"solution": solution} for case, solution in zip(cases, several)])


def write(name, cases):
    Path(name).write_text("".join(json.dumps(case) + "\n" for case in cases))


def run(gearhead, number, shape, tied, text, count, settings):
    for name, some in [("train", count), ("validation", max(4, count // 8))]:
        lines = Path(f"{text}-{name}.jsonl").read_text().splitlines(keepends=True)
        Path(f"{name}.jsonl").write_text("".join(lines[:some]))
    config = 'output = "out"\ntokenizer = "tokenizer.json"\n[data]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\n'
    model = SHAPES[shape] | {"tie_embeddings": tied, "max_seq_len": 1024}
    for section, values in [("model", model), ("train", {"epochs": 2} | settings)]:
        config += f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    Path("config.toml").write_text(config)
    plan = subprocess.run([gearhead, "plan", "--config", "config.toml", "--json"], check=True, capture_output=True, text=True)
    plan = json.loads(plan.stdout)
    measured, parameters = train(gearhead)
    error = plan["peak_bytes"] / measured - 1
    chosen = [plan["chosen"][key] for key in ["batch_size", "accumulation", "recompute_every", "precision", "optimizer_dtype"]]
    cells = [number, f"{parameters / 1e6:.1f} M", "yes" if tied else "no", text, *chosen]
    cells += [mib(plan["peak_bytes"]), mib(measured), f"{100 * error:+.1f} %"]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    parts = ", ".join(f"{name} {mib(size)}" for name, size in plan["parts"].items())
    print(f"{number}: {parts}", file=sys.stderr, flush=True)
    return error


def train(gearhead):
    """The peak of the process in bytes, and the parameters of the model."""
    command = [gearhead, "train", "--config", "config.toml", "--start-over"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(said)
    events = [json.loads(line) for line in Path("out/metrics.jsonl").read_text().splitlines()]
    return 1024 * usage.ru_maxrss, events[0]["parameters"]


def mib(size):
    return f"{size / 2**20:.0f} MiB"


if __name__ == "__main__":
    main()
