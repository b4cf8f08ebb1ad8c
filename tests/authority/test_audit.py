from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janee.authority.audit import (
    CHECKPOINT,
    CHECKPOINT_EVERY,
    MAX_RECORD_BYTES,
    Anchor,
    Corrupt,
    Sealed,
    canonical,
    checkpoint_fields,
    format_time,
    genesis,
    hash_text,
    is_checkpoint_seq,
    seal_record,
    verify_log,
)
from janee.secret import Secret

STORE = "0123"
NOW = 1_800_000_000.25


def sign(payload: bytes) -> bytes:
    return b"signed:" + payload


def is_signed(payload: bytes, signature: bytes) -> bool:
    return signature == sign(payload)


def make_log(count: int, *, store: str = STORE, event: str = "test.event") -> list[Sealed]:
    rows: list[Sealed] = []
    seq, prev = 0, genesis(store)
    for number in range(1, count + 1):
        if is_checkpoint_seq(number):
            row = seal_record(number, NOW, CHECKPOINT, checkpoint_fields(store, seq, prev, sign), prev)
        else:
            row = seal_record(number, NOW, event, {"n": number}, prev)
        rows.append(row)
        seq, prev = row.seq, row.hash
    return rows


def first_fault(rows: list[Sealed | Corrupt], anchor: Anchor | None = None) -> int | None:
    finding = verify_log(rows, store_id=STORE, verify_signature=is_signed, anchor=anchor).finding
    return finding.seq if finding else None


def head(rows: list[Sealed]) -> Anchor:
    return Anchor(STORE, rows[-1].seq, rows[-1].hash)


def forged(row: Sealed, **changes: object) -> Sealed:
    """The record changed, with a hash that fits again."""
    text = canonical(json.loads(row.text) | changes)
    return Sealed(row.seq, text, hash_text(text))


def rechained(rows: list[Sealed], start: int, **changes: object) -> list[Sealed]:
    """Everything from record `start` on rewritten consistently: what someone without the master key can do at best."""
    result = rows[: start - 1]
    for row in rows[start - 1 :]:
        prev = result[-1].hash if result else genesis(STORE)
        result.append(forged(row, prev=prev, **(changes if row.seq == start else {})))
    return result


def test_a_record_is_canonical_and_chained() -> None:
    row = seal_record(7, NOW, "exec.decided", {"b": "ü", "a": [1, None], "none": None}, "ab")
    assert row.text == (
        '{"a":[1,null],"b":"\\u00fc","event":"exec.decided","prev":"ab","seq":7,"time":"2027-01-15T08:00:00.250000Z"}'
    )
    assert row.hash == hash_text(row.text)
    assert format_time(0) == "1970-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("event", ["", "x", "X.y", "a.b c", "a.", "a.b\n"])
def test_a_malformed_event_is_our_bug(event: str) -> None:
    with pytest.raises(ValueError, match="not an audit event"):
        seal_record(1, NOW, event, {}, "")


@pytest.mark.parametrize("value", [Secret("x"), b"bytes", object(), {"a": {1}}])
def test_what_json_has_no_form_for_is_our_bug(value: object) -> None:
    with pytest.raises(TypeError):
        seal_record(1, NOW, "a.b", {"v": value}, "")
    with pytest.raises(ValueError, match="JSON"):
        seal_record(1, NOW, "a.b", {"v": float("nan")}, "")


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10_000_000,
        ["y" * 100] * 100_000,
        [["z" * 16_000] * 50] * 50,
        {str(n): "v" * 9000 for n in range(5000)},
        "\ud800" * 100,
    ],
)
def test_an_enormous_field_is_cut_and_says_so(value: object) -> None:
    row = seal_record(1, NOW, "a.b", {"v": value, "agent": "local"}, "p")
    assert len(row.text) <= MAX_RECORD_BYTES
    record = json.loads(row.text)
    assert record["agent"] == "local"
    if not isinstance(value, str) or len(value) > 1000:
        assert "sha256" in row.text
    assert first_fault([Sealed(1, row.text, row.hash)]) == 1  # only because its prev is not the genesis


def test_two_that_were_cut_can_be_told_apart() -> None:
    one, other = (seal_record(1, NOW, "a.b", {"v": "x" * 100_000 + end}, "p") for end in "ab")
    assert one.hash != other.hash


@pytest.mark.parametrize("count", [0, 1, CHECKPOINT_EVERY - 1, CHECKPOINT_EVERY, 3 * CHECKPOINT_EVERY + 1])
def test_an_honest_log_is_intact(count: int) -> None:
    rows = make_log(count)
    report = verify_log(rows, store_id=STORE, verify_signature=is_signed, anchor=head(rows) if rows else None)
    assert report.is_intact
    assert (report.records, report.checkpoints, report.head_seq) == (count, count // CHECKPOINT_EVERY, count)


def test_an_anchor_that_fell_behind_does_no_harm() -> None:
    rows = make_log(10)
    assert first_fault(list(rows), Anchor(STORE, 4, rows[3].hash)) is None
    assert first_fault(list(rows), Anchor(STORE, 0, "")) is None


TAMPERING: dict[str, tuple[Callable[[list[Sealed]], list[Sealed | Corrupt]], int]] = {
    "a changed byte": (lambda rows: [*rows[:4], rows[4]._replace(text=rows[4].text.replace('"n":5', '"n":6')), *rows[5:]], 5),
    "a changed hash": (lambda rows: [*rows[:4], rows[4]._replace(hash="0" * 64), *rows[5:]], 5),
    "a changed record with its hash": (lambda rows: [*rows[:4], forged(rows[4], n=6), *rows[5:]], 6),
    "a removed record": (lambda rows: [*rows[:4], *rows[5:]], 6),
    "two swapped": (lambda rows: [*rows[:3], rows[4], rows[3], *rows[5:]], 5),
    "two swapped and renumbered": (
        lambda rows: [*rows[:3], forged(rows[4], seq=4)._replace(seq=4), forged(rows[3], seq=5)._replace(seq=5), *rows[5:]],
        4,
    ),
    "an inserted record": (lambda rows: [*rows[:4], rows[4], rows[4], *rows[5:]], 5),
    "a record before the first": (lambda rows: [Sealed(0, rows[0].text, rows[0].hash), *rows], 0),
    "a cut tail": (lambda rows: list(rows[:-2]), 299),
    "an empty log": (lambda rows: [], 1),
    "the head cut": (lambda rows: list(rows[5:]), 6),
    "everything rewritten from 200 on": (lambda rows: [*rechained(rows, 200, n=0)], 256),
    "everything rewritten from 299 on": (lambda rows: [*rechained(rows, 299, n=0)], 300),
    "everything rewritten": (lambda rows: [*rechained(rows, 1, n=0)], 128),
    "a checkpoint replaced": (lambda rows: [*rechained(rows, 128, event="test.event")], 128),
    "another store's log": (lambda rows: [*make_log(300, store="4567")], 1),
    "not canonical": (lambda rows: [Sealed(1, " " + rows[0].text, hash_text(" " + rows[0].text)), *rows[1:]], 1),
    "not JSON": (lambda rows: [Sealed(1, "x", hash_text("x")), *rows[1:]], 1),
    "unreadable": (lambda rows: [*rows[:9], Corrupt(10, "the disk is bad")], 10),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found_and_named(name: str) -> None:
    rows = make_log(300)
    change, fault = TAMPERING[name]
    assert first_fault(list(rows), head(rows)) is None
    assert first_fault(change(rows), head(rows)) == fault


def test_without_the_anchor_a_cut_tail_cannot_be_found() -> None:
    """Shows that it is the anchor that finds it."""
    assert first_fault(list(make_log(300)[:-2]), None) is None


def test_without_signatures_a_rewritten_log_cannot_be_found() -> None:
    """Shows that it is the signed checkpoints (or the anchor) that find it."""
    rows = rechained(make_log(300), 1, n=0)
    # the attacker renews what the checkpoints say, all but the signature
    renewed: list[Sealed] = []
    for row in rows:
        prev = renewed[-1].hash if renewed else genesis(STORE)
        changes = {"signedHash": prev} if is_checkpoint_seq(row.seq) else {}
        renewed.append(forged(row, prev=prev, **changes))
    assert verify_log(renewed, store_id=STORE, verify_signature=None, anchor=None).is_intact
    assert first_fault(list(renewed), None) == 128


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 139), position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_any_changed_byte_of_any_record_is_found(at: int, position: int, byte: int) -> None:
    rows: list[Sealed | Corrupt] = list(make_log(140))
    row = rows[at]
    data = bytearray(row[1].encode())
    position %= len(data)
    if data[position] == byte:
        return
    data[position] = byte
    rows[at] = Sealed(at + 1, data.decode("utf-8", "surrogateescape"), row[2])  # type: ignore[misc]
    assert first_fault(rows) == at + 1
