"""Authorize, complete, explain, list, sweep: what is returned, and what is on record when it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from janee.authority.core import Settings
from janee.authority.denial import DecisionDenied
from janee.errors import ProtocolError, StoreError
from janee.protocol import ExplainRequest, Grant, HostTraffic, Outcome, ReasonCode, RunnerInfo, SandboxLevel
from janee.seal import GrantContext, SealedContent, constraints_digest, wrap_token
from janee.secret import Secret
from tests.authority.desk import KEY, Desk, open_desk
from tests.authority.live import CONFIG, SECRET

SIX_STEPS = ["exec.requested", "exec.decided", "grant.issued", "exec.started", "exec.scrubbed", "exec.completed"]


def opened(desk: Desk, grant: Grant, **bend: Any) -> SealedContent:
    assert grant.sealed is not None
    values: dict[str, Any] = {
        "grant_id": grant.grant_id,
        "expires_at": grant.grant_expires_at,
        "runner_key": "default",
        "runner_id": "r1",
        "agent_id": "runner:default",
        "capability_id": "run",
        "policy_hash": grant.constraints.policy_hash,
        "command": ("true",),
        "executable": ("/usr/bin/true", "0" * 64),
        "cwd": None,
        "sandbox_level": "strict",
        "constraints_digest": constraints_digest(grant.constraints.to_wire()),
        "timeout_ms": grant.effective_timeout_ms,
    }
    return desk.seal_key.open(grant.sealed, GrantContext(**(values | bend)))


def test_an_exec_leaves_its_six_steps_in_order(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    desk.authority.complete(desk.caller(), desk.completion(grant.grant_id))
    records = desk.records()
    assert [record["event"] for record in records] == SIX_STEPS
    for record in records:
        assert record["grantId"] == grant.grant_id
        assert record["agent"] == "runner:default"
        assert record["command"] == ["true"]
        assert record["policyHash"] == grant.constraints.policy_hash
        assert record["sandbox"] == "strict"
        assert record["requestId"] == "req-1"
    assert records[2]["sealed"] is True
    assert (records[4]["stdoutBytes"], records[4]["scrubbedStdoutHits"]) == (10, 2)
    assert (records[5]["outcome"], records[5]["durationMs"], records[5]["exitCode"]) == ("completed", 3, 0)


def test_a_grant_opens_with_its_executors_key_and_holds_the_credential(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    content = opened(desk, grant)
    assert content.env["API_TOKEN"] == Secret(SECRET)
    assert content.scrub_values == (Secret(SECRET),)
    assert SECRET not in repr(grant) and SECRET.encode() not in grant.to_json()


@pytest.mark.parametrize(
    "bend",
    [
        {"agent_id": "local"},
        {"runner_id": "r2"},
        {"command": ("false",)},
        {"cwd": "/"},
        {"sandbox_level": "off"},
        {"timeout_ms": 1},
        {"expires_at": "2999-01-01T00:00:00Z"},
        {"executable": ("/usr/bin/true", "1" * 64)},
        {"policy_hash": "sha256:x"},
    ],
)
def test_a_grant_does_not_open_for_anything_else(desk: Desk, bend: dict[str, Any]) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    with pytest.raises(ProtocolError):
        opened(desk, grant, **bend)


def test_a_denial_is_on_record_with_its_reason_and_grants_nothing(desk: Desk) -> None:
    with pytest.raises(DecisionDenied) as caught:
        desk.authority.authorize(desk.caller(), desk.request("rm", "-rf"))
    assert caught.value.denial.reason_code is ReasonCode.COMMAND_NOT_ALLOWED
    assert desk.events() == ["exec.requested", "exec.decided"]
    decided = desk.records()[1]
    assert (decided["decision"], decided["reasonCode"], "grantId" in decided) == ("deny", "COMMAND_NOT_ALLOWED", False)


def test_the_timeout_is_the_smaller_of_request_and_capability(desk: Desk) -> None:
    assert desk.authority.authorize(desk.caller(), desk.request()).effective_timeout_ms == 20_000
    assert desk.authority.authorize(desk.caller(), desk.request(timeout_ms=50)).effective_timeout_ms == 50
    assert desk.authority.authorize(desk.caller(), desk.request(timeout_ms=10**7)).effective_timeout_ms == 20_000


def test_without_a_key_to_seal_to_nothing_is_granted(desk: Desk) -> None:
    plain = desk.request(runner=RunnerInfo(runner_id="r1", sandbox=SandboxLevel.STRICT))
    with pytest.raises(ProtocolError) as caught:
        desk.authority.authorize(desk.caller(), plain)
    assert caught.value.code == "SEALING_REQUIRED"
    assert desk.store.abandoned_candidates(desk.clock.now + 1e9) == ()


def test_a_plaintext_grant_needs_the_operators_leave(tmp_path: Path) -> None:
    with open_desk(tmp_path, settings=Settings(allow_plaintext_grants=True)) as desk:
        plain = desk.request(runner=RunnerInfo(runner_id="r1", sandbox=SandboxLevel.STRICT), executable=None)
        grant = desk.authority.authorize(desk.caller(), plain)
        assert grant.env_injections == {"API_TOKEN": SECRET}
        assert desk.records()[2]["sealed"] is False
        assert SECRET not in str(desk.records())


def test_a_malformed_key_to_seal_to_is_bad_input(desk: Desk) -> None:
    bad = desk.request(runner=RunnerInfo(runner_id="r1", sandbox=SandboxLevel.STRICT, seal_to="AAAA"))
    with pytest.raises(ProtocolError) as caught:
        desk.authority.authorize(desk.caller(), bad)
    assert caught.value.code == "BAD_REQUEST"


def test_a_secret_in_the_argv_or_reason_is_not_recorded(desk: Desk) -> None:
    with pytest.raises(DecisionDenied):
        desk.authority.authorize(desk.caller(), desk.request("curl", f"-HAuth: {SECRET}", reason=f"because {SECRET}"))
    assert SECRET not in str(desk.records())
    assert "[REDACTED]" in str(desk.records()[0]["command"])
    assert "[REDACTED]" in desk.records()[0]["reason"]


def test_a_missing_secret_denies_and_says_what_to_do(desk: Desk) -> None:
    with desk.store.transaction() as tx:
        tx.delete_secrets("api")
    with pytest.raises(StoreError) as caught:
        desk.authority.authorize(desk.caller(), desk.request())
    assert caught.value.code == "MISSING_SECRET" and "janee service" in caught.value.hint
    assert desk.records()[-1]["decision"] == "deny"
    assert "grant.issued" not in desk.events()


# --- completion -------------------------------------------------------------------------------------------------------


def test_a_grant_is_completed_once(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    desk.authority.complete(desk.caller(), desk.completion(grant.grant_id))
    with pytest.raises(ProtocolError) as caught:
        desk.authority.complete(desk.caller(), desk.completion(grant.grant_id, exit_code=1))
    assert caught.value.code == "GRANT_COMPLETED"
    assert desk.events() == [*SIX_STEPS, "grant.refused"]


def test_another_runner_cannot_complete_a_grant_and_it_stays_open(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    with pytest.raises(ProtocolError) as caught:
        desk.authority.complete(desk.caller(name="other"), desk.completion(grant.grant_id))
    assert caught.value.code == "GRANT_FOREIGN"
    desk.authority.complete(desk.caller(), desk.completion(grant.grant_id))
    assert desk.events()[-1] == "exec.completed"


def test_an_unknown_grant_cannot_be_completed(desk: Desk) -> None:
    with pytest.raises(ProtocolError) as caught:
        desk.authority.complete(desk.caller(), desk.completion("g_unknown"))
    assert caught.value.code == "GRANT_UNKNOWN"
    assert desk.events() == ["grant.refused"]


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({}, "completed"),
        ({"exit_code": 3}, "completed"),
        ({"exit_code": None, "signal": 9}, "completed"),
        ({"exit_code": None}, "failed"),
        ({"exit_code": -1}, "failed"),
        ({"exit_code": None, "signal": 9, "timed_out": True}, "timed_out"),
        ({"outcome": Outcome.CANCELLED, "exit_code": None}, "cancelled"),
        ({"outcome": Outcome.FAILED, "exit_code": 126}, "failed"),
    ],
)
def test_every_way_to_end_is_on_record(desk: Desk, more: dict[str, Any], outcome: str) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    desk.authority.complete(desk.caller(), desk.completion(grant.grant_id, **more))
    assert desk.records()[-1]["outcome"] == outcome


def test_a_grant_that_its_executor_refused_shows_as_refused(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    refused = desk.completion(grant.grant_id, outcome=Outcome.REFUSED, exit_code=None, error="it does not fit")
    desk.authority.complete(desk.caller(), refused)
    assert desk.events()[3:] == ["grant.refused", "exec.completed"]
    assert desk.store.grant(grant.grant_id).state == "refused"  # type: ignore[union-attr]


def test_a_report_that_differs_from_the_grant_is_an_alarm_on_record(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    desk.authority.complete(desk.caller(), desk.completion(grant.grant_id, sandbox="off", policy_hash="sha256:other"))
    assert (desk.records()[-1]["sandboxReported"], desk.records()[-1]["policyHashReported"]) == ("off", "sha256:other")


def test_what_a_command_exchanged_is_on_record_for_each_host(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    traffic = HostTraffic(host="api.example.test:443", connections=2, requests=5, bytes_out=100, bytes_in=2000)
    desk.authority.complete(desk.caller(), desk.completion(grant.grant_id, network=(traffic,), placeholder_hits=3))
    scrubbed, completed = desk.records()[-2:]
    assert scrubbed["placeholderHits"] == 3
    expected = {"host": "api.example.test:443", "connections": 2, "refused": 0, "requests": 5, "bytesOut": 100, "bytesIn": 2000}
    assert completed["network"] == [expected]


def test_a_grant_that_is_never_reported_is_abandoned_once(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    assert desk.authority.sweep() == 0
    desk.clock.now += 60 + 20 + 60 - 1
    assert desk.authority.sweep() == 0
    desk.clock.now += 2
    assert desk.authority.sweep() == 1
    assert desk.authority.sweep() == 0
    assert desk.events()[-1] == "grant.abandoned"
    with pytest.raises(ProtocolError) as caught:
        desk.authority.complete(desk.caller(), desk.completion(grant.grant_id))
    assert caught.value.code == "GRANT_COMPLETED"


# --- identity ---------------------------------------------------------------------------------------------------------


def agent_of(desk: Desk) -> tuple[Any, Any, Any]:
    record = desk.records()[0]
    return record.get("agent"), record["identitySource"], record.get("agentClaimed")


def test_without_an_agent_the_runner_itself_asks(desk: Desk) -> None:
    desk.authority.authorize(desk.caller(), desk.request())
    assert agent_of(desk) == ("runner:default", "runner", None)


def test_a_runner_speaks_for_the_agents_of_its_key(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller("creature:*"), desk.request(agent_id="creature:patch"))
    assert grant.agent_id == "creature:patch"
    assert agent_of(desk) == ("creature:patch", "runner-key", None)


def test_a_runner_does_not_speak_for_others(desk: Desk) -> None:
    with pytest.raises(DecisionDenied) as caught:
        desk.authority.authorize(desk.caller("creature:*"), desk.request(agent_id="local"))
    assert caught.value.denial.reason_code is ReasonCode.IDENTITY_UNVERIFIED
    assert agent_of(desk) == (None, "runner-key", "local")


def test_the_published_key_speaks_for_agents_that_the_operator_named(desk: Desk) -> None:
    named = CONFIG.replace('[local, "runner:default", "creature:*"]', '[local, "creature:patch", "creature:*"]')
    desk.home.config_file.write_text(named)
    grant = desk.authority.authorize(desk.caller(), desk.request(agent_id="creature:patch"))
    assert grant.agent_id == "creature:patch"
    with pytest.raises(DecisionDenied):
        desk.authority.authorize(desk.caller(), desk.request(agent_id="creature:stranger"))
    with pytest.raises(DecisionDenied):  # a key with a list of its own stays within it
        desk.authority.authorize(desk.caller("local"), desk.request(agent_id="creature:patch"))


def test_a_claimed_name_is_recorded_and_proves_nothing(desk: Desk) -> None:
    desk.authority.authorize(desk.caller(), desk.request(claimed_agent="creature:patch"))
    assert agent_of(desk) == ("runner:default", "runner", "creature:patch")


@contextmanager
def with_token(desk: Desk, agent: str = "creature:patch") -> Iterator[Secret]:
    token = Secret("jat_" + "t" * 40)
    with desk.store.transaction() as tx:
        tx.put_agent(agent, token, desk.clock.now)
    yield token


def wrapped(token: Secret, request_id: str = "req-1") -> str:
    return wrap_token(KEY, token, request_id=request_id, nonce=b"n" * 12)


def test_a_token_proves_an_agent(desk: Desk) -> None:
    with with_token(desk) as token:
        grant = desk.authority.authorize(desk.caller("creature:*"), desk.request(agent_token=wrapped(token)))
    assert grant.agent_id == "creature:patch"
    assert agent_of(desk)[1] == "token"


def test_a_token_for_another_request_or_an_unknown_one_proves_nothing(desk: Desk) -> None:
    with with_token(desk) as token:
        with pytest.raises(ProtocolError):
            desk.authority.authorize(desk.caller("*"), desk.request(agent_token=wrapped(token, "req-2")))
        with pytest.raises(DecisionDenied) as caught:
            desk.authority.authorize(desk.caller("*"), desk.request(agent_token=wrapped(Secret("jat_other"))))
        assert caught.value.denial.reason_code is ReasonCode.IDENTITY_UNVERIFIED


def test_a_token_does_not_widen_its_runners_key(desk: Desk) -> None:
    with with_token(desk) as token, pytest.raises(DecisionDenied) as caught:
        desk.authority.authorize(desk.caller("local"), desk.request(agent_token=wrapped(token)))
    assert caught.value.denial.reason_code is ReasonCode.IDENTITY_UNVERIFIED


def test_a_token_in_clear_is_taken_over_a_private_transport_only(desk: Desk) -> None:
    with with_token(desk) as token:
        clear = desk.request(agent_token=token.expose_text())
        with pytest.raises(ProtocolError):
            desk.authority.authorize(desk.caller("*"), clear)
        assert desk.authority.authorize(desk.caller("*", is_private=True), clear).agent_id == "creature:patch"


def test_a_revoked_agent_is_refused_in_live_sessions(desk: Desk) -> None:
    caller = desk.caller("creature:*")
    with with_token(desk) as token:
        desk.authority.authorize(caller, desk.request(agent_token=wrapped(token)))
        with desk.store.transaction() as tx:
            tx.revoke_agent("creature:patch", desk.clock.now)
        for request in (desk.request(agent_token=wrapped(token)), desk.request(agent_id="creature:patch")):
            with pytest.raises(DecisionDenied) as caught:
                desk.authority.authorize(caller, request)
            assert caught.value.denial.reason_code is ReasonCode.SESSION_REVOKED


# --- state ------------------------------------------------------------------------------------------------------------


def test_a_rate_is_counted_for_each_agent_and_ends(desk: Desk) -> None:
    for _ in range(7):
        desk.authority.authorize(desk.caller(), desk.request(capability="limited"))
    with pytest.raises(DecisionDenied) as caught:
        desk.authority.authorize(desk.caller(), desk.request(capability="limited"))
    assert caught.value.denial.reason_code is ReasonCode.RATE_LIMITED
    assert desk.records()[-1]["reasonCode"] == "RATE_LIMITED"
    desk.clock.now += 61
    desk.authority.authorize(desk.caller(), desk.request(capability="limited"))


def test_a_denied_request_does_not_use_up_the_rate(desk: Desk) -> None:
    for _ in range(9):
        with pytest.raises(DecisionDenied):
            desk.authority.authorize(desk.caller(), desk.request("ls", capability="limited"))
    desk.authority.authorize(desk.caller(), desk.request(capability="limited"))


def test_a_changed_policy_reaches_the_next_decision(desk: Desk) -> None:
    desk.authority.authorize(desk.caller(), desk.request())
    desk.home.config_file.write_text(CONFIG.replace('{argv: ["true"]}', '{argv: ["false"]}'))
    with pytest.raises(DecisionDenied):
        desk.authority.authorize(desk.caller(), desk.request())


@pytest.mark.parametrize("content", ["version: [", "", "version: '0.3.0'\ncapabilities: {x: {service: none}}\n", None])
def test_an_invalid_or_missing_configuration_denies_everything(desk: Desk, content: str | None) -> None:
    desk.authority.authorize(desk.caller(), desk.request())
    if content is None:
        desk.home.config_file.unlink()
    else:
        desk.home.config_file.write_text(content)
    for _ in range(2):
        with pytest.raises(DecisionDenied) as caught:
            desk.authority.authorize(desk.caller(), desk.request())
        assert caught.value.denial.reason_code in (ReasonCode.POLICY_CHANGED, ReasonCode.CAPABILITY_NOT_FOUND)
    assert len(desk.problems) <= 1  # said once, not with every request
    desk.home.config_file.write_text(CONFIG)
    desk.home.config_file.chmod(0o600)
    desk.authority.authorize(desk.caller(), desk.request())


# --- questions --------------------------------------------------------------------------------------------------------


def test_explain_shows_the_decision_and_uses_nothing_up(desk: Desk) -> None:
    request = ExplainRequest(runner=RunnerInfo(runner_id="r1"), capability_id="limited", command=("true",))
    for _ in range(20):
        assert desk.authority.explain(desk.caller(), request).allowed
    denied = desk.authority.explain(desk.caller(), request.model_copy(update={"command": ("ls",)}))
    assert denied.reason_code is ReasonCode.COMMAND_NOT_ALLOWED
    assert desk.records() == []


def test_an_agent_is_shown_what_it_may_use_and_no_secret(desk: Desk) -> None:
    shown = desk.authority.capabilities(desk.caller(), agent_id="local", agent_token=None, request_id=None)
    assert [capability.name for capability in shown.capabilities] == ["run"]
    assert shown.capabilities[0].env == ("API_TOKEN",)
    assert SECRET.encode() not in shown.to_json()
    stranger = desk.authority.capabilities(desk.caller(), agent_id="stranger", agent_token=None, request_id=None)
    assert (stranger.agent_id, stranger.capabilities) == (None, ())


def test_nothing_is_granted_when_the_audit_cannot_be_written(desk: Desk) -> None:
    assert desk.authority.health().ok
    limit_pages(desk)
    with pytest.raises(StoreError) as caught:
        for _ in range(2000):
            desk.authority.authorize(desk.caller(), desk.request())
    assert caught.value.code == "AUDIT_UNAVAILABLE"
    assert not desk.authority.health().ok
    granted = desk.store.abandoned_candidates(desk.clock.now + 1e9)
    assert len(granted) == desk.events().count("grant.issued")
    desk.store._db.execute("PRAGMA max_page_count = 1000000")  # the operator frees space
    desk.authority.sweep()
    assert desk.authority.health().ok


def limit_pages(desk: Desk) -> None:
    """Make the disk full for the database: SQLite gives SQLITE_FULL at this many pages."""
    desk.store._db.execute(f"PRAGMA max_page_count = {desk.store._db.execute('PRAGMA page_count').fetchone()[0] + 3}")
