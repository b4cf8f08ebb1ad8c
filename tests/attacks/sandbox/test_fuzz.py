"""Random system calls from inside: the host does not notice. FUZZ_SECONDS=600 for a night."""

import os
import random
import socket
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


def host_state() -> tuple[str, str, int, int]:
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    mounts = Path("/proc/self/mountinfo").read_text().count("\n")
    return socket.gethostname(), boot, mounts, os.getpriority(os.PRIO_PROCESS, os.getpid())


@pytest.mark.parametrize("level", ["strict", "landlock"])
@pytest.mark.parametrize("user", rig.USERS)
def test_random_system_calls_change_nothing_outside(user: str, level: str) -> None:
    if level == "landlock" and kernel.landlock_abi() < 6:
        pytest.skip("needs Landlock ABI 6: without scopes, a random kill(2) reaches the whole machine")
    before, mark = host_state(), f"fuzz-{os.getpid()}-{time.monotonic_ns()}"
    offset, end, runs = time.time() - time.monotonic(), time.monotonic() + SECONDS / 4, 0
    while (remaining := end - time.monotonic()) > 0:  # the fuzzer often kills itself
        seed, options = str(random.randrange(1 << 30)), ("--level", level, "--timeout", str(remaining + 5))
        with rig.nothing_survives(mark):
            done = rig.run(
                "python3", "-c", FUZZER, str(remaining), seed, mark, options=options, user=user, timeout=remaining + 15
            )
        assert not done.stderr.startswith(b"sandbox: error"), (seed, done.stderr)
        runs += 1
    assert runs
    assert host_state() == before
    assert abs((time.time() - time.monotonic()) - offset) < 1
