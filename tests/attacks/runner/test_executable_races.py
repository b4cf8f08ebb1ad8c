"""The file that was looked at is the file that runs, however often it is swapped meanwhile.

JANEE_TEST_RACES: rounds of each race (default 60).
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from janee.errors import JaneeError
from janee.runner.executable import TrustedPath
from janee.runner.order import Program
from sandbox import Zygote
from tests.sandbox.test_zygote import ask

ROUNDS = int(os.environ.get("JANEE_TEST_RACES", "60"))
GOOD, BAD = "#!/bin/sh\necho good\n", "#!/bin/sh\necho bad\n"
DIGESTS = {hashlib.sha256(text.encode()).hexdigest(): text.split()[-1].encode() + b"\n" for text in (GOOD, BAD)}


@pytest.fixture
def trusted() -> Iterator[Path]:
    """A directory that the operator trusts, with two programs in it; not below /tmp, where others may write."""
    directory = Path(tempfile.mkdtemp(prefix=".janee-test-", dir=Path.home()))
    try:
        for name, text in (("good", GOOD), ("bad", BAD)):
            program(directory / name, text)
        yield directory
    finally:
        shutil.rmtree(directory)


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@contextmanager
def swapping(swap: Callable[[int], None]) -> Iterator[None]:
    """Do `swap` again and again, beside what the caller does."""
    ended = threading.Event()

    def work() -> None:
        number, pause = 0, random.Random(1)
        while not ended.wait(pause.choice((0.001, 0.01, 0.1))):  # between two looks, and now and then not at all
            swap(number)
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def rename_swap(directory: Path) -> Callable[[int], None]:
    def swap(number: int) -> None:
        program(directory / "next", BAD if number % 2 else GOOD)
        (directory / "next").replace(directory / "tool")

    return swap


def write_swap(directory: Path) -> Callable[[int], None]:
    def swap(number: int) -> None:
        with suppress(OSError):  # ETXTBSY: the kernel keeps what is being executed
            program(directory / "tool", BAD if number % 2 else GOOD)

    return swap


def link_swap(directory: Path) -> Callable[[int], None]:
    def swap(number: int) -> None:
        (directory / "next").symlink_to("bad" if number % 2 else "good")
        (directory / "next").replace(directory / "tool")

    return swap


@pytest.mark.parametrize("make_swap", [rename_swap, write_swap, link_swap])
def test_what_runs_has_the_digest_that_was_reported(trusted: Path, make_swap: Callable[[Path], Callable[[int], None]]) -> None:
    swap = make_swap(trusted)
    swap(0)
    known = TrustedPath((str(trusted),), extra_owner=os.geteuid())
    ran = refused = 0
    with Zygote.start(entry="tests.sandbox.entries:serve") as zygote, swapping(swap):
        for _ in range(ROUNDS):
            try:
                found = known.resolve("tool")
            except JaneeError as error:
                assert error.code == "EXECUTABLE_NOT_TRUSTED"
                refused += 1
                continue
            answer = execute(zygote, found, trusted)
            if "error" in answer:
                assert answer["error"] in ("EXECUTABLE_CHANGED", "NOT_FOUND", "NOT_EXECUTABLE", "SETUP_FAILED"), answer
                refused += 1
            elif make_swap is write_swap and answer["code"] != 0:
                refused += 1  # half written when its first bytes were read
            else:
                assert answer["output"].encode() == DIGESTS[found.sha256], answer
                ran += 1
    assert ran
    assert refused or make_swap is link_swap  # what a link led to when it was looked at is still there


def execute(zygote: Zygote, found: Program, directory: Path) -> dict[str, Any]:
    about = found.identity
    identity = [about.dev, about.ino, about.size, about.mtime_ns, about.ctime_ns]
    mounts = [[str(directory), str(directory)]]
    return ask(zygote, argv=["tool"], executable=found.real_path, identity=identity, mounts=mounts)


def test_without_a_race_it_runs(trusted: Path) -> None:
    known = TrustedPath((str(trusted),), extra_owner=os.geteuid())
    found = known.resolve("good")
    with Zygote.start(entry="tests.sandbox.entries:serve") as zygote:
        assert execute(zygote, found, trusted)["output"] == "good\n"
    assert found.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()


def test_a_program_of_the_same_name_in_the_workspace_is_never_found(
    tmp_path: Path, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "good", BAD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{tmp_path}:{os.environ['PATH']}")
    known = TrustedPath((str(trusted),), extra_owner=os.geteuid())

    def swap(number: int) -> None:
        program(tmp_path / "next", BAD + "#" * (number % 7))
        (tmp_path / "next").replace(tmp_path / "good")

    with swapping(swap):
        for _ in range(1000):
            assert known.resolve("good").real_path == str(trusted / "good")
    for name in ("./good", str(tmp_path / "good"), "../good", f"{trusted}/../good"):
        with pytest.raises(JaneeError, match="trusted directory"):
            known.resolve(name)
