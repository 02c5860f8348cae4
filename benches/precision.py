"""What fewer bits cost: log-probabilities of texts of cases, by one program in every precision.

    python precision.py --gearhead target/release/gearhead --cases data/test.jsonl [--model DIR] [--count 300]

Needs nothing beside Python. A text is a case's symptom, cause and repair. Prints, for each precision, the mean negative
log-probability of a token in nats, and how far log-probabilities are from those of f32: their mean distance and the largest.
"""

import argparse
import itertools
import json
import subprocess
from pathlib import Path

PRECISIONS = [
    ("f32", "f32"),
    ("f32", "f16"),
    ("f32", "q8"),
    ("f16", "f32"),
    ("bf16", "f32"),
    ("q8_0", "f16"),
    ("q8_0", "q8"),
    ("q4_0", "q8"),
]


def texts(path, count):
    with path.open() as lines:
        for line in itertools.islice(lines, count):
            case = json.loads(line)
            yield ". ".join(case[field] for field in ["symptom", "probable_cause", "solution"])


def log_probs(gearhead, model, text, dtype, cache):
    command = [gearhead, "score", "--text", text, "--dtype", dtype, "--cache-dtype", cache, "--json"]
    if model is not None:
        command += ["--model", model]
    output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return json.loads(output)["log_probs"][1:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gearhead", type=Path, required=True)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--count", type=int, default=300)
    args = parser.parse_args()
    # A path without a folder would be looked for on the PATH.
    program = args.gearhead.resolve()
    found = {precision: [] for precision in PRECISIONS}
    for text in texts(args.cases, args.count):
        for precision in PRECISIONS:
            found[precision] += log_probs(program, args.model, text, *precision)
    exact = found[PRECISIONS[0]]
    print(f"{args.count} texts, {len(exact)} tokens\n")
    print("| weights | cache | nats a token | mean distance from f32 | largest |\n| --- | --- | --- | --- | --- |")
    for (dtype, cache), values in found.items():
        distances = [abs(value - other) for value, other in zip(values, exact)]
        print(f"| {dtype} | {cache} | {-sum(values) / len(values):.4f} | {sum(distances) / len(distances):.4f} | {max(distances):.3f} |")


if __name__ == "__main__":
    main()
