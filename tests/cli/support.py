"""Running commands in this process, as an operator would: arguments, stdin, environment."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from janee.cli.main import run
from janee.config.file import JaneeHome, load_config
from janee.config.schema import Config
from tests.config.support import environment, make_home


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Operator:
    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name, value in environment(root).items():
            monkeypatch.setenv(name, value)

    @property
    def home(self) -> JaneeHome:
        return make_home(self.root)

    @property
    def config(self) -> Config:
        return load_config(self.home.config_file)

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run(arguments)
        shown = self._capsys.readouterr()
        assert "Traceback" not in shown.err
        return Done(code, shown.out, shown.err)

    def ok(self, *arguments: str, stdin: str = "") -> Done:
        done = self(*arguments, stdin=stdin)
        assert done.code == 0, done.err
        return done

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ok("audit", "tail", "--json", "-n", "10000").out.splitlines()]


Make = Callable[[], Operator]
