"""What one janee_exec costs: `true` over stdio with a remote Authority on loopback, everything on (strict, sealed, audited).

    python -m bench.exec [--calls 300] [--json]

Everything is measured in one run, as ratios to a bare posix_spawn of the same program that is interleaved with the calls;
compare ratios, never milliseconds of two runs. Prints: median and p99 of a call, where its time goes (MCP, authorize, spawn,
run, complete), executions per second at 1, 8 and 32 in flight, the time from start to the first tools/list, and idle PSS.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.runner.rig import McpClient, Rig, descendants, make_rig, stop

PARTS = ("executor", "authorize", "spawn", "run", "complete")
PAUSE_S = 0.03  # lets the pool refill, as between two calls of an agent


def spawn_ms() -> float:
    """One bare posix_spawn of `true` with three pipes, waited for."""
    pipes = [os.pipe() for _ in range(3)]
    actions = [(os.POSIX_SPAWN_DUP2, pipes[fd][0 if fd == 0 else 1], fd) for fd in range(3)]
    started = time.perf_counter()
    pid = os.posix_spawn("/usr/bin/true", ["true"], {}, file_actions=actions)
    os.waitpid(pid, 0)
    elapsed = (time.perf_counter() - started) * 1000
    for pair in pipes:
        for fd in pair:
            os.close(fd)
    return elapsed


def call_ms(client: McpClient) -> tuple[float, dict[str, float]]:
    params = {"name": "janee_exec", "arguments": {"capability": "bench", "command": ["true"]}, "_meta": {"janee/timings": True}}
    started = time.perf_counter()
    answer = client.request("tools/call", params)
    elapsed = (time.perf_counter() - started) * 1000
    result = answer["result"]
    assert result["structuredContent"].get("exitCode") == 0, answer
    parts = {name: value / 1000 for name, value in result["_meta"]["janee/timings"].items()}
    return elapsed, parts


def latency(client: McpClient, calls: int) -> dict[str, Any]:
    bare: list[float] = []
    whole: list[float] = []
    parts: dict[str, list[float]] = {name: [] for name in (*PARTS, "mcp")}
    for number in range(calls + 20):
        bare_now = spawn_ms()
        elapsed, split = call_ms(client)
        time.sleep(PAUSE_S)
        if number < 20:
            continue
        bare.append(bare_now)
        whole.append(elapsed)
        for name in PARTS:
            parts[name].append(split[name])
        parts["mcp"].append(elapsed - sum(split.values()))
    base = statistics.median(bare)
    return {
        "bareMs": round(base, 3),
        "medianMs": round(statistics.median(whole), 3),
        "p99Ms": round(quantile(whole, 0.99), 3),
        "ratio": round(statistics.median(whole) / base, 2),
        "p99Ratio": round(quantile(whole, 0.99) / quantile(bare, 0.99), 2),
        "splitMs": {name: round(statistics.median(values), 3) for name, values in parts.items()},
    }


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def throughput(client: McpClient, in_flight: int, seconds: float = 4.0) -> float:
    done = 0
    lock = threading.Lock()
    end = time.monotonic() + seconds

    def work() -> None:
        nonlocal done
        while time.monotonic() < end:
            call_ms(client)
            with lock:
                done += 1

    started = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(done / (time.monotonic() - started), 1)


def start_s(rig: Rig) -> float:
    """From starting the Runner to the first tools/list answer."""
    started = time.perf_counter()
    child = rig.spawn(*rig.runner_argv())
    client = McpClient(child)
    client.initialize()
    client.request("tools/list")
    elapsed = time.perf_counter() - started
    stop(child)
    return elapsed


def import_s() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import mcp"], check=True)
    return time.perf_counter() - started


def pss_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measure(calls: int, root: Path) -> dict[str, Any]:
    rig = make_rig(root)
    try:
        config = root / "janee" / "config.yaml"
        config.write_text(config.read_text() + BENCH_CAPABILITY)
        authority = rig.start_authority()
        starts = [(import_s(), start_s(rig)) for _ in range(5)]
        with rig.runner() as client:
            time.sleep(1.5)
            family = descendants(client.process.pid) | {client.process.pid}
            idle = sum(pss_mib(pid) for pid in family)
            result: dict[str, Any] = {"exec": latency(client, calls)}
            result["perSecond"] = {str(n): throughput(client, n) for n in (1, 8, 32)}
            imported, started = (statistics.median(column) for column in zip(*starts, strict=True))
            result["start"] = {
                "importMcpS": round(imported, 3),
                "toToolsListS": round(started, 3),
                "ratio": round(started / imported, 2),
            }
            result["idlePssMib"] = {"runner": round(idle, 1), "authority": round(pss_mib(authority.pid), 1)}
        return result
    finally:
        rig.close()


BENCH_CAPABILITY = """\
  bench:
    service: svc
    mode: exec
    delivery: env
    allowCommands: [{argv: ["true"]}]
    allowedAgents: ["runner:default"]
    env: {TOKEN: "{{credential}}"}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        result = measure(options.calls, Path(root))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    exec_ = result["exec"]
    print(f"bare posix_spawn          {exec_['bareMs']:8.2f} ms   1")
    print(f"janee_exec true, median   {exec_['medianMs']:8.2f} ms   {exec_['ratio']}   (bar 8, aim 3.5)")
    print(f"janee_exec true, p99      {exec_['p99Ms']:8.2f} ms   {exec_['p99Ratio']} of the bare p99")
    for name, value in exec_["splitMs"].items():
        print(f"  {name:<22}  {value:8.2f} ms   {value / exec_['bareMs']:.2f}")
    for number, rate in result["perSecond"].items():
        print(f"in flight {number:>2}              {rate:8.1f} /s")
    start = result["start"]
    print(f"start to tools/list       {start['toToolsListS']:8.2f} s    {start['ratio']} of `import mcp` (bar 2)")
    print(f"idle PSS                  {result['idlePssMib']['runner']:8.1f} MiB  Runner with its processes (bar 90)")
    print(f"                          {result['idlePssMib']['authority']:8.1f} MiB  Authority (bar 80)")


if __name__ == "__main__":
    main()
