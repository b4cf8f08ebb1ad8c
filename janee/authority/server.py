"""The Authority as a process: its socket, its HTTP server, its end.

Guarantees
- The memory that holds keys and secrets is not dumpable and leaves no core.
- A connection that sends no complete request head in time, too large a head, or is one too many, is closed.
- It ends on SIGTERM, SIGINT and when the parent that started it is gone (`parent_fd`); open requests get a few seconds; the
  start and the end are audited.
- Nothing is logged but one line when it listens, and one for each unforeseen error.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import resource
import signal
import socket
import ssl
import stat
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import prctl
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server

from janee.authority.api import make_app
from janee.authority.core import Authority
from janee.authority.gate import Gate
from janee.authority.logs import clean_logs
from janee.errors import JaneeError, StoreError, UsageError
from janee.protocol import ErrorBody, ErrorCode

HEAD_DEADLINE_S: Final = 10.0
KEEP_ALIVE_S: Final = 120
MAX_HEAD_BYTES: Final = 64 << 10
MAX_CONNECTIONS: Final = 512
GRACE_S: Final = 5
SWEEP_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM. client_ca: require a certificate from it (mTLS)."""

    cert: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: a TCP port (0: any free one), or a Unix socket in a private directory."""

    host: str = "127.0.0.1"
    port: int = 9700
    unix: Path | None = None
    tls: Tls | None = None

    @property
    def is_private(self) -> bool:
        return self.unix is not None or self.tls is not None


def protect_process() -> None:
    """Make this process's memory unreadable for its own user's other processes, and leave no core. Before the first secret."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl.set_dumpable(0)  # PR_SET_DUMPABLE(2): also /proc/PID/mem and ptrace
    os.umask(0o077)


def run_server(
    authority: Authority, gate: Gate, listen: Listen, *, ready_fd: int | None = None, parent_fd: int | None = None
) -> None:
    """Serve until told to stop.

    ready_fd: gets the URL and a newline when connections are taken, then is closed. parent_fd: a pipe whose end means stop.
    Raises UsageError or JaneeError ADDRESS_UNAVAILABLE if it cannot listen, StoreError if the start cannot be audited.
    """
    listener = open_listener(listen)
    try:
        config = _config(authority, gate, listen)
        with authority.transaction() as tx:
            tx.audit("authority.started", pid=os.getpid(), listen=_url(listen, listener))
        server = _Server(config, authority, _url(listen, listener), ready_fd, parent_fd)
        with clean_logs(authority.masks):
            asyncio.run(server.serve(sockets=[listener]))
    finally:
        listener.close()
        if listen.unix is not None:
            with contextlib.suppress(FileNotFoundError):
                listen.unix.unlink()
    with contextlib.suppress(StoreError), authority.transaction() as tx:
        tx.audit("authority.stopped", pid=os.getpid())
        tx.checkpoint()


def open_listener(listen: Listen) -> socket.socket:
    """Bind and listen. Raises JaneeError ADDRESS_UNAVAILABLE."""
    if listen.unix is not None:
        return _unix_listener(listen.unix)
    try:
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        listener = socket.create_server((listen.host, listen.port), family=family, backlog=256)
        # Inherited by what is accepted; asyncio sets it only on sockets made with IPPROTO_TCP. Without it each answer, two
        # writes, waits 40 ms for the Runner's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise _unavailable(f"{listen.host}:{listen.port}", error, "choose another --port or --host") from None


def _unix_listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        directory = path.parent.stat()
        if directory.st_uid != os.geteuid() or stat.S_IMODE(directory.st_mode) & 0o077:
            raise UsageError("USAGE", f"{path.parent} is not a private directory of ours", f"chmod 700 {path.parent}")
        _remove_stale(path)
        listener.bind(str(path))  # the umask makes it 0600; the directory keeps others out in any case
        path.chmod(0o600)
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise _unavailable(str(path), error, "choose another --socket") from None
    except UsageError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket of an Authority that has ended; a live one's stays, and binding fails."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(str(path)) == errno.ECONNREFUSED:
                path.unlink()


def _unavailable(where: str, error: OSError, hint: str) -> JaneeError:
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    return JaneeError("ADDRESS_UNAVAILABLE", f"cannot listen on {where}: {reason}", hint)


def _url(listen: Listen, listener: socket.socket) -> str:
    if listen.unix is not None:
        return f"unix://{listen.unix}"
    scheme = "https" if listen.tls else "http"
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def _config(authority: Authority, gate: Gate, listen: Listen) -> Config:
    tls = listen.tls
    config = Config(
        make_app(authority, gate, is_private=listen.is_private),
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        ssl_certfile=tls.cert if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=str(tls.client_ca) if tls and tls.client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.client_ca else ssl.CERT_NONE,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        reason = os.strerror(error.errno).lower() if isinstance(error, FileNotFoundError) and error.errno else str(error)
        raise UsageError(
            "USAGE", f"the TLS files cannot be used: {reason}", "check --tls-cert, --tls-key, --tls-client-ca"
        ) from None
    return config


class _Server(Server):
    """uvicorn's server with our start, our end and no polling."""

    def __init__(self, config: Config, authority: Authority, url: str, ready_fd: int | None, parent_fd: int | None) -> None:
        super().__init__(config)
        self._authority = authority
        self._url = url
        self._ready_fd = ready_fd
        self._parent_fd = parent_fd
        self._stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what is here now stays: later collections need not look at it
        print(f"janee: authority listening on {self._url}", file=sys.stderr, flush=True)  # noqa: T201
        if self._ready_fd is not None:
            with contextlib.suppress(OSError):
                os.write(self._ready_fd, f"{self._url}\n".encode())
                os.close(self._ready_fd)

    async def main_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._parent_fd is not None:
            loop.add_reader(self._parent_fd, self._parent_gone)
        sweeper = loop.create_task(self._sweep())
        try:
            await self._stop.wait()
        finally:
            self.should_exit = True
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._authority.stop_streams()
        await super().shutdown(sockets)
        await self._authority.close()

    async def _sweep(self) -> None:
        told = ""
        while True:
            problem = ""
            try:
                self._authority.sweep()
            except StoreError as error:  # shows in `health` too; the next round tries again
                problem = f"janee: error: everything is denied: {error.message}\njanee: hint: {error.hint}"
            if problem and problem != told:  # once, not every round
                print(problem, file=sys.stderr, flush=True)  # noqa: T201
            told = problem
            await asyncio.sleep(SWEEP_EVERY_S)

    def _parent_gone(self) -> None:
        # Readable means its end: the parent never writes.
        if self._parent_fd is not None:
            asyncio.get_running_loop().remove_reader(self._parent_fd)
        self._stop.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # uvicorn's own would raise the signal once more at the end, before the end is audited.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


class _Protocol(H11Protocol):
    """HTTP/1.1 that does not wait for ever for a request's head, and answers in JSON what is no HTTP."""

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

    def send_400_response(self, msg: str) -> None:
        body = ErrorBody(error="this is not a valid HTTP request", code=ErrorCode.BAD_REQUEST).to_json()
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_DEADLINE_S, self.transport.close)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
