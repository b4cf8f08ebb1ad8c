"""`janee serve` alone: an Authority of our own as a child, on a private Unix socket. The same code path as a remote one.

Guarantees: the runner key of this pair is random, lives as long as the pair and crosses only an inherited pipe, never argv or
the environment; the socket lies in a directory that only this user can enter; the child ends when this process does, however
it ends, and its end is noticed.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from janee.errors import UnreachableError
from janee.seal import new_api_key
from janee.secret import Secret

KEY_NAME: Final = "serve"
DEFAULT_AGENT: Final = "local"
START_S: Final = 30.0
STOP_S: Final = 5.0


@dataclass(slots=True)
class LocalAuthority:
    """The child. url, api_key: how to reach it. Close it."""

    url: str
    api_key: Secret
    directory: Path
    process: subprocess.Popen[bytes]
    _parent_end: int
    _ready: int

    @classmethod
    def start(cls) -> LocalAuthority:
        """Start the child; it is usable after `wait_ready`."""
        directory = Path(tempfile.mkdtemp(prefix="janee-", dir=_runtime_dir()))  # mode 0700
        socket_path = directory / "authority.sock"
        api_key = new_api_key(KEY_NAME, os.urandom(32))
        key_read, key_write = os.pipe2(os.O_CLOEXEC)
        ready_read, ready_write = os.pipe2(os.O_CLOEXEC)
        parent_read, parent_write = os.pipe2(os.O_CLOEXEC)
        try:
            # -P: without it Python would look for modules in the working directory first, which is the agent's.
            argv = [sys.executable, "-P", "-m", "janee.cli.main", "authority", "--socket", str(socket_path)]
            argv += ["--api-key-fd", str(key_read), "--ready-fd", str(ready_write), "--parent-fd", str(parent_read)]
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=(key_read, ready_write, parent_read)
            )
            os.write(key_write, api_key.expose() + b"\n")
        except BaseException:
            os.close(parent_write)
            os.close(ready_read)
            shutil.rmtree(directory, ignore_errors=True)
            raise
        finally:
            for fd in (key_read, key_write, ready_write, parent_read):
                os.close(fd)
        return cls(f"unix://{socket_path}", api_key, directory, process, parent_write, ready_read)

    def wait_ready(self) -> None:
        """Block until it listens. Raises UnreachableError AUTHORITY_FAILED; what is wrong it has said on stderr itself."""
        deadline = time.monotonic() + START_S
        readable, _, _ = select.select([self._ready], [], [], max(0.0, deadline - time.monotonic()))
        line = os.read(self._ready, 4096) if readable else b""
        if not line:
            status = self.process.poll()
            cause = f"it did not start within {START_S:.0f} s" if not readable else f"it ended (status {status})"
            raise UnreachableError("AUTHORITY_FAILED", f"our own authority failed: {cause}", "see its message above")

    def close(self) -> None:
        """End the child and remove the socket's directory."""
        with suppress(OSError):
            os.close(self._parent_end)  # its end of file is the sign to stop in order
        with suppress(OSError):
            os.close(self._ready)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)
        shutil.rmtree(self.directory, ignore_errors=True)


def _runtime_dir() -> str | None:
    """XDG_RUNTIME_DIR if it is ours and private, else the default place for temporary files."""
    path = os.environ.get("XDG_RUNTIME_DIR")
    if path and path.startswith("/"):
        with suppress(OSError):
            status = os.stat(path)
            if status.st_uid == os.getuid() and not status.st_mode & 0o077:
                return path
    return None
