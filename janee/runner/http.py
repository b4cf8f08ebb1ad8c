"""MCP over Streamable HTTP, for agents that are not the Runner's children.

Guarantees: no request is served without `Authorization: Bearer <agent token>`; a token that the Authority does not know opens
nothing (401); a session belongs to the token that opened it, and another token meets "not found". The Host and Origin headers
must name this server (DNS rebinding). Bodies, sessions and connections are bounded. The token is kept only as a `Secret` on the
request that carried it, and removed from the headers that anything else sees; a session remembers its fingerprint.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from janee.errors import JaneeError, UnreachableError, UsageError
from janee.runner.identity import Caller, token_fingerprint
from janee.runner.server import GONE_KEY, Context
from janee.secret import Secret

MCP_PATH: Final = "/mcp"
MAX_BODY_BYTES: Final = 32 << 20
MAX_SESSIONS: Final = 256
SESSIONS_EACH: Final = 32  # of one token
SESSION_IDLE_S: Final = 600.0
MAX_CONNECTIONS: Final = 512
HEAD_DEADLINE_S: Final = 10.0  # for a request's head, from its connection or its first byte
TOKEN_TTL_S: Final = 30.0  # how long a token that the Authority accepted opens requests without asking again; calls always ask
_TOKENS: Final = 1024
_MAX_TOKEN: Final = 1024
_TOKEN_KEY: Final = "janee.agent_token"  # noqa: S105  # where in the ASGI scope it is, not what
_SESSION_HEADER: Final = b"mcp-session-id"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")

Verify = Callable[[Caller], Awaitable[object]]  # raises JaneeError for a token that the Authority does not accept


def caller_from_request(ctx: Context, claimed: str | None) -> Caller:
    """The holder of the token that came with the request. Raises UsageError if there is none: `BearerGate` was left out."""
    token = ctx.request.scope.get(_TOKEN_KEY) if ctx.request is not None else None
    if not isinstance(token, Secret):
        raise UsageError("IDENTITY_UNVERIFIED", "the request carries no agent token")
    return Caller(token=token, claimed=claimed)


def http_app(server: Server[Any], verify: Verify, *, host: str, port: int, names: tuple[str, ...] = ()) -> ASGIApp:
    """The ASGI application. names: host names (with or without port) by which clients may call this server, beside its own."""
    hosts = _host_patterns(host, port, names)
    app = server.streamable_http_app(
        streamable_http_path=MCP_PATH,
        host=host,
        max_request_body_size=MAX_BODY_BYTES,
        max_sessions=MAX_SESSIONS,
        session_idle_timeout=SESSION_IDLE_S,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=hosts,
            allowed_origins=[f"{scheme}://{name}" for scheme in ("http", "https") for name in hosts],
        ),
    )
    return BearerGate(app, verify)


def _host_patterns(host: str, port: int, names: tuple[str, ...]) -> list[str]:
    own = f"[{host}]" if ":" in host and not host.startswith("[") else host
    wanted = [*_LOOPBACK, *(() if own in _LOOPBACK or own in ("0.0.0.0", "[::]") else (own,)), *names]  # noqa: S104
    patterns: list[str] = []
    for name in wanted:
        has_port = name.rpartition(":")[2].isdigit() and not name.endswith("]")
        patterns += [name] if has_port else [name, f"{name}:{port}"]
    return list(dict.fromkeys(patterns))


class BearerGate:
    """Lets a request through only with an agent token that the Authority accepts."""

    def __init__(self, app: ASGIApp, verify: Verify) -> None:
        self._app = app
        self._verify = verify
        self._accepted: OrderedDict[str, float] = OrderedDict()
        self._sessions = _Sessions()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = _bearer(scope)
        if token is None:
            await _refuse(send, 401, "an agent token is needed: Authorization: Bearer TOKEN")
            return
        fingerprint = token_fingerprint(token)
        try:
            await self._accept(token, fingerprint)
        except UnreachableError as error:
            await _refuse(send, 503, error.message)
            return
        except JaneeError:
            await _refuse(send, 401, "the authority does not know this agent token")
            return
        user = AuthenticatedUser(AccessToken(token="", client_id=fingerprint, scopes=[]))  # binds the session
        headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
        gone = asyncio.Event()
        seen = {**scope, "headers": headers, "user": user, _TOKEN_KEY: token, GONE_KEY: gone}
        if not self._sessions.admit(fingerprint, _header(scope, _SESSION_HEADER), time.monotonic()):
            await _refuse(send, 429, f"this agent has {SESSIONS_EACH} sessions open: end one (DELETE), or wait")
            return
        await self._app(seen, _watched(receive, gone), self._sessions.watch(fingerprint, scope, send))

    async def _accept(self, token: Secret, fingerprint: str) -> None:
        now = time.monotonic()
        if self._accepted.get(fingerprint, 0.0) > now:
            return
        self._accepted.pop(fingerprint, None)
        await self._verify(Caller(token=token))
        while len(self._accepted) >= _TOKENS:
            self._accepted.popitem(last=False)
        self._accepted[fingerprint] = now + TOKEN_TTL_S


class _Sessions:
    """How many sessions each token has open, so that one agent cannot take those of all the others."""

    def __init__(self) -> None:
        self._used: dict[str, dict[bytes, float]] = {}  # fingerprint -> session -> last used, time.monotonic()

    def admit(self, fingerprint: str, session: bytes | None, now: float) -> bool:
        """Whether a request may go on: one of a session always, one without a session if there is room for another."""
        mine = self._used.get(fingerprint, {})
        for known, used in list(mine.items()):
            if now - used > SESSION_IDLE_S:
                del mine[known]
        if session is not None:
            if session in mine:
                mine[session] = now
            return True
        return len(mine) < SESSIONS_EACH

    def watch(self, fingerprint: str, scope: Scope, send: Send) -> Send:
        """`send`, noting the sessions that an answer opens or ends."""
        asked = _header(scope, _SESSION_HEADER)

        async def watching(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = next((value for name, value in message["headers"] if name.lower() == _SESSION_HEADER), None)
                if asked is None and given is not None and message["status"] < 400:
                    self._used.setdefault(fingerprint, {})[given] = time.monotonic()
                elif asked is not None and (message["status"] == 404 or scope["method"] == "DELETE"):
                    self._used.get(fingerprint, {}).pop(asked, None)
            await send(message)

        return watching


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)


def _watched(receive: Receive, gone: asyncio.Event) -> Receive:
    """`receive`, setting `gone` when it brings the client's disconnection; after the answer that does no harm."""

    async def watching() -> MutableMapping[str, Any]:
        message = await receive()
        if message["type"] == "http.disconnect":
            gone.set()
        return message

    return watching


def _bearer(scope: Scope) -> Secret | None:
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1:  # two would let two readers disagree
        return None
    kind, _, token = values[0].partition(b" ")
    token = token.strip()
    if kind.lower() != b"bearer" or not 0 < len(token) <= _MAX_TOKEN or not token.isascii():
        return None
    return Secret(token)


async def _refuse(send: Send, status: int, message: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="janee"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError LISTEN."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio sets it only where the protocol is given
        return listener
    except OSError as error:
        cause = error.strerror or str(error)
        raise UsageError("LISTEN", f"cannot listen on {host} port {port}: {cause.lower()}", "choose another --port") from None


async def serve_http(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until cancelled. No access log, no Server header, everything bounded; signals are the caller's."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        ws="none",
        http=_Protocol,
        lifespan="on",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=64 << 10,
    )
    server = _Server(config, ready)
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


class _Protocol(H11Protocol):
    """HTTP/1.1 that does not wait for ever for a request's head: whoever says nothing must not keep the others out."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._is_between_requests():
            self._expect_head()
        super().data_received(data)
        if not self._is_between_requests():
            self._head_came()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_DEADLINE_S, self.transport.close)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    """uvicorn, without its signal handlers, and saying when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
