"""An agent that puts secrets into the audit log, fills it, or asks for decisions that are not in it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from janee.authority.crowding import MAX_DENIALS, MAX_RECORDED
from janee.authority.denial import DecisionDenied
from janee.errors import JaneeError, ProtocolError
from janee.protocol import Executable, RunnerInfo, SandboxLevel
from janee.seal import SealKey
from janee.secret import Secret
from tests.authority.desk import Desk, open_desk
from tests.authority.live import CONFIG, SECRET

OTHER = "other-secret-0123456789ab"
NON_ASCII = "schlüsselüüüüüüüüüüüü"


def info(**more: Any) -> RunnerInfo:
    return RunnerInfo(**({"runner_id": "r1", "seal_to": SealKey().public, "sandbox": SandboxLevel.STRICT} | more))


def text_of(desk: Desk) -> str:
    return json.dumps(desk.records(), ensure_ascii=False)


def store(desk: Desk, service: str, field: str, value: str) -> None:
    with desk.store.transaction() as tx:
        tx.put_secret(service, field, Secret(value), 0.0)


LEAKED = ("curl", "-H", f"Authorization: Bearer {SECRET}")


@pytest.mark.parametrize(
    "fields",
    [
        {"capability_id": "nope", "command": LEAKED},
        {"agent_id": "stranger", "command": LEAKED},
        {"claimed_agent": f"c-{SECRET}"},
        {"request_id": f"r-{SECRET}"},
        {"runner": info(runner_id=f"h-{SECRET}")},
        {"capability_id": SECRET},
        {"agent_id": SECRET},
        {"agent_id": f"creature:{SECRET}"},
        {"executable": Executable(path=f"/usr/bin/{SECRET}/true", sha256="0" * 64)},
        {"cwd": f"/{SECRET}", "reason": f"because {SECRET}"},
        {"command": (*["x" * 900] * 3, SECRET)},
        {"command": ("x" * 2030, SECRET, "y" * 3000)},
    ],
)
def test_no_field_of_a_request_brings_a_secret_into_the_log(desk: Desk, fields: dict[str, Any]) -> None:
    with contextlib.suppress(JaneeError):
        desk.authority.authorize(desk.caller("creature:*"), desk.request(**fields))
    assert "exec.decided" in desk.events()
    assert SECRET not in text_of(desk) and SECRET[:12] not in text_of(desk)


def test_a_completion_does_not_bring_a_secret_into_the_log(desk: Desk) -> None:
    grant = desk.authority.authorize(desk.caller(), desk.request())
    said = {"error": f"boom {SECRET}", "started_at": f"s {SECRET}", "policy_hash": f"p{SECRET}", "sandbox": f"s{SECRET}"}
    desk.authority.complete(desk.caller(), desk.completion(grant.grant_id, **said))
    with pytest.raises(ProtocolError):
        desk.authority.complete(desk.caller(), desk.completion(f"g_{SECRET}"))
    assert SECRET not in text_of(desk)


def test_a_secret_of_another_service_is_masked_as_soon_as_it_is_stored(desk: Desk) -> None:
    desk.authority.authorize(desk.caller(), desk.request())
    store(desk, "gone", "key", OTHER)
    with pytest.raises(DecisionDenied):
        desk.authority.authorize(desk.caller(), desk.request("no", OTHER))
    assert OTHER not in text_of(desk)


def test_a_secret_is_masked_though_another_field_of_its_service_is_missing(desk: Desk) -> None:
    with desk.store.transaction() as tx:
        tx.delete_secrets("git", keep=("password",))
    with contextlib.suppress(JaneeError):
        desk.authority.authorize(
            desk.caller("creature:*"), desk.request("git", "push", SECRET, capability="push", agent_id="creature:1", reason="r")
        )
    assert SECRET not in text_of(desk)


def test_a_secret_of_few_characters_and_many_bytes_is_masked(desk: Desk) -> None:
    store(desk, "api", "key", NON_ASCII)
    with pytest.raises(DecisionDenied):
        desk.authority.authorize(desk.caller(), desk.request(NON_ASCII))
    assert NON_ASCII not in text_of(desk)


def test_no_text_hides_a_secret_in_the_next_one(desk: Desk) -> None:
    for hiding in ("\x1b]", "\x1b[", "\x90", "\\", "\r"):
        with pytest.raises(DecisionDenied):
            desk.authority.authorize(desk.caller(), desk.request("x", hiding, SECRET, hiding))
    assert SECRET not in text_of(desk)


# --- the disk ---------------------------------------------------------------------------------------------------------


def test_a_refused_request_costs_little_disk(desk: Desk) -> None:
    big = {"reason": "r" * 4096, "cwd": "/" + "c" * 4000, "claimed_agent": "a" * 256, "executable": None}
    for capability in ("run", "nope"):
        with pytest.raises(DecisionDenied):
            desk.authority.authorize(desk.caller(), desk.request(command=("y" * 16_000,) * 16, capability_id=capability, **big))
    sizes = [len(json.dumps(record)) for record in desk.records()]
    assert len(sizes) == 4 and max(sizes) < 9_000
    command = desk.records()[0]["command"]
    assert command[-1] == "… (16 arguments, 256015 bytes)" and len(desk.records()[0]["commandSha256"]) == 64


def test_an_allowed_command_stands_whole_once(tmp_path: Path) -> None:
    config = CONFIG.replace('- {argv: ["true"]}', '- {argv: ["true"], rest: any}', 1)
    with open_desk(tmp_path, config) as desk:
        command = ("true", *[f"argument-{number}" for number in range(400)])
        grant = desk.authority.authorize(desk.caller(), desk.request(*command))
        desk.authority.complete(desk.caller(), desk.completion(grant.grant_id))
        first, *others = desk.records()
        assert tuple(first["command"]) == command
        assert len(others) == 5
        for record in others:
            assert len(json.dumps(record)) < 6_000
            assert record["command"][:3] == ["true", "argument-0", "argument-1"]
            assert record["policyHash"] == grant.constraints.policy_hash and record["agent"] == "runner:default"
        assert grant.constraints.command == command


def test_an_agent_that_is_denied_all_the_time_is_refused_unheard(desk: Desk) -> None:
    desk.clock.now = 60_000_000.0

    def ask(*command: str, agent_id: str = "creature:1") -> str:
        try:
            desk.authority.authorize(desk.caller("creature:*"), desk.request(*command, agent_id=agent_id))
        except DecisionDenied as denied:
            return denied.code
        return "granted"

    assert {ask("no") for _ in range(MAX_DENIALS)} == {"COMMAND_NOT_ALLOWED"}
    written = len(desk.records())
    assert {ask("no") for _ in range(50)} == {"RATE_LIMITED"} == {ask("true")}
    assert len(desk.records()) - written == MAX_RECORDED
    assert ask("true", agent_id="creature:2") == "granted"
    desk.clock.now += 60
    assert ask("true") == "granted"


# --- decisions without a trace ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seal_to", ["A" * 43 + "=", "AAAA", "!!"])
def test_an_allow_that_cannot_be_sealed_is_on_record_and_counted(desk: Desk, seal_to: str) -> None:
    for _ in range(8):
        with pytest.raises(JaneeError) as caught:
            desk.authority.authorize(desk.caller(), desk.request(capability="limited", runner=info(seal_to=seal_to)))
    assert caught.value.code == "RATE_LIMITED"
    decisions = [record for record in desk.records() if record["event"] == "exec.decided"]
    assert [(record["decision"], record["reasonCode"]) for record in decisions] == (
        [("deny", "BAD_REQUEST")] * 7 + [("deny", "RATE_LIMITED")]
    )
    assert "grant.issued" not in desk.events()
