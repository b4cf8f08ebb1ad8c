"""Random system calls from inside: the host does not notice. FUZZ_SECONDS=600 for a night."""

import os
import random
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import kernel
from tests.sandbox import rig

SECONDS = float(os.environ.get("FUZZ_SECONDS", "6"))
FUZZER = """
import ctypes, os, random, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
end = time.monotonic() + float(sys.argv[1])
seed = int(sys.argv[2])
SPARED = {34, 35, 23, 270, 7, 271, 130, 60, 231, 230, 61, 247, 128, 202}  # waiting and ending: they would only cost time
calls = 0
while time.monotonic() < end:
    seed += 1
    pid = os.fork()
    if pid == 0:
        dice = random.Random(seed)
        buffer = ctypes.create_string_buffer(dice.randbytes(4096), 4096)
        address = ctypes.addressof(buffer)
        paths = [b"/", b"/usr", b"/proc/self/mem", b"/tmp", b"..", b"/proc/1/root", b"/dev/null"]
        path = ctypes.create_string_buffer(dice.choice(paths))
        pool = [0, 1, -1, 2, 3, 4096, address, ctypes.addressof(path), 1 << 31, 1 << 63, 0x10000000, 0x7E020000, os.getpid(), 1]
        signal.alarm(1)
        for _ in range(60):
            number = dice.choice([dice.randrange(0, 480), dice.randrange(0, 480), dice.randrange(0, 1 << 31)])
            if number in SPARED:
                continue
            libc.syscall(ctypes.c_long(number), *[ctypes.c_long(dice.choice(pool)) for _ in range(6)])
        os._exit(0)
    os.waitpid(pid, 0)
    calls += 60
print(calls, flush=True)
"""


WATCHED = ("/", "/usr", "/tmp", "/etc/passwd", "/dev/null", "/dev/zero", "/dev/shm")


def host_state() -> tuple[object, ...]:
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    mounts = Path("/proc/self/mountinfo").read_text().count("\n")
    modes = tuple((about.st_mode, about.st_uid, about.st_gid) for about in map(os.stat, WATCHED))
    return modes, socket.gethostname(), boot, mounts, os.getpriority(os.PRIO_PROCESS, os.getpid())


@pytest.mark.parametrize("user", rig.USERS)
def test_random_system_calls_at_level_strict_change_nothing_outside(user: str) -> None:
    before, offset, runs = host_state(), time.time() - time.monotonic(), 0
    end, mark = time.monotonic() + SECONDS / 3, f"fuzz-{os.getpid()}-{time.monotonic_ns()}"
    while (remaining := end - time.monotonic()) > 0:  # the fuzzer often kills itself
        seed = str(random.randrange(1 << 30))
        with rig.nothing_survives(mark):
            argv = ("python3", "-c", FUZZER, str(remaining), seed, mark)
            done = rig.run(*argv, options=("--timeout", str(remaining + 5)), user=user, timeout=remaining + 15)
        assert not done.stderr.startswith(b"sandbox: error"), (seed, done.stderr)
        assert host_state() == before, seed
        runs += 1
    assert runs
    assert abs((time.time() - time.monotonic()) - offset) < 1


def test_random_system_calls_at_level_landlock_change_nothing_outside() -> None:
    """In a scratch copy of the machine's tree, because here a hole would hurt the machine that runs the test."""
    if kernel.landlock_abi() < 6:
        pytest.skip("needs Landlock ABI 6: without scopes, a random kill(2) reaches every process of the same user")
    if shutil.which("bwrap") is None:
        pytest.skip("needs bwrap")
    outer = [
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--proc",
        "/proc",
        "--unshare-all",
        "--die-with-parent",
    ]
    watched = "stat -c '%a %u %g %n' / /tmp /dev /dev/null /dev/zero /dev/shm; cat /tmp/file; ls -A /tmp"
    runs, end = 0, time.monotonic() + SECONDS / 3
    while (remaining := end - time.monotonic()) > 0:
        seed = random.randrange(1 << 30)
        inner = shlex.join(
            [sys.executable, "-m", "sandbox", "run", "--level", "landlock", "--timeout", str(remaining + 5), "--", "python3"]
        )
        script = f'echo content >/tmp/file; {watched}; {inner} -c "$0" {remaining} {seed} >&2; echo =; {watched}'
        done = subprocess.run(
            [*outer, "sh", "-c", script, FUZZER], cwd=rig.REPOSITORY, capture_output=True, timeout=remaining + 20
        )
        assert b"sandbox: error" not in done.stderr, (seed, done.stderr)
        before, _, after = done.stdout.partition(b"=\n")
        assert before == after, seed
        runs += 1
    assert runs
