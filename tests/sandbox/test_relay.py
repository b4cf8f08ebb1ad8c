"""The relay of named hosts: bounded, whatever the command does, and never deaf for good."""

import contextlib
import errno
import socket
import threading
import time

from sandbox.relay import Relay
from sandbox.spec import HostEntry

ENTRY = HostEntry("service.test", "127.0.0.1", 443)
DEADLINE_S = 20.0


class Echo:
    """A host that sends back what it gets; `open`: connections that it has at this moment."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def connect(self, entry: HostEntry) -> socket.socket:
        assert entry == ENTRY
        return socket.create_connection(self.listener.getsockname())

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            while data := peer.recv(4096):
                peer.sendall(data)


def test_connections_without_end_cost_the_relay_no_more_than_its_slots() -> None:
    echo = Echo()
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    address = listener.getsockname()
    relay = Relay(((listener, ENTRY),), echo.connect)
    before = threading.active_count()
    many = [socket.create_connection(address) for _ in range(200)]
    deadline = time.monotonic() + DEADLINE_S
    while echo.accepted < 64 and time.monotonic() < deadline:
        time.sleep(0.01)
    # Two threads a connection in the relay, one in the echo above.
    assert echo.accepted == 64
    assert threading.active_count() - before <= 3 * 64
    for one in many:
        one.close()
    with socket.create_connection(address) as late:  # served when its turn comes
        late.settimeout(DEADLINE_S)
        late.sendall(b"still there?")
        assert late.recv(100) == b"still there?"
    relay.close()
    echo.listener.close()


class Failing:
    """A listener whose `accept` fails first as it does when no descriptor is left."""

    def __init__(self, listener: socket.socket, failures: int) -> None:
        self.listener, self.failures = listener, failures

    def fileno(self) -> int:
        return self.listener.fileno()

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self.listener.accept()

    def shutdown(self, how: int) -> None:
        self.listener.shutdown(how)

    def close(self) -> None:
        self.listener.close()


def test_a_moment_without_descriptors_does_not_make_it_deaf() -> None:
    echo = Echo()
    listener = socket.create_server(("127.0.0.1", 0))
    relay = Relay(((Failing(listener, 3), ENTRY),), echo.connect)  # type: ignore[arg-type]
    with socket.create_connection(listener.getsockname()) as inside:
        inside.settimeout(DEADLINE_S)
        inside.sendall(b"hello")
        assert inside.recv(100) == b"hello"
    relay.close()
    echo.listener.close()
