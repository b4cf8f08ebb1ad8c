"""Grants used by somebody else, twice, late, or for something else; and an Authority that cannot write."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from janee.authority.store import Store
from janee.errors import ProtocolError
from janee.seal import SealKey, stretch_key
from janee.secret import Secret
from tests.authority.live import CONFIG, Live, Runner, make_home, open_grant, running


def add_runner(live: Live, name: str, *agents: str) -> Runner:
    key = Secret(f"jnr.{name}.{'k' * 43}")
    with Store.open(live.home) as store, store.transaction() as tx:
        tx.put_runner_key(stretch_key(key), agents, time.time())
    return Runner(live.port, stretch_key(key))


def test_another_runner_can_neither_complete_nor_open_a_grant(live: Live) -> None:
    thief = add_runner(live, "thief", "*")
    answer, _ = live.runner().authorize()
    assert (thief.complete(answer.body["grantId"]).code) == "GRANT_FOREIGN"
    with pytest.raises(ProtocolError):
        open_grant(answer, SealKey())
    refused = next(record for record in live.records() if record["event"] == "grant.refused")
    assert (refused["runner"], refused["code"]) == ("thief", "GRANT_FOREIGN")


def test_a_runner_key_does_not_open_all_agents_capabilities(live: Live) -> None:
    narrow = add_runner(live, "narrow", "creature:patch")
    assert narrow.authorize(agentId="creature:patch")[0].status == 200
    for agent in ("local", "creature:other", "runner:default"):
        answer, _ = narrow.authorize(agentId=agent)
        assert (answer.status, answer.code) == (403, "IDENTITY_UNVERIFIED")
    assert narrow.authorize()[0].code == "AGENT_NOT_ALLOWED"  # runner:narrow, whom nobody allowed


def test_no_agent_is_not_any_agent(live: Live) -> None:
    silent = add_runner(live, "silent")
    assert silent.authorize()[0].code == "AGENT_NOT_ALLOWED"


def test_two_authorities_on_one_store_complete_a_grant_once(live: Live) -> None:
    with running(live.home, live.environ, api_key=None) as second:
        first_runner, second_runner = live.runner(), live.runner()
        second_runner.port = second.port
        grant_id = first_runner.authorize()[0].body["grantId"]
        assert second_runner.complete(grant_id).status == 200
        assert first_runner.complete(grant_id).code == "GRANT_COMPLETED"
        headers = first_runner.sign("GET", "/v1/capabilities", b"")
        assert first_runner.send("GET", "/v1/capabilities", b"", "", headers).status == 200
        assert second_runner.send("GET", "/v1/capabilities", b"", "", headers).code == "REPLAYED"


def test_two_authorities_share_one_rate(live: Live) -> None:
    with running(live.home, live.environ, api_key=None) as second:
        one, two = live.runner(), live.runner()
        two.port = second.port
        statuses = [runner.authorize("limited")[0].status for _ in range(6) for runner in (one, two)]
    assert statuses.count(200) == 7


def test_a_revocation_by_configuration_reaches_the_next_request(live: Live) -> None:
    runner = live.runner()
    assert runner.authorize()[0].status == 200
    live.write_config(CONFIG.replace('allowedAgents: [local, "runner:default", "creature:*"]', "allowedAgents: [local]"))
    assert runner.authorize()[0].code == "AGENT_NOT_ALLOWED"


def test_an_invalid_configuration_does_not_leave_the_old_one_in_force(live: Live) -> None:
    runner = live.runner()
    assert runner.authorize()[0].status == 200
    live.write_config("version: '0.3.0'\ncapabilities: {run: {service: gone, mode: exec}}\n")
    answer, _ = runner.authorize()
    assert (answer.status, answer.code) == (403, "POLICY_CHANGED")
    assert "gone" not in answer.raw.decode()  # the agent learns nothing of the file
    assert "everything is denied" in (live.home.path.parent / "stderr").read_text()
    live.write_config(CONFIG)
    assert runner.authorize()[0].status == 200


def test_no_grant_leaves_when_the_audit_cannot_be_written(tmp_path: Path) -> None:
    home, environ = make_home(tmp_path)
    with running(home, environ) as live:
        runner = live.runner()
        assert runner.authorize()[0].status == 200
        # Another process that holds the write lock for ever is the portable way to make every write fail.
        import sqlite3

        blocker = sqlite3.connect(home.state_db, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        try:
            answer, _ = runner.authorize()  # its answer's signature is checked, too
            assert (answer.status, answer.code) == (503, "AUDIT_UNAVAILABLE")
        finally:
            blocker.execute("ROLLBACK")
            blocker.close()
        assert runner.authorize()[0].status == 200
