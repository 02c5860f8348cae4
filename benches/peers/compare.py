"""Runs Gearhead and its peers on the same work in turn, and writes what they needed.

    python compare.py --gearhead target/release/gearhead --models OUT --out docs/benchmarks/DATE.json [--rounds 5] [--only TEXT]
        [--dtypes bf16 f16]

Each round runs every engine once, as a process of its own, so that a machine whose speed drifts is unjust to none. The
figure of a process is the median of its runs; that of an engine the median over the rounds. Peak memory is that of the
process, from the operating system. A table for docs/benchmarks.md is printed.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent


DTYPES = ["f32", "f16", "bf16", "q8_0", "q4_0"]


def works(gearhead, models, dtypes):
    """Work, engine, and the command that measures it."""
    python = [sys.executable]
    reference, smollm2 = models / "reference", models / "smollm2"
    training = python + [HERE / "pytorch_training.py", reference, "--warm-up", "3", "--runs", "7"]
    ours = [gearhead, "bench", "--model", reference, "--work", "training", "--runs", "7", "--json"]
    for work, our_option, their_option in [("training, 16.9 M", [], []), ("training, 16.9 M, bf16", ["--activations", "bf16"], ["--bf16"])]:
        yield work, "Gearhead", ours + our_option
        yield work, "PyTorch compiled", training + their_option + ["--compile"]
        yield work, "PyTorch eager", training + their_option
    for name, directory, batches in [("16.9 M", reference, [1, 8, 32]), ("135 M", smollm2, [1])]:
        for batch in batches:
            sizes = ["--prompt-tokens", "128", "--new-tokens", "64", "--batch", str(batch), "--runs", "3"]
            work = f"generation, {name}, {batch} at a time"
            # llama.cpp keeps keys and values in 16 bits unless told otherwise.
            generation = ["--work", "generation", "--json", "--cache-dtype", "f16"]
            # llama.cpp reads a file of the type, and so does Gearhead where it stores it.
            stored = lambda dtype: directory.with_name(f"{directory.name}-{dtype}") if dtype in ["f16", "bf16"] else directory
            gearhead_of = lambda dtype: [gearhead, "bench", "--model", stored(dtype)] + generation
            for dtype in dtypes:
                yield work, f"Gearhead {dtype}", gearhead_of(dtype) + ["--dtype", dtype] + sizes
                command = python + [HERE / "llama_cpp_generation.py", directory / f"model-{dtype}.gguf"] + sizes
                yield work, f"llama.cpp {dtype}", command


def run(command):
    """What a command says it measured, and its peak memory in bytes."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode()
    if process.returncode != 0:
        raise SystemExit(f"{command} exited with {process.returncode}: {text}")
    return json.loads(text)["measured"], usage.ru_maxrss * 1024


def machine():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{os.cpu_count()} cores, {line.split(':')[1].strip()}"
    return platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gearhead", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="only work whose name has this text in it")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES, help="how the weights are stored that generate")
    args = parser.parse_args()
    all_works = [work for work in works(args.gearhead, args.models, args.dtypes) if args.only in work[0]]
    figures = {}
    for _ in range(args.rounds):
        for work, engine, command in all_works:
            measured, peak = run(command)
            for one in measured:
                speed = one["tokens"] / statistics.median(one["seconds"])
                row = figures.setdefault((work, one["work"], engine), {"tokens_per_s": [], "peak_bytes": [], "losses": one.get("losses")})
                row["tokens_per_s"].append(speed)
                row["peak_bytes"].append(peak)
    rows = [{"work": work, "part": part, "engine": engine, **row} for (work, part, engine), row in figures.items()]
    versions = {name: version(name) for name in ["torch", "transformers", "llama-cpp-python"]}
    record = {"date": str(date.today()), "machine": machine(), "rounds": args.rounds, "versions": versions, "rows": rows}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(record, indent=1) + "\n")
    print(f"{record['date']}, {record['machine']}, {args.rounds} rounds, " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    print("\n| work | engine | tokens/s (lowest to highest) | peak memory |\n| --- | --- | --- | --- |")
    for row in rows:
        speeds = row["tokens_per_s"]
        print(f"| {row['work']}: {row['part']} | {row['engine']} | {statistics.median(speeds):,.0f} "
              f"({min(speeds):,.0f} to {max(speeds):,.0f}) | {statistics.median(row['peak_bytes']) / 1e6:,.0f} MB |")


if __name__ == "__main__":
    main()
