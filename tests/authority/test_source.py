"""The policy in force: read when it changes, gone when it is invalid."""

from __future__ import annotations

from pathlib import Path

import pytest

from janee.authority.source import PolicySource
from janee.errors import ConfigError
from tests.authority.live import CONFIG


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


def test_an_unchanged_file_is_compiled_once(path: Path) -> None:
    source = PolicySource(path, lambda error: None)
    assert source.current() is source.current()


def test_a_change_is_seen_by_the_next_call_also_of_the_same_length(path: Path) -> None:
    source = PolicySource(path, lambda error: None)
    before = source.current().capabilities["run"].policy_hash
    path.write_text(CONFIG.replace("timeout: 20000", "timeout: 20001"))
    assert source.current().capabilities["run"].policy_hash != before


@pytest.mark.parametrize(
    "broken", ["version: [", CONFIG.replace('"[a-z0-9-]{1,40}"', '"(a"'), CONFIG.replace("service: git", "service: x")]
)
def test_an_invalid_file_leaves_no_policy_and_is_reported_once(path: Path, broken: str) -> None:
    reported: list[ConfigError] = []
    source = PolicySource(path, reported.append)
    source.current()
    path.write_text(broken)
    for _ in range(3):
        with pytest.raises(ConfigError):
            source.current()
    assert len(reported) == 1
    path.write_text(CONFIG)
    assert source.current().capabilities
    path.write_text(broken)
    with pytest.raises(ConfigError):
        source.current()
    assert len(reported) == 2


def test_a_file_that_is_open_to_others_is_no_policy(path: Path) -> None:
    source = PolicySource(path, lambda error: None)
    source.current()
    path.chmod(0o666)
    with pytest.raises(ConfigError):
        source.current()
