"""Puts a Runner together and runs it: the zygote first, then the event loop with the front and one transport.

Guarantees: the zygote is started before this process has a thread or a loop; with level `strict` nothing starts unless every
layer holds (`SandboxUnavailableError`); however the Runner ends, its commands are killed and, if there is still time, reported.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from janee.errors import SandboxUnavailableError, UnreachableError
from janee.runner.workspace import HostDirectories
from janee.seal import RunnerKey, stretch_key
from janee.secret import Secret
from sandbox import ErrorCode, Level, SandboxError, Zygote

if TYPE_CHECKING:
    from janee.runner.front import Front
    from janee.runner.single import LocalAuthority
    from janee.runner.stdio import StdioChannel
    from janee.runner.toolbox import Toolbox

ENTRY: Final = "janee.runner.executor:serve"
REHEARSAL: Final = "janee.runner.executor:rehearse"
_RESTARTS: Final = 3  # of the zygote, in
_RESTART_WINDOW_S: Final = 60.0
_POLL_AUTHORITY_S: Final = 1.0

Warn = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """What `janee serve` was told. authority_url: None for an Authority of our own; http: (host, port), None for stdio."""

    authority_url: str | None
    api_key: Secret | None
    level: Level
    runner_id: str
    agent_id: str | None
    http: tuple[str, int] | None = None
    http_names: tuple[str, ...] = ()
    environment: str | None = None
    host_label: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    pool_size: int | None = None
    host: HostDirectories = field(default_factory=HostDirectories)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    protected: tuple[str, ...] = ()
    debug: bool = field(default=False)


class Executors:
    """Spawns Executors from a zygote, and replaces a zygote that died, a few times."""

    def __init__(self, level: Level, *, debug: bool, warn: Warn) -> None:
        self._level = level
        self._stderr = 2 if debug else None
        self._warn = warn
        self._restarts: deque[float] = deque(maxlen=_RESTARTS)
        self._zygote = self._start()

    async def spawn(self) -> socket.socket:
        try:
            return await self._zygote.spawn()
        except SandboxError as error:
            if error.code is not ErrorCode.LOST or not self._may_restart():
                raise
        self._warn("the zygote died and is started again", "")
        self._zygote.close()
        self._zygote = self._start()  # blocks the loop for a moment: nothing can run without it
        return await self._zygote.spawn()

    def close(self) -> None:
        self._zygote.close()

    def _start(self) -> Zygote:
        try:
            return Zygote.start(entry=ENTRY, rehearse=REHEARSAL, level=self._level, stderr=self._stderr)
        except SandboxError as error:
            raise SandboxUnavailableError(str(error.code), error.message, error.hint) from None

    def _may_restart(self) -> bool:
        now = time.monotonic()
        if len(self._restarts) == _RESTARTS and now - self._restarts[0] < _RESTART_WINDOW_S:
            return False
        self._restarts.append(now)
        return True


def run_runner(settings: RunnerSettings, warn: Warn, ready: Callable[[str], None]) -> None:
    """Serve until the client goes away or a signal says so. ready: told where an HTTP server listens.

    Raises SandboxUnavailableError, UnreachableError (our own Authority failed), UsageError.
    """
    from janee.runner.single import LocalAuthority

    local = LocalAuthority.start() if settings.authority_url is None else None
    try:
        executors = Executors(settings.level, debug=settings.debug, warn=warn)
        try:
            key, tls = _prepare(settings, local)
            asyncio.run(_serve(settings, local, executors, key, tls, warn, ready))
        finally:
            executors.close()
    finally:
        if local is not None:
            local.close()


def _prepare(settings: RunnerSettings, local: LocalAuthority | None) -> tuple[RunnerKey, ssl.SSLContext | None]:
    """The stretched key and the TLS context; the libraries are imported while scrypt runs."""
    api_key = local.api_key if local is not None else settings.api_key
    if api_key is None:
        raise UnreachableError("NO_KEY", "the runner has no key", "give --api-key")
    with ThreadPoolExecutor(1) as thread:
        stretched = thread.submit(stretch_key, api_key)
        from janee.runner.client import tls_context

        import_server(settings.http is not None)
        key = stretched.result()
    if local is not None:
        local.wait_ready()
    https = settings.authority_url is not None and settings.authority_url.strip().startswith("https:")
    return key, tls_context(settings.tls_ca, settings.tls_cert, settings.tls_key) if https else None


def import_server(with_http: bool) -> None:
    """Load what serving needs, and keep the garbage collector from walking it for ever after."""
    import gc

    from janee.runner import rpc  # noqa: F401

    if with_http:
        from janee.runner import http  # noqa: F401
    gc.collect()
    gc.freeze()


async def _serve(
    settings: RunnerSettings,
    local: LocalAuthority | None,
    executors: Executors,
    key: RunnerKey,
    tls: ssl.SSLContext | None,
    warn: Warn,
    ready: Callable[[str], None],
) -> None:
    from janee.runner.client import AuthorityClient, Endpoint
    from janee.runner.front import Front, FrontSettings
    from janee.runner.pool import DEFAULT_SIZE, Pool
    from janee.runner.toolbox import Toolbox

    url = local.url if local is not None else settings.authority_url or ""
    client = AuthorityClient(Endpoint.parse(url), key, tls)
    pool = Pool(executors.spawn, DEFAULT_SIZE if settings.pool_size is None else settings.pool_size)
    files = (settings.tls_ca, settings.tls_cert, settings.tls_key)
    front_settings = FrontSettings(
        runner_id=settings.runner_id,
        level=settings.level,
        environment=settings.environment,
        host_label=settings.host_label,
        host=settings.host,
        variables=settings.variables,
        tls_files=tuple(None if path is None else os.path.realpath(path) for path in files),
        protected=settings.protected if local is None else (*settings.protected, os.path.realpath(local.directory)),
    )
    front = Front(client, pool, front_settings, lambda message: warn(message, ""))
    pool.refill()
    toolbox = Toolbox(front, lambda message: warn(message, ""))
    transport = _http(settings, front, toolbox, ready) if settings.http is not None else _stdio(settings, toolbox)
    try:
        await _until_stopped(transport, local)
    finally:
        await front.close()


async def _until_stopped(transport: Any, local: LocalAuthority | None) -> None:
    """Run the transport until it ends, a signal arrives or our own Authority dies (UnreachableError)."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    serving = loop.create_task(transport)
    stopping = loop.create_task(stop.wait())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watched = os.pidfd_open(local.process.pid) if local is not None else -1
    died = asyncio.Event()
    if watched >= 0:
        loop.add_reader(watched, died.set)
    ended = loop.create_task(died.wait())
    try:
        await asyncio.wait({serving, stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        elif died.is_set() and local is not None:
            status = local.process.poll()
            raise UnreachableError("AUTHORITY_FAILED", f"our own authority ended (status {status})", "see its message above")
    finally:
        if watched >= 0:
            loop.remove_reader(watched)
            os.close(watched)
        for task in (serving, stopping, ended):
            task.cancel()
        for task in (serving, stopping, ended):
            with suppress(asyncio.CancelledError, UnreachableError):
                await task


async def _stdio(settings: RunnerSettings, toolbox: Toolbox) -> None:
    from janee.runner.rpc import StdioServer
    from janee.runner.stdio import StdioChannel

    async def modern(channel: StdioChannel, lines: AsyncIterator[bytes]) -> None:
        from janee.runner.identity import Caller
        from janee.runner.server import build_server, serve_stdio

        server = build_server(toolbox, lambda _ctx, claimed: Caller(settings.agent_id, None, claimed))
        await serve_stdio(server, channel, lines)

    await StdioServer(StdioChannel(), toolbox, settings.agent_id).serve(modern)


async def _http(settings: RunnerSettings, front: Front, toolbox: Toolbox, ready: Callable[[str], None]) -> None:
    from janee.runner.http import MCP_PATH, caller_from_request, http_app, listen, serve_http
    from janee.runner.server import build_server

    host, port = settings.http or ("127.0.0.1", 0)
    server = build_server(toolbox, caller_from_request)
    with listen(host, port) as listener:
        port = listener.getsockname()[1]
        app = http_app(server, front.verify, host=host, port=port, names=settings.http_names)
        await serve_http(app, listener, lambda: ready(f"http://{f'[{host}]' if ':' in host else host}:{port}{MCP_PATH}"))
