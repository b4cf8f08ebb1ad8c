"""An Executor, before it gets a grant: what it will hold reaches no core file, no swap and no neighbour."""

import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from janee.runner.frames import TO_FRONT, FrameReader, State
from sandbox import Zygote


@pytest.fixture
def executor(strict_sandbox: None) -> Iterator[int]:
    """The pid of one that has said that it is ready."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    umask = os.umask(0o022)
    try:
        with (
            Zygote.start(entry="janee.runner.executor:serve", rehearse="janee.runner.executor:rehearse") as zygote,
            zygote.spawn_blocking(30) as connection,
        ):
            connection.settimeout(30)
            reader, frames = FrameReader(TO_FRONT, State.NEW), []
            while not frames:
                data = connection.recv(1 << 16)
                assert data, "the Executor ended"
                frames += reader.feed(data)
            assert json.loads(frames[0].payload)["publicKey"]
            (pid,) = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children").read_text().split()
            yield int(pid)
    finally:
        os.umask(umask)
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def test_an_executor_has_protected_its_memory_before_it_is_ready(executor: int) -> None:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{executor}/status").read_text().splitlines())
    limits = Path(f"/proc/{executor}/limits").read_text()
    assert status["Umask"].strip() == "0077"
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size")] == [["0", "0"]]
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY or os.geteuid() == 0:
        assert int(status["VmLck"].split()[0]) > 0
