"""How quickly a sandboxed command starts, as a ratio to bubblewrap in the same run.

    python bench/sandbox.py [--rounds N] [--command true|git] [--user UID] [--flight SECONDS] [--memory N] [--json]

Contestants take turns in random order, each with pipes for output that are read to their end and a status that is
collected. What the owner of a cell waits for is measured: from the specification (or, `cold`, from the request for a cell to
an empty pool) to the status, which comes when the tree is dead. The pool of warm cells is refilled in the pause between rounds,
as a server would. Everything of level strict is on; bubblewrap has its usual options (`--unshare-all`, read-only /usr,
own /proc, /dev, /tmp) and our seccomp filter, and neither Landlock nor limits. crun runs without control groups, where it is
installed and can.

--flight: executions per second with 8 in flight, slices of the contestants taking turns; a slot of ours asks for its next
cell when the last one has answered. --memory: what N warm cells cost, the only process of each being pid 1 of its sandbox
(needs root, who alone can look into it): Private_Dirty is what each added, Pss its share of the rest too.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import sandbox
from sandbox import seccomp

COMMANDS = {"true": ("/usr/bin/true",), "git": ("/usr/bin/git", "--version")}
BWRAP = (
    *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr"),
    *("--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
    *("--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache", "--ro-bind", "/etc/ssl/certs", "/etc/ssl/certs"),
    *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/home"),
    *("--clearenv", "--setenv", "PATH", "/usr/bin"),
)
UNSHARE = ("unshare", "-Urpnmiu", "--fork")
PAUSE_S = 0.012
IN_FLIGHT = 8
SLICES = 3
SETTLE_S = 1.5


class Client:
    """A server that owns its cells, with a pool of warm ones in front."""

    def __init__(self, mounts: list[tuple[str, str, bool]], warm: int) -> None:
        self._zygote = sandbox.Zygote.start()
        self._mounts = tuple(sandbox.Mount(*mount) for mount in mounts)
        self._warm = warm
        self._pool: list[sandbox.Cell] = []
        self._null = os.open("/dev/null", os.O_RDONLY)
        self._used: list[sandbox.Cell] = []

    def refill(self) -> None:
        while self._used:
            self._used.pop().close()
        while len(self._pool) < self._warm:
            self._pool.append(self.spawn())

    def spawn(self) -> sandbox.Cell:
        return self._zygote.cell_blocking()

    def memory_mib(self, count: int) -> dict[str, float]:
        """Per warm cell, by kind of memory."""
        held = [self.spawn() for _ in range(count)]
        time.sleep(SETTLE_S)
        total = {"Private_Dirty": 0, "Pss": 0}
        for pid in _children(self._zygote.pid):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
                name, kib, *_ = line.split()
                if name[:-1] in total:
                    total[name[:-1]] += int(kib)
        for cell in held:
            cell.close()
        return {name: kib / 1024 / count for name, kib in total.items()}

    def run(self, argv: tuple[str, ...]) -> int:
        cell = self._pool.pop() if self._pool else self.spawn()
        self._used.append(cell)
        return self.ask(cell, argv)

    def ask(self, cell: sandbox.Cell, argv: tuple[str, ...]) -> int:
        spec = sandbox.SandboxSpec(argv=argv, env={"PATH": sandbox.DEFAULT_PATH}, mounts=self._mounts)
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        child = cell.start(spec, stdin=self._null, stdout=out_write, stderr=err_write)
        os.close(out_write)
        os.close(err_write)
        for descriptor in (out_read, err_read):
            while os.read(descriptor, 65536):
                pass
            os.close(descriptor)
        return child.result().status

    def close(self) -> None:
        for cell in (*self._pool, *self._used):
            cell.close()
        self._zygote.close()
        os.close(self._null)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Bubblewrap:
    """bwrap with the filter that our commands have."""

    def __init__(self) -> None:
        self._filter = os.memfd_create("filter")
        os.write(self._filter, seccomp.compile_filters(with_namespaces=True)[-1])

    def run(self, argv: tuple[str, ...]) -> int:
        fresh = os.open(f"/proc/self/fd/{self._filter}", os.O_RDONLY)  # bwrap reads it to its end: an offset of its own
        try:
            return spawned((*BWRAP, "--seccomp", str(fresh), *argv), (fresh,))
        finally:
            os.close(fresh)


class Crun:
    """crun with a bundle like bwrap's root; a container name for each run."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        self._bundle = tempfile.mkdtemp(prefix="bench-")
        rootless = ["--rootless"] if os.geteuid() != 0 else []
        subprocess.run(["crun", "spec", *rootless], cwd=self._bundle, check=True, capture_output=True)
        config = Path(self._bundle) / "config.json"
        value = json.loads(config.read_text())
        value["process"] |= {"terminal": False, "args": list(argv)}
        value["root"] = {"path": "rootfs", "readonly": True}
        value["linux"].pop("resources", None)
        for name in ("usr", "proc", "dev", "sys", "tmp"):
            (Path(self._bundle) / "rootfs" / name).mkdir(parents=True)
        for name in ("bin", "lib", "lib64"):
            (Path(self._bundle) / "rootfs" / name).symlink_to(f"usr/{name}")
        value["mounts"].append({"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]})
        config.write_text(json.dumps(value))

    def run(self, argv: tuple[str, ...]) -> int:
        name = f"bench-{os.getpid()}-{random.getrandbits(48)}"
        return spawned(("crun", "--cgroup-manager=disabled", "run", "--bundle", self._bundle, name))

    def close(self) -> None:
        shutil.rmtree(self._bundle)


def flight(contestants: dict[str, Callable[[], Callable[[], int]]], seconds: float) -> dict[str, float]:
    """Executions per second with IN_FLIGHT at a time. A contestant makes, per slot, the function that runs once."""
    done = dict.fromkeys(contestants, 0)
    for _ in range(SLICES):
        for name in random.sample(list(contestants), len(contestants)):
            ends = time.monotonic() + seconds
            counts = [0] * IN_FLIGHT

            def slot(number: int, name: str = name, ends: float = ends, counts: list[int] = counts) -> None:
                once = contestants[name]()
                while time.monotonic() < ends:
                    counts[number] += once() == 0

            threads = [threading.Thread(target=slot, args=(number,)) for number in range(IN_FLIGHT)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            done[name] += sum(counts)
    return {name: count / (SLICES * seconds) for name, count in done.items()}


def spawned(argv: tuple[str, ...], pass_fds: tuple[int, ...] = ()) -> int:
    """A command through posix_spawn (subprocess uses vfork where it can), output read to its end."""
    environment = {"PATH": "/usr/bin:/usr/sbin"}
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, env=environment, pass_fds=pass_fds).returncode


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
    parser.add_argument("--flight", type=float, metavar="SECONDS")
    parser.add_argument("--memory", type=int, metavar="N")
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
    bwrap = Bubblewrap() if shutil.which("bwrap") else None
    if bwrap is not None:
        contestants["bwrap"] = lambda: bwrap.run(argv)
    if shutil.which("unshare"):
        contestants["unshare"] = lambda: spawned((*UNSHARE, *argv))
    crun = Crun(argv) if shutil.which("crun") else None
    if crun is not None:
        contestants["crun"] = lambda: crun.run(argv)
    if crun is not None and crun.run(argv) != 0:
        print("crun does not run here without control groups, not measured", file=sys.stderr)
        del contestants["crun"]
    missing = [name for name in ("bwrap", "unshare", "crun") if shutil.which(name) is None]
    if missing:
        print(f"not installed, not measured: {', '.join(missing)}", file=sys.stderr)

    def between() -> None:
        warm.refill()
        bound.refill()

    try:
        times = measure(contestants, options.rounds, between)
        rates = flight(_in_flight(cold, bwrap, argv), options.flight) if options.flight else {}
        memory = cold.memory_mib(options.memory) if options.memory else {}
    finally:
        for client in (warm, bound, cold):
            client.close()
        if crun is not None:
            crun.close()
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
        print(json.dumps({"start": rows, "per_second": rates, "mib_per_warm_cell": memory}))
        return
    for name, row in rows.items():
        print(f"{name:20} {row['median_ms']:7.2f} ms  p99 {row['p99_ms']:7.2f} ms  {row['ratio']:5.2f} x bwrap")
    for name, rate in rates.items():
        print(f"{name:20} {rate:7.1f} /s with {IN_FLIGHT} in flight  {rate / rates.get('bwrap', float('nan')):5.2f} x bwrap")
    for name, mib in memory.items():
        print(f"{name:20} {mib:7.2f} MiB per warm cell")


def _in_flight(client: Client, bwrap: Bubblewrap | None, argv: tuple[str, ...]) -> dict[str, Callable[[], Callable[[], int]]]:
    def slot() -> Callable[[], int]:
        following = [client.spawn()]

        def once() -> int:
            cell = following.pop()
            status = client.ask(cell, argv)
            following.append(client.spawn())
            cell.close()
            return status

        return once

    found: dict[str, Callable[[], Callable[[], int]]] = {"warm": slot}
    if bwrap is not None:
        found["bwrap"] = lambda: lambda: bwrap.run(argv)
    return found


if __name__ == "__main__":
    main()
