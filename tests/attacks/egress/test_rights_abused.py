"""Streams without a right, with a stolen one, again, too late, or under a policy that has changed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from janee.authority.store import Store
from janee.secret import Secret
from janee.tunnel import EgressKey
from tests.authority.echo import Seen, reply, serving
from tests.authority.egress.client import Answer, Relay, World, world
from tests.authority.live import Live, running, stop


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    """A world of the test's own, to change."""
    with world(tmp_path) as opened:
        yield opened


def is_refused_unheard(answer: Answer, code: str) -> bool:
    """Whether there was no frame at all: the stream's keys are not used a second time."""
    return answer.http_status in (401, 409) and answer.error["code"] == code and not answer.head


def test_without_the_grants_key_nothing_is_heard(place: World) -> None:
    relay = place.relay()
    forged = EgressKey(relay.grant_id, Secret(os.urandom(32)))
    assert is_refused_unheard(relay.ask(relay.head(), key=forged), "TUNNEL_BROKEN")
    assert place.service.seen == [] and any(r["event"] == "auth.failed" for r in place.live.records())


def test_the_key_of_one_grant_opens_no_other(place: World) -> None:
    one, other = place.relay(), place.relay()
    assert is_refused_unheard(one.ask(one.head(), grant_id=other.grant_id), "TUNNEL_BROKEN")
    moved = EgressKey(other.grant_id, one.key.key)
    assert is_refused_unheard(one.ask(one.head(), grant_id=other.grant_id, key=moved), "TUNNEL_BROKEN")
    assert place.service.seen == []


def test_the_key_of_one_agents_grant_is_no_way_into_anothers_capability(place: World) -> None:
    keyed = place.relay("keyed")
    run = place.relay("run")
    assert run.get("/", ("x-api-key", keyed.placeholder)).status == 200
    assert place.service.seen[0].header("x-api-key") == keyed.placeholder


def test_a_replayed_stream_is_refused_without_a_frame(place: World) -> None:
    relay, stream_id = place.relay(), os.urandom(16)
    assert relay.ask(relay.head(), stream_id=stream_id).status == 200
    assert is_refused_unheard(relay.ask(relay.head(), stream_id=stream_id), "REPLAYED")
    assert len(place.service.seen) == 1
    assert [r.get("reasonCode") for r in place.records("egress.decided", relay)] == [None, "REPLAYED"]


def test_of_fifty_equal_streams_at_once_one_is_sent(place: World) -> None:
    relay, stream_id = place.relay(), os.urandom(16)
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(relay.ask(relay.head(), stream_id=stream_id))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answer.http_status for answer in answers) == [200] + [401] * 49
    assert len(place.service.seen) == 1


def test_frames_that_were_changed_moved_or_repeated_reach_nobody(place: World) -> None:
    relay = place.relay()
    for bend in ("changed", "repeated", "left out"):
        with relay.open() as stream:
            head = stream.writer.head(relay.head("POST", "/", ("content-length", "6")))
            one, two = stream.writer.data(b"abc"), stream.writer.data(b"def")
            sent = {
                "changed": [one[:-1] + bytes((one[-1] ^ 1,)), two],
                "repeated": [one, one],
                "left out": [two],
            }[bend]
            with contextlib.suppress(ConnectionError):
                for frames in (head, *sent):
                    stream.send(frames)
                stream.finish()
            assert stream.answer().refusal == "REQUEST_MALFORMED"
    assert all(seen.body in (b"", b"abc", b"ab", b"a") for seen in place.service.seen)


def test_a_request_that_is_cut_off_is_not_taken_for_a_whole_one(place: World) -> None:
    relay = place.relay()
    with relay.open() as stream:
        stream.send(stream.writer.head(relay.head("POST", "/x", ("transfer-encoding", "chunked"))))
        stream.send(stream.writer.data(b"half of it"))
    assert place.completed(relay)[0]["outcome"] == "cancelled"
    with relay.open() as stream:
        stream.send(stream.writer.head(relay.head("DELETE", "/y")))
        stream.finish()
        assert stream.answer().refusal == "REQUEST_MALFORMED"
    assert place.completed(relay, 2)[1]["outcome"] == "refused"
    assert all(seen.target != "/y" for seen in place.service.seen)


def test_after_completion_nothing_is_heard(place: World) -> None:
    relay = place.relay()
    assert relay.get().status == 200
    assert relay.runner.complete(relay.grant_id).status == 200
    assert is_refused_unheard(relay.get(), "GRANT_ENDED") and len(place.service.seen) == 1
    assert place.records("egress.decided", relay)[-1]["reasonCode"] == "GRANT_ENDED"


def holding(release: threading.Event) -> object:
    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nfirst\r\n")
        handler.wfile.flush()
        release.wait(30)

    return script


@contextlib.contextmanager
def open_answer(place: World, relay: Relay) -> Iterator[tuple[threading.Event, list[Answer], threading.Thread]]:
    """A stream whose answer has begun and does not end by itself."""
    release = threading.Event()
    place.service.script = holding(release)  # type: ignore[assignment]
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(relay.get()))
    begun = len(place.service.seen)
    thread.start()
    for _ in range(2000):
        if len(place.service.seen) > begun:
            break
        threading.Event().wait(0.01)
    try:
        yield release, answers, thread
    finally:
        release.set()
        thread.join(30)


def test_completion_cuts_the_streams_that_are_open(place: World) -> None:
    relay = place.relay()
    with open_answer(place, relay) as (_, answers, thread):
        relay.runner.complete(relay.grant_id)
        thread.join(20)
        assert len(answers) == 1 and not answers[0].is_whole
    assert place.completed(relay)[0]["outcome"] == "cut"


def change_rules(own: World) -> None:
    text = own.live.home.config_file.read_text()
    own.live.write_config(text.replace("    timeout: 20000", "    timeout: 20001"))


def revoke_session(own: World) -> None:
    with Store.open(own.live.home) as store, store.transaction() as tx:
        tx.revoke_sessions("runner:default", 1.0)


def revoke_key(own: World) -> None:
    with Store.open(own.live.home) as store, store.transaction() as tx:
        tx.revoke_runner_key("default", 1.0)


@pytest.mark.parametrize(
    ("change", "code"),
    [(change_rules, "POLICY_CHANGED"), (revoke_session, "SESSION_REVOKED"), (revoke_key, "KEY_REVOKED")],
)
def test_what_the_operator_takes_away_reaches_live_grants(own: World, change: object, code: str) -> None:
    relay = own.relay()
    assert relay.get().status == 200
    with open_answer(own, relay) as (_, answers, thread):
        change(own)  # type: ignore[operator]
        assert relay.get().refusal == code
        thread.join(20)  # and the stream that was open is cut
        assert len(answers) == 1 and not answers[0].is_whole
    assert own.records("egress.decided", relay)[-1]["reasonCode"] == code


def test_a_grant_that_another_authority_completed_is_ended_here_too(own: World) -> None:
    relay = own.relay()
    with running(own.live.home, own.live.environ) as other, open_answer(own, relay) as (_, answers, thread):
        assert other.runner().complete(relay.grant_id).status == 200
        thread.join(20)
        assert len(answers) == 1 and not answers[0].is_whole
        assert is_refused_unheard(relay.get(), "GRANT_ENDED")


def test_two_authorities_agree_on_keys_and_take_a_stream_once(own: World) -> None:
    relay, stream_id = own.relay(), os.urandom(16)
    with running(own.live.home, own.live.environ) as other:
        elsewhere = Relay(other.port, relay.service_port, relay.key, relay.content, relay.runner)
        assert elsewhere.ask(relay.head(), stream_id=stream_id).status == 200
        assert is_refused_unheard(relay.ask(relay.head(), stream_id=stream_id), "REPLAYED")


def test_a_row_of_the_grant_changed_by_hand_is_no_grant(own: World) -> None:
    relay = own.relay()
    assert relay.get().status == 200
    with contextlib.closing(sqlite3.connect(own.live.home.state_db)) as db, db:
        db.execute("UPDATE grants SET capability = 'keyed' WHERE id = ?", (relay.grant_id,))
    answer = relay.get()
    assert answer.http_status == 503 and answer.error["code"] == "STORE_CHANGED"


def test_when_the_log_cannot_be_written_nothing_is_sent(own: World) -> None:
    relay = own.relay()
    with contextlib.closing(sqlite3.connect(own.live.home.state_db, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        answer = relay.get()
        assert answer.http_status == 503 and own.service.seen == []
        db.execute("ROLLBACK")


@pytest.mark.parametrize("header", [None, "", "AAAA", "A" * 21, "A" * 23, "!" * 22])
def test_an_id_that_is_none(place: World, header: str | None) -> None:
    import http.client

    relay = place.relay()
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=20)
    headers = {} if header is None else {"janee-stream": header}
    with contextlib.closing(connection):
        connection.request("POST", f"/v1/egress/{relay.grant_id}", b"", headers)
        assert connection.getresponse().status == 400


def test_the_authority_that_ends_cuts_its_streams_and_says_so(own: World) -> None:
    relay = own.relay()
    live: Live = own.live
    with open_answer(own, relay) as (_, answers, thread):
        stop(live.process)
        thread.join(20)
        assert len(answers) == 1 and not answers[0].is_whole
    assert own.records("egress.completed", relay)[0]["outcome"] in ("cut", "cancelled")


def test_a_private_address_is_refused_unless_it_is_named(place: World) -> None:
    relay = place.relay("private")
    answer = relay.get("/", ("authorization", f"Bearer {relay.placeholder}"))
    assert answer.refusal == "UPSTREAM_FAILED" and "allowPrivate" in answer.head["refused"]["nextStep"]
    assert place.service.seen == []


def test_a_service_that_does_not_prove_its_name_gets_no_credential(place: World) -> None:
    relay = place.relay("secure")
    head = relay.head("GET", "/", ("authorization", f"Bearer {relay.placeholder}"), scheme="https")
    assert relay.ask(head).refusal == "UPSTREAM_FAILED" and place.service.seen == []


@pytest.mark.parametrize("answer", ["nothing", "no http", "half a head", "endless head"])
def test_a_service_that_speaks_no_http(place: World, answer: str) -> None:
    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        texts = {"nothing": b"", "no http": b"SSH-2.0-x\r\n\r\n", "half a head": b"HTTP/1.1 200 OK\r\nx:"}
        if answer == "endless head":
            for _ in range(100):
                handler.wfile.write(b"HTTP/1.1 200 OK\r\n" if _ == 0 else b"x: " + b"a" * 1000 + b"\r\n")
        else:
            handler.wfile.write(texts[answer])
        handler.close_connection = True

    place.service.script = script
    relay = place.relay()
    assert relay.get().refusal == "UPSTREAM_FAILED"
    place.service.script = lambda seen, handler: reply(handler, 200, b"ok")
    assert relay.get().body == b"ok"


def test_a_service_that_never_answers_ends_with_the_grants_time(place: World) -> None:
    """The deadline is the grant's: here it is cut short by its completion, the same way out."""
    release = threading.Event()
    place.service.script = lambda seen, handler: (release.wait(30), reply(handler, 200))  # type: ignore[assignment, func-returns-value]
    relay = place.relay()
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(relay.get()))
    thread.start()
    while not place.service.seen:
        threading.Event().wait(0.01)
    relay.runner.complete(relay.grant_id)
    thread.join(20)
    release.set()
    assert [answer.refusal for answer in answers] == ["GRANT_ENDED"]


__all__ = ["serving"]
