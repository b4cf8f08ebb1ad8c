"""What a request through the gateway costs: a relay that speaks `janee.tunnel` to a real Authority, a service on loopback.

    python -m bench.egress [--calls 300] [--mib 256] [--json]

Everything is measured in one run against plain HTTP to the same service; compare what is added, never two runs. Prints: added
latency (median, p99) of a small request with the credential, on record before and after; throughput of one large body down and
up, with the Authority's memory before and at its peak; how long 200 requests at once take;
throughput of 1 GiB of plain TCP through the relay alone.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from janee.runner.relay import Relay, Target
from tests.authority.echo import Service
from tests.authority.egress import client
from tests.authority.egress.client import EGRESS_CONFIG, Stream, World
from tests.authority.live import make_home, running

CHUNK = (b"a line of ordinary text, as logs and sources have it: %d\n" * 5000)[: 256 << 10]
SMALL = b'{"ok": true, "items": [1, 2, 3]}'


def serve(listener: socket.socket) -> None:
    """The service: GET / is small, GET /N sends N MiB, PUT reads everything."""

    def one(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            while head := lines.readline():
                length = 0
                while (line := lines.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                while length > 0:
                    length -= len(lines.read(min(length, 1 << 20)))
                mib = int(head.split()[1].lstrip(b"/") or 0)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % ((mib << 20) or len(SMALL)))
                for _ in range(mib * 4):
                    connection.sendall(CHUNK)
                if not mib:
                    connection.sendall(SMALL)

    while True:
        threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


@contextlib.contextmanager
def world(directory: Path) -> Iterator[World]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        process = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
        process.start()
        port = listener.getsockname()[1]
        home, environ = make_home(directory, EGRESS_CONFIG.format(port=port))
        try:
            with running(home, environ) as live:
                yield World(live, Service(port))
        finally:
            process.kill()
            process.join(5)


class Kept:
    """A relay's connection to the Authority that is used again."""

    def __init__(self, relay: client.Relay) -> None:
        self.relay = relay
        self.connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self) -> None:
        from janee.tunnel import Direction, TunnelReader, TunnelWriter

        stream_id = os.urandom(16)
        import base64

        name = base64.urlsafe_b64encode(stream_id).rstrip(b"=").decode()
        writer = TunnelWriter(self.relay.key, stream_id, Direction.UP)
        reader = TunnelReader(self.relay.key, stream_id, Direction.DOWN)
        head = self.relay.head("GET", "/", ("authorization", f"Bearer {self.relay.placeholder}"))
        body = writer.head(head) + writer.end()
        self.connection.request("POST", f"/v1/egress/{self.relay.grant_id}", body, {"janee-stream": name})
        response = self.connection.getresponse()
        frames = list(reader.feed(response.read()))
        assert response.status == 200 and reader.is_ended and frames[1][1] == SMALL


def latency(world: World, calls: int) -> dict[str, float]:
    relay = world.relay()
    kept = Kept(relay)
    plain = http.client.HTTPConnection("127.0.0.1", world.service.port)
    direct: list[float] = []
    through: list[float] = []
    for number in range(calls + 20):
        started = time.perf_counter()
        plain.request("GET", "/")
        plain.getresponse().read()
        middle = time.perf_counter()
        kept.get()
        if number >= 20:
            direct.append((middle - started) * 1000)
            through.append((time.perf_counter() - middle) * 1000)
    added = [more - less for more, less in zip(sorted(through), sorted(direct), strict=True)]
    return {
        "direct_ms": statistics.median(direct),
        "through_ms": statistics.median(through),
        "added_ms": statistics.median(added),
        "p99_ms": sorted(through)[int(len(through) * 0.99)],
    }


def down(stream: Stream) -> int:
    response = http.client.HTTPResponse(stream.connection)
    response.begin()
    taken = 0
    while data := response.read1(256 << 10):
        taken += sum(len(payload) for kind, payload in stream.reader.feed(data) if kind.name == "DATA")
    assert stream.reader.is_ended
    return taken


def throughput(world: World, mib: int) -> dict[str, float]:
    relay = world.relay()
    process = psutil.Process(world.live.process.pid)
    before, peak, done = process.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    plain = http.client.HTTPConnection("127.0.0.1", world.service.port)
    started = time.perf_counter()
    plain.request("GET", f"/{mib}")
    response = plain.getresponse()
    while response.read(256 << 10):
        pass
    direct_s = time.perf_counter() - started
    started = time.perf_counter()
    with relay.open() as stream:
        stream.send(stream.writer.head(relay.head("GET", f"/{mib}")) + stream.writer.end())
        stream.finish()
        assert down(stream) == mib << 20
    down_s = time.perf_counter() - started
    started = time.perf_counter()
    with relay.open() as stream:
        stream.send(stream.writer.head(relay.head("PUT", "/", ("content-length", str(mib << 20)))))
        for _ in range(mib * 4):
            stream.send(stream.writer.data(CHUNK))
        stream.send(stream.writer.end())
        stream.finish()
        assert stream.answer().status == 200
    up_s = time.perf_counter() - started
    done.set()
    watcher.join()
    return {
        "direct_mb_s": (mib << 20) / direct_s / 1e6,
        "down_mb_s": (mib << 20) / down_s / 1e6,
        "up_mb_s": (mib << 20) / up_s / 1e6,
        "memory_before_mib": before / (1 << 20),
        "memory_peak_mib": peak / (1 << 20),
    }


def plain_relay(service: Service, mib: int) -> dict[str, float]:
    """One stream of TCP through the relay of a command's network, which looks at nothing, and without it."""
    taken = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay.fork()
        relay.start([Target("127.0.0.1", service.port)], [listener], allow_private=True)
        try:
            for name, port in (("direct", service.port), ("through", listener.getsockname()[1])):
                with socket.create_connection(("127.0.0.1", port)) as stream:
                    stream.sendall(b"GET /%d HTTP/1.1\r\n\r\n" % mib)
                    left, started, room = mib << 20, time.perf_counter(), bytearray(1 << 20)
                    while left > 0 and (count := stream.recv_into(room)):
                        left -= count
                    assert left <= 0
                    taken[name] = time.perf_counter() - started
        finally:
            relay.close()
    return {f"{name}_mb_s": (mib << 20) / seconds / 1e6 for name, seconds in taken.items()}


def crowd(world: World, count: int) -> dict[str, float]:
    relay = world.relay()
    failed: list[str] = []

    def one() -> None:
        answer = relay.get("/", ("authorization", f"Bearer {relay.placeholder}"))
        if answer.body != SMALL:
            failed.append(str(answer))

    threads = [threading.Thread(target=one) for _ in range(count)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"streams": count, "failed": len(failed), "seconds": time.perf_counter() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, world(Path(root)) as opened:
        result: dict[str, Any] = {
            "latency": latency(opened, options.calls),
            "throughput": throughput(opened, options.mib),
            "crowd": crowd(opened, 200),
            "relay": plain_relay(opened.service, max(1024, options.mib)),
        }
    if options.json:
        print(json.dumps(result))
        return
    for name, values in result.items():
        print(f"{name:11} " + "  ".join(f"{key} {value:.2f}" for key, value in values.items()))


if __name__ == "__main__":
    main()
