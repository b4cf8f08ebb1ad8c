"""One request of a command and its answer, streamed through: body scanned, answer decoded, scrubbed and framed anew.

Guarantees: no byte of a body goes on before it is known to be no part of a placeholder; a placeholder in a body cuts the
request off; every byte of an answer, names and reason too, is scrubbed before it leaves; an answer in an encoding that cannot
be looked into is refused; a part (206) is looked at with what stands around it (`ranges`); nothing is held whole but a
small body, so that it keeps its length. It never decides and writes no record: `gateway` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import h11

from janee.authority.egress.frames import Downlink, RelayGoneError, Uplink
from janee.authority.egress.heads import EgressHead
from janee.authority.egress.places import Placed, signed_headers
from janee.authority.egress.ranges import Asked, parse_range, part_of
from janee.authority.egress.refusal import Refusal, RefusedError, malformed, misplaced
from janee.authority.egress.upstream import Connection, Connections, request_event
from janee.authority.policy import HttpRuleError, verify_body
from janee.config.schema import Service
from janee.scrubber import Scrubber

SMALL_BODY: Final = 256 << 10  # bytes; scrubbed whole, so that its length is known
MAX_HELD: Final = 4 << 20  # bytes of a body that must be read before it can be signed
HOLD_S: Final = 30.0
MAX_BODY: Final = 64 << 30  # bytes, each way
_UNPACK_BYTES: Final = 256 << 10  # at once: a bomb is passed on in pieces, and whoever reads it bounds it
_BODILESS: Final = frozenset({204, 304})
_WITHHELD_TEXT: Final = (
    "connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade content-length "
    "content-encoding set-cookie set-cookie2 alt-svc strict-transport-security content-digest"
)
_WITHHELD: Final = frozenset(_WITHHELD_TEXT.encode().split())


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: decided, with the credential in it.

    scan: of the placeholders; scrub: of the service's secrets. is_ruled: whether the capability has rules. held: the body,
    where it had to be read before the head is sent. asked: the part of the answer that is wanted.
    """

    service: Service
    head: EgressHead
    placed: Placed
    scan: Scrubber
    scrub: Scrubber
    is_ruled: bool = False
    held: bytes | None = None
    asked: Asked | None = None


@dataclass(slots=True)
class Outcome:
    """How it went, for the record."""

    status: int | None = None
    hits: int = 0
    alarm: str | None = None
    error: str | None = None
    detail: str | None = None
    name: str = "cut"
    fields: dict[str, Any] = field(default_factory=dict)


async def pass_on(request: Request, up: Uplink, down: Downlink, connections: Connections, outcome: Outcome) -> None:
    """Send the request, pass its answer on. A refusal before the answer's head is told; one after it cuts the stream."""
    connection: Connection | None = None
    try:
        if request.head.length == 0 and await up.data() is not None:
            raise malformed("the request has a body, and no length")
        request = await _prepared(request, up, connections)
        connection, is_reusable = await _exchange(request, up, connections, outcome, down)
        outcome.name = "completed"
        if is_reusable:
            connections.give_back(connection)
            connection = None
    except RelayGoneError:
        outcome.name = "cancelled"
    except RefusedError as error:
        await refuse(error, down, outcome)
    finally:
        if connection is not None:
            connection.close()


async def _prepared(request: Request, up: Uplink, connections: Connections) -> Request:
    """The request with its signature, its body looked at: held where either needs it whole. Raises RefusedError."""
    head, signing = request.head, request.placed.signing
    needs_digest = signing is not None and signing.payload is None
    if head.length != 0 and (needs_digest or _needs_look(request)):
        request = replace(request, held=await _held(request, up, connections))
    if request.held is not None and _needs_look(request):
        try:
            verify_body(request.held.decode("utf-8", "surrogateescape"), {"content-type": _content_type(head)})
        except HttpRuleError as error:
            raise RefusedError(Refusal.RULE_DENY, str(error), "leave the field out") from None
    request = _ranged(request)
    if signing is None:
        return request
    digest = hashlib.sha256(request.held or b"").hexdigest()
    return replace(request, placed=replace(request.placed, headers=signed_headers(head, request.placed, digest), signing=None))


def _ranged(request: Request) -> Request:
    """The request for a part: with the margins that it is looked at with."""
    dropped = dict(request.head.dropped)
    value = dropped.get(b"range")
    if value is None or request.head.method != "GET":
        return request
    asked = parse_range(value.decode("latin-1"), request.scrub.longest)
    if asked is None:
        return request
    more = [(b"range", asked.header.encode("ascii"))]
    more.extend((name, text) for name, text in dropped.items() if name == b"if-range")
    placed = replace(request.placed, headers=(*request.placed.headers, *more))
    return replace(request, placed=placed, asked=asked)


def _needs_look(request: Request) -> bool:
    """Whether a field of the body could override the method that the rules have seen."""
    kind = _content_type(request.head)
    return request.is_ruled and (not kind or any(word in kind for word in ("form", "json", "multipart")))


def _content_type(head: EgressHead) -> str:
    return dict(head.headers).get(b"content-type", b"").decode("latin-1").casefold()


async def _held(request: Request, up: Uplink, connections: Connections) -> bytes:
    held = bytearray()
    try:
        async with asyncio.timeout(HOLD_S), connections.holding:
            async for piece in _scanned(request, up):
                held += piece
                if len(held) > MAX_HELD:
                    why = (
                        f"a body that must be held whole, to be signed anew or for the rules, has {MAX_HELD >> 20} MiB at most"
                    )
                    raise RefusedError(Refusal.TOO_MUCH, why, "aws: let the client send x-amz-content-sha256")
    except TimeoutError:
        raise RefusedError(Refusal.TOO_MUCH, f"the body did not come within {HOLD_S:g} s", "try again") from None
    return bytes(held)


async def refuse(error: RefusedError, down: Downlink, outcome: Outcome) -> None:
    """Tell the relay, if nothing was told yet."""
    outcome.name, outcome.error, outcome.detail, outcome.alarm = "refused", error.code, error.message, error.alarm
    if not down.is_begun:
        with contextlib.suppress(RelayGoneError):
            await down.head(error.to_wire())
            await down.end()


async def _exchange(
    request: Request, up: Uplink, connections: Connections, outcome: Outcome, down: Downlink
) -> tuple[Connection, bool]:
    """The connection, and whether it can be used again."""
    has_body = request.head.length != 0
    connection = await connections.take(request.service, request.head, fresh=has_body)
    try:
        return connection, await _on(connection, request, up, down, outcome)
    except (RefusedError, OSError) as error:
        connection.close()
        is_stale = connection.is_reused and not has_body and outcome.status is None and not down.is_begun
        if isinstance(error, RefusedError) and (error.refusal is not Refusal.UPSTREAM_FAILED or not is_stale):
            raise
        if not is_stale:
            raise RefusedError(
                Refusal.UPSTREAM_FAILED, f"the connection to {request.head.host} was lost", "try again"
            ) from None
    except BaseException:
        connection.close()
        raise
    # The service closed a kept connection while we took it: nothing was answered, and there was no body.
    connection = await connections.take(request.service, request.head, fresh=True)
    try:
        return connection, await _on(connection, request, up, down, outcome)
    except OSError:
        connection.close()
        raise RefusedError(Refusal.UPSTREAM_FAILED, f"the connection to {request.head.host} was lost", "try again") from None
    except BaseException:
        connection.close()
        raise


async def _on(connection: Connection, request: Request, up: Uplink, down: Downlink, outcome: Outcome) -> bool:
    """Both directions at once; True if the connection can be used again."""
    await connection.send(request_event(request.head, request.placed.target, request.placed.headers))
    sender = asyncio.create_task(_send_body(connection, request, up))
    receiver = asyncio.create_task(_receive(connection, request, down, outcome))
    watcher: asyncio.Task[None] | None = None
    try:
        await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
        if sender.done() and not receiver.done():
            _raise_of(sender)
            watcher = asyncio.create_task(up.gone())
            await asyncio.wait({receiver, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if not receiver.done():
                raise RelayGoneError
        _raise_of(sender)  # an alarm comes before whatever the service says of a request cut off
        receiver.result()
        return sender.done() and not sender.cancelled() and sender.exception() is None
    finally:
        for task in (sender, receiver, watcher):
            if task is not None:
                await _ended(task)


def _raise_of(sender: asyncio.Task[None]) -> None:
    """Why the body could not be sent, unless it is the service that did not want it all: its answer says why."""
    if sender.done() and not isinstance(sender.exception(), OSError | None):
        sender.result()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


async def _send_body(connection: Connection, request: Request, up: Uplink) -> None:
    """The body as it comes, past the scan. Raises RefusedError, RelayGoneError, OSError."""
    if request.held is not None:
        await connection.send(h11.Data(data=request.held))
    elif request.head.length != 0:
        async for piece in _scanned(request, up):
            await connection.send(h11.Data(data=piece))
    await connection.send(h11.EndOfMessage())


async def _scanned(request: Request, up: Uplink) -> AsyncIterator[bytes]:
    """The body without a placeholder in it, of the length that it was said to have. Raises RefusedError, RelayGoneError."""
    scan = request.scan.stream()
    left = request.head.length
    while (piece := await up.data()) is not None:
        if (left is not None and up.bytes > left) or up.bytes > MAX_BODY:
            code = Refusal.TOO_MUCH if left is None else Refusal.REQUEST_MALFORMED
            raise RefusedError(code, "the request's body is longer than it may be")
        clean = scan.feed(piece)
        if scan.hits:
            raise misplaced("the body")
        if clean:
            yield clean
    rest = scan.finish()
    if scan.hits:
        raise misplaced("the body")
    if left is not None and up.bytes != left:
        raise RefusedError(Refusal.REQUEST_MALFORMED, "the request's body is shorter than its length")
    if rest:
        yield rest


# --- the answer -------------------------------------------------------------------------------------------------------


async def _receive(connection: Connection, request: Request, down: Downlink, outcome: Outcome) -> None:
    """The answer. Raises RefusedError, OSError."""
    response = await connection.next_event()
    while isinstance(response, h11.InformationalResponse):
        if response.status_code == 101:
            raise RefusedError(Refusal.RESPONSE_REFUSED, "the service switched protocols without being asked")
        response = await connection.next_event()
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
    while isinstance(event := await connection.next_event(), h11.Data):
        data = bytes(event.data)
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
    named = {token.strip().lower() for token in found.get(b"connection", b"").split(b",")}
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
    return head, declared, found.get(b"content-encoding", b"").decode("latin-1").strip().lower()


def _decoder(encoding: str) -> zlib._Decompress | None:
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
    raise RefusedError(
        Refusal.RESPONSE_REFUSED, "the answer has a content encoding that was not asked for and cannot be looked into"
    )
