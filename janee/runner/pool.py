"""A few Executors kept ready, so that a call does not wait for a sandbox to be prepared.

Guarantees: an Executor serves one call; none is used twice. Refilling is done one at a time and starts when a call has been
answered, so that it does not compete with a running one; a call that finds the pool empty gets an Executor of its own.
It never decides how many calls run at once (the front does).
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from janee.errors import JaneeError, SandboxUnavailableError
from janee.runner.execution import Execution
from sandbox import SandboxError

DEFAULT_SIZE: Final = 2  # each is some 8 MB
_REFILL_PAUSE_S: Final = 0.002  # lets the answer of the call that made room leave first
_RETRY_S: Final = 1.0

Spawn = Callable[[], Awaitable[socket.socket]]


class Pool:
    """Warm Executors of one zygote."""

    def __init__(self, spawn: Spawn, size: int = DEFAULT_SIZE) -> None:
        self._spawn = spawn
        self._size = size
        self._warm: deque[Execution] = deque()
        self._refill: asyncio.Task[None] | None = None
        self._closed = False

    async def take(self) -> Execution:
        """An Executor that nobody else has. Raises JaneeError."""
        while self._warm:
            execution = self._warm.popleft()
            if execution.is_usable:
                return execution
            execution.close()
        return await self._prepare()

    def refill(self) -> None:
        """Bring the pool back to its size, in the background."""
        if not self._closed and (self._refill is None or self._refill.done()):
            self._refill = asyncio.get_running_loop().create_task(self._fill())

    async def close(self) -> None:
        self._closed = True
        if self._refill is not None:
            self._refill.cancel()
            with suppress(asyncio.CancelledError):
                await self._refill
        while self._warm:
            self._warm.popleft().close()

    async def _fill(self) -> None:
        while not self._closed:
            await asyncio.sleep(_REFILL_PAUSE_S)
            if len(self._warm) >= self._size:
                return
            try:
                execution = await self._prepare()
                await execution.public_key()
            except JaneeError:
                await asyncio.sleep(_RETRY_S)  # the call that needs one will report why it cannot be had
                return
            self._warm.append(execution)

    async def _prepare(self) -> Execution:
        try:
            return await Execution.connect(await self._spawn())
        except SandboxError as error:
            raise SandboxUnavailableError(str(error.code), error.message, error.hint) from None
        except OSError as error:
            raise JaneeError(
                "EXECUTOR_LOST", f"no executor can be started: {error.strerror}", "restart the runner; see its stderr"
            ) from None
