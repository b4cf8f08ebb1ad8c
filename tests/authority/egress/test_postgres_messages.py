"""First packets and messages of PostgreSQL: what is taken, refused, masked."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from janee.authority.egress.pgmessages import MAX_KEPT, Framer, mask_block, split
from janee.authority.egress.pgstartup import Cancel, Startup, parse_first, parse_pg_head, verify_target
from janee.authority.egress.refusal import Refusal, RefusedError
from janee.config.schema import Auth, AuthType, Service
from janee.pgwire import CANCEL, error_response, message_of
from janee.scrubber import Scrubber

SECRET = b"Th3PasswordInTheRow42"
SCRUB = Scrubber([SECRET])


def packet(*texts: str, version: int = 3 << 16) -> bytes:
    body = struct.pack(">I", version) + "".join(f"{text}\0" for text in texts).encode() + b"\0"
    return struct.pack(">I", len(body) + 4) + body


def startup(*texts: str, version: int = 3 << 16) -> Startup:
    found = parse_first(packet(*texts, version=version))
    assert isinstance(found, Startup)
    return found


def test_a_startup_is_sent_on_in_one_form() -> None:
    found = startup("database", "shop", "application_name", "psql", "user", "app")
    assert (found.user, found.database, found.parameters) == ("app", "shop", (("application_name", "psql"),))
    assert found.packet() == packet("user", "app", "database", "shop", "application_name", "psql")
    assert startup("user", "app").database == "app"
    assert found.negotiation() == b""


def test_a_newer_minor_version_is_negotiated_down() -> None:
    found = startup("user", "app", "_pq_.wish", "1", version=(3 << 16) + 2)
    assert found.negotiation() == message_of(b"v", struct.pack(">II", 3 << 16, 1) + b"_pq_.wish\0")
    assert b"_pq_" not in found.packet()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\x08",
        b"GET / HTTP/1.1\r\n\r\n",
        packet("user", "app")[:-1],
        packet("user", "app") + b"\0",
        packet("user"),
        packet(),
        packet("user", ""),
        packet("database", "shop"),
        packet("user", "app", "user", "postgres"),
        packet("user", "app", "USER", "postgres"),
        packet("user", "app", "Replication", "true"),
        packet("user", "app", "bad name", "x"),
        packet("user", "app", version=2 << 16),
        packet("user", "app", version=4 << 16),
        packet("user", "app", *(["x", "y"] * 200)),
        struct.pack(">IIII", 16, CANCEL, 1, 2)[:12],
        struct.pack(">IIIII", 20, CANCEL, 1, 2, 3),
        struct.pack(">I", 10_001) + bytes(9_997),
    ],
)
def test_another_first_packet_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_first(data)
    assert refused.value.refusal is Refusal.REQUEST_MALFORMED


@pytest.mark.parametrize("value", ["true", "database", "on", "1", "yes", " off"])
def test_a_replication_connection_is_refused(value: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_first(packet("user", "app", "replication", value))
    assert refused.value.refusal is Refusal.RULE_DENY


def head(**bend: Any) -> dict[str, Any]:
    first = base64.b64encode(packet("user", "app")).decode()
    return {"kind": "tunnel", "scheme": "postgres", "host": "db.example", "port": 5432, "first": first} | bend


@pytest.mark.parametrize(
    "bend",
    [
        {"scheme": "https"},
        {"host": "a b"},
        {"host": None},
        {"port": 0},
        {"port": True},
        {"port": "5432"},
        {"first": "?"},
        {"first": None},
        {"first": "A" * 30_000},
        {"more": 1},
    ],
)
def test_a_head_of_another_form_is_refused(bend: dict[str, Any]) -> None:
    assert parse_pg_head(head()).origin == "postgres://db.example:5432"
    with pytest.raises(RefusedError):
        parse_pg_head(head(**bend))


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (("user", "app", "database", "shop"), None),
        (("user", "app"), Refusal.RULE_DENY),
        (("user", "app", "database", "postgres"), Refusal.RULE_DENY),
        (("user", "postgres", "database", "shop"), Refusal.RULE_DENY),
        (("user", "App", "database", "shop"), Refusal.RULE_DENY),
        (("user", SECRET.decode(), "database", "shop"), Refusal.PLACEHOLDER_MISPLACED),
        (("user", "app", "database", "shop", "options", "-c a=" + SECRET.decode()), Refusal.PLACEHOLDER_MISPLACED),
    ],
)
def test_user_and_database_are_the_services(texts: tuple[str, ...], code: Refusal | None) -> None:
    service = Service("db", "postgres://db.example/shop", Auth(AuthType.POSTGRES, ("username", "password")))
    try:
        verify_target(startup(*texts), service, "app", SCRUB)
    except RefusedError as error:
        assert error.refusal is code
    else:
        assert code is None


def test_a_cancel_is_read() -> None:
    assert parse_first(struct.pack(">IIII", 16, CANCEL, 7, 9)) == Cancel(7, 9)


def row(*values: bytes | None) -> bytes:
    cells = b"".join(struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value for value in values)
    return message_of(b"D", struct.pack(">H", len(values)) + cells)


@pytest.mark.parametrize("size", [1, 3, 7, 64, 10_000])
def test_messages_are_framed_in_pieces_of_any_size(size: int) -> None:
    sent = row(b"a", None) + message_of(b"Z", b"I") + row(b"x" * 500) + message_of(b"C", b"SELECT 1\0")
    framer, got = Framer(), []
    for at in range(0, len(sent), size):
        got += [block for block, is_whole in framer.feed(sent[at : at + size]) if is_whole]
    assert b"".join(got) == sent and framer.is_between


def test_a_long_message_is_handed_out_in_pieces() -> None:
    long = message_of(b"d", bytes(3 * MAX_KEPT))
    framer, got = Framer(), []
    for at in range(0, len(long), 200_000):
        got += list(framer.feed(long[at : at + 200_000]))
    assert not any(is_whole for _, is_whole in got) and b"".join(piece for piece, _ in got) == long
    assert framer.is_between and list(framer.feed(message_of(b"c", b""))) == [(message_of(b"c", b""), True)]


@pytest.mark.parametrize("length", [0, 3, 1 << 30, 0xFFFFFFFF])
def test_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(RefusedError):
        list(Framer().feed(b"Q" + struct.pack(">I", length) + b"select"))


MASKED = b"[REDACTED]"
COLUMN = struct.pack(">IHIhih", 0, 0, 25, -1, -1, 0)


@pytest.mark.parametrize(
    ("sent", "clean"),
    [
        (row(b"1", SECRET, None, b"x" + SECRET + b"y"), row(b"1", MASKED, None, b"x" + MASKED + b"y")),
        (message_of(b"d", SECRET + b"\t1\n"), message_of(b"d", MASKED + b"\t1\n")),
        (message_of(b"N", b"SNOTICE\0M" + SECRET + b"\0\0"), message_of(b"N", b"SNOTICE\0M" + MASKED + b"\0\0")),
        (message_of(b"S", b"a\0" + SECRET + b"\0"), message_of(b"S", b"a\0" + MASKED + b"\0")),
        (message_of(b"C", SECRET + b"\0"), message_of(b"C", MASKED + b"\0")),
        (message_of(b"A", bytes(4) + b"c\0" + SECRET + b"\0"), message_of(b"A", bytes(4) + b"c\0" + MASKED + b"\0")),
        (
            message_of(b"T", b"\0\1" + SECRET + b"\0" + COLUMN),
            message_of(b"T", b"\0\1" + MASKED + b"\0" + COLUMN),
        ),
    ],
)
def test_a_secret_is_masked_in_its_place(sent: bytes, clean: bytes) -> None:
    ready = message_of(b"Z", b"I")
    assert mask_block(ready + sent + ready, SCRUB) == (ready + clean + ready, 1)
    assert [kind for kind, _ in split(clean)] == [sent[:1]]


@pytest.mark.parametrize(
    "sent",
    [
        message_of(b"V", struct.pack(">i", len(SECRET)) + SECRET),  # a kind whose inside is not known
        message_of(b"D", b"\0\2" + struct.pack(">i", len(SECRET)) + SECRET),  # a column that is not there
        message_of(b"D", b"\0\1" + struct.pack(">i", 5) + SECRET),
        message_of(b"T", b"\0\1" + SECRET),
    ],
)
def test_what_cannot_be_masked_is_refused(sent: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        mask_block(sent, SCRUB)
    assert refused.value.refusal is Refusal.RESPONSE_REFUSED


def test_clean_messages_are_passed_as_they_are() -> None:
    block = row(b"nothing") + message_of(b"?", b"of another kind")
    assert mask_block(block, SCRUB) == (block, 0)


def test_an_error_is_one_message_that_a_client_can_read() -> None:
    said = error_response("RULE_DENY", "no\0t this", "ask")
    ((kind, body),) = split(said)
    assert kind == b"E" and body.endswith(b"\0\0")
    fields = {text[:1]: text[1:] for text in body[:-2].split(b"\0")}
    assert fields == {b"S": b"FATAL", b"V": b"FATAL", b"C": b"42501", b"M": b"janee: not this (RULE_DENY)", b"H": b"ask"}
