"""Outliving the sandbox: whoever is killed, and whatever the command does, nothing survives."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox import Level, Mount, SandboxError, SandboxSpec, Zygote, base_env
from tests.sandbox import rig

FRONT = """
import sys, time
from sandbox import Zygote
zygote = Zygote.start(entry="tests.sandbox.entries:hold")
connections = []
for _ in range(2):
    connection = zygote.spawn_blocking()
    connection.sendall(sys.argv[1].encode())
    connection.recv(100)
    connections.append(connection)
print(zygote.pid, flush=True)
time.sleep(600)
"""


def fresh_mark(name: str) -> str:
    return f"{name}-{os.getpid()}-{time.monotonic_ns()}"


def start_front(mark: str, user: str) -> "tuple[subprocess.Popen[bytes], int]":
    front = subprocess.Popen(
        [sys.executable, "-c", FRONT, mark], cwd=rig.REPOSITORY, stdout=subprocess.PIPE, **rig.identity(user)
    )
    assert front.stdout is not None
    line = front.stdout.readline()
    front.stdout.close()
    return front, int(line)


@pytest.mark.parametrize("user", rig.USERS)
@pytest.mark.parametrize("victim", ["front", "zygote", "executor", "pid 1"])
def test_killing_any_process_of_ours_ends_every_command(user: str, victim: str) -> None:
    mark = fresh_mark("killed")
    front, zygote = start_front(mark, user)
    try:
        assert rig.eventually(lambda: len(rig.processes_with(mark)) >= 3)
        executors = [int(pid) for pid in Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()]
        assert len(executors) == 2
        inits = [int(pid) for one in executors for pid in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
        for pid in {"front": [front.pid], "zygote": [zygote], "executor": executors, "pid 1": inits}[victim]:
            os.kill(pid, signal.SIGKILL)

        def survivors() -> list[int]:
            return [pid for pid in rig.processes_with(mark) if pid != front.pid]

        assert rig.eventually(lambda: not survivors(), 1.0), survivors()
    finally:
        front.kill()
        front.wait()


SERVER = """
import os, sys, time
import sandbox
zygote = sandbox.Zygote.start(entry="tests.sandbox.entries:hold")
null, kept = os.open("/dev/null", os.O_RDWR), []
script = f"(setsid sh -c 'sleep 600; :' {sys.argv[1]} &) ; trap '' TERM HUP INT; sleep 600; :"
for _ in range(2):
    cell = zygote.cell_blocking()
    spec = sandbox.SandboxSpec(argv=("sh", "-c", script, sys.argv[1]), env=sandbox.base_env())
    kept.append((cell, cell.start(spec, stdin=null, stdout=null, stderr=null)))
print(zygote.pid, flush=True)
sys.stdin.read()
os.close(0)
channels = [cell._process.channel for cell, _ in kept]
for channel in channels:
    os.close(channel.detach())
time.sleep(600)
"""


@pytest.mark.parametrize("user", rig.USERS)
@pytest.mark.parametrize("victim", ["server", "zygote", "pid 1", "channel"])
def test_killing_a_server_that_owns_its_cells_or_what_stands_below_it_ends_every_command(user: str, victim: str) -> None:
    """channel: the server lets go of its cells, and they alone must notice."""
    mark = fresh_mark("owned")
    command = [sys.executable, "-c", SERVER, mark]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=rig.REPOSITORY, **pipes, **rig.identity(user)) as server:  # type: ignore[call-overload]
        try:
            zygote = int(server.stdout.readline())
            inits = [int(pid) for pid in Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()]
            assert len(inits) == 2
            if victim == "channel":
                server.stdin.close()
            for pid in {"server": [server.pid], "zygote": [zygote], "pid 1": inits, "channel": []}[victim]:
                os.kill(pid, signal.SIGKILL)

            def survivors() -> list[int]:
                return [pid for pid in rig.processes_with(mark) if pid != server.pid]

            assert rig.eventually(lambda: not survivors(), 1.0), survivors()
        finally:
            server.kill()


def test_killing_a_zygote_of_cells_at_random_moments_leaves_nothing() -> None:
    mark, chance = fresh_mark("random"), random.Random(2)
    script = f"(setsid sh -c 'sleep 600; :' {mark} &) ; sleep 600; :"
    null = os.open("/dev/null", os.O_RDWR)
    spec = SandboxSpec(argv=("sh", "-c", script), env=base_env(), mounts=(Mount("/usr/share", "/w", writable=False),))
    for _ in range(20):
        with Zygote.start(entry="tests.sandbox.entries:hold") as zygote, zygote.cell_blocking() as cell:
            killer = threading.Timer(chance.random() * 0.02, os.kill, (zygote.pid, signal.SIGKILL))
            killer.start()
            with suppress(SandboxError):  # when it died while starting
                cell.start(spec, stdin=null, stdout=null, stderr=null)
            killer.join()
            assert rig.eventually(lambda: not rig.processes_with(mark), 1.0), rig.processes_with(mark)
    os.close(null)


def test_killing_at_random_moments_leaves_nothing() -> None:
    mark, chance = fresh_mark("random"), random.Random(1)
    for _ in range(25):
        with Zygote.start(entry="tests.sandbox.entries:hold") as zygote, zygote.spawn_blocking() as connection:
            connection.sendall(mark.encode())
            time.sleep(chance.random() * 0.03)  # the moment is the point
            children = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children").read_text().split()
            with suppress(ProcessLookupError):  # it may have ended by itself since
                os.kill(int(children[0]) if children and chance.random() < 0.5 else zygote.pid, signal.SIGKILL)
    assert rig.eventually(lambda: not rig.processes_with(mark), 1.0), rig.processes_with(mark)


@pytest.mark.parametrize("level", [Level.STRICT, Level.LANDLOCK])
@pytest.mark.parametrize(
    "script",
    {
        "double fork": "(setsid sh -c '(sleep 600 &) ; sleep 600' {mark} &) ; exit 0",
        "ignored signals": "(trap '' HUP TERM INT QUIT; sh -c 'sleep 600; :' {mark} &) ; exit 0",
        "stopped process": "sh -c 'kill -STOP $$; sleep 600' {mark} & exit 0",
        "generations": "f() {{ [ $1 -gt 0 ] && (f $(($1-1)) &); sh -c 'sleep 600; :' {mark}; }}; f 20 & sleep 0.2; exit 0",
    }.values(),
)
def test_whatever_a_command_leaves_running_dies_with_it(level: Level, script: str) -> None:
    mark = fresh_mark("left")
    with rig.nothing_survives(mark):
        started = time.monotonic()
        done = rig.run("sh", "-c", script.format(mark=mark), options=("--level", level.value))
    assert done.returncode == 0
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("level", [Level.STRICT, Level.LANDLOCK])
def test_a_fork_bomb_ends_with_the_time_limit(level: Level) -> None:
    user = "ordinary" if level is Level.LANDLOCK else "root"  # RLIMIT_NPROC does not bind root
    mark = fresh_mark("bomb")
    with rig.nothing_survives(mark):
        done = rig.run(
            "sh",
            "-c",
            "b() { b | b & }; b; sleep 600",
            mark,
            options=("--level", level.value, "--pids", "60", "--timeout", "1"),
            user=user,
        )
    assert done.returncode == 124, done.stderr[-300:]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_ending_the_command_line_ends_the_command(signal_number: signal.Signals) -> None:
    mark = fresh_mark("cli")
    front = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "run", "--", "sh", "-c", "sleep 600; :", mark],
        cwd=rig.REPOSITORY,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # nohup would have it ignored
    )
    try:
        assert rig.eventually(lambda: len(rig.processes_with(mark)) >= 3)
        front.send_signal(signal_number)
        front.wait(5)
        assert rig.eventually(lambda: not rig.processes_with(mark), 1.0)
    finally:
        front.kill()
        front.wait()
