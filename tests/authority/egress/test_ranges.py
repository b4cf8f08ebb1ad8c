"""Parts are asked for with margins, and passed on without them."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janee.authority.egress.ranges import MARGIN, parse_range, part_of
from tests.authority.echo import Seen, reply
from tests.authority.egress.client import World
from tests.authority.live import SECRET

TOTAL = 400_000
TEXT = (b"0123456789 ordinary text\n" * (TOTAL // 25 + 1))[:TOTAL]


@given(
    first=st.none() | st.integers(0, 9999),
    last=st.none() | st.integers(0, 9999),
    total=st.integers(1, 10_000),
    margin=st.integers(1, 300),
)
def test_what_is_passed_on_is_what_was_asked_for(first: int | None, last: int | None, total: int, margin: int) -> None:
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    asked = parse_range(text, 1)
    if asked is None:
        assert (first is None and not last) or (first is not None and last is not None and last < first)
        return
    data = bytes(number % 251 for number in range(total))
    given = answered(data, asked.header)
    expected = answered(data, text)
    if given is None or expected is None:
        return
    part = part_of(asked, given[0])
    assert part is not None
    assert (part.header, given[1][part.skip : part.skip + part.length]) == expected


def answered(data: bytes, asked: str) -> tuple[str, bytes] | None:
    """RFC 9110, 14.1.2, as a service does it; None: 416."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
    assert found is not None
    start = max(0, len(data) - int(found[2])) if not found[1] else int(found[1])
    end = len(data) - 1 if not found[1] or not found[2] else min(int(found[2]), len(data) - 1)
    return (f"bytes {start}-{end}/{len(data)}", data[start : end + 1]) if start <= end else None


@pytest.mark.parametrize(
    "value", ["bytes=0-1,5-6", "bytes=-", "bytes=-0", "bytes=5-4", "items=0-1", "bytes=a-b", "bytes=0x1-2", ""]
)
def test_other_ranges_are_asked_for_whole(value: str) -> None:
    assert parse_range(value, 1) is None


@pytest.mark.parametrize(
    "given",
    ["bytes 0-9/*", "bytes */100", "bytes 5-14/100", "bytes 0-200/100", "bytes 0-8/100", "bytes 0-99/100", "0-9/100", ""],
)
def test_an_answer_to_something_else_is_none(given: str) -> None:
    asked = parse_range("bytes=0-9", 1)
    assert (asked is not None and part_of(asked, given) is None) or given == "bytes 0-99/100"


def ranged(content: bytes) -> object:
    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        asked = seen.header("range")
        if asked is None:
            reply(handler, 200, content)
        elif (found := answered(content, asked)) is None:
            reply(handler, 416)
        else:
            reply(handler, 206, found[1], Content_Range=found[0])

    return script


@pytest.mark.parametrize(
    "asked", ["bytes=0-9", "bytes=200000-299999", "bytes=399990-", "bytes=-10", "bytes=0-", "bytes=390000-999999"]
)
def test_a_part_comes_as_it_was_asked_for(place: World, asked: str) -> None:
    place.service.script = ranged(TEXT)  # type: ignore[assignment]
    answer = place.relay().get("/", ("range", asked))
    expected = answered(TEXT, asked)
    assert expected is not None and (answer.status, answer.is_whole) == (206, True)
    assert (answer.header("content-range"), answer.body) == expected and answer.head["length"] == len(answer.body)
    first, last = (int(text or 0) for text in (place.service.seen[0].header("range") or "")[6:].split("-"))
    assert asked.startswith("bytes=-") or (first <= max(0, int(asked[6:].split("-")[0]) - MARGIN) and last >= 0)


@pytest.mark.parametrize("at", range(-30, 31, 6))
def test_a_secret_across_the_border_of_two_parts_comes_out_in_neither(place: World, at: int) -> None:
    border = 200_000
    content = TEXT[: border + at] + SECRET.encode() + TEXT[border + at :]
    place.service.script = ranged(content)  # type: ignore[assignment]
    relay = place.relay()
    for asked in (f"bytes=0-{border - 1}", f"bytes={border}-", f"bytes={border + at}-{border + at + 3}"):
        answer = relay.get("/", ("range", asked))
        assert not answer.is_whole or answer.refusal, "something was found, so nothing of it is whole"
        assert SECRET[:6].encode() not in answer.body and SECRET[-6:].encode() not in answer.body
    assert {record["outcome"] for record in place.completed(relay, 3)} == {"refused"}


def test_several_parts_are_asked_for_whole(place: World) -> None:
    place.service.script = ranged(TEXT)  # type: ignore[assignment]
    answer = place.relay().get("/", ("range", "bytes=0-1,5-6"), ("if-range", '"x"'))
    assert (answer.status, answer.body) == (200, TEXT)
    assert place.service.seen[0].header("range") is None and place.service.seen[0].header("if-range") is None


@pytest.mark.parametrize("given", ["bytes 1-10/400000", "bytes 0-9/*", "bytes 0-399999/400000"])
def test_another_part_than_the_one_asked_for_is_refused(place: World, given: str) -> None:
    place.service.script = lambda seen, handler: reply(handler, 206, TEXT[:10], Content_Range=given)
    assert place.relay().get("/", ("range", "bytes=0-9")).refusal == "RESPONSE_REFUSED"
