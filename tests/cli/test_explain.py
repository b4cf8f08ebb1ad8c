"""`janee explain` and `janee policy test`: exit codes, output, bad input; no home, secret or Authority needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.authority.policy.test_decide import CONFIG
from tests.cli.support import Operator


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(CONFIG)
    path.chmod(0o644)
    return str(path)


def test_an_allowed_command_exits_with_0(janee: Operator, config: str) -> None:
    done = janee("explain", "run", "--config", config, "--", "git", "status")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("allowed for local\n")


def test_a_denied_command_exits_with_3_and_says_what_next(janee: Operator, config: str) -> None:
    done = janee("explain", "run", "--config", config, "--", "git", "push", "--force")
    assert (done.code, done.err) == (3, "")
    assert "denied for local: COMMAND_NOT_ALLOWED" in done.out and "next: " in done.out


def test_options_of_the_command_are_the_commands(janee: Operator, config: str) -> None:
    done = janee("explain", "run", "--config", config, "--json", "--", "deploy", "prod", "--agent", "x", "--json")
    assert done.code == 0 and done.json["agent"] == "local"


def test_json_is_the_decision(janee: Operator, config: str) -> None:
    done = janee("explain", "run", "--agent", "stranger", "--config", config, "--json", "--", "git", "status")
    assert done.code == 3
    assert done.json["reasonCode"] == "AGENT_NOT_ALLOWED" and done.json["allowed"] is False
    assert [step["result"] for step in done.json["trace"]][-1] == "fail"
    assert done.json["policyHash"].startswith("sha256:")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/repos/a", 0), ("DELETE", "/repos/a", 3), ("GET", "/repos/../x", 3), ("GET", "/repos/secret/x", 3)],
)
def test_requests_are_explained_too(janee: Operator, config: str, method: str, path: str, code: int) -> None:
    assert janee("explain", "http", "--config", config, "--method", method, "--path", path).code == code


def test_a_capability_alone_is_explained_as_what_it_is(janee: Operator, config: str) -> None:
    assert janee("explain", "http", "--config", config).code == 0
    assert janee("explain", "run", "--config", config).code == 0
    assert janee("explain", "run", "--agent", "stranger", "--config", config).code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain",),
        ("explain", "run", "--config", "/nowhere/at/all", "--", "x"),
        ("explain", "run", "--method", "GET"),
        ("explain", "run", "--method", "GET", "--path", "/", "--", "x"),
        ("explain", "run", "--unknown"),
        ("explain", "run", "--", "x"),
    ],
)
def test_bad_input_exits_with_2(janee: Operator, arguments: tuple[str, ...]) -> None:
    done = janee(*arguments)
    assert done.code == 2
    assert done.err.startswith("janee: error: ") and done.out == ""


def test_an_invalid_configuration_is_named_with_its_line(janee: Operator, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text('version: "0.3.0"\nservices: {}\ncapabilities:\n  x: {service: nothing, mode: exec}\n')
    done = janee("explain", "x", "--config", str(path), "--", "a")
    assert done.code == 2 and "bad.yaml:" in done.err and "nothing" in done.err


CASES = [
    {"capability": "run", "argv": ["git", "status"], "expect": "allow"},
    {"capability": "run", "argv": ["git", "status"], "cwd": "/srv/repo/x", "expect": "allow"},
    {"capability": "run", "argv": ["git", "status"], "cwd": "/etc", "expect": "deny"},
    {"capability": "run", "agent": "creature:x", "argv": ["git", "status"], "expect": "allow"},
    {"capability": "run", "agent": "x", "argv": ["git", "status"], "expect": "deny"},
    {"capability": "http", "method": "GET", "path": "/repos/x", "expect": "allow"},
    {"capability": "http", "method": "GET", "path": "/repos/x", "headers": {"Host": "evil"}, "expect": "deny"},
]


def lines(cases: list[object]) -> str:
    return "".join(json.dumps(case) + "\n" for case in cases)


def test_cases_that_are_as_expected_exit_with_0(janee: Operator, config: str, tmp_path: Path) -> None:
    (tmp_path / "cases").write_text(lines(list(CASES)) + "\n")
    done = janee("policy", "test", "--config", config, str(tmp_path / "cases"))
    assert (done.code, done.out) == (0, "7 of 7 as expected\n")


def test_json_gives_one_line_a_case(janee: Operator, config: str) -> None:
    done = janee("policy", "test", "--config", config, "--json", "-", stdin=lines(list(CASES)))
    assert done.code == 0
    results = [json.loads(line) for line in done.out.splitlines()]
    assert [result["decision"] for result in results] == [case["expect"] for case in CASES]
    assert all(result.items() >= case.items() for result, case in zip(results, CASES, strict=True))
    assert results[2]["reasonCode"] == "RULE_DENY" and results[2]["detail"]
    assert results[0]["reasonCode"] is None


def test_a_case_that_is_not_as_expected_exits_with_3_and_is_named(janee: Operator, config: str) -> None:
    done = janee("policy", "test", "--config", config, "-", stdin=lines([CASES[0], CASES[1] | {"expect": "deny"}]))
    assert done.code == 3
    assert "line 2: expected deny" in done.out and "1 of 2 as expected" in done.out


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '"x"',
        '{"capability":"run","argv":["x"]}',
        '{"capability":"run","expect":"allow"}',
        '{"capability":"run","argv":"x","expect":"deny"}',
        '{"capability":"run","argv":[1],"expect":"deny"}',
        '{"capability":"run","argv":["x"],"expect":"maybe"}',
        '{"capability":"run","argv":["x"],"method":"GET","path":"/","expect":"deny"}',
        '{"capability":1,"argv":["x"],"expect":"deny"}',
        '{"capability":"run","argv":["x"],"expect":"deny","surprise":1}',
        '{"capability":"http","method":"GET","path":"/","headers":{"a":1},"expect":"deny"}',
        "[" * 100_000,
    ],
)
def test_a_malformed_case_is_bad_input_with_its_line(janee: Operator, config: str, line: str) -> None:
    done = janee("policy", "test", "--config", config, "-", stdin=f"{json.dumps(CASES[0])}\n{line}\n")
    assert done.code == 2
    assert "line 2: " in done.err
