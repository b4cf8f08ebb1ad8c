"""A whole execution at the weaker levels: they work where a capability accepts them, say what they are, and leave nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.runner.rig import McpClient, Rig, argv_of, descendants, make_rig, wait_for


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """An Authority whose capability `run` accepts any level; `work` wants strict."""
    own = make_rig(tmp_path_factory.mktemp("lenient"))
    path = own.root / "janee" / "config.yaml"
    head, mark, tail = path.read_text().partition("    mode: exec\n")
    path.write_text(head + mark + '    minSandbox: "off"\n' + tail)
    own.start_authority()
    try:
        yield own
    finally:
        own.close()


@pytest.fixture(params=["landlock", "off"])
def weak(request: pytest.FixtureRequest, lenient: Rig) -> Iterator[tuple[str, McpClient]]:
    with lenient.runner("--sandbox", request.param, stderr=subprocess.DEVNULL) as client:
        yield request.param, client


def test_a_command_runs_scrubbed_and_the_audit_names_the_level(weak: tuple[str, McpClient], lenient: Rig) -> None:
    level, client = weak
    result = client.exec("sh", "-c", 'echo "$RIG_TOKEN"; printf %s "$RIG_TOKEN" | base64 >&2; exit 7')
    assert (result["exitCode"], result["stdout"], result["stderr"]) == (7, "[REDACTED]\n", "[REDACTED]\n")
    record = lenient.outcome_of(result["grantId"])
    assert (record["outcome"], record["sandbox"]) == ("completed", level)


def test_a_capability_that_wants_strict_is_not_to_be_had(weak: tuple[str, McpClient]) -> None:
    level, client = weak
    result = client.exec("sh", "-c", "true", capability="work")
    assert result["isError"]
    assert result["denial"]["reasonCode"] == "SANDBOX_TOO_WEAK", level


def test_what_a_command_leaves_running_is_dead_when_the_result_is_there(weak: tuple[str, McpClient]) -> None:
    _, client = weak
    result = client.exec("sh", "-c", "(setsid sleep 63.5 &) ; exit 0")
    assert result["exitCode"] == 0
    assert not any(b"63.5" in argv_of(pid).split(b"\0") for pid in descendants(client.process.pid))


def test_a_time_limit_ends_the_tree(weak: tuple[str, McpClient]) -> None:
    _, client = weak
    result = client.exec("sh", "-c", "trap '' TERM; sleep 64.5 & wait", timeoutMs=1000)
    assert result["timedOut"]
    gone = lambda: not any(b"64.5" in argv_of(pid).split(b"\0") for pid in descendants(client.process.pid))  # noqa: E731
    wait_for("the sleeper is gone", lambda: gone() or None)
