"""Somebody between Runner and Authority, or with a wrong key: replays, changes, delays, guesses."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest

from janee.seal import SealKey, stretch_key
from janee.secret import Secret
from tests.authority.live import Live, Runner, make_home, running

MESSAGE = {
    "runner": {"runnerId": "r", "sealTo": SealKey().public, "sandbox": "strict"},
    "capabilityId": "run",
    "command": ["true"],
    "executable": {"path": "/usr/bin/true", "sha256": "0" * 64},
    "requestId": "attack",
}
BODY = json.dumps(MESSAGE).encode()
PATH = "/v1/exec/authorize"
WEAKER = 'janee=("@method" "@path" "@query");created=1;nonce="aaaaaaaaaaaaaaaaaaaaaa";keyid="default";alg="hmac-sha256"'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home, environ = make_home(tmp_path_factory.mktemp("authority"))
    with running(home, environ) as authority:
        yield authority


@pytest.fixture(scope="module")
def runner(shared: Live) -> Runner:
    return shared.runner()


def test_the_honest_request_passes(runner: Runner) -> None:
    assert runner.call("POST", PATH, BODY).status == 200


def test_a_replayed_request_is_refused(shared: Live, runner: Runner) -> None:
    headers = runner.sign("POST", PATH, BODY)
    before = shared.events().count("grant.issued")
    assert runner.send("POST", PATH, BODY, "", headers).status == 200
    for _ in range(3):
        again = runner.send("POST", PATH, BODY, "", headers)
        assert (again.status, again.code) == (401, "REPLAYED")
    assert shared.events().count("grant.issued") == before + 1
    assert "auth.failed" in shared.events()


@pytest.mark.parametrize("skew", [-3600, -75, 75, 3600])
def test_a_request_from_another_time_is_refused(runner: Runner, skew: int) -> None:
    answer = runner.call("POST", PATH, BODY, now=time.time() + skew)
    assert (answer.status, answer.code) == (401, "CLOCK_SKEW")
    assert "ntp" in answer.body["hint"].lower()


@pytest.mark.parametrize("skew", [-40, 40])
def test_a_clock_that_is_a_little_off_is_fine(runner: Runner, skew: int) -> None:
    assert runner.call("POST", PATH, BODY, now=time.time() + skew).status == 200


def test_a_changed_body_is_refused(runner: Runner) -> None:
    other = BODY.replace(b'["true"]', b'["echo", "x"]')
    answer = runner.call("POST", PATH, BODY, send_body=other)
    assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")


def test_a_changed_body_with_its_own_digest_is_refused(runner: Runner) -> None:
    other = BODY.replace(b'"r"', b'"s"')
    digest = runner.sign("POST", PATH, other)["content-digest"]
    answer = runner.call("POST", PATH, BODY, send_body=other, headers={"content-digest": digest})
    assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")


def test_a_signature_for_one_path_is_worthless_on_another(runner: Runner) -> None:
    answer = runner.call("POST", "/v1/explain", BODY, send_path=PATH)
    assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")


def test_a_changed_query_is_refused(runner: Runner) -> None:
    headers = runner.sign("GET", "/v1/capabilities", b"", query="agentId=local")
    answer = runner.send("GET", "/v1/capabilities", b"", "agentId=runner:default", headers)
    assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signature", ""),
        ("signature", "janee=:AAAA:"),
        ("signature-input", "janee=()"),
        ("signature-input", WEAKER),
        ("content-digest", "sha-256=:AAAA:"),
        ("content-digest", ""),
    ],
)
def test_a_missing_or_weaker_signature_is_refused(runner: Runner, name: str, value: str) -> None:
    answer = runner.call("POST", PATH, BODY, headers={name: value})
    assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")


def test_an_unsigned_request_is_refused_everywhere_but_health(runner: Runner) -> None:
    for method, path in (("POST", PATH), ("POST", "/v1/exec/complete"), ("POST", "/v1/execute"), ("GET", "/v1/capabilities")):
        answer = runner.send(method, path, b"", "", {})
        assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")


def test_a_wrong_key_of_the_right_name_is_refused_and_no_answer_is_signed_for_it(shared: Live) -> None:
    wrong = shared.runner("not-the-right-key-at-all")
    answer = wrong.call("POST", PATH, BODY)
    assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")
    assert "signature" not in answer.headers


def test_an_unknown_key_is_refused(shared: Live) -> None:
    stranger = Runner(shared.port, stretch_key(Secret(f"jnr.stranger.{'x' * 43}")))
    answer = stranger.call("POST", PATH, BODY)
    assert (answer.status, answer.code) == (401, "KEY_UNKNOWN")


def test_the_key_in_a_header_opens_nothing(shared: Live, runner: Runner) -> None:
    from tests.authority.live import API_KEY

    answer = runner.send("POST", PATH, BODY, "", {"x-janee-runner-key": API_KEY})
    assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")


def test_a_revoked_key_is_refused_at_once(live: Live) -> None:
    from janee.authority.store import Store

    runner = live.runner()
    assert runner.call("POST", PATH, BODY).status == 200
    with Store.open(live.home) as store, store.transaction() as tx:
        tx.revoke_runner_key("default", time.time())
    answer = runner.call("POST", PATH, BODY)
    assert (answer.status, answer.code) == (401, "KEY_UNKNOWN")
    assert "revoked" in answer.body["error"]


def test_strangers_cannot_fill_the_audit_log(live: Live) -> None:
    wrong = live.runner("not-the-right-key-at-all")
    for _ in range(60):
        wrong.call("POST", PATH, BODY)
    failures = live.events().count("auth.failed")
    assert 1 <= failures <= 20  # ten a minute, and a minute may end meanwhile


def test_strangers_cannot_fill_the_memory_of_nonces(live: Live) -> None:
    import contextlib
    import sqlite3

    wrong = live.runner("not-the-right-key-at-all")
    for _ in range(20):
        wrong.call("POST", PATH, BODY)
    with contextlib.closing(sqlite3.connect(f"{live.home.state_db.as_uri()}?mode=ro", uri=True)) as db:
        assert db.execute("SELECT count(*) FROM nonces").fetchone() == (0,)


def test_a_nonce_is_remembered_over_a_restart(tmp_path: object, shared: Live) -> None:
    from pathlib import Path

    home, environ = make_home(Path(str(tmp_path)))
    with running(home, environ) as first:
        runner = first.runner()
        headers = runner.sign("POST", PATH, BODY)
        assert runner.send("POST", PATH, BODY, "", headers).status == 200
    with running(home, environ) as second:
        runner.port = second.port
        answer = runner.send("POST", PATH, BODY, "", headers)
        assert (answer.status, answer.code) == (401, "REPLAYED")


def test_what_goes_over_the_wire_holds_neither_key_nor_secret(runner: Runner) -> None:
    import base64

    from tests.authority.live import API_KEY, SECRET

    seal_key = SealKey()
    body = json.dumps(
        MESSAGE | {"runner": MESSAGE["runner"] | {"sealTo": seal_key.public}, "requestId": os.urandom(4).hex()}
    ).encode()  # type: ignore[operator]
    headers = runner.sign("POST", PATH, body)
    answer = runner.send("POST", PATH, body, "", headers)
    assert answer.status == 200
    wire = body + answer.raw + repr(headers).encode() + repr(answer.headers).encode()
    for value in (API_KEY.encode(), SECRET.encode()):
        for form in (value, base64.b64encode(value)[:-4], value.hex().encode(), value[::-1]):
            assert form not in wire
