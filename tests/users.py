"""Tests as an ordinary user."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest

NOBODY: Final = 65534


def ordinary_user() -> int | None:
    """The `user=` of a subprocess that shall have no privileges: None if this process has none itself.

    Skips where an ordinary user cannot execute this Python.
    """
    if os.geteuid() != 0:
        return None
    try:
        done = subprocess.run([sys.executable, "-c", "import janee, sandbox"], user=NOBODY, cwd="/", capture_output=True)
        reason = done.stderr.decode()[-200:] if done.returncode else None
    except PermissionError as error:
        reason = str(error)
    if reason is not None:
        pytest.skip(f"an ordinary user cannot execute {sys.executable}: {reason}")
    return NOBODY
