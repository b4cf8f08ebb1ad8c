"""Certificates that are trusted inside a sandbox, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import TRUST_BUNDLE, Level, SandboxError, SandboxSpec, run

MARK = b"-----BEGIN CERTIFICATE-----\nof the tests\n-----END CERTIFICATE-----\n"
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


def shown(script: str, trust: bytes = MARK) -> str:
    done = run(SandboxSpec(argv=("sh", "-c", script), executable="/bin/sh", trust=trust))
    return (done.stderr + done.stdout).decode()


def test_they_are_added_to_those_of_the_system() -> None:
    if not SYSTEM.exists():
        pytest.skip(f"there is no {SYSTEM} here")
    text = shown(f"cmp {TRUST_BUNDLE} {SYSTEM} && cat {SYSTEM}")
    assert text == SYSTEM.read_text().rstrip("\n") + "\n" + MARK.decode()
    assert MARK not in SYSTEM.read_bytes()


def test_nobody_inside_can_change_them() -> None:
    text = shown(
        f"chmod 666 {TRUST_BUNDLE}; echo x >> {TRUST_BUNDLE}; rm -f {TRUST_BUNDLE}; echo x >> {SYSTEM}; cat {TRUST_BUNDLE}"
    )
    assert text.endswith(MARK.decode()) and "\nx\n" not in text


def test_without_them_the_systems_are_as_they_are() -> None:
    assert "of the tests" not in shown(f"cat {SYSTEM} {TRUST_BUNDLE}", trust=b"")


@pytest.mark.parametrize("level", [Level.LANDLOCK, Level.OFF])
def test_they_need_a_mount_namespace(level: Level) -> None:
    with pytest.raises(SandboxError):
        SandboxSpec(argv=("true",), level=level, trust=MARK)
