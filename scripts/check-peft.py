"""Compares the log-probabilities of a directory of adapters in PEFT with those of `gearhead score`.

    pip install torch transformers peft
    python scripts/check-peft.py outputs/lora/best [--gearhead target/release/gearhead]

Prints the largest difference and fails where it is above 1e-3 nats.
"""

import argparse
import json
import subprocess

import torch
from peft import AutoPeftModelForCausalLM

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("adapters")
parser.add_argument("--gearhead", default="gearhead")
parser.add_argument("--tokens", type=int, default=64)
arguments = parser.parse_args()

model = AutoPeftModelForCausalLM.from_pretrained(arguments.adapters, dtype=torch.float32).eval()
ids = [(7919 * place + 12345) % 104729 % model.config.vocab_size for place in range(arguments.tokens)]
with torch.no_grad():
    logits = model(torch.tensor([ids])).logits[0].double()
theirs = logits.log_softmax(-1)[torch.arange(len(ids) - 1), ids[1:]]

command = [arguments.gearhead, "score", "--model", arguments.adapters, "--ids", ",".join(map(str, ids)), "--json"]
ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["log_probs"][1:]
largest = (torch.tensor(ours, dtype=torch.float64) - theirs).abs().max().item()
print(f"{len(ours)} tokens, the largest difference is {largest:.2e} nats")
if not largest <= 1e-3:
    raise SystemExit("PEFT computes something else")
