"""The two directions of one egress stream over ASGI: frames of `janee.tunnel` in the body of a request and of its answer.

Guarantees: at most one chunk of the server's and one frame are kept; nobody waits for a peer that is gone (`RelayGoneError`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from janee.authority.egress.refusal import Refusal, RefusedError, malformed
from janee.errors import ProtocolError
from janee.tunnel import MAX_HEAD, FrameKind, TunnelReader, TunnelWriter, parse_json

HEAD_DEADLINE_S: Final = 10.0
_MAX_BEFORE_HEAD: Final = MAX_HEAD + (64 << 10)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class RelayGoneError(Exception):
    """The relay is gone: nobody reads the answer, and the request is not complete."""


class Uplink:
    """Frames from the relay."""

    def __init__(self, receive: Receive, reader: TunnelReader) -> None:
        self._receive = receive
        self._reader = reader
        self._frames: deque[tuple[FrameKind, bytes]] = deque()
        self._broken: ProtocolError | None = None
        self.bytes = 0  # of DATA

    async def head(self) -> dict[str, Any]:
        """The HEAD, which proves that the sender has the grant. Raises ProtocolError TUNNEL_BROKEN; RelayGoneError."""
        taken = 0
        try:
            async with asyncio.timeout(HEAD_DEADLINE_S):
                while not self._frames:
                    taken += await self._more()
                    if taken > _MAX_BEFORE_HEAD:
                        raise ProtocolError("TUNNEL_BROKEN", "the stream does not begin with a head")
        except TimeoutError:
            raise ProtocolError("TUNNEL_BROKEN", "no head came in time") from None
        return parse_json(self._frames.popleft()[1])

    async def data(self) -> bytes | None:
        """The next piece of the body; None at its end. Raises RefusedError: a broken stream; RelayGoneError."""
        while True:
            try:
                while not self._frames:
                    await self._more()
            except ProtocolError as error:
                raise malformed(error.message) from None
            kind, payload = self._frames.popleft()
            if kind is FrameKind.END:
                return None
            pieces = [payload]
            while self._frames and self._frames[0][0] is FrameKind.DATA:
                pieces.append(self._frames.popleft()[1])
            piece = b"".join(pieces)
            if piece:
                self.bytes += len(piece)
                return piece

    async def gone(self) -> None:
        """Return when the relay is gone. After the END only."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _more(self) -> int:
        if self._broken is not None:
            raise self._broken
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise RelayGoneError
        body: bytes = message.get("body", b"")
        try:
            for frame in self._reader.feed(body):
                self._frames.append(frame)
            if not message.get("more_body", False) and not self._reader.is_ended:
                raise ProtocolError("TUNNEL_BROKEN", "the stream ended before its end")
        except ProtocolError as error:  # what came before it counts
            self._broken = error
        return len(body)


class Downlink:
    """Frames to the relay. INVARIANT: none is made before the stream's id is claimed; a nonce would be used twice."""

    def __init__(self, send: Send, writer: TunnelWriter) -> None:
        self._send = send
        self._writer = writer
        self.is_begun = False
        self.bytes = 0  # of DATA

    async def head(self, value: Mapping[str, Any]) -> None:
        """Raises RefusedError RESPONSE_REFUSED: too large; nothing was sent then."""
        try:
            frame = self._writer.head(value)
        except ProtocolError:
            raise RefusedError(Refusal.RESPONSE_REFUSED, "the head of the service's answer is too large") from None
        self.is_begun = True
        headers = [(b"content-type", b"application/octet-stream"), (b"cache-control", b"no-store")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._body(frame)

    async def data(self, payload: bytes) -> None:
        if payload:
            self.bytes += len(payload)
            await self._body(self._writer.data(payload))

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": self._writer.end(), "more_body": False})

    async def _body(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
