"""One PostgreSQL connection of a command: logged in with the credential, then both directions streamed through.

Guarantees: the command is in the session, and never sees what the login took; every message of the server's is scrubbed before
it leaves; a placeholder in anything that the command sends cuts the connection before it is sent; the key with which another
connection cancels this one is made up for the command, and counts under its own grant only. An error is told between two
messages, as the protocol has it; inside of one the connection is cut. It never decides and writes no record: `gateway` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Final

from janee.authority.egress.exchange import MAX_BODY, Outcome
from janee.authority.egress.frames import Downlink, RelayGoneError, Uplink
from janee.authority.egress.pgmessages import Framer, mask_block, split
from janee.authority.egress.pgserver import Databases, Server, ServerRefusedError, cancel, login
from janee.authority.egress.pgstartup import Cancel, PgHead
from janee.authority.egress.refusal import Refusal, RefusedError, misplaced
from janee.authority.egress.stream import refuse
from janee.authority.egress.upstream import READ_BYTES
from janee.config.schema import Service
from janee.pgwire import AUTHENTICATION_OK, error_response, message_of
from janee.scrubber import Scrubber, StreamScrubber
from janee.secret import Secret

_BETWEEN: Final = 5.0  # seconds: how long a relay may take for the last words

Keys = MutableMapping[tuple[str, int, int], Cancel]
"""Of a grant's open sessions: origin, process and made up key to the real ones."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One connection that was decided. scan: of the placeholders; scrub: of the secrets. keys: of the grant."""

    service: Service
    head: PgHead
    password: Secret
    scan: Scrubber
    scrub: Scrubber
    keys: Keys


async def pass_tunnel(tunnel: Tunnel, up: Uplink, down: Downlink, databases: Databases, outcome: Outcome) -> None:
    """Serve one connection to its end."""
    server: Server | None = None
    try:
        server = await databases.connect(tunnel.service, tunnel.head)
        wanted = tunnel.head.wanted
        if isinstance(wanted, Cancel):
            with contextlib.suppress(TimeoutError):
                await cancel(server, wanted)
            await down.head({"ready": True})
            await down.end()
        else:
            await login(server, wanted, tunnel.password)
            await down.head({"ready": True})
            await down.data(wanted.negotiation() + AUTHENTICATION_OK)
            await _Session(tunnel, server, up, down, outcome).run()
        outcome.name = "completed"
    except RelayGoneError:
        outcome.name = "cancelled"
    except ServerRefusedError as error:
        message, outcome.hits = mask_block(error.message, tunnel.scrub)
        outcome.name, outcome.error = "refused", Refusal.UPSTREAM_FAILED.value
        outcome.detail = _said(message)
        await down.head({"ready": True})
        await down.data(AUTHENTICATION_OK + message)  # as in `janee.pgwire.refusal_response`
        await down.end()
    except RefusedError as error:
        await refuse(error, down, outcome)
    except OSError:
        why = f"the connection to {tunnel.head.host} was lost"
        await refuse(RefusedError(Refusal.UPSTREAM_FAILED, why, "try again"), down, outcome)
    finally:
        if server is not None:
            server.close() if outcome.name == "completed" else server.abort()


def _said(message: bytes) -> str:
    """The text of an ErrorResponse, for the record."""
    texts = [field[1:] for _, body in split(message) for field in body.split(b"\0") if field[:1] == b"M"]
    return b" ".join(texts).decode("utf-8", "replace")[:500]


class _Session:
    """After the login."""

    def __init__(self, tunnel: Tunnel, server: Server, up: Uplink, down: Downlink, outcome: Outcome) -> None:
        self._tunnel = tunnel
        self._server = server
        self._up = up
        self._down = down
        self._outcome = outcome
        self._framer = Framer()
        self._long: StreamScrubber | None = None  # of a message that is passed on in pieces
        self._is_ready = False
        self._key: tuple[str, int, int] | None = None

    async def run(self) -> None:
        """Raises RefusedError (nothing was told), RelayGoneError, OSError."""
        sender = asyncio.create_task(self._send())
        receiver = asyncio.create_task(self._receive())
        try:
            await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
            for task in (sender, receiver):
                if task.done():
                    task.result()
            await self._down.end()
        except RefusedError as error:
            await _stopped(sender, receiver)
            await self._tell(error)
            raise
        finally:
            await _stopped(sender, receiver)
            if self._key is not None:
                self._tunnel.keys.pop(self._key, None)

    async def _tell(self, error: RefusedError) -> None:
        """As the last message; in the middle of another one it could not be read."""
        if self._framer.is_inside or self._long is not None:
            return
        with contextlib.suppress(RelayGoneError, TimeoutError):
            async with asyncio.timeout(_BETWEEN):
                await self._down.data(error_response(error.code, error.message, error.hint))
                await self._down.end()

    async def _send(self) -> None:
        """What the command sends, past the scan, until it closes the connection."""
        framer, long = Framer(), None
        while (data := await self._up.data()) is not None:
            if self._up.bytes > MAX_BODY:
                raise RefusedError(Refusal.TOO_MUCH, "the connection has carried more than it may")
            for piece, is_whole in framer.feed(data):
                if is_whole:
                    clean, hits = piece, self._tunnel.scan.scrub(piece)[1]
                else:
                    long = long or self._tunnel.scan.stream()
                    clean = long.feed(piece)
                    if not framer.is_inside:
                        clean += long.finish()
                    hits = long.hits
                    long = long if framer.is_inside else None
                if hits:
                    raise misplaced("a statement or its data")
                self._server.writer.write(clean)
                await self._server.writer.drain()

    async def _receive(self) -> None:
        """What the server sends, scrubbed, until it closes the connection."""
        while data := await self._server.reader.read(READ_BYTES):
            for piece, is_whole in self._framer.feed(data):
                await self._down.data(self._block(piece) if is_whole else self._piece(piece))
            if self._down.bytes > MAX_BODY:
                raise RefusedError(Refusal.TOO_MUCH, "the connection has carried more than it may")

    def _block(self, block: bytes) -> bytes:
        if not self._is_ready:
            block = self._with_own_key(block)
        clean, hits = mask_block(block, self._tunnel.scrub)
        self._outcome.hits += hits
        return clean

    def _piece(self, piece: bytes) -> bytes:
        self._long = self._long or self._tunnel.scrub.stream()
        clean = self._long.feed(piece)
        if not self._framer.is_inside:
            clean += self._long.finish()
        if self._long.hits:
            self._outcome.hits += self._long.hits
            why = "the credential stands in an answer too long to be masked"
            raise RefusedError(Refusal.RESPONSE_REFUSED, why, "ask for less at once")
        if not self._framer.is_inside:
            self._long = None
        return clean

    def _with_own_key(self, block: bytes) -> bytes:
        """The server's first messages, with a key to cancel that is ours."""
        made = []
        for kind, body in split(block):
            self._is_ready = self._is_ready or kind == b"Z"
            if kind == b"K" and not self._is_ready:
                if len(body) != 8 or self._key is not None:
                    raise RefusedError(Refusal.RESPONSE_REFUSED, "the server's key to cancel cannot be read")
                pid, key = int.from_bytes(body[:4], "big"), os.urandom(4)
                self._key = (self._tunnel.head.origin, pid, int.from_bytes(key, "big"))
                self._tunnel.keys[self._key] = Cancel(pid, int.from_bytes(body[4:], "big"))
                body = body[:4] + key
            made.append(message_of(kind, body))
        return b"".join(made)


async def _stopped(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
