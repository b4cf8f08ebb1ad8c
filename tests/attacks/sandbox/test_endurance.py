"""Many runs and many deaths: nothing is left. RUNS=1000 KILLS=200 for a night (and CROWD, FUZZ_SECONDS elsewhere)."""

import json
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sandbox import Zygote
from tests.attacks.sandbox.test_lifetime import fresh_mark, start_front
from tests.sandbox import rig

RUNS = int(os.environ.get("RUNS", "40"))
KILLS = int(os.environ.get("KILLS", "6"))
DEATH_S = 1.0
FLAT_KIB = 512  # what the zygote may gain, however many runs there are


def ask(zygote: Zygote, **request: Any) -> dict[str, Any]:
    with zygote.spawn_blocking() as connection:
        connection.settimeout(rig.DEADLINE_S)
        connection.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(connection.makefile("rb").readline())
    return answer


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def held(pid: int) -> tuple[object, ...]:
    """What a leak would add to: descriptors by kind, mounts, namespaces, children of the zygote and of this process."""
    kinds = sorted(os.readlink(path).partition(":")[0] for path in Path(f"/proc/{pid}/fd").iterdir())
    mounts = [Path(f"/proc/{who}/mountinfo").read_text().count("\n") for who in (pid, "self")]
    namespaces = sorted(os.readlink(path) for path in Path(f"/proc/{pid}/ns").iterdir())
    return kinds, mounts, namespaces, children_of(pid)


def private_kib(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in rollup if line.startswith(("Private_Dirty", "Private_Clean", "Shared_Dirty")))


def left_groups(owner: int) -> list[str]:
    """Control groups that `cgroup` made for processes which are dead by now: below any process of this test."""
    return [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/sandbox-*-{owner}-*")]


@pytest.mark.timeout(3600)
def test_run_after_run_leaves_nothing_and_the_zygote_stays_small(tmp_path: Path) -> None:
    with Zygote.start(entry="tests.sandbox.entries:serve") as zygote:
        mounts = [[str(tmp_path), "/w", True]]
        for _ in range(5):
            ask(zygote, argv=["true"], mounts=mounts)
        assert rig.eventually(lambda: not children_of(zygote.pid))
        before, memory = held(zygote.pid), private_kib(zygote.pid)
        for number in range(RUNS):
            answer = ask(zygote, argv=["sh", "-c", "echo x >/tmp/x; (sleep 60 &); exit 3"], mounts=mounts)
            assert answer["code"] == 3, (number, answer)
        assert rig.eventually(lambda: held(zygote.pid) == before, rig.DEADLINE_S), (before, held(zygote.pid))
        assert private_kib(zygote.pid) - memory < FLAT_KIB
        assert left_groups(zygote.pid) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(3600)
def test_whoever_is_killed_at_whatever_moment_nothing_survives() -> None:
    """Front, zygote and executors by turns. A second is from the death of the last of ours to that of the last command."""
    chance, slowest = random.Random(4), 0.0
    for number in range(KILLS):
        mark = fresh_mark("endured")
        front, zygote = start_front(mark, rig.USERS[number % 2] if os.geteuid() == 0 else "ordinary")
        try:
            time.sleep(chance.random() * 0.02)  # the moment is the point
            for pid in ([front.pid], [zygote], children_of(zygote))[number % 3]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            started = time.monotonic()
            assert rig.eventually(lambda: nobody_left(mark, front), DEATH_S), (number, rig.processes_with(mark))  # noqa: B023
            slowest = max(slowest, time.monotonic() - started)
        finally:
            front.kill()
            front.wait()
    print(f"{KILLS} kills, the slowest death took {slowest * 1000:.0f} ms")


def nobody_left(mark: str, front: "subprocess.Popen[bytes]") -> bool:
    """Is nobody left? The front itself sleeps on when somebody else was killed, and a dead one waits for its parent."""
    return [pid for pid in rig.processes_with(mark) if pid != front.pid] == []
