"""ATTACKS on the output, at the scrubber alone: encodings, splits, overlaps, and denial through size. Each shows first that the
secret would come out of a filter that only replaces the value."""

import base64
import random
import resource
import time

import pytest

from janee.scrubber import Scrubber

SECRET = b"ghp_9fK2xQ7LmZ3vT8bN1cR6wY4sD5hJ0aUeGiPo"
MARK = b"[REDACTED]"


def naive(data: bytes) -> bytes:
    """What most log masks do."""
    return data.replace(SECRET, MARK)


def read_in(data: bytes, size: int) -> tuple[bytes, int]:
    stream = Scrubber([SECRET]).stream()
    out = b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size))
    return out + stream.finish(), stream.hits


ENCODED = {
    "base64": base64.b64encode(SECRET),
    "base64 in json in base64": base64.b64encode(b'{"auth":"' + base64.b64encode(b"u:" + SECRET) + b'"}'),
    "wrapped at 76": base64.encodebytes(b"user:" + SECRET * 3),
    "wrapped at 64 with CRLF": b"\r\n".join(base64.b64encode(b"xyz:" + SECRET)[at : at + 64] for at in (0, 64)),
    "base32": base64.b32encode(b"abc" + SECRET),
    "hex with colons": SECRET.hex(":").encode(),
    "hex escapes": b"".join(b"\\x%02x" % byte for byte in SECRET),
    "percent": b"".join(b"%%%02X" % byte for byte in SECRET),
    "entities": b"".join(b"&#%d;" % byte for byte in SECRET),
    "utf-16": SECRET.decode().encode("utf-16"),
    "reversed": SECRET[::-1],
    "upper case": SECRET.upper(),
    "a character a line": b"\n".join(SECRET[at : at + 1] for at in range(len(SECRET))),
    "halves": SECRET[:20] + b"\n--\n" + SECRET[20:],
}


@pytest.mark.parametrize("how", ENCODED)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_an_encoded_secret_does_not_come_out(how: str, size: int) -> None:
    data = b"log: " + ENCODED[how] + b"\n"
    assert naive(data) == data, "the attack works against a plain replace"
    clean, hits = read_in(data, size)
    assert hits >= 1
    remains = clean.replace(MARK, b"")
    assert len(remains) <= len(b"log: \n") + 24, clean


@pytest.mark.parametrize("at", range(1, len(SECRET)))
def test_a_secret_written_in_two_halves_with_a_pause_does_not_come_out(at: int) -> None:
    stream = Scrubber([SECRET]).stream()
    first = stream.feed(b"x" + SECRET[:at])
    assert first in (b"", b"x"), "nothing of the beginning is released, however long the pause"
    assert first + stream.feed(SECRET[at:] + b"y") + stream.finish() == b"x" + MARK + b"y"


@pytest.mark.parametrize("at", range(8, len(SECRET)))
def test_a_command_killed_in_the_middle_of_a_secret_leaves_less_than_eight_bytes(at: int) -> None:
    clean, hits = read_in(b"x " + SECRET[:at], 3)
    assert (clean, hits) == (b"x " + MARK, 1)


def test_halves_on_two_streams_are_masked_in_both() -> None:
    scrubber = Scrubber([SECRET])
    for half in (SECRET[:20], SECRET[20:]):
        assert scrubber.scrub(half + b"\n")[0].count(MARK) == 1
        assert half not in scrubber.scrub(half + b"\n")[0]


def test_one_secret_inside_another_and_shared_ends_are_masked_whole() -> None:
    inner, outer, next_to = b"inner-secret", b"outer(inner-secret)outer", b"secret)outer-tail"
    scrubber = Scrubber([inner, outer, next_to], fragments=False)
    assert scrubber.scrub(outer) == (MARK, 1)
    assert scrubber.scrub(b"outer(inner-secret)outer-tail") == (MARK, 1)
    assert scrubber.scrub(b"outer(inner-secret)out!") == (b"outer(" + MARK + b")out!", 1)


def test_a_marker_with_signs_of_replacement_strings_is_written_as_it_is() -> None:
    marker = b"$1\\1\\g<0>&$&"
    assert Scrubber([SECRET], marker=marker).scrub(b"<" + SECRET + b">") == (b"<" + marker + b">", 1)


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        (b"a" * 39 + b"b", b"a" * (4 << 20)),
        (b"ab" * 30 + b"c", b"ab" * (2 << 20)),
        (SECRET, SECRET[:-1] * (100_000)),
        (SECRET, b"\x1b[" * (500_000)),
        (SECRET, b"\n" * (4 << 20)),
        (SECRET, b"g\b" * (500_000)),
        (SECRET, b"\n0000" * (400_000)),
        (SECRET, b"g\n" * (1 << 20)),
    ],
    ids=["run", "pairs", "prefixes", "escapes", "line ends", "backspaces", "offsets", "first letters"],
)
def test_hostile_output_is_neither_slow_nor_kept(secret: bytes, text: bytes) -> None:
    stream = Scrubber([secret]).stream()
    begin = time.process_time()
    for at in range(0, len(text), 65536):
        stream.feed(text[at : at + 65536])
        assert stream.held < 2000
    used = time.process_time() - begin
    assert used < 5 + len(text) / 5e5, f"{len(text) / used / 1e6:.1f} MB/s"  # what is quadratic takes minutes


def test_endless_output_without_a_line_end_takes_no_memory() -> None:
    stream = Scrubber([SECRET], fragments=False).stream()
    chunk = bytes(random.Random(1).choices(b"abcdefghijklmnop", k=1 << 20))
    stream.feed(chunk)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(256):
        assert len(stream.feed(chunk)) >= len(chunk) - 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16_000
