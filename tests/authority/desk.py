"""An Authority in this process, with its store in a temporary home and a clock of our own."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from janee.authority.callers import Caller
from janee.authority.core import Authority, Settings
from janee.authority.gate import Gate
from janee.authority.source import PolicySource
from janee.authority.store import Store
from janee.config.home import JaneeHome
from janee.errors import JaneeError
from janee.protocol import AuthorizeRequest, Completion, Executable, RunnerInfo, SandboxLevel
from janee.seal import SealKey, stretch_key
from janee.secret import Secret
from tests.authority.live import API_KEY, CONFIG, make_home

KEY = stretch_key(Secret(API_KEY))


@dataclass
class Clock:
    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    home: JaneeHome
    store: Store
    authority: Authority
    gate: Gate
    clock: Clock
    problems: list[JaneeError]
    seal_key: SealKey = field(default_factory=SealKey)

    def caller(self, *agents: str, name: str = "default", is_private: bool = False) -> Caller:
        key = KEY if name == "default" else stretch_key(Secret(f"jnr.{name}.{'k' * 43}"))
        return Caller(key, agents or ("local", "runner:default"), is_private)

    def request(self, *command: str, capability: str = "run", **more: Any) -> AuthorizeRequest:
        command = command or ("true",)
        values: dict[str, Any] = {
            "runner": RunnerInfo(runner_id="r1", seal_to=self.seal_key.public, sandbox=SandboxLevel.STRICT),
            "capability_id": capability,
            "command": command,
            "executable": Executable(path=f"/usr/bin/{command[0]}", sha256="0" * 64),
            "request_id": "req-1",
        }
        return AuthorizeRequest(**(values | more))

    def completion(self, grant_id: str, **more: Any) -> Completion:
        values: dict[str, Any] = {
            "exit_code": 0,
            "started_at": "2026-01-01T00:00:00Z",
            "duration_ms": 3,
            "stdout_bytes": 10,
            "stderr_bytes": 0,
            "scrubbed_stdout_hits": 2,
            "scrubbed_stderr_hits": 0,
        }
        return Completion(grant_id=grant_id, **(values | more))

    def records(self) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(f"{self.home.state_db.as_uri()}?mode=ro", uri=True)) as db:
            return [json.loads(text) for (text,) in db.execute("SELECT record FROM audit ORDER BY seq")]

    def events(self) -> list[str]:
        return [record["event"] for record in self.records()]


@contextlib.contextmanager
def open_desk(directory: Path, config: str = CONFIG, settings: Settings | None = None) -> Iterator[Desk]:
    home, _ = make_home(directory, config)
    clock, problems = Clock(), []  # type: ignore[var-annotated]
    with Store.open(home, clock=clock) as store:
        authority = Authority(store, PolicySource(home.config_file, problems.append), settings or Settings(), clock=clock)
        yield Desk(home, store, authority, Gate(store, clock), clock, problems)
