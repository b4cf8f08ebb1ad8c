"""The search through memories and files finds what is there, and says when it could not look."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from janee.demo.sightings import descendants, files_with, look_into
from tests.users import ordinary_user

SECRETS = {"token": b"gt_7f3c9a1e5b2d8f6a4c0e", "other": b"at_00112233445566778899"}
# The value reaches the process by stdin and stays in a variable; argv and environment never hold it.
HOLDER = "import sys; held = sys.stdin.buffer.readline().strip(); print('ready', flush=True); sys.stdin.read()"
UNDUMPABLE = f"import prctl; prctl.set_dumpable(0); {HOLDER}"


@contextmanager
def holder(value: bytes, program: str = HOLDER, uid: int | None = None) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=uid, cwd="/"
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(value + b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"ready\n"
        yield child.pid
        child.stdin.close()


@pytest.mark.parametrize("shape", [lambda v: v, lambda v: v.hex().encode()], ids=["plain", "hex"])
def test_a_value_in_a_variable_is_found(shape: object) -> None:
    with holder(shape(SECRETS["token"])) as pid:  # type: ignore[operator]
        sighting = look_into("holder", pid, SECRETS, may_hold=False)
    assert sighting.secrets == ("token",)
    assert sighting.is_leak


def test_a_process_without_it_is_clean() -> None:
    with holder(b"something else") as pid:
        sighting = look_into("holder", pid, SECRETS, may_hold=False)
    assert sighting.secrets == ()
    assert not sighting.is_leak
    assert sighting.megabytes > 1


def test_a_process_that_may_hold_it_is_no_leak() -> None:
    with holder(SECRETS["other"]) as pid:
        sighting = look_into("holder", pid, SECRETS, may_hold=True)
    assert sighting.secrets == ("other",)
    assert not sighting.is_leak


def test_a_memory_that_the_kernel_refuses_to_show_is_not_called_clean() -> None:
    uid = ordinary_user()  # root may read every memory, so both sides are one
    look = "import sys; from janee.demo.sightings import look_into; print(look_into('x', int(sys.argv[1]), {}, may_hold=False))"
    with holder(SECRETS["token"], UNDUMPABLE, uid) as pid:
        found = subprocess.run([sys.executable, "-c", look, str(pid)], user=uid, cwd="/", capture_output=True, text=True)
    assert "secrets=None" in found.stdout, found.stderr


def test_files_are_found_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "hex").write_bytes(b"x" + SECRETS["token"].hex().encode())
    (tmp_path / "plain").write_bytes(b"\0" + SECRETS["token"])
    (tmp_path / "innocent").write_bytes(SECRETS["other"])
    assert files_with(SECRETS["token"], [tmp_path]) == (tmp_path / "deep" / "hex", tmp_path / "plain")


def test_descendants_of_a_process_that_is_gone_are_none() -> None:
    with holder(b"x") as pid:
        assert [process.pid for process in descendants(pid)] == [pid]
    assert descendants(pid) == ()
    assert not psutil.pid_exists(pid)
