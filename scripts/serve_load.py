#!/usr/bin/env python3
"""Loads `gearhead serve` with many clients and says how long they waited. Needs Python 3.11 and nothing else.

    gearhead serve --no-store &
    python scripts/serve_load.py --pid $! [--clients 64] [--seconds 300] [--text-share 0.25]

Each client asks again as soon as it has its answer: a diagnosis as a stream, or, for a share of the requests, a text by
/v1/completions as a stream. The time to the first token is that from the request to the first text of the answer. A client
that is answered 429 waits as long as `Retry-After` says. With --pid the memory of the service is read every ten seconds
(Linux). The exit code is 1 where anything but 200 and 429 came.
"""

import argparse
import asyncio
import collections
import json
import random
import statistics
import sys
import time

MACHINES = ["CAT 320", "Komatsu WA380-8", "Volvo A30G", "JCB 3CX", "Hitachi ZX350", "CAT D6T"]
SYMPTOMS = [
    "loses power under load",
    "cranks slowly in the morning",
    "engine overheats on slopes",
    "hydraulics are slow when warm",
    "black smoke and low power since the filter change",
    "steering is heavy at idle",
    "will not move in reverse",
]
CODES = [[], ["P0087"], ["SPN 157 FMI 18"], ["SPN 110 FMI 0"], ["E360-2"]]


def request(args, rng):
    if rng.random() < args.text_share:
        body = {"prompt": "The " + rng.choice(["pump", "filter", "hose", "relay"]), "max_tokens": 64, "stream": True}
        return "text", "/v1/completions", body, ""
    body = {"equipment": rng.choice(MACHINES), "symptom": rng.choice(SYMPTOMS), "error_codes": rng.choice(CODES)}
    return "diagnosis", "/v1/diagnose", body, "Accept: text/event-stream\r\n"


def has_text(kind, data):
    return b"event: wrote" in data if kind == "diagnosis" else b'"text":"' in data


async def ask(args, connection, rng):
    """One request; returns kind, status, time to the first text, time to the end, and how long to wait."""
    kind, path, body, accept = request(args, rng)
    body = json.dumps(body).encode()
    key = f"Authorization: Bearer {args.key}\r\n" if args.key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: {args.host}:{args.port}\r\nContent-Length: {len(body)}\r\n{key}{accept}\r\n"
    reader, writer = connection
    begun = time.perf_counter()
    writer.write(head.encode() + body)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    status = int(head[9:12])
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    first = None
    if "content-length" in fields:
        await reader.readexactly(int(fields["content-length"]))
    else:
        while size := int(await reader.readline(), 16):
            data = await reader.readexactly(size + 2)
            if first is None and has_text(kind, data):
                first = time.perf_counter() - begun
        await reader.readline()
    return kind, status, first, time.perf_counter() - begun, int(fields.get("retry-after", 0))


async def client(args, number, end, results, problems):
    rng = random.Random(number)
    connection = None
    while time.monotonic() < end:
        try:
            connection = connection or await asyncio.open_connection(args.host, args.port)
            answer = await asyncio.wait_for(ask(args, connection, rng), 120)
            results.append(answer)
            if answer[4]:
                await asyncio.sleep(answer[4])
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            problems.append(f"{type(error).__name__}: {error}")
            connection = None
            await asyncio.sleep(0.5)


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def watch(args, end, memory):
    begun = time.monotonic()
    while args.pid and time.monotonic() < end:
        memory.append((time.monotonic() - begun, resident_mib(args.pid)))
        await asyncio.sleep(10)


def percentiles(times):
    cuts = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, longest {max(times) * 1000:.0f} ms"


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--text-share", type=float, default=0.25)
    parser.add_argument("--key")
    parser.add_argument("--pid", type=int)
    args = parser.parse_args()
    results, problems, memory = [], [], []
    begun = time.monotonic()
    end = begun + args.seconds
    clients = (client(args, number, end, results, problems) for number in range(args.clients))
    await asyncio.gather(watch(args, end, memory), *clients)
    took = time.monotonic() - begun
    statuses = collections.Counter(status for _, status, *_ in results)
    print(f"{args.clients} clients for {took:.0f} s: {dict(sorted(statuses.items()))}, {len(problems)} broken off")
    for kind in ("diagnosis", "text"):
        answers = [answer for answer in results if answer[0] == kind and answer[1] == 200]
        if answers:
            print(f"{kind}: {len(answers)} answers, {len(answers) / took:.1f}/s")
            print(f"  to the first token: {percentiles([first for _, _, first, _, _ in answers if first is not None])}")
            print(f"  to the end:         {percentiles([whole for _, _, _, whole, _ in answers])}")
    if memory:
        at = ", ".join(f"{seconds:.0f} s: {mib:.0f}" for seconds, mib in memory[:: max(1, len(memory) // 10)])
        print(f"resident memory in MiB: {at}; most {max(mib for _, mib in memory):.0f}")
    for problem, count in collections.Counter(problems).most_common(5):
        print(f"  {count} times {problem}")
    sys.exit(bool(problems) or bool(set(statuses) - {200, 429}))


asyncio.run(main())
