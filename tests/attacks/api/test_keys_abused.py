"""A key that says it is another, that was revoked, narrowed or replaced, and is tried all the same."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from janee.authority.store import Store
from janee.config.home import JaneeHome
from janee.seal import new_api_key, stretch_key
from janee.secret import Secret
from tests.authority.live import API_KEY, CONFIG, Live, Runner, make_home, running

WITH_DEPLOY = (
    CONFIG
    + """\
  prod:
    service: api
    mode: exec
    delivery: env
    allowedAgents: ["runner:deploy"]
    allowCommands: [{argv: ["true"]}]
"""
)


@pytest.fixture
def home(tmp_path: Path) -> tuple[JaneeHome, dict[str, str]]:
    return make_home(tmp_path, WITH_DEPLOY)


def add_key(home: JaneeHome, name: str, *agents: str) -> Secret:
    key = new_api_key(name, os.urandom(32))
    with Store.open(home) as store, store.transaction() as tx:
        tx.put_runner_key(stretch_key(key), agents, time.time())
    return key


def revoke(home: JaneeHome, name: str) -> None:
    with Store.open(home) as store, store.transaction() as tx:
        assert tx.revoke_runner_key(name, time.time())


def start_fails(environ: dict[str, str]) -> str:
    """The standard error of an Authority that refuses to start."""
    command = [sys.executable, "-m", "janee.cli.main", "authority", "--port", "0"]
    done = subprocess.run(command, env=environ | {"JANEE_API_KEY": API_KEY}, capture_output=True, timeout=30, check=False)
    assert done.returncode == 2
    return done.stderr.decode()


def test_a_runners_own_identity_is_proven_by_its_own_key_alone(home: tuple[JaneeHome, dict[str, str]]) -> None:
    deploy, wide = add_key(home[0], "deploy"), add_key(home[0], "ops", "*")
    with running(*home) as live:
        for thief in (live.runner(), live.runner(wide.expose_text())):
            answer, _ = thief.authorize("prod", agentId="runner:deploy")
            assert (answer.status, answer.code) == (403, "IDENTITY_UNVERIFIED")
        answer, _ = live.runner(deploy.expose_text()).authorize("prod", agentId="runner:deploy")
        assert answer.status == 200


def test_a_revoked_key_does_not_come_back_with_a_restart(home: tuple[JaneeHome, dict[str, str]]) -> None:
    with running(*home) as live:
        assert live.runner().authorize()[0].status == 200
        revoke(home[0], "default")
        assert live.runner().authorize()[0].status == 401
    assert "was revoked" in start_fails(home[1])
    with running(*home, api_key="another-runner-key-9876543210") as live:  # a new one begins anew
        assert live.runner("another-runner-key-9876543210").authorize()[0].status == 200
        assert live.runner().call("GET", "/v1/capabilities").status == 401


def test_a_restart_does_not_widen_a_key_that_was_narrowed(home: tuple[JaneeHome, dict[str, str]]) -> None:
    with running(*home) as live, Store.open(home[0]) as store, store.transaction() as tx:
        assert live.port
        tx.put_runner_key(stretch_key(Secret(API_KEY)), ("creature:x",), time.time())
    for options, expected in ((), 403), (("--agents", "local"), 200):
        with running(*home, *options) as live:
            assert live.runner().authorize(agentId="local")[0].status == expected
    added = [record for record in live.records() if record["event"] == "runner.added"]
    assert [(record["runner"], record["agents"]) for record in added][1:] == [("default", ["local"])]


def send_in_clear(live: Live, key: str) -> int:
    message = {"runner": {"runnerId": "t", "sandbox": "strict"}, "capabilityId": "run", "command": ["true"]}
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=20)
    try:
        connection.request("POST", "/v1/exec/authorize", json.dumps(message).encode(), {"x-janee-runner-key": key})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_replaced_key_opens_nothing_in_clear(home: tuple[JaneeHome, dict[str, str]]) -> None:
    with running(*home, "--allow-plaintext-grants") as live:
        assert send_in_clear(live, API_KEY) == 200
        revoke(home[0], "default")
        assert send_in_clear(live, API_KEY) == 401
        new = add_key(home[0], "default", "local", "runner:default")
        assert send_in_clear(live, API_KEY) == 401
        assert Runner(live.port, stretch_key(new)).authorize()[0].status == 200
