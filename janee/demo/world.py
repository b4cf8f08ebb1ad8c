"""The stage: two services, an Authority, the agent with its Runner, and the thief's recorder between the two.

Guarantees: everything is on loopback and under one private temporary directory, which is removed; Janee is set up and started
by its own commands only, and no secret is in an argv except the published `--api-key`. Leaving the context ends every process.

    trusted/    the Authority's home, keys and temporary files      upstream/   the services' files
    untrusted/  the agent's home, workspace and temporary files     log/        stderr of every process
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from janee.demo.certificates import Certificates, make_certificates
from janee.demo.processes import DemoError, Process, wait_until
from janee.demo.wire import Recorder, Trap

COMMAND_S: Final = 60.0
CALL_S: Final = 90.0
BRANCH: Final = "agents-work"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The values of this run. They are made here, so this process knows them; it stands for the operator."""

    git_token: str = field(default_factory=lambda: "gt_" + secrets.token_hex(20), repr=False)
    api_token: str = field(default_factory=lambda: "at_" + secrets.token_urlsafe(30), repr=False)
    runner_key: str = field(default_factory=lambda: "rk_" + secrets.token_urlsafe(30), repr=False)

    def credentials(self) -> dict[str, bytes]:
        return {"git token": self.git_token.encode(), "API token": self.api_token.encode()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent got for one call. raw: all of it."""

    raw: Mapping[str, Any]

    @property
    def is_error(self) -> bool:
        return bool(self.raw.get("isError")) or "error" in self.raw

    @property
    def value(self) -> Mapping[str, Any]:
        found = self.raw.get("structured")
        return found if isinstance(found, dict) else {}

    @property
    def reason_code(self) -> str | None:
        denial = self.value.get("denial")
        return denial.get("reasonCode") if isinstance(denial, dict) else None

    def everything(self) -> bytes:
        """Every string of the answer, as JSON and as plain text, for the search for leaks."""
        return json.dumps(self.raw, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n" + _strings(self.raw)


def _strings(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass") + b"\n"
    if isinstance(value, Mapping):
        return b"".join(_strings(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return b"".join(map(_strings, value))
    return b""


@dataclass(frozen=True, slots=True)
class World:
    root: Path
    secrets: Secrets
    certificates: Certificates
    git_url: str
    api_url: str
    git: Process
    api: Process
    authority: Process
    agent: Process
    recorder: Recorder
    trap: Trap

    @property
    def workspace(self) -> Path:
        return self.root / "untrusted" / "workspace"

    @property
    def repository(self) -> Path:
        """The git server's bare repository."""
        return self.root / "upstream" / "project.git"

    def call(self, tool: str | None, arguments: Mapping[str, Any] | None = None) -> Answer:
        """Let the agent call a tool (None: list the tools) and wait for the answer."""
        self.send(tool, arguments)
        return self.receive()

    def send(self, tool: str | None, arguments: Mapping[str, Any] | None = None) -> None:
        self.agent.send(json.dumps({"tool": tool, "arguments": arguments or {}}))

    def receive(self) -> Answer:
        return Answer(json.loads(self.agent.read_line(CALL_S)))

    def janee(self, *arguments: str, stdin: str = "") -> str:
        """Run `janee` as the operator; what it printed. Raises DemoError if it fails."""
        return run_janee(self.root, *arguments, stdin=stdin)


def janee_command() -> str:
    """The `janee` of this installation."""
    beside = Path(sys.executable).with_name("janee")
    found = str(beside) if beside.exists() else shutil.which("janee")
    if found is None:
        raise DemoError("there is no `janee` command beside this Python", "script/setup")
    return found


def operator_env(root: Path) -> dict[str, str]:
    trusted = root / "trusted"
    return {**_base_env(trusted), "JANEE_HOME": str(trusted / "janee"), "XDG_DATA_HOME": str(trusted / "data")}


def agent_env(root: Path) -> dict[str, str]:
    untrusted = root / "untrusted"
    return {**_base_env(untrusted), "JANEE_HOME": str(untrusted / "janee"), "GIT_CONFIG_NOSYSTEM": "1"}


def _base_env(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "LANG": "C.UTF-8",
    }


def run_janee(root: Path, *arguments: str, stdin: str = "", check: bool = True) -> str:
    done = subprocess.run(
        [janee_command(), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=operator_env(root),
        timeout=COMMAND_S,
    )
    if check and done.returncode != 0:
        raise DemoError(f"`janee {' '.join(arguments[:3])} …` ended with {done.returncode}", done.stderr.strip()[-1000:])
    return done.stdout


@contextmanager
def make_world(*, keep: bool = False) -> Iterator[World]:
    """Set everything up; tear everything down. keep: leave the directory for a look."""
    root = Path(tempfile.mkdtemp(prefix="janee-demo-")).resolve()
    try:
        with ExitStack() as stack:
            yield _build(root, stack)
    finally:
        if not keep:
            shutil.rmtree(root, ignore_errors=True)


def _build(root: Path, stack: ExitStack) -> World:
    for name in ("trusted", "untrusted"):
        for part in ("", "tmp", "run"):
            (root / name / part).mkdir(mode=0o700)
    for name in ("upstream", "log"):
        (root / name).mkdir(mode=0o700)
    known = Secrets()
    trap = stack.enter_context(Trap())
    certificates = make_certificates(root / "upstream", now=dt.datetime.now(dt.UTC))
    git, git_url = _start_upstream(root, stack, "git", {"token": known.git_token}, certificates)
    thief = {"token": known.api_token, "thief": f"http://localhost:{trap.port}/"}
    api, api_url = _start_upstream(root, stack, "api", thief, certificates)
    _make_repositories(root, certificates)
    _configure(root, known, git_url, api_url)
    authority, port = _start_authority(root, stack, known)
    recorder = stack.enter_context(Recorder(port))
    agent = _start_agent(root, stack, known, recorder.port)
    return World(root, known, certificates, git_url, api_url, git, api, authority, agent, recorder, trap)


def _start_upstream(
    root: Path, stack: ExitStack, kind: str, settings: Mapping[str, str], certificates: Certificates
) -> tuple[Process, str]:
    argv = [sys.executable, "-m", "janee.demo.upstream", kind]
    process = stack.enter_context(Process(f"the {kind} server", argv, env=_base_env(root / "upstream"), log=_log(root, kind)))
    common = {"certificate": str(certificates.server), "root": str(root / "upstream")}
    process.send(json.dumps({**common, **settings}))
    return process, f"https://localhost:{int(process.read_line())}"


def _make_repositories(root: Path, certificates: Certificates) -> None:
    """The server's bare repository, and the agent's clone with a commit that is not there yet."""
    bare, workspace, env = root / "upstream" / "project.git", root / "untrusted" / "workspace", agent_env(root)
    author = ("-c", "user.name=agent", "-c", "user.email=agent@localhost")
    run_git(env, "init", "-q", "--bare", "-b", "main", str(bare))
    run_git(env, "-C", str(bare), "config", "http.receivepack", "true")
    run_git(env, "init", "-q", "-b", "main", str(workspace))
    (workspace / "work.txt").write_text("the agent's work\n")
    run_git(env, "-C", str(workspace), "add", "work.txt")
    run_git(env, "-C", str(workspace), *author, "commit", "-q", "-m", "The agent's work")
    shutil.copy(certificates.ca, workspace / "ca.pem")


def run_git(env: Mapping[str, str], *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, env=dict(env), timeout=COMMAND_S)
    if check and done.returncode != 0:
        raise DemoError(f"`git {' '.join(arguments[-3:])}` ended with {done.returncode}", done.stderr.strip()[-500:])
    return done


def _configure(root: Path, known: Secrets, git_url: str, api_url: str) -> None:
    """What an operator types, once."""
    ca = str(root / "upstream" / "ca.pem")
    workspace = root / "untrusted" / "workspace"
    push = {"argv": ["git", "push", f"{git_url}/project.git", {"match": "HEAD:refs/heads/[a-z0-9-]{1,40}"}]}
    header = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": "Authorization: Bearer {{credential}}",
        "GIT_SSL_CAINFO": str(workspace / "ca.pem"),
        "GIT_TERMINAL_PROMPT": "0",
    }
    service = ("--auth-type", "bearer", "--allow-private", "--ca", ca, "--from-stdin")
    env = [part for name, template in header.items() for part in ("--env", f"{name}={template}")]
    run_janee(root, "init")
    run_janee(root, "service", "add", "git", "--base-url", git_url, *service, stdin=known.git_token + "\n")
    run_janee(root, "service", "add", "tickets", "--base-url", api_url, *service, stdin=known.api_token + "\n")
    exec_mode = ("--service", "git", "--mode", "exec", "--delivery", "env", "--workspace", "read", "--timeout", "60000")
    run_janee(root, "capability", "add", "push", *exec_mode, "--allow-command", json.dumps(push), *env)
    # Worse than any operator should do, to show what holds even then: any program, with the credential in its environment.
    anything = json.dumps({"argv": ["bash", "-c"], "rest": "any"})
    run_janee(root, "capability", "add", "shell", *exec_mode, "--allow-command", anything, "--env", "DEMO_TOKEN={{credential}}")
    rules = ("--allow", "GET /v1/*", "--allow", "POST /v1/tickets")
    run_janee(root, "capability", "add", "tickets", "--service", "tickets", "--mode", "proxy", *rules)


def _start_authority(root: Path, stack: ExitStack, known: Secrets) -> tuple[Process, int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    argv = [janee_command(), "authority", "--port", str(port), "--api-key", known.runner_key]
    authority = stack.enter_context(
        Process("the Authority", argv, env=operator_env(root), log=_log(root, "authority"), ends_with_stdin=False)
    )

    def answers() -> bool | None:
        if not authority.is_running:
            authority.read_line()  # raises, with the end of its log
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            return None
        return True

    wait_until("the Authority listens", answers)
    return authority, port


def _start_agent(root: Path, stack: ExitStack, known: Secrets, port: int) -> Process:
    url = f"http://localhost:{port}"
    runner = [
        janee_command(),
        "serve",
        "--runner",
        "--authority-url",
        url,
        "--api-key",
        known.runner_key,
        "--sandbox",
        "strict",
    ]
    argv = [sys.executable, "-m", "janee.demo.agent", *runner]
    agent = stack.enter_context(Process("the agent", argv, env=agent_env(root), log=_log(root, "agent")))
    agent.read_line()  # the answer to `initialize`
    return agent


def _log(root: Path, name: str) -> Path:
    return root / "log" / f"{name}.log"
