"""The Authority API over HTTP: routes, limits, authentication, error bodies, signed answers.

Guarantees
- Sizes are bounded before they are read: a body is refused by its declared length, or as soon as it is longer than its row
  allows; all bodies in flight together are bounded; a body that comes too slowly is given up.
- Order: signature, clock, nonce, revocation, then the message. Nobody without a runner key gets past the first.
- Every answer to an authenticated request is signed, denials and errors too. Every answer that is not 2xx has an `ErrorBody`.
- An exception that nobody foresaw is a 500 that says nothing, and one line on stderr; nothing is granted.
It never decides: `janee.authority.core` does.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from janee import protocol
from janee.authority.callers import Caller
from janee.authority.core import Authority
from janee.authority.denial import DecisionDenied
from janee.authority.egress.gateway import Gateway
from janee.authority.gate import Gate
from janee.errors import JaneeError, ProtocolError, StoreError
from janee.protocol import ErrorBody, ErrorCode, Message, parse_message
from janee.seal import RunnerKey, Signature, sign_response
from janee.tunnel import EGRESS_PATH

BODY_DEADLINE_S: Final = 15.0
MAX_BODIES_IN_FLIGHT: Final = 96 << 20  # bytes
MAX_ACTIVE: Final = 256  # requests

_STATUS: Final[Mapping[str, int]] = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.SEALING_REQUIRED: 400,
    ErrorCode.KEY_UNKNOWN: 401,
    ErrorCode.SIGNATURE_INVALID: 401,
    ErrorCode.REPLAYED: 401,
    ErrorCode.CLOCK_SKEW: 401,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.GRANT_UNKNOWN: 409,
    ErrorCode.GRANT_FOREIGN: 409,
    ErrorCode.GRANT_COMPLETED: 409,
    ErrorCode.BODY_TOO_LARGE: 413,
    ErrorCode.UPSTREAM_FAILED: 502,
    ErrorCode.UPSTREAM_TIMEOUT: 504,
    ErrorCode.AUDIT_UNAVAILABLE: 503,
    "BUSY": 503,
}

Handler = Callable[[Authority, Caller, bytes, str], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint: what it takes, at most how much, and who answers."""

    method: str
    path: str
    body_limit: int
    handle: Handler


async def _authorize(authority: Authority, caller: Caller, body: bytes, query: str) -> Message:
    return authority.authorize(caller, parse_message(protocol.AuthorizeRequest, body))


async def _complete(authority: Authority, caller: Caller, body: bytes, query: str) -> Message:
    authority.complete(caller, parse_message(protocol.Completion, body))
    return _Ok()


async def _execute(authority: Authority, caller: Caller, body: bytes, query: str) -> Message:
    from janee.authority.execute import execute  # httpx is 15 MB that an Authority for exec alone never needs

    return await execute(authority, caller, parse_message(protocol.ExecuteRequest, body, limit=protocol.MAX_EXECUTE_BODY))


async def _explain(authority: Authority, caller: Caller, body: bytes, query: str) -> Message:
    return authority.explain(caller, parse_message(protocol.ExplainRequest, body))


async def _capabilities(authority: Authority, caller: Caller, body: bytes, query: str) -> Message:
    asked = _CapabilitiesQuery.from_query(query)
    return authority.capabilities(caller, agent_id=asked.agent_id, agent_token=asked.agent_token, request_id=asked.request_id)


class _Ok(Message):
    ok: bool = True


class _CapabilitiesQuery(Message):
    """The query of GET /v1/capabilities; signed like a body."""

    runner_id: protocol.RunnerId | None = None
    agent_id: protocol.AgentId | None = None
    agent_token: str | None = None
    claimed_agent: str | None = None
    request_id: protocol.RequestId | None = None

    @classmethod
    def from_query(cls, query: str) -> _CapabilitiesQuery:
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=16)
            return cls.model_validate(dict(pairs))
        except ValueError:
            raise ProtocolError(
                ErrorCode.BAD_REQUEST, "the query takes runnerId, agentId, agentToken, claimedAgent and requestId"
            ) from None


ROWS: Final = (
    Row("POST", protocol.PATH_AUTHORIZE, protocol.MAX_CONTROL_BODY, _authorize),
    Row("POST", protocol.PATH_COMPLETE, protocol.MAX_CONTROL_BODY, _complete),
    Row("POST", protocol.PATH_EXECUTE, protocol.MAX_EXECUTE_BODY, _execute),
    Row("POST", protocol.PATH_EXPLAIN, protocol.MAX_CONTROL_BODY, _explain),
    Row("GET", protocol.PATH_CAPABILITIES, 0, _capabilities),
)


def make_app(authority: Authority, gate: Gate, *, is_private: bool) -> Starlette:
    """The ASGI application. is_private: the transport is encrypted or local."""
    border = _Border(authority, gate, is_private)
    routes = [Route(row.path, border.endpoint(row), methods=[row.method]) for row in ROWS]
    routes.append(Route(protocol.PATH_HEALTH, border.health, methods=["GET"]))
    # Not a row: its right is the grant's key and not a signature, and nothing of it is read whole.
    routes.append(Route(EGRESS_PATH + "{grant_id}", Gateway(authority, gate), methods=["POST"]))
    app = Starlette(routes=routes, exception_handlers={HTTPException: _not_found})
    app.router.redirect_slashes = False  # a path is this one or another one
    return app


class _Border:
    """Between HTTP and the calls: owns the count of what is in flight."""

    def __init__(self, authority: Authority, gate: Gate, is_private: bool) -> None:
        self._authority = authority
        self._gate = gate
        self._is_private = is_private
        self._active = 0
        self._bytes = 0

    def endpoint(self, row: Row) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            if self._active >= MAX_ACTIVE:
                return _answer(503, ErrorBody(error="too many requests at once", code="BUSY", hint="try again"))
            self._active += 1
            try:
                return await self._serve(row, request)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            finally:
                self._active -= 1

        return serve

    async def health(self, request: Request) -> Response:
        health = self._authority.health()
        return _answer(200 if health.ok else 503, health)

    async def _serve(self, row: Row, request: Request) -> Response:
        try:
            body = await self._read_body(request, row.body_limit)
        except (JaneeError, TimeoutError) as error:
            late = _bad(f"the body did not come within {BODY_DEADLINE_S:.0f} s")
            answer = _failure(error if isinstance(error, JaneeError) else late)
            answer.headers["connection"] = "close"  # what is left of the body is not worth reading
            return answer
        try:
            return await self._authenticated(row, request, body)
        except JaneeError as error:
            return _failure(error)
        finally:
            self._bytes -= len(body)

    async def _authenticated(self, row: Row, request: Request, body: bytes) -> Response:
        headers = _headers(request)
        opened = self._gate.open(request.method, request.scope["raw_path"], request.scope["query_string"], headers, body)
        key, signature = opened.key, opened.signature
        if opened.failure is not None:
            return self._sign(key, signature, _failure(opened.failure))
        caller = Caller(key, opened.agents, self._is_private)
        try:
            query = request.scope["query_string"].decode("ascii")
            answer = _answer(200, await row.handle(self._authority, caller, body, query))
        except JaneeError as error:
            answer = _failure(error)
        except Exception as error:  # the process's border: nothing is granted, nothing is told
            print(f"janee: error: internal error: {type(error).__name__} in {row.path}", file=sys.stderr)  # noqa: T201
            answer = _answer(500, ErrorBody(error="internal error", code=ErrorCode.INTERNAL, hint="see the Authority's stderr"))
        return self._sign(key, signature, answer)

    def _sign(self, key: RunnerKey, signature: Signature | None, answer: Response) -> Response:
        if signature is not None:
            signed = sign_response(
                key, signature, status=answer.status_code, body=bytes(answer.body), now=self._authority.clock()
            )
            answer.headers.update(signed)
        return answer

    async def _read_body(self, request: Request, limit: int) -> bytes:
        """The whole body; its bytes stay counted as in flight until the caller subtracts them."""
        declared = request.headers.get("content-length", "")
        if declared and "transfer-encoding" in request.headers:  # RFC 9112, 6.1: two lengths, and a proxy may believe the other
            raise _bad("a request has either content-length or transfer-encoding")
        if declared and (not declared.isdecimal() or int(declared) > limit):
            raise _too_large(limit)
        chunks: list[bytes] = []
        taken = 0
        try:
            async with asyncio.timeout(BODY_DEADLINE_S):
                async for chunk in request.stream():
                    taken += len(chunk)
                    self._bytes += len(chunk)
                    if taken > limit:
                        raise _too_large(limit)
                    if self._bytes > MAX_BODIES_IN_FLIGHT:
                        raise StoreError("BUSY", "too much is being sent at once", "try again")
                    chunks.append(chunk)
        except BaseException:
            self._bytes -= taken
            raise
        return b"".join(chunks)


def _headers(request: Request) -> Mapping[str, str]:
    """The headers, names in lower case. One that is given twice is no signature of ours: the last one counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}


def _failure(error: JaneeError) -> Response:
    if isinstance(error, DecisionDenied):
        return _answer(403, ErrorBody(error=error.message, code=error.code, hint=error.hint or None, denial=error.denial))
    status = _STATUS.get(error.code, 503 if isinstance(error, StoreError) else 400)
    return _answer(status, ErrorBody(error=error.message, code=error.code, hint=error.hint or None))


def _answer(status: int, message: Message) -> Response:
    return Response(message.to_json(), status_code=status, media_type="application/json", headers={"cache-control": "no-store"})


async def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        return _answer(405, ErrorBody(error="this path does not take that method", code="METHOD_NOT_ALLOWED"))
    return _answer(status, ErrorBody(error="there is no such path", code=ErrorCode.NOT_FOUND))


def _too_large(limit: int) -> ProtocolError:
    return ProtocolError(ErrorCode.BODY_TOO_LARGE, f"the body has more than {limit} bytes")


def _bad(why: str) -> ProtocolError:
    return ProtocolError(ErrorCode.BAD_REQUEST, why)
