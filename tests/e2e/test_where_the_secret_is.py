"""Plaintext lives in the Authority and in the one Executor and command of a live grant: nowhere else, and not on the wire."""

from __future__ import annotations

import pytest

from janee.demo.looks import leaking_files, look_everywhere
from janee.demo.sightings import Sighting
from janee.demo.traces import find_traces
from janee.demo.world import World
from janee.protocol import PATH_AUTHORIZE, PATH_COMPLETE


@pytest.fixture(scope="module")
def sightings(world: World) -> tuple[Sighting, ...]:
    return look_everywhere(world)


def roles(sightings: tuple[Sighting, ...]) -> set[str]:
    return {sighting.role for sighting in sightings}


def test_every_process_was_looked_into(sightings: tuple[Sighting, ...]) -> None:
    expected = {"agent (MCP client)", "Runner front", "zygote", "warm Executor", "Authority", "Executor of the command"}
    assert expected | {"the command"} <= roles(sightings)


def test_the_search_finds_the_secret_where_it_has_to_be(sightings: tuple[Sighting, ...]) -> None:
    command = [sighting for sighting in sightings if sighting.role == "the command"]
    assert any(sighting.secrets is None or "git token" in sighting.secrets for sighting in command)
    server = next(sighting for sighting in sightings if sighting.role == "git server")
    assert server.secrets == ("git token",)


def test_it_is_nowhere_else(sightings: tuple[Sighting, ...]) -> None:
    assert [sighting for sighting in sightings if sighting.is_leak] == []


def test_the_command_never_has_another_services_secret(sightings: tuple[Sighting, ...]) -> None:
    outside = {"Authority", "API server"}
    assert [s for s in sightings if s.role not in outside and s.secrets and "API token" in s.secrets] == []


def test_no_file_has_it(world: World, sightings: tuple[Sighting, ...]) -> None:
    assert leaking_files(world) == ()


def test_recorded_traffic_holds_neither_key_nor_secret(world: World) -> None:
    answer = world.call("janee_exec", {"capability": "shell", "command": ["bash", "-c", "env"], "cwd": str(world.workspace)})
    assert answer.value["scrubHits"] >= 1
    assert world.recorder.find(PATH_AUTHORIZE) is not None
    assert world.recorder.find(PATH_COMPLETE) is not None
    recorded = world.recorder.all_bytes()
    for value in (*world.secrets.credentials().values(), world.secrets.runner_key.encode()):
        assert find_traces(value, recorded) == ()
