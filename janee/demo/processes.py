"""Child processes of the demo: each has one owner, talks in lines, and every wait has a deadline.

Guarantees: `stop` leaves no child behind; a child outlives this process not even when it is killed (PR_SET_PDEATHSIG); what a
child writes to stderr goes to its log file, and the end of that file is in the error if it fails.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self, TypeVar

import prctl

from janee.errors import JaneeError

START_S: Final = 30.0
STOP_S: Final = 5.0
LOG_TAIL: Final = 1500  # characters


class DemoError(JaneeError):
    """The demo could not be carried out; says nothing of whether something leaked."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__("DEMO_FAILED", message, hint)


class Process:
    """A child process. argv: the command; env: its whole environment; log: the file that gets its stderr.

    ends_with_stdin: whether it ends by itself when its stdin does.
    """

    def __init__(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path, ends_with_stdin: bool = True
    ) -> None:
        self.name = name
        self.log = log
        self._ends_with_stdin = ends_with_stdin
        with log.open("ab") as stderr:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=dict(env),
                text=True,
                preexec_fn=_die_with_parent,  # one prctl(2), imported before any thread starts
            )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    def send(self, line: str) -> None:
        stdin = self._child.stdin
        if stdin is None:
            raise DemoError(f"{self.name} has no stdin")
        try:
            stdin.write(line + "\n")
            stdin.flush()
        except OSError:
            raise self._gone() from None

    def read_line(self, timeout_s: float = START_S) -> str:
        """The next line of its stdout, without the newline. Raises DemoError when it ends first or says nothing in time."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise DemoError(f"{self.name} did not answer within {timeout_s:.0f} s", self._log_tail()) from None
        if not line:
            raise self._gone()
        return line.rstrip("\n")

    def stop(self) -> None:
        """End it: close its stdin, then SIGTERM, then SIGKILL, with some time between."""
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):  # it may be gone, with our last line unread
                self._child.stdin.close()
        if not self._ends_with_stdin:
            self._child.terminate()
        for end in (self._child.terminate, self._child.kill):
            try:
                self._child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                end()
        self._child.wait(STOP_S)
        self._reader.join(STOP_S)
        if self._child.stdout is not None:
            self._child.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self) -> None:
        stdout = self._child.stdout
        if stdout is not None:
            for line in stdout:
                self._lines.put(line)
        self._lines.put("")

    def _gone(self) -> DemoError:
        try:
            status = f"exit status {self._child.wait(STOP_S)}"
        except subprocess.TimeoutExpired:
            status = "closed its output"
        return DemoError(f"{self.name} ended early ({status})", self._log_tail())

    def _log_tail(self) -> str:
        text = self.log.read_text("utf-8", "replace").strip()
        return f"its log ends: {text[-LOG_TAIL:]}" if text else f"its log {self.log} is empty"


T = TypeVar("T")


def wait_until(what: str, probe: Callable[[], T | None], timeout_s: float = START_S) -> T:
    """Ask `probe` again and again until it returns something; that is returned. Raises DemoError after the deadline."""
    deadline = time.monotonic() + timeout_s
    while (found := probe()) is None:
        if time.monotonic() > deadline:
            raise DemoError(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(0.02)
    return found


def _die_with_parent() -> None:
    prctl.set_pdeathsig(signal.SIGKILL)
