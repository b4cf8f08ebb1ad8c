"""How quickly a sandboxed command starts, as a ratio to bubblewrap in the same run.

    python bench/sandbox.py [--rounds N] [--command true|git] [--user UID]

Contestants take turns in random order, each with pipes for output that are read to their end and a status that is
collected. What a client of the zygote waits for is measured: request, output, status; the pool of warm executors is
refilled in the pause between rounds, as a server would. `cold` is a request to an empty pool. Everything of level
strict is on; bubblewrap has its usual options (`--unshare-all`, read-only /usr, own /proc, /dev, /tmp), and neither
Landlock, seccomp nor limits.
"""

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import sandbox
from sandbox import wire

COMMANDS = {"true": ("/usr/bin/true",), "git": ("/usr/bin/git", "--version")}
BWRAP = (
    *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr"),
    *("--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
    *("--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache", "--ro-bind", "/etc/ssl/certs", "/etc/ssl/certs"),
    *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/home"),
    *("--clearenv", "--setenv", "PATH", "/usr/bin"),
)
PAUSE_S = 0.012


def serve(connection: socket.socket, cell: sandbox.Cell) -> None:
    """The executor: one request (argv, mounts; stdout and stderr), one answer (status)."""
    frame = wire.receive(connection)
    null = os.open("/dev/null", os.O_RDONLY)
    mounts = tuple(sandbox.Mount(*mount) for mount in frame.body["mounts"])
    spec = sandbox.SandboxSpec(argv=tuple(frame.body["argv"]), env={"PATH": sandbox.DEFAULT_PATH}, mounts=mounts)
    out, err = frame.descriptors
    child = cell.start(spec, stdin=null, stdout=out, stderr=err)
    os.close(out)
    os.close(err)
    wire.send(connection, {"status": child.result().status})


class Client:
    """Asks a zygote, with a pool of warm executors in front."""

    def __init__(self, mounts: list[tuple[str, str, bool]], warm: int) -> None:
        self._zygote = sandbox.Zygote.start(entry="sandbox_bench:serve", path=())
        self._mounts = mounts
        self._warm = warm
        self._pool: list[socket.socket] = []

    def refill(self) -> None:
        while len(self._pool) < self._warm:
            self._pool.append(self._zygote.spawn_blocking())

    def run(self, argv: tuple[str, ...]) -> int:
        connection = self._pool.pop() if self._pool else self._zygote.spawn_blocking()
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        with connection:
            wire.send(connection, {"argv": argv, "mounts": self._mounts}, (out_write, err_write))
            os.close(out_write)
            os.close(err_write)
            for descriptor in (out_read, err_read):
                while os.read(descriptor, 65536):
                    pass
                os.close(descriptor)
            return int(wire.receive(connection).body["status"])

    def close(self) -> None:
        for connection in self._pool:
            connection.close()
        self._zygote.close()


def spawned(argv: tuple[str, ...]) -> int:
    """A command through posix_spawn (subprocess uses vfork where it can), output read to its end."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, env={"PATH": "/usr/bin"}).returncode


def measure(contestants: dict[str, Callable[[], int]], rounds: int, between: Callable[[], None]) -> dict[str, list[float]]:
    """Times in ms by contestant; random order in every round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in random.sample(list(contestants), len(contestants)):
            between()
            time.sleep(PAUSE_S)
            started = time.perf_counter()
            status = contestants[name]()
            times[name].append((time.perf_counter() - started) * 1000)
            if status != 0:
                raise SystemExit(f"{name} ended with {status}")
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--command", choices=COMMANDS, default="true")
    parser.add_argument("--user", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.user:
        os.setgroups([])
        os.setresgid(options.user, options.user, options.user)
        os.setresuid(options.user, options.user, options.user)
    argv = COMMANDS[options.command]
    work = str(Path.cwd())
    warm, bound, cold = Client([], 2), Client([(work, "/w", False)], 2), Client([], 0)
    contestants: dict[str, Callable[[], int]] = {
        "bare": lambda: spawned(argv),
        "warm": lambda: warm.run(argv),
        "warm with a mount": lambda: bound.run(argv),
        "cold": lambda: cold.run(argv),
    }
    if shutil.which("bwrap"):
        contestants["bwrap"] = lambda: spawned((*BWRAP, *argv))

    def between() -> None:
        warm.refill()
        bound.refill()

    try:
        times = measure(contestants, options.rounds, between)
    finally:
        for client in (warm, bound, cold):
            client.close()
    peer = statistics.median(times["bwrap"]) if "bwrap" in times else float("nan")
    rows = {
        name: {
            "median_ms": statistics.median(taken),
            "p99_ms": sorted(taken)[int(len(taken) * 0.99) - 1],
            "ratio": statistics.median(taken) / peer,
        }
        for name, taken in times.items()
    }
    if options.json:
        print(json.dumps(rows))
        return
    for name, row in rows.items():
        print(f"{name:20} {row['median_ms']:7.2f} ms  p99 {row['p99_ms']:7.2f} ms  {row['ratio']:5.2f} x bwrap")


if __name__ == "__main__":
    main()
