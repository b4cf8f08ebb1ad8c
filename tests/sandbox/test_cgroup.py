"""Control groups: found where they can be had, born in, killed as one, never left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Level, Limits, SandboxSpec, cgroup, kernel, run
from sandbox.cell import Cell
from tests.sandbox import rig


@pytest.fixture
def parent() -> cgroup.Parent:
    found = cgroup.find_parent()
    if found is None:
        pytest.skip("no cgroup v2 group here that this user may make leaves in")
    return found


@pytest.fixture
def leaf(parent: cgroup.Parent) -> Iterator[cgroup.Leaf]:
    with cgroup.Leaf.make(parent, dies_as_one=True) as made:
        yield made


def leaves(parent: cgroup.Parent) -> set[str]:
    """Those of this process and of its dead relatives: other tests may run beside us."""
    return {path.name for path in Path(parent.path).glob("sandbox-*") if f"-{os.getpid()}-" in path.name}


def birth_in(leaf: cgroup.Leaf) -> int:
    pid = kernel.fork_into(0, leaf.fileno())
    if pid == 0:
        try:
            if os.fork() == 0:  # a descendant, for whom nobody waits
                signal.pause()
            signal.pause()
        finally:
            os._exit(0)
    return pid


def members(leaf: cgroup.Leaf) -> list[str]:
    return Path(leaf.path, "cgroup.procs").read_text().split()


def test_a_process_is_born_in_the_leaf_and_closing_kills_all(leaf: cgroup.Leaf) -> None:
    pid = birth_in(leaf)
    try:
        assert str(pid) in members(leaf)
        assert rig.eventually(lambda: len(members(leaf)) == 2)
    finally:
        leaf.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert not Path(leaf.path).exists()
    leaf.close()  # twice is fine


def test_limits_of_controllers_that_are_missing_are_left_out(parent: cgroup.Parent) -> None:
    with cgroup.Leaf.make(cgroup.Parent(parent.path, frozenset()), dies_as_one=False) as leaf:
        leaf.limit(Limits(memory_mib=64, pids=5))
        assert not leaf.ran_out_of_memory()


def test_limits_are_written(leaf: cgroup.Leaf, parent: cgroup.Parent) -> None:
    if "memory" not in parent.controllers or "pids" not in parent.controllers:
        pytest.skip("no memory and pids controllers in the version 2 hierarchy of this machine")
    leaf.limit(Limits(memory_mib=64, pids=5, cpu_percent=150))
    assert Path(leaf.path, "memory.max").read_text() == f"{64 << 20}\n"
    if "cpu" in parent.controllers:
        assert Path(leaf.path, "cpu.max").read_text() == "150000 100000\n"
    assert Path(leaf.path, "pids.max").read_text() == "6\n"


def test_memory_of_all_processes_together_has_an_end(parent: cgroup.Parent) -> None:
    if "memory" not in parent.controllers:
        pytest.skip("no memory controller in the version 2 hierarchy of this machine")
    # Shared memory, which no rlimit counts, written in pieces that private memory has room for.
    script = "import mmap\nm = mmap.mmap(-1, 300 << 20)\nfor _ in range(300): m.write(bytes(1 << 20))\nprint('written')"
    done = run(SandboxSpec(argv=("/usr/bin/python3", "-c", script), limits=Limits(memory_mib=100)))
    assert (done.exit.signal, done.stdout) == (signal.SIGKILL, b""), done


_NEEDS_ALL = "no memory, pids and cpu controllers in the version 2 hierarchy of this machine"


def _sandboxed(*argv: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", "run", *argv]


def test_cpu_time_of_all_processes_together_is_bounded(parent: cgroup.Parent) -> None:
    if not {"memory", "cpu"} <= parent.controllers:
        pytest.skip(_NEEDS_ALL)
    script = "import time\nend = time.monotonic() + 5\nwhile time.monotonic() < end: pass\nprint(time.process_time())"
    done = run(SandboxSpec(argv=("/usr/bin/python3", "-c", script), limits=Limits(cpu_percent=20)))
    assert done.exit.code == 0, done
    assert float(done.stdout) < 2.5  # 1 is the limit; 5 without one


@pytest.mark.parametrize(
    ("bomb", "status"),
    [
        (("sh", "-c", "f() { f | f & }; f; sleep 100"), {124}),
        (("/usr/bin/python3", "-c", "held = []\nwhile True: held.append(bytes(range(256)) * 40960)"), {137, 1}),
        (("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; wait"), {124}),
    ],
    ids=["fork bomb", "4 GiB", "CPU burner"],
)
def test_what_floods_one_sandbox_leaves_another_undisturbed(
    parent: cgroup.Parent, bomb: tuple[str, ...], status: set[int]
) -> None:
    if not {"memory", "pids", "cpu"} <= parent.controllers:
        pytest.skip(_NEEDS_ALL)
    limits = ("--memory", "256", "--pids", "64", "--cpu", "50", "--timeout", "30", "--")
    with subprocess.Popen(_sandboxed(*limits, *bomb), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as flood:
        for _ in range(3):
            beside = subprocess.run(
                _sandboxed("--timeout", "60", "--", "/usr/bin/python3", "-c", "print(len(bytes(50 << 20)))"),
                capture_output=True, text=True, timeout=90,
            )  # fmt: skip
            assert (beside.returncode, beside.stdout) == (0, f"{50 << 20}\n"), beside.stderr
        assert flood.wait(120) in status


@pytest.mark.parametrize("level", [Level.STRICT, Level.LANDLOCK])
def test_no_leaf_is_left_of_a_run(parent: cgroup.Parent, level: Level) -> None:
    before = {path.name for path in Path(parent.path).glob("sandbox-*")}
    done = run(SandboxSpec(argv=("sh", "-c", "sleep 600 & cat /proc/self/cgroup || true"), level=level))
    assert done.exit.code == 0
    if level is Level.STRICT:
        assert b"0::/\n" in done.stdout  # the leaf is the root of all that is seen
    mine = {path.name for path in Path(parent.path).glob("sandbox-*")} - before
    assert not {name for name in mine if not owner_lives(name)}


def owner_lives(name: str) -> bool:
    return Path(f"/proc/{name.split('-')[2]}").exists()


OWNER = """
import os, signal, sys
from sandbox import Level
from sandbox.cell import Cell
cell = Cell.prepare(Level(sys.argv[1]))
print(os.getpid(), flush=True)
signal.pause()
"""


@pytest.mark.parametrize("level", ["strict", "landlock"])
def test_what_a_killed_owner_left_is_swept(parent: cgroup.Parent, level: str) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, level], cwd=rig.REPOSITORY, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    with owner.stdout:
        mark = f"-{int(owner.stdout.readline())}-"

    def left() -> list[Path]:
        return [path for path in Path(parent.path).glob("sandbox-*") if mark in path.name]

    try:
        assert left()
        cgroup.sweep(parent.path)
        assert left()  # a living owner's leaf stays
    finally:
        owner.kill()
        owner.wait()

    def is_swept() -> bool:
        cgroup.sweep(parent.path)
        return not left()

    assert rig.eventually(is_swept)


def test_a_leaf_that_cannot_be_had_is_done_without(parent: cgroup.Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "find_parent", lambda: cgroup.Parent("/nonexistent", frozenset()))
    pid = kernel.fork_into(0)
    if pid == 0:
        try:
            Cell.prepare(Level.STRICT).verify()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_group_outside_the_mounted_part_is_not_ours() -> None:
    assert cgroup._upwards("/m/a/b", "/m") == ("/m/a/b", "/m/a", "/m")
    assert cgroup._upwards("/m", "/m") == ("/m",)
