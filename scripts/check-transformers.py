#!/usr/bin/env python3
"""Opens a model directory in transformers and compares it with Gearhead.

    pip install torch==2.9.1 transformers==5.24.0
    python scripts/check-transformers.py DIR [--gearhead PATH]

Tokens of a text, the log-probability of each, and 200 tokens of greedy text must be the same: log-probabilities to within
MAX_DISTANCE. Prints JSON; exit code 1 where they are not.
"""

import argparse
import json
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 200
MAX_DISTANCE = 1e-3  # nats
TEXT = " Restricted fuel filter. The engine loses power under load because the filter is plugged at 24.5 V, P0087."
# For a model of cases, whose texts end after some 40 tokens, several.
PROMPTS = [
    " Restricted fuel filter. The engine loses",
    "<s><equipment> caterpillar 320 excavator<symptom> loses power under load<error> P0087, SPN 157 FMI 18<cause>",
    "<s><equipment> komatsu wa380-8 wheel loader<symptom> steering is slow when cold<error> none<cause>",
    "<s><equipment> john deere 310sl backhoe<symptom> cranks slowly and clicks<error> SPN 168 FMI 1<cause>",
    "<s><equipment> volvo a40g dump truck<symptom> engine overheats on slopes<error> none<cause>",
    "<s><equipment> cummins generator<symptom> hunts at no load and shuts down<error> none<cause>",
    "<s><equipment> cat d6 dozer<symptom> one track is weak and oil is hot<error> none<cause>",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--gearhead", default="gearhead", help="the gearhead program")
    args = parser.parse_args()

    def gearhead(command, *more):
        command = [args.gearhead, command, "--model", args.directory, *more, "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(args.directory)
    model = AutoModelForCausalLM.from_pretrained(args.directory, dtype=torch.float32).eval()
    ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    scored = gearhead("score", "--text", TEXT)
    with torch.no_grad():
        log_probs = torch.log_softmax(model(torch.tensor([ids])).logits[0], -1)
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    written, parted = 0, []
    for prompt in PROMPTS:
        if written >= NEW_TOKENS:
            break
        start = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            found = model.generate(torch.tensor([start]), do_sample=False, max_new_tokens=NEW_TOKENS, pad_token_id=0)
        found = [id_ for id_ in found[0, len(start) :].tolist() if id_ not in ends]
        arguments = ["--ids", ",".join(map(str, start)), "--max-new-tokens", str(NEW_TOKENS), "--greedy"]
        added = gearhead("generate", *arguments)["ids"]
        written += len(added)
        parted += [{"prompt": prompt, "at": at} for at, pair in enumerate(zip(found, added)) if pair[0] != pair[1]][:1]
    same_tokens = ids == scored["ids"]
    distance = max(abs(log_probs[at - 1, ids[at]].item() - scored["log_probs"][at]) for at in range(1, len(ids))) if same_tokens else None
    report = {
        "same_tokens": same_tokens,
        "tokens": len(ids),
        "largest_distance_of_a_log_prob": distance,
        "greedy_tokens": written,
        "greedy_parts": parted,
    }
    print(json.dumps(report, indent=2))
    sys.exit(not (same_tokens and distance < MAX_DISTANCE and not parted))


if __name__ == "__main__":
    main()
