"""The recorder between Runner and Authority, and the trap."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO

import httpx
import pytest

from janee.demo.wire import Recorder, Trap, read_message, status_of


class _Counter(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append(body)  # type: ignore[attr-defined]
        answer = b"answer %d to " % len(self.server.seen) + body  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Counter) as server:
        server.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


@pytest.fixture
def recorder(server: HTTPServer) -> Iterator[Recorder]:
    with Recorder(server.server_address[1]) as recorder:
        yield recorder


def test_messages_pass_unchanged_and_every_byte_is_kept(recorder: Recorder) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{recorder.port}") as client:
        answers = [client.post("/a", content=b"body %d" % number).text for number in range(3)]
    assert answers == ["answer 1 to body 0", "answer 2 to body 1", "answer 3 to body 2"]
    recorded = recorder.all_bytes()
    assert b"POST /a HTTP/1.1" in recorded
    assert b"body 2" in recorded
    assert b"answer 3 to body 2" in recorded


def test_a_recorded_request_can_be_sent_again(recorder: Recorder, server: HTTPServer) -> None:
    with httpx.Client() as client:
        client.post(f"http://127.0.0.1:{recorder.port}/a", content=b"once")
    found = recorder.find("/a")
    assert found is not None
    answer = recorder.replay(found.request)
    assert status_of(answer) == 200
    assert answer.endswith(b"answer 2 to once")
    assert server.seen == [b"once", b"once"]  # type: ignore[attr-defined]


def test_a_lie_answers_that_path_only_and_the_server_never_sees_the_request(recorder: Recorder, server: HTTPServer) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{recorder.port}") as client:
        client.post("/a", content=b"true")
        recorder.lie = recorder.find("/a")
        assert client.post("/a", content=b"asked anew").text == "answer 1 to true"
        assert client.post("/b", content=b"other").text == "answer 2 to other"
    assert server.seen == [b"true", b"other"]  # type: ignore[attr-defined]
    assert recorder.lies_told == 1


@pytest.mark.parametrize(
    "data", [b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"]
)
def test_a_message_that_cannot_be_recorded_whole_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="message"):
        read_message(BytesIO(data))


def test_the_end_of_a_connection_is_no_message() -> None:
    assert read_message(BytesIO(b"")) == b""


def test_the_trap_keeps_what_a_visitor_brings() -> None:
    with Trap() as trap:
        with socket.create_connection(("127.0.0.1", trap.port), 5) as visitor:
            visitor.sendall(b"loot")
            visitor.shutdown(socket.SHUT_WR)
            assert visitor.recv(1) == b""  # the trap has read it and closed
        assert trap.visits == [b"loot"]


def test_a_closed_recorder_leaves_no_thread_and_no_port(server: HTTPServer) -> None:
    before = threading.active_count()
    with Recorder(server.server_address[1]) as recorder:
        idle = socket.create_connection(("127.0.0.1", recorder.port), 5)
        idle.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        with idle.makefile("rb") as answers:
            assert status_of(read_message(answers)) == 200
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", recorder.port), 1)
    assert threading.active_count() == before
