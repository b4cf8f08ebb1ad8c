"""The verdicts: a leak is called one whatever the product says, and only a clean run counts as a success."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from janee.cli.demo import _as_json, _as_text
from janee.demo.report import Report, Row, Verdict
from janee.demo.sightings import Sighting
from janee.demo.thefts import Attempt, judge
from janee.demo.world import Answer, Secrets

KNOWN = Secrets()
GIT, API = KNOWN.git_token.encode(), KNOWN.api_token.encode()
GOOD = Report(
    jobs=(Row("work", "done", Verdict.DONE),),
    thefts=(Row("theft", "[REDACTED]", Verdict.REDACTED), Row("other", "RULE_DENY", Verdict.REFUSED)),
    sightings=(Sighting("Authority", 2, ("git token",), True, 10.0), Sighting("agent", 3, (), False, 10.0)),
    leaking_files=(),
    audit=({"seq": 1, "event": "exec.decided", "decision": "deny", "reasonCode": "RULE_DENY", "capability": "x"},),
    audit_is_intact=True,
    seconds=1.0,
)


@pytest.mark.parametrize(
    "data",
    [GIT, API, b"x" + GIT[:20] + b"y", base64.b64encode(b"u:" + API), GIT.hex().encode(), GIT[::-1]],
    ids=["plain", "the other one", "half", "base64", "hex", "reversed"],
)
@pytest.mark.parametrize("claimed", [Verdict.REFUSED, Verdict.REDACTED, Verdict.UNEXPECTED])
def test_what_holds_a_secret_is_leaked_whatever_is_claimed(data: bytes, claimed: Verdict) -> None:
    assert judge(KNOWN, "theft", Attempt("ok", b"before " + data + b" after", claimed)).verdict is Verdict.LEAKED


@pytest.mark.parametrize("claimed", [Verdict.REFUSED, Verdict.REDACTED, Verdict.UNEXPECTED])
def test_what_holds_none_keeps_its_verdict(claimed: Verdict) -> None:
    assert judge(KNOWN, "theft", Attempt("[REDACTED]", b"[REDACTED]", claimed)).verdict is claimed


def test_a_secret_is_found_in_every_corner_of_an_answer() -> None:
    for raw in (
        {"structured": {"deep": [{"stdout": KNOWN.git_token}]}},
        {"text": [f"a\n{KNOWN.git_token}"]},
        {"structured": {KNOWN.git_token: 1}},
        {"error": KNOWN.git_token},
    ):
        assert judge(KNOWN, "theft", Attempt("", Answer(raw).everything(), Verdict.REFUSED)).verdict is Verdict.LEAKED


def test_a_clean_run_is_a_success() -> None:
    assert GOOD.is_success
    text = "\n".join(_as_text(GOOD))
    assert "nothing leaked: 1 jobs done, 2 thefts failed" in text
    assert _as_json(GOOD)["ok"] is True


@pytest.mark.parametrize(
    "report",
    [
        replace(GOOD, jobs=()),
        replace(GOOD, thefts=()),
        replace(GOOD, jobs=(Row("work", "no", Verdict.FAILED),)),
        replace(GOOD, thefts=(Row("theft", "odd", Verdict.UNEXPECTED),)),
        replace(GOOD, thefts=(Row("theft", "secret", Verdict.LEAKED),)),
        replace(GOOD, sightings=(Sighting("agent", 3, ("git token",), False, 1.0),)),
        replace(GOOD, leaking_files=(Path("/x"),)),
        replace(GOOD, audit_is_intact=False),
    ],
)
def test_anything_else_is_none_and_says_why(report: Report) -> None:
    assert not report.is_success
    text = "\n".join(_as_text(report))
    assert "nothing leaked" not in text
    if report.jobs and report.thefts:
        assert "LEAKED:" in text or "not as it should be:" in text


def test_a_memory_that_could_not_be_read_is_not_called_clean() -> None:
    report = replace(GOOD, sightings=(Sighting("Runner front", 4, None, False, 0.0),))
    line = next(line for line in _as_text(report) if "Runner front" in line)
    assert "protected" in line
    assert "clean" not in line


def test_control_characters_of_a_command_do_not_reach_the_terminal() -> None:
    report = replace(GOOD, thefts=(Row("theft", "\x1b]0;owned\x07\x1b[2J\r\u202e", Verdict.REFUSED),))
    assert all(line.isprintable() for line in _as_text(report))
