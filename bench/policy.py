"""What a decision about a command line costs, with 10 and with 10,000 capabilities, and how long compiling them takes.

    python -m bench.policy [--rounds 200] [--json]

The lines are the everyday and the attack lines of the corpus for git, gh and curl. Prints medians and p99 in microseconds. The
claim is p50 ≤ 200 µs at both sizes: a look-up, not a search. And the whole of `janee policy test` with 2,000 cases of the
corpus, over all its tools, as a command of its own: the claim is ≤ 5 s.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from janee.authority.policy import ExecQuery, Policy, compile_policy, decide_exec
from janee.config.file import parse_config

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "attacks" / "argv"
TOOLS = ("git", "gh", "curl")
SIZES = (10, 10_000)
TEST_CASES = 2_000


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


def measure_test(cases: int) -> dict[str, Any]:
    """`janee policy test`, from its start to its end, with the lines of the whole corpus."""
    lines = [json.loads(line) for path in sorted(CORPUS.glob("*.jsonl")) for line in path.read_text().splitlines() if line]
    tools = sorted({line["tool"] for line in lines})
    capability = {"service": "s", "mode": "exec", "allowedAgents": ["local"], "allowCommands": tools}
    config = {
        "version": "0.3.0",
        "services": {"s": {"baseUrl": "https://api.github.com", "auth": {"type": "bearer"}}},
        "capabilities": {"c": capability},
    }
    step = max(1, len(lines) // cases)
    chosen = (lines[::step] * (cases // len(lines) + 1))[:cases]
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "config.yaml").write_text(json.dumps(config))
        texts = (json.dumps({"capability": "c", "argv": line["argv"], "expect": "deny"}) + "\n" for line in chosen)
        (Path(directory) / "cases").write_text("".join(texts))
        started = time.perf_counter()
        argv = [sys.executable, "-m", "janee.cli.main", "policy", "test", "--json"]
        argv += ["--config", f"{directory}/config.yaml", f"{directory}/cases"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd=CORPUS.parents[2])
        seconds = time.perf_counter() - started
    if len(done.stdout.splitlines()) != cases:
        raise SystemExit(f"policy test decided {len(done.stdout.splitlines())} of {cases}: {done.stderr[-500:]}")
    return {"cases": cases, "tools": len(tools), "seconds": round(seconds, 2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    texts = [(CORPUS / f"{tool}.jsonl").read_text() for tool in TOOLS]
    lines = [tuple(json.loads(line)["argv"]) for text in texts for line in text.splitlines() if line]
    results = [measure(size, lines, arguments.rounds) for size in SIZES]
    whole = measure_test(TEST_CASES)
    if arguments.json:
        print(json.dumps([*results, whole]))
    else:
        for result in results:
            print(f"{result['capabilities']:>6} capabilities: p50 {result['p50Us']} µs, p99 {result['p99Us']} µs")
        print(f"policy test: {whole['cases']} cases over {whole['tools']} tools in {whole['seconds']} s")
    return 0 if all(result["p50Us"] <= 200 for result in results) and whole["seconds"] <= 5 else 1


if __name__ == "__main__":
    sys.exit(main())
