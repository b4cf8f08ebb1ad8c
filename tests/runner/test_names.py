"""The resolver of a sandbox with wildcards, question by question."""

from __future__ import annotations

import random
import socket
import struct

import pytest

from janee.runner.names import MAX_NAMES, Names, Wildcard, answer

_OK, _FORMAT, _FAILURE, _NO_NAME, _NOT_IMPLEMENTED = 0, 1, 2, 3, 4


def _question(name: bytes, kind: int = 1, family: int = 1, *, flags: int = 0x0100, count: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b".") if label)
    return struct.pack(">6H", 7, flags, count, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, family)


def _names(*, is_deep: bool = False) -> Names:
    return Names({"api.example.com": "127.77.0.1"}, [Wildcard("s3.example.com", is_deep)])


def _read(response: bytes | None) -> tuple[int, str | None]:
    """The code and the address."""
    assert response is not None
    number, flags, _questions, answers, *_ = struct.unpack_from(">6H", response)
    assert number == 7
    assert flags & 0x8000
    return flags & 0xF, socket.inet_ntoa(response[-4:]) if answers else None


def test_each_name_has_an_address_of_its_own_by_which_it_is_known() -> None:
    names = _names()
    first, second = (_read(answer(_question(name), names))[1] for name in (b"one.s3.example.com", b"two.s3.example.com"))
    assert first is not None and second is not None and first != second
    assert _read(answer(_question(b"ONE.S3.Example.COM"), names)) == (_OK, first)
    assert (names.name_at(first), names.name_at(second)) == ("one.s3.example.com", "two.s3.example.com")
    assert _read(answer(_question(b"api.example.com"), names)) == (_OK, "127.77.0.1")
    assert names.name_at("127.0.0.1") is None


@pytest.mark.parametrize(
    "name",
    [
        b"example.com", b"s3.example.com", b"xs3.example.com", b"s3.example.com.evil.org", b"a.b.s3.example.com",
        b"evil.org", b"com", b"", b"a.s3.example.com.", b"a\0.s3.example.com", b"a b.s3.example.com", b"-a.s3.example.com",
        b"\xff\xfe.s3.example.com", b"*.s3.example.com", b"localhost", b"s3.example.com.s3.example.com",
    ],
)  # fmt: skip
def test_what_is_not_named_does_not_exist(name: bytes) -> None:
    code, address = _read(answer(_question(name), _names()))
    if name == b"a.s3.example.com.":  # the root at the end is no other name
        assert (code, address) == (_OK, "127.78.0.1")
    else:
        assert (code, address) == (_NO_NAME, None)


def test_a_dot_inside_of_a_label_makes_no_other_name() -> None:
    inside = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + b"\x10a.s3.example.com\0" + struct.pack(">2H", 1, 1)
    assert _read(answer(inside, _names())) == (_NO_NAME, None)


def test_a_deep_wildcard_has_several_labels() -> None:
    assert _read(answer(_question(b"a.b.s3.example.com"), _names(is_deep=True)))[0] == _OK
    assert _read(answer(_question(b"s3.example.com"), _names(is_deep=True)))[0] == _NO_NAME


@pytest.mark.parametrize("kind", [28, 5, 15, 16, 65, 255, 252])
def test_other_records_are_empty(kind: int) -> None:
    assert _read(answer(_question(b"a.s3.example.com", kind), _names())) == (_OK, None)


def test_names_have_an_end() -> None:
    names = _names()
    codes = [_read(answer(_question(b"n%d.s3.example.com" % at), names))[0] for at in range(MAX_NAMES + 2)]
    assert codes == [_OK] * MAX_NAMES + [_FAILURE] * 2
    assert _read(answer(_question(b"n0.s3.example.com"), names))[0] == _OK


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (_question(b"a.s3.example.com", count=2), _FORMAT),
        (_question(b"a.s3.example.com", count=0), _FORMAT),
        (_question(b"a.s3.example.com", flags=0x2000), _NOT_IMPLEMENTED),
        (_question(b"a.s3.example.com", family=3), _NO_NAME),
        (_question(b"a.s3.example.com")[:-3], _FORMAT),
        (_question(b"")[:12] + b"\xc0\x0c" + b"\0\1\0\1", _FORMAT),
        (_question(b"")[:12] + b"\x3f" + b"a" * 20, _FORMAT),
        (_question(b".".join([b"a" * 63] * 8)), _FORMAT),
    ],
)
def test_what_cannot_be_read_is_refused(question: bytes, code: int) -> None:
    assert _read(answer(question, _names())) == (code, None)


@pytest.mark.parametrize("question", [b"", b"\0" * 11, _question(b"a.s3.example.com", flags=0x8000), b"\0" * 1233])
def test_what_is_no_question_has_no_answer(question: bytes) -> None:
    assert answer(question, _names()) is None


def test_noise_is_answered_or_not_but_never_breaks() -> None:
    dice, names = random.Random(7), _names()
    good = _question(b"a.s3.example.com")
    for _ in range(20_000):
        noise = bytearray(good)
        for _ in range(dice.randrange(1, 6)):
            noise[dice.randrange(2, len(noise))] = dice.randrange(256)
        response = answer(bytes(noise[: dice.randrange(len(noise) + 1)]), names)
        assert response is None or response[:2] == good[:2]
