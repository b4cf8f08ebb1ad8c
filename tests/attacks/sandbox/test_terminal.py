"""A terminal of the caller's: the command sees none, whatever it tries, and what it writes still arrives."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.attacks.sandbox import probes, probes_more
from tests.sandbox import rig

PROBES = (
    "controlling_terminal",
    "type_into_terminal",
    "linux_console_ioctl",
    "truncated_ioctl_number",
    "standard_descriptor_is_terminal",
    "standard_descriptor_leads_out",
    "steal_terminal",
    "pseudo_terminal",
    "terminal_of_process",
    "descriptor_of_any_process_is_terminal",
    "inherited_descriptors",
)


def on_a_terminal(command: list[str]) -> str:
    """Run `command` as the foreground of a fresh terminal, and return what that shows."""
    terminal, theirs = os.openpty()
    process = subprocess.Popen(
        command,
        cwd=rig.REPOSITORY,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + rig.DEADLINE_S
    try:
        while time.monotonic() < deadline and select.select([terminal], [], [], deadline - time.monotonic())[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # EIO: the last process that had it open is gone
                break
            if not data:
                break
            shown += data
    finally:
        os.close(terminal)
        process.wait(rig.DEADLINE_S)
    return shown.decode()


def outcomes(directory: Path, *sandbox: str) -> dict[str, str]:
    for module in (probes, probes_more):
        shutil.copy(str(module.__file__), directory)
    python = "/usr/bin/python3" if sandbox else sys.executable
    inside = [python, str(directory / "probes.py"), *PROBES]
    shown = ["--ro", str(directory), "--env", f"READ_ONLY={directory}"]
    text = on_a_terminal([sys.executable, "-m", "sandbox", "run", *sandbox, *shown, "--", *inside] if sandbox else inside)
    found: dict[str, str] = json.loads(text[text.index("{") :])
    return found


@pytest.mark.parametrize("level", ["strict", "landlock"])
def test_the_terminal_of_the_caller_is_out_of_reach(tmp_path: Path, level: str) -> None:
    found = outcomes(tmp_path, "--level", level)
    assert {name: outcome for name, outcome in found.items() if not outcome.startswith("refused: ")} == {}


def test_control_without_a_sandbox_it_is_not(tmp_path: Path) -> None:
    found = outcomes(tmp_path)
    for name in ("controlling_terminal", "standard_descriptor_is_terminal", "terminal_of_process"):
        assert found[name].startswith("open: "), name
