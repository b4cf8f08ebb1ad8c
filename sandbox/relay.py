"""Connecting a sandbox's named hosts to the world, for `run` and the command line.

Guarantees: a connection inside to one of `SandboxSpec.hosts` reaches exactly the endpoint that `connect` opens for that
entry, resolved and reached from outside; at most `_MAX_CONNECTIONS` at once. Never: another destination, a look at the
bytes.
"""

import contextlib
import errno
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sandbox.spec import HostEntry

# Imported where it is used: a zygote has this module too, and what threading does after a fork costs 130 page copies.
if TYPE_CHECKING:
    import threading

_CHUNK: Final = 65536
_CONNECT_TIMEOUT_S: Final = 15.0
_MAX_CONNECTIONS: Final = 64
_FOR_THE_MOMENT: Final = frozenset({errno.ECONNABORTED, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})  # accept(2)
_PAUSE_S: Final = 0.05

Connect = Callable[[HostEntry], socket.socket]


def connect_by_name(entry: HostEntry) -> socket.socket:
    """A connection to the name and port of `entry`, resolved here. Raises `OSError`."""
    peer = socket.create_connection((entry.name, entry.port), _CONNECT_TIMEOUT_S)
    peer.settimeout(None)
    return peer


class Relay:
    """Threads that serve the listeners of one command. Owns the listeners; `close` ends accepting."""

    def __init__(self, pairs: tuple[tuple[socket.socket, HostEntry], ...], connect: Connect) -> None:
        self._listeners = tuple(listener for listener, _ in pairs)
        self._connect = connect
        if not pairs:
            return
        self._slots = _slots()
        for listener, entry in pairs:
            _start(self._accept, listener, entry)

    def close(self) -> None:
        """Stop listening. Connections end with the command, whose end of them is gone."""
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket, entry: HostEntry) -> None:
        poller = select.poll()
        poller.register(listener, select.POLLIN)
        while True:
            poller.poll()
            # The slot comes first: who waits for one waits in the backlog, and costs this process nothing.
            self._slots.acquire()
            try:
                inside, _ = listener.accept()
            except OSError as error:
                self._slots.release()
                if error.errno not in _FOR_THE_MOMENT:
                    return  # closed
                time.sleep(_PAUSE_S)
                continue
            _start(self._serve, inside, entry)

    def _serve(self, inside: socket.socket, entry: HostEntry) -> None:
        # A failing side closes both, which is all that TCP could say.
        try:
            with inside, contextlib.suppress(OSError), self._connect(entry) as outside:
                back = _start(_copy, outside, inside)
                _copy(inside, outside)
                back.join()
        finally:
            self._slots.release()


def _slots() -> "threading.BoundedSemaphore":
    import threading

    return threading.BoundedSemaphore(_MAX_CONNECTIONS)


def _start(function: Callable[..., None], *arguments: object) -> "threading.Thread":
    import threading

    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
