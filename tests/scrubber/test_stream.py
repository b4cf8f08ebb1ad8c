"""The streaming core against the oracle: output, counts and what is held back, for any needles and any chunking."""

import itertools
import os
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janee.scrubber import Scrubber
from janee.scrubber._matcher import Matcher
from tests.scrubber import oracle

MARKER = b"<*>"
ALPHABET = (string.ascii_letters + string.digits).encode()
STREAMS = int(os.environ.get("JANEE_TEST_STREAMS", "400"))
"""Random streams in all; the nightly run asks for 100,000 and more."""

BLOCKS = 10


def raw_only(needles: list[bytes]) -> Scrubber:
    return Scrubber(needles, marker=MARKER, forms=("raw",), fragments=False, min_length=1)


def chunked(text: bytes, cuts: list[int]) -> list[bytes]:
    points = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(points)]


def check(needles: list[bytes], text: bytes, cuts: list[int]) -> None:
    scrubber = raw_only(needles)
    stream = scrubber.stream()
    out, read = b"", b""
    longest = max(map(len, needles), default=1)
    for chunk in chunked(text, cuts):
        out += stream.feed(chunk)
        read += chunk
        assert stream.held == oracle.held(read, needles)
        assert stream.held <= longest - 1
    out += stream.finish()
    assert (out, stream.hits) == oracle.scrub(text, needles, MARKER)
    assert stream.held == 0
    assert scrubber.scrub(text) == (out, stream.hits)


def small_words(letters: bytes, longest: int) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(list(letters)), min_size=1, max_size=longest).map(bytes)


@settings(max_examples=max(400, STREAMS // 20), deadline=None)
@given(
    needles=st.lists(small_words(b"ab", 12), min_size=0, max_size=6),
    text=st.lists(st.sampled_from(list(b"ab")), max_size=80).map(bytes),
    cuts=st.lists(st.integers(0, 80), max_size=10),
)
def test_equals_the_oracle_for_two_letters(needles: list[bytes], text: bytes, cuts: list[int]) -> None:
    check(needles, text, cuts)


@settings(max_examples=max(200, STREAMS // 40), deadline=None)
@given(st.data())
def test_equals_the_oracle_for_texts_made_of_pieces_of_needles(data: st.DataObject) -> None:
    needles = data.draw(st.lists(small_words(b"abc", 90), min_size=1, max_size=4))
    pieces = st.sampled_from(needles).flatmap(
        lambda needle: st.tuples(st.integers(0, len(needle)), st.integers(0, len(needle))).map(
            lambda ends: needle[min(ends) : max(ends)]
        )
    )
    text = b"".join(data.draw(st.lists(pieces, max_size=12)))
    check(needles, text, data.draw(st.lists(st.integers(0, max(1, len(text))), max_size=12)))


def random_stream(rng: random.Random) -> tuple[list[bytes], bytes, list[int]]:
    """Needles of few letters, a text made of their beginnings, and cuts. One in twenty is large."""
    large = rng.random() < 0.05
    letters = b"abcdefgh"[: rng.randint(1, 8)]
    lengths = (1, 3, 7, 8, 9, 16, 17, 40, 63, 64, 65, 130) if large else (1, 2, 3, 4, 5, 7, 8, 9, 12, 17)
    needles = [bytes(rng.choices(letters, k=rng.choice(lengths))) for _ in range(rng.randint(1, 90 if large else 6))]
    text = b""
    while len(text) < (700 if large else 60):
        needle = rng.choice(needles)
        text += needle[: rng.randint(0, len(needle))] if rng.random() < 0.7 else bytes(rng.choices(letters, k=3))
    return needles, text, [rng.randint(0, len(text)) for _ in range(rng.randint(0, 30 if large else 10))]


@pytest.mark.parametrize("block", range(BLOCKS))
def test_equals_the_oracle_for_seeded_random_streams(block: int) -> None:
    for seed in range(block, STREAMS, BLOCKS):
        needles, text, cuts = random_stream(random.Random(seed))
        try:
            check(needles, text, cuts)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error


def many_tokens(rng: random.Random, count: int) -> list[bytes]:
    return [bytes(rng.choices(ALPHABET, k=40)) for _ in range(count)]


@pytest.mark.parametrize("count", [300, 800, 2500])
def test_many_needles_are_found_whichever_way_is_quicker(count: int) -> None:
    rng = random.Random(count)
    needles = many_tokens(rng, count)
    pieces = [rng.choice(needles)[: 40 if rng.random() < 0.02 else 39] for _ in range(6000)]
    text = b"-".join(pieces)
    expected = b"-".join(MARKER if len(piece) == 40 else piece for piece in pieces)
    scrubber = raw_only(needles)
    for size in (65536, 4096, 2048, 1000):
        stream = scrubber.stream()
        out = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
        assert b"".join(out) + stream.finish() == (expected if len(pieces[-1]) == 40 else expected[:-39] + MARKER)
        assert stream.hits >= expected.count(MARKER)


def test_what_is_written_after_each_byte_depends_on_what_was_read_alone() -> None:
    rng = random.Random(5)
    needles, text, _ = random_stream(rng)
    whole = raw_only(needles).stream()
    for end in range(1, len(text) + 1):
        whole.feed(text[end - 1 : end])
        at_once = raw_only(needles).stream()
        at_once.feed(text[:end])
        assert (at_once.held, at_once.hits) == (whole.held, whole.hits)


def test_nothing_is_held_after_a_line_of_a_log() -> None:
    rng = random.Random(7)
    stream = Scrubber(many_tokens(rng, 3)).stream()
    for number in range(1500):
        line = b"2026-02-23T10:00:%02dZ INFO worker-%d id=%s GET /api/v1/items/%d status=200 took %dms\n" % (
            number % 60,
            rng.randint(1, 64),
            bytes(rng.choices(ALPHABET, k=16)),
            rng.randint(1, 99999),
            rng.randint(1, 900),
        )
        assert stream.feed(line) == line
        assert stream.held == 0


def test_one_byte_at_a_time_equals_one_chunk() -> None:
    scrubber = raw_only([b"self-self-self", b"self-same"])
    text = b"xx self-self-self-self-same self-self-sel"
    whole = scrubber.scrub(text)
    stream = scrubber.stream()
    assert b"".join(stream.feed(text[i : i + 1]) for i in range(len(text))) + stream.finish() == whole[0]
    assert stream.hits == whole[1]


def test_an_endless_chain_of_overlaps_is_one_marker_in_constant_memory() -> None:
    stream = raw_only([b"abab"]).stream()
    out = b""
    for _ in range(2000):
        out += stream.feed(b"ababababab" * 10)
        assert stream.held < 4
    assert out + stream.finish() == MARKER
    assert stream.hits == 1


def test_adjacent_matches_stay_separate_and_overlapping_ones_merge() -> None:
    scrubber = raw_only([b"abcd", b"cdef"])
    assert scrubber.scrub(b"abcdabcd") == (MARKER * 2, 2)
    assert scrubber.scrub(b"abcdef") == (MARKER, 1)


def test_a_match_that_reaches_into_the_held_bytes_is_written_at_once() -> None:
    stream = raw_only([b"abcd", b"cdefgh"]).stream()
    assert stream.feed(b"-abcd") == b"-" + MARKER
    assert stream.held == 2
    assert stream.feed(b"e!") == b"e!"


def test_nothing_is_held_after_a_newline() -> None:
    stream = Scrubber([b"ghp_0123456789abcdefABCDEF", b"hunter2-hunter2"]).stream()
    for line in (b"GET /api 200\n", b"height\n", b"ends in g\n", b"\n"):
        assert stream.feed(line) == line
        assert stream.held == 0


def test_no_secrets_pass_everything() -> None:
    stream = Scrubber([]).stream()
    assert stream.feed(b"anything") == b"anything"
    assert stream.finish() == b""
    assert stream.hits == 0


def test_counts_each_secret_once_per_marker_by_name() -> None:
    scrubber = Scrubber({"one": b"aaaabbbb", "two": b"bbbbcccc"}, forms=("raw",), fragments=False)
    stream = scrubber.stream()
    for byte in b"aaaabbbbcccc-aaaabbbb-":
        stream.feed(bytes([byte]))
    stream.finish()
    assert stream.hits == 2
    assert stream.hits_by_secret == {"one": 2, "two": 1}


@pytest.mark.parametrize("seed", range(30))
def test_what_is_held_if_the_end_may_be_rubbed_out(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(20):
        needles, text, _ = random_stream(rng)
        matcher = Matcher(dict.fromkeys(needles, 1))
        for most in range(5):
            lengths = ((gone, oracle.held(text[: len(text) - gone], needles)) for gone in range(min(most, len(text)) + 1))
            assert matcher.hold_rubbed(text, most) == max((gone + length for gone, length in lengths if length), default=0)
