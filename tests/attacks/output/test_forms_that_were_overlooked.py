"""Forms that once came out, and ordinary text that was once masked: found by running tools with many kinds of values."""

from __future__ import annotations

import re

import pytest

from janee.scrubber import Scrubber

MARK = b"[REDACTED]"
TOKEN = "ghp_9fK2xQ7LmZ3vT8bN1cR6wY4sD5hJ0aUeGiPo"
WORDS = "correct-horse-battery"

KUBECONFIG = "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: abcdef.0123456789abcdef\n"
RSA_BODY = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
    "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu\n"
)
RSA_KEY = f"-----BEGIN PRIVATE KEY-----\n{RSA_BODY}-----END PRIVATE KEY-----\n"


def left(value: str, out: bytes) -> bytes:
    """Letters and digits that are not masked."""
    clean, hits = Scrubber([value]).scrub(out)
    assert hits >= 1, clean
    return re.sub(rb"[^A-Za-z0-9]", b"", clean.replace(MARK, b""))


@pytest.mark.parametrize("value", [TOKEN, WORDS])
def test_characters_with_a_backslash_before_all_others(value: str) -> None:
    assert left(value, re.sub(r"(\W)", r"\\\1", value).encode() + b"\n") == b""


@pytest.mark.parametrize("change", [str.upper, str.title, str.capitalize, str.swapcase])
def test_words_in_another_case(change: object) -> None:
    assert callable(change)
    assert left(WORDS, change(WORDS).encode() + b"\n") == b""


@pytest.mark.parametrize("value", [TOKEN, WORDS])
@pytest.mark.parametrize("between", [".", " ", "\n"])
def test_binary_numbers_without_zeros_in_front(value: str, between: str) -> None:
    assert len(left(value, between.join(f"{byte:b}" for byte in value.encode()).encode())) <= 7


@pytest.mark.parametrize("value", [TOKEN, WORDS])
@pytest.mark.parametrize("before", ["", "x"])
def test_every_two_bytes_swapped(value: str, before: str) -> None:
    data = (before + value).encode()
    swapped = b"".join(data[at : at + 2][::-1] for at in range(0, len(data), 2))
    assert len(left(value, swapped)) <= 2


@pytest.mark.parametrize("value", [TOKEN, WORDS])
@pytest.mark.parametrize("digits", ["06x", "07o", "07d"])
def test_characters_in_columns_after_any_offset(value: str, digits: str) -> None:
    lines = [f"{at:{digits}}" + "".join(f"   {char}" for char in value[at : at + 16]) + "\n" for at in range(0, len(value), 16)]
    assert left(value, "".join([*lines, f"{len(value):{digits}}\n"]).encode()).startswith(b"0000")
    assert len(left(value, "".join(lines).encode())) <= 7 * len(lines)


def test_a_dump_with_one_blank_after_eight_digits() -> None:
    data = TOKEN.encode()
    dump = "".join(f"{at:08x} {data[at : at + 8].hex(' ')}\n" for at in range(0, len(data), 8))
    assert len(left(TOKEN, dump.encode())) <= 8 * len(data) // 8


@pytest.mark.parametrize("value", [TOKEN, WORDS, "S3cr!tPw-x1"])
@pytest.mark.parametrize("width", [2, 5, 7, 9, 10])
@pytest.mark.parametrize("style", ["     {line}\t{piece}\n", "{line}:{piece}\n", "{at}:{piece}\n", "({at}, '{piece}'), "])
def test_pieces_with_numbers_before_them(value: str, width: int, style: str) -> None:
    pieces = [value[at : at + width] for at in range(0, len(value), width)]
    out = "".join(style.format(line=at + 1, at=width * at, piece=piece) for at, piece in enumerate(pieces))
    assert len(left(value, out.encode())) <= 6  # the first number; five characters if the first line is shorter


@pytest.mark.parametrize("style", ["{at} {char}\n", "1:{char}\n", '{line}="{char}", '])
def test_single_characters_with_numbers_before_them(style: str) -> None:
    out = "".join(style.format(at=at, line=at + 1, char=char) for at, char in enumerate(TOKEN))
    assert len(left(TOKEN, out.encode())) <= 6


def test_numbered_pieces_are_found_in_any_chunks() -> None:
    out = "".join(f"{at + 1:6}\t{TOKEN[9 * at : 9 * at + 9]}\n" for at in range(5)).encode() + b"tail\n"
    whole, hits = Scrubber([TOKEN]).scrub(out)
    for size in (1, 2, 3, 7, 16):
        stream = Scrubber([TOKEN]).stream()
        clean = b"".join(stream.feed(out[at : at + size]) for at in range(0, len(out), size)) + stream.finish()
        assert (clean, stream.hits) == (whole, hits)


@pytest.mark.parametrize(
    "text",
    [
        b"Copyright (C) 2000, Harald Welte\nup to 60Hz, 7.29E and 9H; 29000 HPPA\n",
        b"-rw-r--r-- 1 root root 9 Hints 0 Help +0H \n",
    ],
)
def test_the_end_of_a_long_value_masks_no_two_letters(text: bytes) -> None:
    for padding in range(45):  # one of them leaves three bytes to the last line of uuencoding
        assert Scrubber([KUBECONFIG + "#" * padding + "\n"]).scrub(text) == (text, 0)


def test_what_all_keys_and_tokens_begin_with_is_not_masked() -> None:
    jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0Mjc5OTEzIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    scrubber = Scrubber([RSA_KEY, jwt])
    certificate = b"MIIDWjCCAkKgAwIBAgIBADANBgkqhkiG9w0BAQUFADBQMQswCQYDVQQGEwJKUDEY\n"
    other = b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJmb28iOiJiYXIifQ.abc\n"
    for text in (certificate, other):
        assert scrubber.scrub(text) == (text, 0)
    assert scrubber.scrub(RSA_BODY.encode())[0].replace(MARK, b"").strip() == b""
    assert scrubber.scrub(jwt.encode() + b"\n") == (MARK + b"\n", 1)
