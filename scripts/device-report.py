#!/usr/bin/env python3
"""Runs the suite of the backends and the benches on a device, and writes a dated block for docs/hardware.md.

    python scripts/device-report.py --features cuda --device cuda:0 [--only suite|benches] [--append docs/hardware.md]

Needs Python 3.11, cargo, and whatever the device needs; for the feature `tch` run it through scripts/with-pytorch.sh. The block
is printed, and added to a file with --append. Nothing is written where the suite or a bench fails, and the exit code is 1. The
compiled files go where CARGO_TARGET_DIR says, or to target.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# By their groups in criterion: the bench, and a filter that leaves out what is not about the device.
BENCHES = {"kernels": ("kernels", ""), "training step": ("training", ""), "generation": ("inference", "generation")}


def run(command, device):
    """A command's output, which is also shown; ends the program where the command fails."""
    print("+", *command, file=sys.stderr)
    start = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "GEARHEAD_DEVICES": device}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )
    lines = []
    for line in process.stdout:
        sys.stderr.write(line)
        lines.append(line)
    if process.wait() != 0:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}; nothing was written")
    return "".join(lines), time.monotonic() - start


def suite(features, device):
    """What the suite says of a device, its checks, and how long they took."""
    command = ["cargo", "test", "-p", "gearhead-device", "--features", features, "--test", "backends"]
    run(command + ["--no-run"], device)
    output, seconds = run(command, device)
    found = re.search(rf"^{re.escape(device)}.* is .*$", output, re.MULTILINE)
    passed = re.search(r"(\d+) passed", output)
    return f"{found.group() if found else device}. The suite: {passed.group(1)} checks passed in {seconds:.0f} s."


def measured(group, device, since):
    """The medians of a group of benches, and how much of what each is done with in a second."""
    for path in sorted((TARGET / "criterion").glob("*/*/new/benchmark.json")):
        if path.stat().st_mtime < since:
            continue
        about = json.loads(path.read_text())
        if about["group_id"] == f"{group}/{device}":
            estimates = json.loads(path.with_name("estimates.json").read_text())
            seconds = estimates["median"]["point_estimate"] / 1e9
            elements = (about.get("throughput") or {}).get("Elements")
            yield about["function_id"], seconds, elements and elements / seconds


def benches(features, device):
    """Rows of a table."""
    for group, (bench, only) in BENCHES.items():
        command = ["cargo", "bench", "-p", "gearhead", "--features", features, "--bench", bench, "--", only]
        began = time.time()
        run(command, device)
        rows = list(measured(group, device, began))
        if not rows:
            sys.exit(f"{' '.join(command)}: no result of {group}/{device}; nothing was written")
        for name, seconds, rate in rows:
            yield f"| {group}: {name} | {1e3 * seconds:.3g} ms | {f'{rate:.3g}' if rate else ''} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", required=True, help="cargo features, as for cargo")
    parser.add_argument("--device", required=True, help="its name in --device")
    parser.add_argument("--only", choices=["suite", "benches"], help="one of both")
    parser.add_argument("--append", type=Path, help="a file that the block is added to")
    given = parser.parse_args()

    date = datetime.date.today().isoformat()
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, rustc {rustc}, Burn 0.21.0"
    command = f"python scripts/device-report.py --features {given.features} --device {given.device}"
    block = [f"### {given.device}, {date}", "", f"`{command}` on {machine}."]
    if given.only != "benches":
        block += ["", suite(given.features, given.device)]
    if given.only != "suite":
        rows = list(benches(given.features, given.device))
        block += ["", "| work | median | tokens or elements in a second |", "| --- | --- | --- |", *rows]
    text = "\n".join(block) + "\n"
    print(text)
    if given.append:
        with given.append.open("a") as file:
            file.write("\n" + text)


if __name__ == "__main__":
    main()
