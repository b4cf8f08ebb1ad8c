from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from janee.cli._options import MAX_SECRET_BYTES, ask_secret, read_secret_file, read_secret_stdin, take_secret
from janee.cli._output import printable
from janee.errors import UsageError
from janee.secret import Secret


def take(**values: str | None) -> Secret | None:
    return take_secret("api-key", "JANEE_TEST_KEY", typed=values.get("typed"), file=values.get("file"))


def secret_file(root: Path, content: bytes, mode: int = 0o600) -> str:
    path = root / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def test_each_way_to_give_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = secret_file(tmp_path, b"from file\n")
    assert take() is None
    assert take(typed="typed") == Secret("typed")
    assert take(file=file) == Secret("from file")
    monkeypatch.setenv("JANEE_TEST_KEY", "variable")
    assert take() == Secret("variable")
    monkeypatch.setenv("JANEE_TEST_KEY_FILE", file)
    assert take() == Secret("from file")


def test_no_child_inherits_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for typed in (None, "typed"):  # whichever wins, the variables go
        monkeypatch.setenv("JANEE_TEST_KEY", "hidden-value")
        assert take(typed=typed)
        child = subprocess.run([sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, timeout=60)
        assert b"hidden-value" not in child.stdout
        assert "JANEE_TEST_KEY" not in os.environ


def test_contradictions_are_usage_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = secret_file(tmp_path, b"x")
    with pytest.raises(UsageError, match="both given"):
        take(typed="a", file=file)
    monkeypatch.setenv("JANEE_TEST_KEY", "a")
    monkeypatch.setenv("JANEE_TEST_KEY_FILE", file)
    with pytest.raises(UsageError, match="both set"):
        take()


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"x\n", b"x"), (b"x\r\n", b"x"), (b"x\n\n", b"x\n"), (b" x ", b" x "), (b"\xff\xfe", b"\xff\xfe"), (b"a\nb\n", b"a\nb")],
)
def test_one_newline_at_the_end_is_not_part_of_it(tmp_path: Path, content: bytes, value: bytes) -> None:
    assert read_secret_file(Path(secret_file(tmp_path, content))).expose() == value


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * (MAX_SECRET_BYTES + 1)])
def test_an_empty_or_huge_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError):
        read_secret_file(Path(secret_file(tmp_path, content)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing: no such file"):
        read_secret_file(tmp_path / "nothing")


def test_a_file_that_others_read_is_warned_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_secret_file(Path(secret_file(tmp_path, b"x", 0o644)))
    assert "can be read by others" in capsys.readouterr().err


def test_a_pipe_is_a_file_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"from a pipe\n"))
    writer.start()
    assert read_secret_file(pipe) == Secret("from a pipe")
    writer.join(10)


def test_stdin_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\nb\n")))
    assert read_secret_stdin() == Secret("a\nb")


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"typed\n")))
    with pytest.raises(UsageError, match="no terminal") as caught:
        ask_secret("key")
    assert "--from-stdin" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü", "plain ü"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\nb"),
        ("\u202e", "\\u202e"),
        ("\ud800", "\\ud800"),
        ("\x9b", "\\x9b"),
    ],
)
def test_nothing_printed_can_steer_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown
