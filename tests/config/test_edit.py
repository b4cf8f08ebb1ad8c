from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import janee.config.file as file_module
from janee.config.file import ConfigSource, edit_config, load_config
from janee.config.schema import Config
from janee.errors import ConfigError
from tests.config.support import MINIMAL, config_file

COMMENTED = """\
# what we have
version: "0.3.0"
services:
  gh:   # the forge
    baseUrl: https://api.github.com
    auth: {type: bearer}  # a token
capabilities:
  # careful
  push:
    service: gh
    allowCommands: [git, {argv: [git, push, {match: "[a-z]+"}]}]
"""


def test_an_edit_keeps_comments_order_and_everything_else(tmp_path: Path) -> None:
    path = config_file(tmp_path, COMMENTED)
    with edit_config(path) as root:
        root["capabilities"]["push"]["timeout"] = 5
    assert path.read_text() == COMMENTED + "    timeout: 5\n"
    assert load_config(path).capabilities["push"].timeout_ms == 5


def test_what_would_be_invalid_is_not_written(tmp_path: Path) -> None:
    path = config_file(tmp_path, COMMENTED)
    with pytest.raises(ConfigError, match="as it would become"), edit_config(path) as root:
        root["capabilities"]["push"]["mode"] = "magic"
    assert path.read_text() == COMMENTED


def test_an_exception_in_the_block_or_the_hook_changes_nothing(tmp_path: Path) -> None:
    path = config_file(tmp_path, COMMENTED)
    with pytest.raises(KeyError), edit_config(path) as root:
        root["capabilities"].clear()
        raise KeyError

    def refuse(config: Config) -> None:
        assert not config.capabilities
        raise PermissionError("the audit log is full")

    with pytest.raises(ConfigError), edit_config(path, before_replace=refuse) as root:
        root["capabilities"].clear()
    assert path.read_text() == COMMENTED
    assert sorted(file.name for file in tmp_path.iterdir()) == [".config.yaml.lock", "config.yaml"]


def test_the_mode_of_the_file_stays(tmp_path: Path) -> None:
    path = config_file(tmp_path)
    path.chmod(0o640)
    with edit_config(path) as root:
        root["services"]["gh"]["testPath"] = "/user"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_change_by_an_editor_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = config_file(tmp_path)
    with pytest.raises(ConfigError, match="changed by somebody else"), edit_config(path) as root:
        root["services"]["gh"]["testPath"] = "/user"
        path.write_text(MINIMAL + "    timeout: 7\n")
    assert load_config(path).capabilities["issues"].timeout_ms == 7


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target = config_file(tmp_path)
    (tmp_path / "link.yaml").symlink_to(target)
    with pytest.raises(ConfigError, match="symbolic link"), edit_config(tmp_path / "link.yaml"):
        pass
    assert target.read_text() == MINIMAL


def test_waiting_for_the_lock_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config_file(tmp_path)
    monkeypatch.setattr(file_module, "LOCK_TIMEOUT_S", 0.05)
    with (tmp_path / ".config.yaml.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="being changed by another command"), edit_config(path):
            pass
    with edit_config(path):  # given back
        pass


def test_threads_that_edit_at_once_lose_nothing(tmp_path: Path) -> None:
    path = config_file(tmp_path)

    def add(name: str) -> None:
        with edit_config(path) as root:
            root["services"][name] = {"baseUrl": "https://a.example", "auth": {"type": "bearer"}}

    threads = [threading.Thread(target=add, args=(f"s{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(load_config(path).services) == {"gh", *(f"s{i}" for i in range(8))}


def test_a_source_follows_the_file_and_never_keeps_an_old_policy(tmp_path: Path) -> None:
    path = config_file(tmp_path)
    source = ConfigSource(path)
    first = source.current()
    assert source.current() is first  # not read again
    with edit_config(path) as root:
        root["capabilities"]["more"] = {"service": "gh"}
    assert set(source.current().capabilities) == {"issues", "more"}
    path.write_text("broken: true")
    for _ in range(2):
        with pytest.raises(ConfigError, match="unknown key"):
            source.current()
    path.unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        source.current()
    config_file(tmp_path)
    assert set(source.current().capabilities) == {"issues"}


def test_a_mode_that_lets_others_write_ends_the_policy_at_once(tmp_path: Path) -> None:
    path = config_file(tmp_path)
    source = ConfigSource(path)
    source.current()
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="written by others"):
        source.current()


def test_reading_the_configuration_imports_nothing_heavy() -> None:
    script = (
        "import sys, janee.config.file; "
        "print([m for m in ('ruamel', 'cryptography', 'pydantic', 'sqlite3', 'mcp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
