"""An Executor with a front that lies to it: nothing runs but what the Authority sealed, once, in time."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from janee.runner.frames import TO_FRONT, Frame, FrameReader, FrameType, State, encode_frame
from janee.runner.order import Order, encode_order
from sandbox import FileIdentity, Level, Zygote
from tests.runner.orders import SECRET, constraints, expiry, order, sealed


@pytest.fixture(scope="module")
def zygote(strict_sandbox: None) -> Iterator[Zygote]:
    with Zygote.start(entry="janee.runner.executor:serve", rehearse="janee.runner.executor:rehearse") as zygote:
        yield zygote


class Executor:
    """The front's end of one Executor's socket, in blocking code."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        self._connection = connection
        self._reader = FrameReader(TO_FRONT, State.NEW)
        self._frames: list[Frame] = []
        self.public_key: str = json.loads(self.next(FrameType.HELLO).payload)["publicKey"]
        self._reader.state = State.GRANTED

    def send(self, kind: FrameType, payload: bytes = b"") -> None:
        self._connection.sendall(encode_frame(kind, payload))

    def send_raw(self, data: bytes) -> None:
        self._connection.sendall(data)

    def next(self, kind: FrameType) -> Frame:
        while True:
            for at, frame in enumerate(self._frames):
                if frame.type is kind:
                    del self._frames[: at + 1]
                    return frame
            data = self._connection.recv(1 << 16)
            if not data:
                raise EOFError
            self._frames += self._reader.feed(data)

    def result(self, whole: Order) -> dict[str, Any]:
        self.send(FrameType.SPEC, encode_order(whole))
        found: dict[str, Any] = json.loads(self.next(FrameType.RESULT).payload)
        return found

    def output(self) -> bytes:
        return b"".join(frame.payload for frame in self._frames if frame.type is FrameType.STDOUT)

    def ends(self) -> bool:
        with suppress(ConnectionResetError):
            while self._connection.recv(1 << 16):
                pass
        return True


@contextmanager
def executor(zygote: Zygote) -> Iterator[Executor]:
    with zygote.spawn_blocking() as connection:
        yield Executor(connection)


def test_an_order_that_fits_runs(zygote: Zygote) -> None:
    now = time.time()
    with executor(zygote) as one:
        result = one.result(sealed(order("true", now=now), one.public_key, now))
    assert (result["outcome"], result["exitCode"]) == ("completed", 0)


@pytest.mark.parametrize(
    "change",
    [
        "command",
        "cwd",
        "level",
        "agent",
        "capability",
        "program",
        "identity",
        "expired",
        "policy",
        "network",
        "workspace",
        "other key",
    ],
)
def test_whatever_differs_from_what_was_sealed_is_refused_and_nothing_runs(zygote: Zygote, tmp_path: Path, change: str) -> None:
    now = time.time()
    with executor(zygote) as one, executor(zygote) as two:
        whole = sealed(order("true", now=now), one.public_key, now)
        request, terms = whole.request, whole.terms
        damaged = {
            "command": replace(
                whole, request=replace(request, command=("sh",)), terms=replace(terms, constraints=constraints("sh"))
            ),
            "cwd": replace(
                whole,
                request=replace(request, cwd=str(tmp_path)),
                terms=replace(terms, constraints=constraints("true", cwd=str(tmp_path))),
            ),
            "level": replace(
                whole,
                request=replace(request, level=Level.OFF),
                terms=replace(terms, constraints=constraints("true", sandbox={"level": "off"})),
            ),
            "agent": replace(whole, request=replace(request, agent_id="b"), terms=replace(terms, agent_id="b")),
            "capability": replace(whole, request=replace(request, capability_id="other")),
            "program": replace(whole, request=replace(request, program=order("sh").request.program)),
            "identity": replace(
                whole, request=replace(request, program=replace(request.program, identity=FileIdentity(1, 2, 3, 4, 5)))
            ),
            "expired": replace(whole, terms=replace(terms, expires_at=expiry(-1, now))),
            "policy": replace(whole, terms=replace(terms, constraints=constraints("true", policyHash="sha256:" + "1" * 64))),
            "network": replace(
                whole, terms=replace(terms, constraints=constraints("true", sandbox={"network": ["evil.example:443"]}))
            ),
            "workspace": replace(whole, terms=replace(terms, constraints=constraints("true", sandbox={"workspace": "write"}))),
            "other key": whole,
        }[change]
        result = (two if change == "other key" else one).result(damaged)
    assert result["outcome"] == "refused", result
    assert result["exitCode"] is None
    assert result["code"] in ("GRANT_MISMATCH", "EXECUTABLE_CHANGED")
    assert SECRET not in json.dumps(result)


def test_a_grant_is_used_once(zygote: Zygote) -> None:
    """A second order to the same Executor is fatal for it, and a second Executor cannot open the grant."""
    now = time.time()
    with executor(zygote) as one, executor(zygote) as two:
        whole = sealed(order("sleep", "30", now=now), one.public_key, now)
        one.send(FrameType.SPEC, encode_order(whole))
        one.next(FrameType.STARTED)
        one.send(FrameType.SPEC, encode_order(whole))
        assert one.ends()
        assert two.result(whole)["outcome"] == "refused"


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0\xff",
        b"\xff\xff\xff\xff\x02",
        encode_frame(FrameType.STDIN, b"x"),
        encode_frame(FrameType.CANCEL),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_broken_protocol_ends_the_executor_without_an_answer(zygote: Zygote, data: bytes) -> None:
    with executor(zygote) as one:
        one.send_raw(data)
        assert one.ends()
        assert one._frames == []


def test_an_order_that_is_no_order_is_refused(zygote: Zygote) -> None:
    with executor(zygote) as one:
        one.send(FrameType.SPEC, b'{"request": "nonsense"}')
        assert json.loads(one.next(FrameType.RESULT).payload)["code"] == "ORDER_INVALID"


def test_a_file_that_is_replaced_after_the_check_does_not_run(zygote: Zygote, tmp_path: Path) -> None:
    """The race of check and exec: what is executed is the file that was hashed, or nothing."""
    now = time.time()
    with executor(zygote) as one:
        whole = order("true", now=now)
        swapped = tmp_path / "true"
        shutil.copy(whole.request.program.real_path, swapped)
        program = replace(whole.request.program, real_path="/usr/bin/env")  # another file under the name that was checked
        assert FileIdentity.of(os.stat("/usr/bin/env")) != program.identity
        result = one.result(replace(sealed(whole, one.public_key, now), request=replace(whole.request, program=program)))
    assert result["code"] == "EXECUTABLE_CHANGED"


def test_a_command_cannot_make_the_executor_run_out_of_memory_by_not_reading(zygote: Zygote) -> None:
    """Standard input beyond the limit ends the Executor; output is read only as fast as the front takes it."""
    now = time.time()
    with executor(zygote) as one:
        whole = replace(sealed(order("sleep", "30", now=now), one.public_key, now), has_stdin=True)
        one.send(FrameType.SPEC, encode_order(whole))
        one.next(FrameType.STARTED)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(100):
                one.send(FrameType.STDIN, b"x" * (256 << 10))
        assert one.ends()


def test_output_waits_for_a_front_that_does_not_read(zygote: Zygote) -> None:
    now = time.time()
    with executor(zygote) as one:
        whole = replace(sealed(order("head", "-c", "50000000", "/dev/zero", now=now), one.public_key, now), max_output=40 << 20)
        one.send(FrameType.SPEC, encode_order(whole))
        one.next(FrameType.STARTED)
        pid = _executors(zygote)
        time.sleep(0.5)  # nobody reads meanwhile: the command must stand still, not this Executor's memory grow
        assert all(_rss_mib(one_pid) < 60 for one_pid in pid)
        result = json.loads(one.next(FrameType.RESULT).payload)
    assert result["truncated"]
    assert result["stdoutBytes"] == 50_000_000


def _executors(zygote: Zygote) -> list[int]:
    from tests.runner.rig import descendants

    return list(descendants(zygote.pid))


def _rss_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    except OSError:
        return 0.0
