"""The Runner's side of the Authority API: signed requests out, verified answers in.

Guarantees: every request is signed with the runner key and every answer is taken only if the Authority signed it for that very
request; an unsigned, changed or malformed answer is an error, never data. Every wait has a deadline. A request is sent again
only when it cannot have been read (the kept connection turned out closed before a byte of an answer), with a fresh nonce.
It never decides, retries a denial, follows a redirect or shows the key. HTTP/1.1 by h11 over asyncio streams: one request at a
time on each connection, connections kept for the next.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlencode, urlsplit

import h11

from janee.errors import JaneeError, ProtocolError, UnreachableError, UsageError
from janee.protocol import (
    MAX_CONTROL_BODY,
    MAX_EXECUTE_BODY,
    PATH_AUTHORIZE,
    PATH_CAPABILITIES,
    PATH_COMPLETE,
    PATH_EXECUTE,
    PATH_EXPLAIN,
    AuthorizeRequest,
    Capabilities,
    Completion,
    Denial,
    ErrorBody,
    ExecuteRequest,
    ExecuteResponse,
    ExplainRequest,
    Explanation,
    Grant,
    Message,
    parse_message,
)
from janee.seal import RunnerKey, SignedParts, sign_request, verify_response

CONNECT_S: Final = 5.0
CONTROL_S: Final = 15.0  # authorize, complete, capabilities, explain
EXECUTE_S: Final = 130.0  # the Authority's own upstream timeout ends before
MAX_IDLE: Final = 8  # kept connections
IDLE_S: Final = 4.0  # the Authority closes what was idle for longer; asking first saves a request that fails

M = TypeVar("M", bound=Message)


class AnswerError(JaneeError):
    """The Authority answered, authentically, with an error. status: HTTP; denial: set when the policy said no."""

    def __init__(self, status: int, body: ErrorBody) -> None:
        super().__init__(body.code or f"HTTP_{status}", body.error, body.hint or "")
        self.status = status
        self.denial: Denial | None = body.denial


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the Authority is. base: path prefix, no trailing slash.

    socket_path: a Unix socket; then host and port do not matter.
    """

    host: str
    port: int
    base: str = ""
    tls: bool = False
    socket_path: str | None = None

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """`http(s)://host[:port][/base]` or `unix:///path`. Raises UsageError AUTHORITY_URL_INVALID, never quoting the URL."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            raise _bad_url("it cannot be parsed") from None
        if parts.scheme == "unix":
            if not parts.path.startswith("/") or parts.netloc:
                raise _bad_url("a Unix socket is written unix:///path/to/socket")
            return cls("authority", 0, socket_path=unquote(parts.path))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _bad_url("it must begin with http://, https:// or unix://")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise _bad_url("it may have neither user, password, query nor fragment")
        tls = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if tls else 80), parts.path.rstrip("/"), tls)

    @property
    def host_header(self) -> str:
        if self.socket_path is not None:
            return "authority"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        if self.socket_path is not None:
            return f"unix://{self.socket_path}"
        return f"{'https' if self.tls else 'http'}://{self.host_header}{self.base}"


def tls_context(ca: str | None, cert: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """Verified TLS 1.2 or newer. ca: PEM file of the only trusted CA (None: the system's). cert, key: PEM files for mTLS."""
    try:
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if cert is not None:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError("TLS_FILES", f"the TLS files cannot be used: {error.strerror or error}", "give PEM files") from None
    return context


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=64 << 10))
    used: float = 0.0
    is_fresh: bool = True

    def close(self) -> None:
        with suppress(OSError, RuntimeError):
            self.writer.close()


class _StaleError(Exception):
    """A kept connection was closed before any byte of an answer."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class AuthorityClient:
    """One per Runner; used from one event loop. `close` it."""

    def __init__(self, endpoint: Endpoint, key: RunnerKey, tls: ssl.SSLContext | None = None) -> None:
        self._endpoint = endpoint
        self._key = key
        self._tls = (tls or tls_context(None)) if endpoint.tls else None
        self._idle: list[_Connection] = []

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    @property
    def key(self) -> RunnerKey:
        return self._key

    async def authorize(self, request: AuthorizeRequest) -> tuple[Grant, dict[str, Any]]:
        """The grant, and its `constraints` exactly as the JSON object on the wire.

        This and every other call raises AnswerError (a denial is one) or UnreachableError.
        """
        body = await self._call("POST", PATH_AUTHORIZE, request.to_json(), CONTROL_S, MAX_CONTROL_BODY)
        grant = self._parse(Grant, body, MAX_CONTROL_BODY)
        constraints: dict[str, Any] = json.loads(body)["constraints"]
        return grant, constraints

    async def complete(self, completion: Completion) -> None:
        await self._call("POST", PATH_COMPLETE, completion.to_json(), CONTROL_S, MAX_CONTROL_BODY)

    async def execute(self, request: ExecuteRequest) -> ExecuteResponse:
        limit = 4 * MAX_EXECUTE_BODY  # a body of control characters needs six bytes each in JSON; base64 needs less
        # Not safe to send twice: a fresh connection, so that there is no doubt whether the request was read.
        body = await self._call("POST", PATH_EXECUTE, request.to_json(), EXECUTE_S, limit, fresh=True)
        return self._parse(ExecuteResponse, body, limit)

    async def explain(self, request: ExplainRequest) -> Explanation:
        body = await self._call("POST", PATH_EXPLAIN, request.to_json(), CONTROL_S, MAX_CONTROL_BODY)
        return self._parse(Explanation, body, MAX_CONTROL_BODY)

    async def capabilities(self, query: Mapping[str, str]) -> Capabilities:
        path = f"{PATH_CAPABILITIES}?{urlencode(query)}"
        body = await self._call("GET", path, b"", CONTROL_S, MAX_CONTROL_BODY)
        return self._parse(Capabilities, body, MAX_CONTROL_BODY)

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _parse(self, kind: type[M], body: bytes, limit: int) -> M:
        try:
            return parse_message(kind, body, limit=limit)
        except ProtocolError as error:
            raise self._not_authentic(error.message) from None

    async def _call(self, method: str, target: str, body: bytes, timeout_s: float, limit: int, *, fresh: bool = False) -> bytes:
        """The body of a 2xx answer."""
        target = self._endpoint.base + target
        path, _, query = target.partition("?")
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    signed = sign_request(
                        self._key, SignedParts(method, path, query, body), now=time.time(), nonce=os.urandom(16)
                    )
                    try:
                        answer = await self._exchange(method, target, signed, body, limit, fresh)
                        break
                    except _StaleError:
                        continue
        except TimeoutError:
            raise self._unreachable(f"no answer within {timeout_s:.0f} s") from None
        except (OSError, EOFError) as error:
            raise self._unreachable(_os_cause(error)) from None
        except h11.RemoteProtocolError as error:
            raise self._not_authentic(f"it is not HTTP: {error}") from None
        self._verify(signed, answer)
        if 200 <= answer.status < 300:
            return answer.body
        raise AnswerError(answer.status, self._error_body(answer))

    def _verify(self, signed: Mapping[str, str], answer: _Answer) -> None:
        try:
            verify_response(self._key, signed, status=answer.status, body=answer.body, headers=answer.headers)
        except ProtocolError as error:
            # Before a signature is verified the Authority has no key to sign with; such an answer opens nothing and is
            # taken only as the reason why we were turned away.
            if answer.status in (400, 401, 413, 503) and "signature" not in answer.headers:
                body = self._error_body(answer)
                raise UnreachableError(
                    "AUTHORITY_REFUSED",
                    f"the authority at {self._endpoint} turned this runner away ({answer.status}): {body.error}",
                    body.hint or "check --api-key and the clocks of both machines",
                ) from None
            raise self._not_authentic(error.message) from None

    def _error_body(self, answer: _Answer) -> ErrorBody:
        try:
            return parse_message(ErrorBody, answer.body)
        except ProtocolError:
            return ErrorBody(error=f"HTTP status {answer.status}", code=f"HTTP_{answer.status}")

    async def _exchange(
        self, method: str, target: str, signed: Mapping[str, str], body: bytes, limit: int, fresh: bool
    ) -> _Answer:
        connection = await (self._connect() if fresh else self._connection())
        try:
            answer = await self._send_and_read(connection, method, target, signed, body, limit)
        except BaseException:
            connection.close()
            raise
        if connection.http.our_state is h11.DONE and connection.http.their_state is h11.DONE:
            connection.http.start_next_cycle()
            connection.used, connection.is_fresh = time.monotonic(), False
            if len(self._idle) < MAX_IDLE:
                self._idle.append(connection)
                return answer
        connection.close()
        return answer

    async def _send_and_read(
        self, connection: _Connection, method: str, target: str, signed: Mapping[str, str], body: bytes, limit: int
    ) -> _Answer:
        http = connection.http
        headers = [("host", self._endpoint.host_header), ("accept", "application/json"), *signed.items()]
        if method == "POST":
            headers += [("content-type", "application/json"), ("content-length", str(len(body)))]
        head = http.send(h11.Request(method=method, target=target, headers=headers)) or b""
        data = http.send(h11.Data(data=body)) or b"" if body else b""
        connection.writer.write(head + data + (http.send(h11.EndOfMessage()) or b""))
        await connection.writer.drain()
        status, answer_headers, chunks, size, is_first = 0, {}, [], 0, True
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                try:
                    received = await connection.reader.read(64 << 10)
                except ConnectionError:
                    received = b""
                if is_first and not received and not connection.is_fresh:
                    raise _StaleError
                is_first = False
                http.receive_data(received)
            elif isinstance(event, h11.Response):
                status = event.status_code
                answer_headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > limit:
                    raise self._not_authentic(f"it is longer than {limit} bytes")
                chunks.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return _Answer(status, answer_headers, b"".join(chunks))
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError

    async def _connection(self) -> _Connection:
        while self._idle:
            kept = self._idle.pop()
            if time.monotonic() - kept.used < IDLE_S and not kept.reader.at_eof():
                return kept
            kept.close()
        return await self._connect()

    async def _connect(self) -> _Connection:
        endpoint = self._endpoint
        try:
            async with asyncio.timeout(CONNECT_S):
                if endpoint.socket_path is not None:
                    return _Connection(*await asyncio.open_unix_connection(endpoint.socket_path))
                return _Connection(*await asyncio.open_connection(endpoint.host, endpoint.port, ssl=self._tls))
        except TimeoutError:
            raise self._unreachable(f"no connection within {CONNECT_S:.0f} s") from None

    def _unreachable(self, cause: str) -> UnreachableError:
        return UnreachableError(
            "AUTHORITY_UNREACHABLE",
            f"the authority at {self._endpoint} cannot be reached: {cause}",
            "start it (`janee authority --port 9700`), or correct --authority-url",
        )

    def _not_authentic(self, cause: str) -> UnreachableError:
        return UnreachableError(
            "AUTHORITY_NOT_AUTHENTIC",
            f"what answers at {self._endpoint} is not our authority: {cause}",
            "check that --authority-url is right and that both sides have the same runner key",
        )


def _os_cause(error: OSError | EOFError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    if isinstance(error, OSError):
        return error.strerror or (os.strerror(error.errno) if error.errno else type(error).__name__)
    return "the connection was closed"


def _bad_url(cause: str) -> UsageError:
    return UsageError("AUTHORITY_URL_INVALID", f"--authority-url is not usable: {cause}", "write http://host:9700")
