"""A real Authority in a process of its own, and the smallest honest (or dishonest) Runner to talk to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from janee.authority.store import Store
from janee.config.file import load_config
from janee.config.home import JaneeHome
from janee.seal import (
    GrantContext,
    RunnerKey,
    SealedContent,
    SealKey,
    SignedParts,
    constraints_digest,
    sign_request,
    stretch_key,
    verify_response,
)
from janee.secret import Secret

API_KEY = "test-runner-key-0123456789"
SECRET = "ghp_Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2"
CONFIG = """\
version: "0.3.0"
services:
  api:
    baseUrl: https://api.example.test
    auth: {type: bearer}
  git:
    baseUrl: https://git.example.test
    auth: {type: basic}
capabilities:
  run:
    service: api
    mode: exec
    delivery: env
    allowedAgents: [local, "runner:default", "creature:*"]
    allowCommands:
      - {argv: ["true"]}
      - {argv: [echo, {match: "[a-z0-9-]{1,40}"}]}
    env: {API_TOKEN: "{{credential}}"}
    timeout: 20000
  push:
    service: git
    mode: exec
    delivery: env
    allowedAgents: ["creature:*"]
    allowCommands: [{argv: [git, push], rest: any}]
    env: {GIT_CONFIG_VALUE_0: "Authorization: Basic {{basic}}"}
    requiresReason: true
  limited:
    service: api
    mode: exec
    delivery: env
    allowedAgents: ["runner:default"]
    allowCommands: [{argv: ["true"]}]
    rateLimit: 7/60s
"""


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]
    raw: bytes

    @property
    def code(self) -> str | None:
        return self.body.get("code")


@dataclass
class Runner:
    """Signs requests as a Runner does; every part can be bent."""

    port: int
    key: RunnerKey
    runner_id: str = "test-runner"

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: str = "",
        now: float | None = None,
        send_path: str | None = None,
        send_body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Sign one request and send it; send_path, send_body, headers: what is sent instead of what was signed."""
        signed = self.sign(method, path, body, query=query, now=now) | (headers or {})
        return self.send(method, send_path or path, body if send_body is None else send_body, query, signed)

    def sign(self, method: str, path: str, body: bytes, *, query: str = "", now: float | None = None) -> dict[str, str]:
        parts = SignedParts(method, path, query, body)
        return sign_request(self.key, parts, now=time.time() if now is None else now, nonce=os.urandom(16))

    def send(self, method: str, path: str, body: bytes, query: str, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, f"{path}?{query}" if query else path, body or None, headers)
            response = connection.getresponse()
            raw = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, json.loads(raw) if raw else {}, found, raw)
        finally:
            connection.close()

    def post(self, path: str, message: dict[str, Any]) -> Answer:
        """Send a message; the answer's signature is checked."""
        body = json.dumps(message).encode()
        headers = self.sign("POST", path, body)
        answer = self.send("POST", path, body, "", headers)
        verify_response(self.key, headers, status=answer.status, body=answer.raw, headers=answer.headers)
        return answer

    def authorize(self, capability: str = "run", command: tuple[str, ...] = ("true",), **more: Any) -> tuple[Answer, SealKey]:
        seal_key = SealKey()
        message: dict[str, Any] = {
            "runner": {"runnerId": self.runner_id, "sealTo": seal_key.public, "sandbox": "strict"},
            "capabilityId": capability,
            "command": list(command),
            "executable": {"path": f"/usr/bin/{command[0]}", "sha256": "0" * 64},
            "requestId": f"r{os.urandom(6).hex()}",
        }
        message |= more
        message = {name: value for name, value in message.items() if value is not None}
        return self.post("/v1/exec/authorize", message), seal_key

    def complete(self, grant_id: str, **more: Any) -> Answer:
        message: dict[str, Any] = {
            "grantId": grant_id,
            "exitCode": 0,
            "startedAt": "2026-01-01T00:00:00Z",
            "durationMs": 12,
            "stdoutBytes": 5,
            "stderrBytes": 0,
            "scrubbedStdoutHits": 1,
            "scrubbedStderrHits": 0,
        }
        return self.post("/v1/exec/complete", message | more)


def open_grant(
    answer: Answer, seal_key: SealKey, *, runner_id: str = "test-runner", sandbox: str = "strict", **bend: Any
) -> SealedContent:
    """Open a grant as the Executor does: from the request and the grant's public part."""
    grant = answer.body
    command = tuple(grant["constraints"]["command"])
    values: dict[str, Any] = {
        "grant_id": grant["grantId"],
        "expires_at": grant["grantExpiresAt"],
        "runner_key": grant["runnerKey"],
        "runner_id": runner_id,
        "agent_id": grant["agentId"],
        "capability_id": "run",
        "policy_hash": grant["constraints"]["policyHash"],
        "command": command,
        "executable": (f"/usr/bin/{command[0]}", "0" * 64),
        "cwd": grant["constraints"].get("cwd"),
        "sandbox_level": sandbox,
        "constraints_digest": constraints_digest(grant["constraints"]),
        "timeout_ms": grant["effectiveTimeoutMs"],
    }
    return seal_key.open(grant["sealed"], GrantContext(**(values | bend)))


@dataclass
class Live:
    """A running Authority and its home."""

    home: JaneeHome
    port: int
    process: subprocess.Popen[bytes]
    environ: dict[str, str]

    def runner(self, api_key: str = API_KEY) -> Runner:
        return Runner(self.port, stretch_key(Secret(api_key)))

    def records(self) -> list[dict[str, Any]]:
        import sqlite3

        with contextlib.closing(sqlite3.connect(f"{self.home.state_db.as_uri()}?mode=ro", uri=True)) as db:
            return [json.loads(text) for (text,) in db.execute("SELECT record FROM audit ORDER BY seq")]

    def events(self, request_id: str | None = None) -> list[str]:
        return [r["event"] for r in self.records() if request_id is None or r.get("requestId") == request_id]

    def write_config(self, text: str) -> None:
        temporary = self.home.path / ".new"
        temporary.write_text(text)
        temporary.chmod(0o600)
        temporary.replace(self.home.config_file)


def make_home(directory: Path, config: str = CONFIG) -> tuple[JaneeHome, dict[str, str]]:
    """A home with a configuration, secrets for its services and nothing else."""
    environ = {"JANEE_HOME": str(directory / "home"), "XDG_DATA_HOME": str(directory / "data"), "PATH": os.environ["PATH"]}
    home = JaneeHome.resolve(environ)
    home.path.mkdir(mode=0o700, parents=True)
    home.config_file.write_text(config)
    home.config_file.chmod(0o600)
    with Store.open(home, create=True) as store, store.transaction() as tx:
        for service in load_config(home.config_file).services.values():
            for name in service.auth.secret_fields:
                value = "git-user" if name == "username" else SECRET
                tx.put_secret(service.name, name, Secret(value), time.time())
    return home, environ


@contextlib.contextmanager
def running(home: JaneeHome, environ: dict[str, str], *options: str, api_key: str | None = API_KEY) -> Iterator[Live]:
    """Start `janee authority` on a free port; stop it at the end."""
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "janee.cli.main", "authority", "--port", "0", "--ready-fd", str(write_end), *options]
    environ = environ | ({"JANEE_API_KEY": api_key} if api_key else {})
    with (home.path.parent / "stderr").open("wb") as stderr:
        process = subprocess.Popen(command, env=environ, pass_fds=(write_end,), stderr=stderr, stdin=subprocess.DEVNULL)
    os.close(write_end)
    try:
        port = int(_line(read_end, 20).rpartition(":")[2] or 0)
        yield Live(home, port, process, environ)
    finally:
        os.close(read_end)
        stop(process)


def _line(descriptor: int, timeout_s: float) -> str:
    data, deadline = b"", time.monotonic() + timeout_s
    while not data.endswith(b"\n"):
        if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError("the Authority is not ready")
        chunk = os.read(descriptor, 4096)
        if not chunk:
            raise RuntimeError("the Authority ended before it was ready")
        data += chunk
    return data.decode().strip()


def stop(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(5)
