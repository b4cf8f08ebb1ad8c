"""One request of a command, streamed through: its body scanned and, where it must be, held; then its answer.

Guarantees: no byte of a body goes on before it is known to be no part of a placeholder; a placeholder in a body cuts the
request off; both directions run at once, and end together. It never decides and writes no record: `gateway` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import h11

from janee.authority.egress.answer import receive_answer
from janee.authority.egress.exchange import MAX_BODY, Outcome, Request
from janee.authority.egress.frames import Downlink, RelayGoneError, Uplink
from janee.authority.egress.heads import EgressHead
from janee.authority.egress.places import signed_headers
from janee.authority.egress.ranges import parse_range
from janee.authority.egress.refusal import Refusal, RefusedError, malformed, misplaced
from janee.authority.egress.upstream import Connection, Connections, request_event
from janee.authority.policy import HttpRuleError, verify_body

MAX_HELD: Final = 4 << 20  # bytes of a body that must be read before it can be signed
HELD_FREELY: Final = 64 << 10  # bytes of such a body that need no place among those that are held
HOLD_S: Final = 30.0
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1


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
            verify_body(request.held.decode("utf-8", "surrogateescape"), _about_body(head))
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


def _about_body(head: EgressHead) -> dict[str, str]:
    encodings = [value.decode("latin-1") for name, value in head.headers if name.replace(b"_", b"-") == b"content-encoding"]
    return {"content-type": _content_type(head), "content-encoding": ", ".join(encodings)}


def _content_type(head: EgressHead) -> str:
    return dict(head.headers).get(b"content-type", b"").decode("latin-1").casefold()


async def _held(request: Request, up: Uplink, connections: Connections) -> bytes:
    held = bytearray()
    try:
        async with asyncio.timeout(HOLD_S), contextlib.AsyncExitStack() as places:
            async for piece in _scanned(request, up):
                if len(held) <= HELD_FREELY < len(held) + len(piece):
                    # One command's first: it must not wait in all the places that there are.
                    await places.enter_async_context(request.holding)
                    await places.enter_async_context(connections.holding)
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
    # A kept connection may be closed by the service while we take it. Then only what changes nothing is sent once more.
    is_repeatable = request.head.length == 0 and request.head.method in _SAFE
    connection = await connections.take(request.service, request.head, fresh=not is_repeatable)
    try:
        return connection, await _on(connection, request, up, down, outcome)
    except (RefusedError, OSError) as error:
        connection.close()
        is_stale = connection.is_reused and outcome.status is None and not down.is_begun
        if isinstance(error, RefusedError) and (error.refusal is not Refusal.UPSTREAM_FAILED or not is_stale):
            raise
        if not is_stale:
            raise RefusedError(
                Refusal.UPSTREAM_FAILED, f"the connection to {request.head.host} was lost", "try again"
            ) from None
    except BaseException:
        connection.close()
        raise
    # Nothing was answered on the kept connection.
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
    receiver = asyncio.create_task(receive_answer(connection, request, down, outcome))
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
        # A service that overlooks bodies would take one for the beginning of whatever request comes next.
        return request.head.length == 0 and sender.done() and not sender.cancelled() and sender.exception() is None
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
