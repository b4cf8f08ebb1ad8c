"""The answer to a command's request, streamed through: decoded, scrubbed, framed anew.

Guarantees: every byte of an answer, names and reason too, is scrubbed before it leaves; an answer in an encoding that cannot
be looked into is refused; a part (206) is looked at with what stands around it (`ranges`); nothing is held whole but a small
body, so that it keeps its length.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, cast

import h11

from janee.authority.egress.exchange import MAX_BODY, Outcome, Request
from janee.authority.egress.frames import Downlink
from janee.authority.egress.ranges import part_of
from janee.authority.egress.refusal import Refusal, RefusedError
from janee.authority.egress.upstream import Connection
from janee.scrubber import Scrubber

SMALL_BODY: Final = 256 << 10  # bytes; scrubbed whole, so that its length is known
MAX_INTERIM: Final = 32  # responses 1xx before the final one
_UNPACK_BYTES: Final = 256 << 10  # at once: a bomb is passed on in pieces, and whoever reads it bounds it
_BODILESS: Final = frozenset({204, 304})
_WITHHELD_TEXT: Final = (
    "connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade content-length "
    "content-encoding set-cookie set-cookie2 alt-svc strict-transport-security content-digest"
)
_WITHHELD: Final = frozenset(_WITHHELD_TEXT.encode().split())


async def receive_answer(connection: Connection, request: Request, down: Downlink, outcome: Outcome) -> None:
    """The answer. Raises RefusedError, OSError."""
    response = await _final_response(connection)
    outcome.status = response.status_code
    head, declared, encoding = _answer_head(response, request.scrub, outcome)
    if response.status_code == 206:
        await _receive_part(connection, request, down, outcome, head, encoding)
        return
    is_bodiless = request.head.method == "HEAD" or response.status_code in _BODILESS
    decoder = None if is_bodiless else _decoder(encoding)
    if is_bodiless:
        await down.head(head | {"length": declared if request.head.method == "HEAD" and not encoding else None})
        async for _ in _pieces(connection, None):
            raise RefusedError(Refusal.RESPONSE_REFUSED, "the service sent a body where there is none")
    elif decoder is None and declared is not None and declared <= SMALL_BODY:
        whole = b"".join([piece async for piece in _pieces(connection, None)])
        body, hits = request.scrub.scrub(whole)
        outcome.hits += hits
        await down.head(head | {"length": len(body)})
        await down.data(body)
    else:
        await down.head(head | {"length": None})
        await _stream_body(connection, request, down, outcome, decoder)
    await down.end()


async def _final_response(connection: Connection) -> h11.Response:
    """The response after the interim ones. Raises RefusedError, OSError."""
    for _ in range(MAX_INTERIM + 1):
        response = await connection.next_event()
        if not isinstance(response, h11.InformationalResponse):
            return cast(h11.Response, response)
        if response.status_code == 101:
            raise RefusedError(Refusal.RESPONSE_REFUSED, "the service switched protocols without being asked")
    raise RefusedError(Refusal.RESPONSE_REFUSED, f"the service sent more than {MAX_INTERIM} interim responses")


async def _receive_part(
    connection: Connection, request: Request, down: Downlink, outcome: Outcome, head: dict[str, Any], encoding: str
) -> None:
    """A part of an answer: passed on only as far as nothing was found in it, so that its place and length hold."""
    given = [value for name, value in head["headers"] if name.lower() == "content-range"]
    part = part_of(request.asked, given[0]) if request.asked is not None and len(given) == 1 else None
    if part is None or encoding not in ("", "identity"):
        raise RefusedError(Refusal.RESPONSE_REFUSED, "the answer is a part of one that was not asked for in this part")
    kept = [[name, value] for name, value in head["headers"] if name.lower() != "content-range"]
    await down.head(head | {"headers": [*kept, ["content-range", part.header]], "length": part.length})
    scrub = request.scrub.stream()
    skip, left = part.skip, part.length

    async def pass_on_clean(clean: bytes) -> None:
        nonlocal skip, left
        if scrub.hits:
            outcome.hits += scrub.hits
            raise RefusedError(Refusal.RESPONSE_REFUSED, "a secret stands in this part of the answer, or beside it")
        wanted = clean[skip : skip + left]
        skip = max(0, skip - len(clean))
        left -= len(wanted)
        await down.data(wanted)

    async for piece in _pieces(connection, None):
        await pass_on_clean(scrub.feed(piece))
    await pass_on_clean(scrub.finish())
    if left:
        raise RefusedError(Refusal.RESPONSE_REFUSED, "the answer is shorter than it was said to be")
    await down.end()


async def _stream_body(
    connection: Connection, request: Request, down: Downlink, outcome: Outcome, decoder: zlib._Decompress | None
) -> None:
    scrub = request.scrub.stream()
    before = outcome.hits
    async for piece in _pieces(connection, decoder):
        if down.bytes > MAX_BODY:
            raise RefusedError(Refusal.TOO_MUCH, "the answer is longer than it may be")
        clean = scrub.feed(piece)
        outcome.hits = before + scrub.hits
        await down.data(clean)
    last = scrub.finish()
    outcome.hits = before + scrub.hits
    await down.data(last)


async def _pieces(connection: Connection, decoder: zlib._Decompress | None) -> AsyncIterator[bytes]:
    """The decoded body. Raises RefusedError, OSError."""
    while (data := await connection.next_data()) is not None:
        if decoder is None:
            yield data
            continue
        while data and not decoder.eof:
            try:
                piece = decoder.decompress(data, _UNPACK_BYTES)
            except zlib.error:
                raise RefusedError(Refusal.RESPONSE_REFUSED, "the answer's content encoding is damaged") from None
            data = decoder.unconsumed_tail
            if piece:
                yield piece
        if decoder.unused_data:
            raise RefusedError(Refusal.RESPONSE_REFUSED, "the answer's content encoding has several parts")
    if decoder is not None:
        while piece := decoder.decompress(decoder.unconsumed_tail, _UNPACK_BYTES):
            yield piece
        if not decoder.eof:
            raise RefusedError(Refusal.RESPONSE_REFUSED, "the answer's content encoding is cut off")


def _answer_head(response: h11.Response, scrub: Scrubber, outcome: Outcome) -> tuple[dict[str, Any], int | None, str]:
    """The HEAD, scrubbed; the declared length and the encoding of what follows. Raises RefusedError."""
    pairs = [(bytes(name), bytes(value)) for name, value in response.headers.raw_items()]
    found: Mapping[bytes, bytes] = {name.lower(): value for name, value in pairs}
    if b"content-range" in found and response.status_code not in (206, 416):
        raise RefusedError(Refusal.RESPONSE_REFUSED, "the answer is a part of one, and does not say so by its status")
    named = set(_list_of(pairs, b"connection"))
    kept = [(name, value) for name, value in pairs if name.lower() not in _WITHHELD and name.lower() not in named]
    reason = bytes(response.reason)
    if scrub.scrub(b"\0".join([reason, *(part for pair in kept for part in pair)]))[1]:
        cleaned = []
        for name, value in kept:
            (clean_name, name_hits), (clean_value, value_hits) = scrub.scrub(name), scrub.scrub(value)
            outcome.hits += name_hits + value_hits
            if not name_hits:  # a marker is no name
                cleaned.append((clean_name, clean_value))
        kept = cleaned
        reason, reason_hits = scrub.scrub(reason)
        outcome.hits += reason_hits
    head = {
        "status": response.status_code,
        "reason": reason.decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in kept],
    }
    length = found.get(b"content-length", b"")
    declared = int(length) if length.isdigit() and b"transfer-encoding" not in found else None
    return head, declared, ", ".join(token.decode("latin-1") for token in _list_of(pairs, b"content-encoding"))


def _list_of(pairs: Sequence[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    """What a header lists, in lower case, however often it is given (RFC 9110, 5.3)."""
    values = b",".join(value for name, value in pairs if name.lower() == wanted).lower()
    return [token.strip() for token in values.split(b",") if token.strip()]


def _decoder(encoding: str) -> zlib._Decompress | None:
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
    raise RefusedError(
        Refusal.RESPONSE_REFUSED, "the answer has a content encoding that was not asked for and cannot be looked into"
    )
