"""Which file a name stands for, and which files are not trusted."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from janee.errors import JaneeError
from janee.runner.executable import TrustedPath
from sandbox import FileIdentity


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """A directory as an operator would make it; skipped where the way to it is open to others."""
    directory = tmp_path / "bin"
    directory.mkdir(mode=0o755)
    return directory


class Path1(TrustedPath):
    """A trusted path in the test's own directory: only what lies in it is looked at, not the way to /tmp."""

    def __init__(self, directory: Path) -> None:
        super().__init__((str(directory),), extra_owner=os.getuid())
        self._stop = str(directory)

    def _check_way(self, path: str) -> None:
        if path.startswith(self._stop + "/"):
            self._check_owner(self._stop, os.stat(self._stop))
        else:
            super()._check_way(path)


def program(path: Path, text: str = "#!/bin/sh\n", mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_system_program_is_found_hashed_and_identified() -> None:
    found = TrustedPath().resolve("true")
    real = os.path.realpath(found.path)
    assert os.path.basename(found.path) == "true"
    assert found.real_path == real
    assert found.sha256 == hashlib.sha256(Path(real).read_bytes()).hexdigest()
    assert found.identity == FileIdentity.of(os.stat(real))


def test_an_absolute_path_on_the_trusted_path_is_taken_as_it_is() -> None:
    assert TrustedPath().resolve("/usr/bin/env").path == "/usr/bin/env"


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "./true", "bin/true", "../usr/bin/true", "/tmp/true", "/usr/bin/../bin/true", "/usr/bin/",
        "/usr//bin/true", "true\0", "no-such-program-at-all", "/etc/passwd", "/proc/self/exe",
    ],
)  # fmt: skip
def test_what_is_not_a_name_or_a_trusted_path_is_refused(name: str) -> None:
    with pytest.raises(JaneeError) as caught:
        TrustedPath().resolve(name)
    assert caught.value.code == "EXECUTABLE_NOT_TRUSTED"


def test_a_file_that_others_can_write_is_refused(trusted: Path) -> None:
    path = Path1(trusted)
    program(trusted / "tool")
    assert path.resolve("tool").path == str(trusted / "tool")
    (trusted / "tool").chmod(0o757)
    with pytest.raises(JaneeError):
        path.resolve("tool")


def test_a_directory_that_others_can_write_is_refused(trusted: Path) -> None:
    program(trusted / "tool")
    trusted.chmod(0o757)
    with pytest.raises(JaneeError):
        Path1(trusted).resolve("tool")


@pytest.mark.skipif(os.getuid() != 0, reason="giving a file away needs root")
def test_a_file_of_somebody_else_is_refused(trusted: Path) -> None:
    os.chown(program(trusted / "tool"), 12345, 12345)
    with pytest.raises(JaneeError):
        Path1(trusted).resolve("tool")


@pytest.mark.parametrize("kind", ["directory", "fifo", "plain"])
def test_what_is_no_executable_file_is_refused(trusted: Path, kind: str) -> None:
    if kind == "directory":
        (trusted / "tool").mkdir()
    elif kind == "fifo":
        os.mkfifo(trusted / "tool", 0o755)
    else:
        program(trusted / "tool", mode=0o644)
    with pytest.raises(JaneeError):
        Path1(trusted).resolve("tool")


def test_a_link_that_leads_out_of_trust_is_refused(trusted: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    program(outside / "evil")
    (trusted / "tool").symlink_to(outside / "evil")
    with pytest.raises(JaneeError):
        Path1(trusted).resolve("tool")


def test_a_dangling_link_is_refused_and_not_looked_for_further_on(trusted: Path) -> None:
    (trusted / "true").symlink_to(trusted / "nowhere")
    path = TrustedPath((str(trusted), "/usr/bin"), extra_owner=os.getuid())
    with pytest.raises(JaneeError):
        path.resolve("true")


def test_a_changed_file_is_hashed_again(trusted: Path) -> None:
    path = Path1(trusted)
    first = path.resolve(str(program(trusted / "tool", "#!/bin/sh\n# one\n")))
    second = path.resolve(str(program(trusted / "tool", "#!/bin/sh\n# two!\n")))
    assert first.sha256 != second.sha256
    assert first.identity != second.identity
