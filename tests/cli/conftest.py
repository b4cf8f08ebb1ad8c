from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Operator


@pytest.fixture
def janee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    """An operator without a home yet."""
    return Operator(tmp_path, monkeypatch, capsys)


@pytest.fixture
def ready(janee: Operator) -> Operator:
    """An operator with a home and one service, `gh`."""
    janee.ok("init")
    janee.ok("service", "add", "gh", "--base-url", "https://api.github.com", "--from-stdin", stdin="ghp_hidden_value\n")
    return janee
