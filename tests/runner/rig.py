"""The real thing for the Runner's tests: an Authority and a Runner as processes, and a raw MCP client on the Runner's stdio.

Every wait has a deadline, and `close` ends every process started here.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

SECRET = "s3cr3t-Tok3n-of-the-rig-0123456789"
API_KEY = "rig-runner-key-0123456789abcdef"
WAIT_S = 30.0
ROOT = Path(__file__).resolve().parents[2]

CONFIG = """\
version: "0.3.0"
services:
  svc:
    baseUrl: http://127.0.0.1:{port}
    allowPrivate: true
    auth: {{type: bearer}}
capabilities:
  run:
    service: svc
    mode: exec
    delivery: env
    allowCommands:
      - {{argv: [sh], rest: any}}
      - {{argv: ["true"], rest: any}}
      - {{argv: [cat], rest: any}}
      - {{argv: [env], rest: any}}
      - {{argv: [sleep], rest: any}}
      - {{argv: [python3], rest: any}}
      - {{argv: [no-such-program], rest: any}}
    allowedAgents: [local, "runner:default", "agent:*"]
    env: {{RIG_TOKEN: "{{{{credential}}}}"}}
    timeout: 20000
  work:
    service: svc
    mode: exec
    delivery: env
    allowCommands:
      - {{argv: [sh], rest: any}}
    allowedAgents: [local, "runner:default", "agent:*"]
    env: {{RIG_TOKEN: "{{{{credential}}}}"}}
    workspace: write
    timeout: 20000
  profiled:
    service: svc
    mode: exec
    delivery: env
    allowCommands: [git]
    allowedAgents: [local, "runner:default"]
    env: {{RIG_TOKEN: "{{{{credential}}}}"}}
    workspace: write
    timeout: 20000
  limited:
    service: svc
    mode: exec
    delivery: env
    allowCommands: [{{argv: ["true"]}}]
    allowedAgents: [local, "runner:default"]
    env: {{RIG_TOKEN: "{{{{credential}}}}"}}
    requiresReason: true
"""

T = TypeVar("T")


def wait_for(what: str, probe: Callable[[], T | None], timeout_s: float = WAIT_S) -> T:
    deadline = time.monotonic() + timeout_s
    while True:
        found = probe()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass
class McpClient:
    """A raw JSON-RPC client on a child's pipes. It knows MCP, and nothing of our code."""

    process: subprocess.Popen[bytes]
    _messages: dict[Any, queue.SimpleQueue[dict[str, Any]]] = field(default_factory=dict)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    strays: list[dict[str, Any]] = field(default_factory=list)
    _next: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send_line(self, line: bytes) -> None:
        assert self.process.stdin is not None
        with self._lock:
            self.process.stdin.write(line + b"\n")
            self.process.stdin.flush()

    def post(self, method: str, params: dict[str, Any] | None = None) -> int:
        with self._lock:
            self._next += 1
            number = self._next
            self._messages[number] = queue.SimpleQueue()
        self.send_line(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}).encode())
        return number

    def wait(self, number: int, timeout_s: float = WAIT_S) -> dict[str, Any]:
        try:
            return self._messages[number].get(timeout=timeout_s)
        except queue.Empty:
            raise AssertionError(f"no answer to request {number} within {timeout_s} s") from None

    def request(self, method: str, params: dict[str, Any] | None = None, timeout_s: float = WAIT_S) -> dict[str, Any]:
        return self.wait(self.post(method, params), timeout_s)

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        self.send_line(json.dumps({"jsonrpc": "2.0", "method": method, "params": params or {}}).encode())

    def initialize(self) -> dict[str, Any]:
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "rig", "version": "1"}}
        answer = self.request("initialize", params)
        self.notify("notifications/initialized")
        return answer

    def call(self, tool: str, arguments: dict[str, Any], timeout_s: float = WAIT_S) -> dict[str, Any]:
        """The tool's result: `structuredContent`, with `isError` beside it."""
        answer = self.request("tools/call", {"name": tool, "arguments": arguments}, timeout_s)
        return unpack(answer)

    def exec(self, *command: str, capability: str = "run", **more: Any) -> dict[str, Any]:
        return self.call("janee_exec", {"capability": capability, "command": list(command), **more})

    def post_exec(self, *command: str, capability: str = "run", **more: Any) -> int:
        arguments = {"capability": capability, "command": list(command), **more}
        return self.post("tools/call", {"name": "janee_exec", "arguments": arguments})

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            box = self._messages.get(message.get("id"))
            if box is not None and "method" not in message:
                box.put(message)
            elif "method" in message:
                self.notifications.append(message)
            else:
                self.strays.append(message)


def unpack(answer: dict[str, Any]) -> dict[str, Any]:
    assert "result" in answer, answer
    result = answer["result"]
    return {**result["structuredContent"], "isError": result.get("isError", False)}


@dataclass
class Rig:
    """One home, its Authority, and Runners on demand."""

    root: Path
    port: int
    authority: subprocess.Popen[bytes] | None = None
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "JANEE_HOME": str(self.root / "janee"),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
        }

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def janee(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "janee.cli.main", *arguments],
            input=stdin, env=self.env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_authority(self, *arguments: str) -> subprocess.Popen[bytes]:
        argv = ["authority", "--port", str(self.port), "--api-key", API_KEY, "--agents", "*", *arguments]
        self.authority = self.spawn(*argv)

        def listens() -> bool | None:
            assert self.authority is not None and self.authority.poll() is None, "the authority ended"
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            return None

        wait_for("the authority listens", listens)
        return self.authority

    def spawn(self, *arguments: str, env: dict[str, str] | None = None, stderr: Any = None) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-m", "janee.cli.main", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env={**self.env, **(env or {})},
        )  # fmt: skip
        self._children.append(child)
        return child

    def runner_argv(self, *arguments: str) -> list[str]:
        return ["serve", "--runner", "--authority-url", self.url, "--api-key", API_KEY, *arguments]

    @contextmanager
    def runner(self, *arguments: str, env: dict[str, str] | None = None, stderr: Any = None) -> Iterator[McpClient]:
        child = self.spawn(*self.runner_argv(*arguments), env=env, stderr=stderr)
        client = McpClient(child)
        try:
            client.initialize()
            yield client
        finally:
            stop(child)

    def audit(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.janee("audit", "tail", "--json", "-n", "10000").splitlines()]

    def outcome_of(self, grant_id: str, timeout_s: float = WAIT_S) -> dict[str, Any]:
        """The record of how a grant ended."""

        def ended() -> dict[str, Any] | None:
            last = [
                r for r in self.audit() if r.get("grantId") == grant_id and r["event"] in ("exec.completed", "grant.abandoned")
            ]
            return last[-1] if last else None

        return wait_for(f"grant {grant_id} has ended", ended, timeout_s)

    def close(self) -> None:
        for child in self._children:
            stop(child)


def stop(child: subprocess.Popen[bytes]) -> int:
    """End a child: its stdin, then SIGTERM, then SIGKILL."""
    if child.stdin is not None:
        with suppress(OSError):
            child.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            child.send_signal(number)
        elif child.stdin is None:
            continue
        with suppress(subprocess.TimeoutExpired):
            child.wait(1.0 if number is None else 10.0)
            break
    if child.stdout is not None:
        child.stdout.close()
    return child.returncode


def make_rig(root: Path) -> Rig:
    rig = Rig(root, free_port())
    (root / "home").mkdir()
    rig.janee("init")
    (root / "janee" / "config.yaml").write_text(CONFIG.format(port=free_port()))
    rig.janee("service", "set-secret", "svc", "--from-stdin", stdin=SECRET)
    return rig


def descendants(pid: int) -> set[int]:
    """The live processes below `pid`."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    grew = True
    while grew:
        more = {child for child, parent in parents.items() if parent in found | {pid}} - found
        found |= more
        grew = bool(more)
    return found


def parent_of(pid: int) -> int:
    """The parent's pid; 0 for a process that is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def argv_of(pid: int) -> bytes:
    """The process's argv, each ended by NUL; nothing for one that is gone: processes come and go while a test looks."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def tree(pid: int) -> Sequence[str]:
    return [f"{child} {argv_of(child)!r}" for child in descendants(pid)]
