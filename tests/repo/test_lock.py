"""requirements.lock pins everything that pyproject.toml asks for, by hash, and names no place to get it from."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ENTRY = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^ ;\\]+)", re.M)


def normalised(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]).lower()


def test_no_url_no_index_no_path() -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links|file:|@ ", LOCK)


def test_every_entry_is_pinned_and_hashed() -> None:
    entries = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.M)[1:]
    assert len(entries) > 40
    assert [entry.splitlines()[0] for entry in entries if not ENTRY.match(entry) or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("group", ["dependencies", "dev", "build"])
def test_every_dependency_is_in_it(group: str) -> None:
    asked = PROJECT["project"]["dependencies"] if group == "dependencies" else PROJECT["dependency-groups"][group]
    pinned = {found["name"] for found in ENTRY.finditer(LOCK)}
    assert {normalised(requirement) for requirement in asked} - pinned == set()


def test_the_tools_that_setup_installs_first_are_in_it() -> None:
    script = (ROOT / "script" / "setup").read_text()
    found = re.search(r"wanted = /\^\(([a-z|-]+)\)==/", script)
    assert found is not None
    tools = set(found.group(1).split("|"))
    assert {normalised(name) for name in PROJECT["dependency-groups"]["build"]} <= tools
    assert tools <= {entry["name"] for entry in ENTRY.finditer(LOCK)}
