#!/usr/bin/env python3
"""Runs a GGUF file in llama.cpp and compares it with the model directory that it was exported from.

    pip install llama-cpp-python==0.3.36 numpy==2.4.6
    python scripts/check-gguf.py FILE.gguf --model DIR [--reference F32.gguf] [--gearhead PATH] [--texts FILE] [--max-kl NATS]

What the directory computes is asked of `gearhead score` and `gearhead generate`; without --model it is the bundled model.

1. Tokens: every text is cut into the same tokens, also with the markers of a case between them.
2. Greedy text: prompts are continued until 200 tokens are written; where the two part, by how much llama.cpp prefers its own
   token. An f32 file must give the same text.
3. Probabilities of the next token: how far the log-probability of each token of the texts is from Gearhead's, and, with
   --reference, the KL divergence from an f32 file of the same model in llama.cpp.

Prints JSON. Exit code 1 where tokens differ, where the text of an f32 file differs, or where the mean KL is above --max-kl.
"""

import argparse
import ctypes
import json
import random
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import llama_cpp
import numpy

SEED = 1
NEW_TOKENS = 200
# Plain beginnings, and for a model of cases, whose texts end after some 40 tokens, prompts with its markers.
PROMPTS = [
    " Restricted fuel filter. The engine loses power under load because",
    *(
        f"<s><equipment> {machine}<symptom> {complaint}<error> {codes}<cause>"
        for machine, complaint, codes in [
            ("caterpillar 320 excavator", "loses power under load, runs fine at idle", "P0087, SPN 157 FMI 18"),
            ("komatsu wa380-8 wheel loader", "steering is slow when cold", "none"),
            ("john deere 310sl backhoe", "cranks slowly and clicks", "SPN 168 FMI 1"),
            ("volvo a40g dump truck", "engine overheats on slopes", "none"),
            ("cummins generator", "hunts at no load and shuts down", "none"),
            ("cat d6 dozer", "one track is weak and oil is hot", "none"),
            ("jcb 3cx backhoe", "no crank, lights go dim", "none"),
        ]
    ),
]
PROSE = " Restricted fuel filter. The engine loses power under load because the filter is plugged and fuel pressure falls."
TEXTS = [
    "SPN 157 FMI 18, P0087; 24.5 V at 1,800 rpm", "  two spaces,\ttab\n\n\nlines \r\n end  ",
    "don't it's WE'RE I'll 'tis", "½ ² Ⅳ ٣٤ 12345678", "Größe, naïve, нефть, 油圧ポンプ, ไฮดรอลิก",
    "🚜 👷‍♀️ \u00a0non-breaking \u2003em", "<cause> typed </s> <s>", "CamelCase snake_case x==y && !z // https://example.org/?q=1",
    " caterpillar 320 excavator", "a", " ", "\n", "\u0085next line\u2028separator", "\u001c\u001d control",
]


def random_texts(count):
    """Words, digits, spaces and marks of many scripts, mixed."""
    rng = random.Random(SEED)
    letters = [chr(code) for code in range(0x20, 0x3000) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")]
    common = list("  abcdefgXYZ0123456789.,;:!?'\"()-\n\t") + ["'s", "'LL", " the", " engine", "P0087", "\r\n", "  "]
    for _ in range(count):
        yield "".join(rng.choice(common if rng.random() < 0.7 else letters) for _ in range(rng.randint(1, 60)))


class LlamaCpp:
    def __init__(self, path, context):
        # Keys and values in f32: by default they are f16, which is not a property of the file.
        self.llama = llama_cpp.Llama(
            str(path), n_ctx=context, logits_all=True, n_threads=1, n_threads_batch=1, verbose=False, type_k=0, type_v=0
        )

    def tokens(self, text, special=False):
        return self.llama.tokenize(text.encode(), add_bos=False, special=special)

    def logits(self, ids):
        """Of every position."""
        self.llama.reset()
        self.llama.eval(ids)
        return numpy.array(self.llama.scores[: len(ids)], dtype=numpy.float64)

    def greedy(self, ids, count):
        """The tokens that are added, and by how much each leads the next best."""
        self.llama.reset()
        self.llama.eval(ids)
        added, leads = [], []
        for _ in range(count):
            last = self.llama.scores[self.llama.n_tokens - 1]
            second, best = numpy.argpartition(last, -2)[-2:]
            if last[second] > last[best]:
                second, best = best, second
            added.append(int(best))
            leads.append(float(last[best] - last[second]))
            if self.llama._model.token_eos() == best:
                break
            self.llama.eval([int(best)])
        return added, leads


class Gearhead:
    def __init__(self, program, model):
        self.program, self.model = program, ["--model", str(model)] if model else []

    def run(self, command, *args):
        output = subprocess.run([self.program, command, *self.model, *args], capture_output=True, text=True)
        if output.returncode:
            sys.exit(output.stderr)
        return output.stdout

    def score(self, text):
        return json.loads(self.run("score", f"--text={text}", "--json"))

    def tokens(self, texts):
        """Of many texts, by asking to continue each by nothing."""
        with tempfile.TemporaryDirectory() as folder:
            prompts, out = Path(folder) / "prompts.jsonl", Path(folder) / "out.jsonl"
            prompts.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
            self.run("generate", "--batch", str(prompts), "--out", str(out), "--max-new-tokens", "1", "--greedy")
            return [json.loads(line).get("prompt_ids") for line in out.read_text().splitlines()]

    def greedy(self, ids, count):
        ids = ",".join(map(str, ids))
        return json.loads(self.run("generate", "--ids", ids, "--max-new-tokens", str(count), "--greedy", "--json"))["ids"]


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=-1, keepdims=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", type=Path, help="the directory that the file was exported from")
    parser.add_argument("--reference", type=Path, help="an f32 file of the same model: KL is measured against it")
    parser.add_argument("--gearhead", default="gearhead", help="the gearhead program")
    parser.add_argument("--texts", type=Path, help="a file of further texts, one a line; also what KL is measured on")
    parser.add_argument("--random", type=int, default=300, help="random texts whose tokens are compared")
    parser.add_argument("--max-kl", type=float, default=0.02, help="the largest mean KL, in nats")
    args = parser.parse_args()

    ours = Gearhead(args.gearhead, args.model)
    theirs = LlamaCpp(args.file, 512)
    own = args.texts.read_text().splitlines() if args.texts else []
    prose = own or [PROSE]
    texts = TEXTS + own + list(random_texts(args.random))
    differ = [
        {"text": text, "gearhead": expected, "llama.cpp": found}
        for text, expected in zip(texts, ours.tokens(texts))
        if expected is not None and (found := theirs.tokens(text)) != expected
    ]

    written, parted = 0, []
    for prompt in PROMPTS:
        if written >= NEW_TOKENS:
            break
        ids = theirs.tokens(prompt, special=True)
        expected = ours.greedy(ids, NEW_TOKENS)
        found, leads = theirs.greedy(ids, NEW_TOKENS)
        # An end of text is written by one of them and left out by the other.
        length = min(len(expected), len(found))
        written += length
        at = next((at for at in range(length) if expected[at] != found[at]), None)
        if at is not None:
            parted.append({"prompt": prompt, "at": at, "lead": leads[at]})

    changes, divergences = [], []
    reference = LlamaCpp(args.reference, 512) if args.reference else None
    for text in prose:
        scored = ours.score(text)
        ids = scored["ids"][:512]
        if len(ids) < 2:
            continue
        log_probs = log_softmax(theirs.logits(ids))
        changes += [log_probs[at - 1, ids[at]] - scored["log_probs"][at] for at in range(1, len(ids))]
        if reference:
            exact = log_softmax(reference.logits(ids))
            divergences += list((numpy.exp(exact) * (exact - log_probs)).sum(axis=-1))

    report = {
        "file": args.file.name,
        "llama_cpp_python": llama_cpp.__version__,
        "texts": len(texts),
        "texts_with_other_tokens": len(differ),
        "first_differences": differ[:3],
        "greedy_tokens": written,
        "greedy_parts": parted,
        "tokens_scored": len(changes),
        "mean_change_of_log_prob": float(numpy.abs(changes).mean()),
        "largest_change_of_log_prob": float(numpy.abs(changes).max()),
        "mean_kl": float(numpy.mean(divergences)) if divergences else None,
        "largest_kl": float(numpy.max(divergences)) if divergences else None,
    }
    print(json.dumps(report, ensure_ascii=False, indent=2))
    is_f32 = theirs.llama.metadata.get("general.file_type") == "0"
    sys.exit(bool(differ or (is_f32 and parted) or (report["mean_kl"] or 0) > args.max_kl))


if __name__ == "__main__":
    main()
