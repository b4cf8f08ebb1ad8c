"""`janee scrub` as a filter between two programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "ghp_9fK2xQ7LmZ3vT8bN1cR6wY4sD5hJ0aUeGiPo"


def scrub(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "janee", "scrub", *arguments]


def run(secrets: Path, data: bytes, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(scrub("--secrets-file", str(secrets), *arguments), input=data, capture_output=True, timeout=30)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    path = tmp_path / "secrets"
    path.write_text(f'{SECRET}\n\n"two\\nrows of a secret"\r\n', encoding="utf-8")
    return path


def test_secrets_are_masked_and_counted_by_line(secrets: Path) -> None:
    done = run(secrets, f"a {SECRET} b\ntwo\nrows of a secret\n".encode(), "--stats")
    assert (done.returncode, done.stdout) == (0, b"a [REDACTED] b\n[REDACTED]\n")
    assert json.loads(done.stderr) == {"bytesIn": 66, "bytesOut": 26, "hits": 2, "hitsBySecret": {"line 1": 1, "line 3": 1}}


def test_an_object_of_names_and_values_names_the_counts(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"github": SECRET}), encoding="utf-8")
    done = run(path, SECRET.encode() * 2, "--stats", "--marker", "***")
    assert done.stdout == b"******"
    assert json.loads(done.stderr)["hitsBySecret"] == {"github": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("short\n", "'line 1' has 5 bytes"),
        ('"not closed\n', "line 1: begins with a double quote"),
        ('{"a": 1}', "a value is not a string"),
        ("{not json", "is not JSON"),
    ],
)
def test_a_bad_file_is_an_error_that_quotes_nothing(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "secrets"
    path.write_text(content, encoding="utf-8")
    done = run(path, b"text")
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    done = run(tmp_path / "none", b"text")
    assert done.returncode == 2
    assert b"no such file" in done.stderr


def test_a_line_is_written_before_the_next_is_read(secrets: Path) -> None:
    with subprocess.Popen(scrub("--secrets-file", str(secrets)), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        written = b""
        for piece, due in (
            (b"first\n", b"first\n"),
            (b"no line end", b"no"),
            (f" {SECRET}!\n".encode(), b" end [REDACTED]!\n"),
        ):
            process.stdin.write(piece)
            process.stdin.flush()
            while due not in written:
                written += os.read(process.stdout.fileno(), 1000)
        process.stdin.close()
        assert written == b"first\nno line end [REDACTED]!\n"
        assert process.wait(timeout=10) == 0


def test_a_reader_that_leaves_is_no_error_message(secrets: Path) -> None:
    with subprocess.Popen(
        scrub("--secrets-file", str(secrets)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdout.close()
        try:
            for _ in range(100):
                process.stdin.write(b"line\n" * 20000)
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.stderr.read() == b""
        assert process.wait(timeout=10) != 0
