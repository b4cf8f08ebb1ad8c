"""Running the sandbox from tests: as root and as an ordinary user, and looking for what it left behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox import kernel

LEVEL_LANDLOCK_ABI: Final = 3  # truncation is confined from there on

REPOSITORY: Final = Path(__file__).resolve().parents[2]
NOBODY: Final = 65534
USERS: Final = ("root", "ordinary")
DEADLINE_S: Final = 20.0


def identity(user: str) -> dict[str, Any]:
    """Arguments for `subprocess` that make a child run as `user`; skips when this process cannot."""
    if user == "root":
        if os.geteuid() != 0:
            pytest.skip("needs root")
        return {}
    if os.geteuid() != 0:
        return {}
    switch: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    probe = subprocess.run([sys.executable, "-c", "import sandbox"], cwd=REPOSITORY, capture_output=True, **switch)
    if probe.returncode != 0:
        pytest.skip("uid 65534 cannot read this checkout")
    return switch


def sandbox(*arguments: str, user: str = "root", **options: Any) -> "subprocess.CompletedProcess[bytes]":
    """`python -m sandbox ARGUMENTS` as `user`, with a deadline."""
    chosen: dict[str, Any] = {"capture_output": True, "timeout": DEADLINE_S, "cwd": REPOSITORY} | options | identity(user)
    if "input" not in chosen:
        chosen.setdefault("stdin", subprocess.DEVNULL)
    done: subprocess.CompletedProcess[bytes] = subprocess.run([sys.executable, "-m", "sandbox", *arguments], **chosen)
    return done


def run(*argv: str, options: Sequence[str] = (), **more: Any) -> "subprocess.CompletedProcess[bytes]":
    """`python -m sandbox run OPTIONS -- ARGV`."""
    return sandbox("run", *options, "--", *argv, **more)


def eventually(condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    """Poll `condition` until it holds or the time is over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def processes_with(mark: str) -> list[int]:
    """Processes whose arguments contain `mark`, ourselves excepted."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@contextmanager
def nothing_survives(mark: str) -> Iterator[None]:
    """Fail if, soon after the block, a process with `mark` in its arguments is alive."""
    yield
    assert eventually(lambda: not processes_with(mark), 2.0), f"survivors: {processes_with(mark)}"


def skip_without_landlock(item: pytest.Item) -> None:
    """A test of level `landlock` is skipped on a kernel where that level is refused (`test_layers.py` shows that it is)."""
    given = getattr(getattr(item, "callspec", None), "params", {})
    is_meant = item.name.startswith("test_level_landlock") or any(getattr(v, "value", v) == "landlock" for v in given.values())
    if is_meant and kernel.landlock_abi() < LEVEL_LANDLOCK_ABI:
        pytest.skip(f"level landlock needs Landlock ABI {LEVEL_LANDLOCK_ABI}, this kernel has {kernel.landlock_abi()}")
