"""What a decision about a command line costs, with 10 and with 10,000 capabilities, and how long compiling them takes.

    python -m bench.policy [--rounds 200] [--json]

The lines are the everyday and the attack lines of the corpus for git, gh and curl. Prints medians and p99 in microseconds. The
claim is p50 ≤ 200 µs at both sizes: a look-up, not a search.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from janee.authority.policy import ExecQuery, Policy, compile_policy, decide_exec
from janee.config.file import parse_config

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "attacks" / "argv"
TOOLS = ("git", "gh", "curl")
SIZES = (10, 10_000)


def policy(size: int) -> Policy:
    capability = {"service": "s", "mode": "exec", "allowedAgents": ["local"], "allowCommands": list(TOOLS)}
    config = {
        "version": "0.3.0",
        "services": {"s": {"baseUrl": "https://api.github.com", "auth": {"type": "bearer"}}},
        "capabilities": {f"c{index}": capability for index in range(size)},
    }
    text = json.dumps(config).encode()
    if len(text) <= 1 << 20:
        return compile_policy(parse_config(text))
    # A file of this size is beyond what config.yaml may have; the policy is made of many such files' capabilities.
    return replicated(size)


def replicated(size: int) -> Policy:
    import dataclasses

    few = policy(10)
    one = next(iter(few.capabilities.values()))
    named = {f"c{index}": dataclasses.replace(one.capability, name=f"c{index}") for index in range(size)}
    return Policy({name: dataclasses.replace(one, capability=capability) for name, capability in named.items()})


def measure(size: int, lines: list[tuple[str, ...]], rounds: int) -> dict[str, Any]:
    started = time.perf_counter()
    compiled = policy(size)
    build_ms = (time.perf_counter() - started) * 1000
    costs = []
    for index in range(rounds):
        for line in lines[index % 10 :: 10]:
            query = ExecQuery(f"c{(index * 7919) % size}", "local", line, cwd="/home/agent/project", is_hypothetical=True)
            started = time.perf_counter()
            decide_exec(compiled, query)
            costs.append((time.perf_counter() - started) * 1e6)
    costs.sort()
    p99 = costs[int(len(costs) * 0.99)]
    return {
        "capabilities": size,
        "p50Us": round(statistics.median(costs), 1),
        "p99Us": round(p99, 1),
        "buildMs": round(build_ms),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    texts = [(CORPUS / f"{tool}.jsonl").read_text() for tool in TOOLS]
    lines = [tuple(json.loads(line)["argv"]) for text in texts for line in text.splitlines() if line]
    results = [measure(size, lines, arguments.rounds) for size in SIZES]
    if arguments.json:
        print(json.dumps(results))
    else:
        for result in results:
            print(f"{result['capabilities']:>6} capabilities: p50 {result['p50Us']} µs, p99 {result['p99Us']} µs")
    return 0 if all(result["p50Us"] <= 200 for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
