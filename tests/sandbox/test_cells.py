"""Cells that a server owns itself, without a process between it and pid 1."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox import ErrorCode, Level, SandboxError, SandboxSpec, Zygote
from tests.sandbox import rig
from tests.sandbox.cell_server import answer

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who alone can look into a process that is not dumpable")


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    with Zygote.start() as running:
        yield running


def served(user: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a server that `user` runs."""
    command = [sys.executable, "-m", "tests.sandbox.cell_server", json.dumps(requests)]
    done = subprocess.run(
        command, capture_output=True, timeout=rig.DEADLINE_S, cwd=rig.REPOSITORY, check=True, **rig.identity(user)
    )
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def completed(output: str, code: int = 0) -> dict[str, Any]:
    return {"code": code, "signal": None, "timed_out": False, "output": output}


@pytest.mark.parametrize("user", rig.USERS)
def test_a_server_runs_commands_without_a_process_in_between(user: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content\n")
    (tmp_path / "file").chmod(0o644)
    owner = tmp_path.stat().st_uid if user == "root" else rig.NOBODY
    os.chown(tmp_path, owner, -1) if os.geteuid() == 0 else None
    mounts = [[str(tmp_path), "/w", True]]
    script = "import socket; print(socket.create_connection(('api.example.com', 443)).recv(100).decode())"
    answers = served(
        user,
        {"argv": ["sh", "-c", "id -u; exit 3"]},
        {"argv": ["sh", "-c", "cat /w/file; echo new > /w/new; stat -c %u /w/new"], "mounts": mounts},
        {"argv": ["sh", "-c", "touch /w/x 2>&1 || cat /w/new"], "mounts": [[str(tmp_path), "/w", False]]},
        {"argv": ["python3", "-c", script], "hosts": [["api.example.com", "127.0.64.1", 443]]},
        {"argv": ["cat", "/w/file"], "mounts": mounts, "programs": ["/usr/bin/cat"]},
    )
    assert answers[0] == completed("1000\n", 3)
    assert answers[1] == completed("content\n1000\n")
    assert answers[2]["output"].endswith("Read-only file system\nnew\n")
    assert answers[3] == completed("from outside\n")
    assert answers[4] == completed("content\n")
    assert (tmp_path / "new").stat().st_uid == owner


ERRORS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"argv": ["nope"]}, "NOT_FOUND"),
    "mount source missing": ({"argv": ["true"], "mounts": [["/nowhere", "/w"]]}, "BAD_SPEC"),
    "mount target in a read-only mount": ({"argv": ["true"], "mounts": [["/usr/share", "/usr/new"]]}, "BAD_SPEC"),
    "mount of a protected path": ({"argv": ["true"], "mounts": [["/usr/share", "/w"]], "protected": ["/usr"]}, "PROTECTED"),
    "two mounts, one missing": ({"argv": ["true"], "mounts": [["/usr", "/w"], ["/nowhere", "/x"]]}, "BAD_SPEC"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_started_is_an_error_with_a_code(zygote: Zygote, case: str) -> None:
    request, code = ERRORS[case]
    assert answer(zygote.cell_blocking(), request)["error"] == code
    assert answer(zygote.cell_blocking(), {"argv": ["true"]})["code"] == 0


@pytest.mark.parametrize("user", rig.USERS)
def test_limits_and_kill_end_the_whole_tree(user: str) -> None:
    mark = f"cell-{os.getpid()}-{time.monotonic_ns()}"
    script = "(setsid sh -c 'sleep 600; :' {mark} &); echo; trap '' TERM; sleep 600"
    wall = {"argv": ["sh", "-c", script.format(mark=mark)], "limits": {"wall_s": 0.3}, "reads": False}
    killed = {"argv": ["sh", "-c", script.format(mark=mark)], "kill": True}
    with rig.nothing_survives(mark):
        first, second = served(user, wall, killed)
    assert (first["timed_out"], first["signal"]) == (True, 9)
    assert (second["timed_out"], second["signal"]) == (False, 9)


def test_orphans_are_buried_while_the_command_runs(zygote: Zygote) -> None:
    """Zombies would count against the limit on processes."""
    batch = "for i in 1 2 3 4 5 6 7 8 9 10; do (true &) ; done"
    script = (
        f"b=0; while [ $b -lt 8 ]; do {batch}; until [ $(ls /proc | grep -c '^[0-9]') -lt 8 ]; do :; done; b=$((b+1)); done"
    )
    request = {"argv": ["sh", "-c", f"{script}; echo done"], "limits": {"wall_s": rig.DEADLINE_S}}
    assert answer(zygote.cell_blocking(), request) == completed("done\n")


def test_a_cell_serves_one_command(zygote: Zygote) -> None:
    cell = zygote.cell_blocking()
    assert answer(cell, {"argv": ["true"]})["code"] == 0
    assert answer(cell, {"argv": ["true"]})["error"] == ErrorCode.CLOSED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives each sandbox a kernel user of its own")
def test_each_cell_is_another_kernel_user(zygote: Zygote) -> None:
    for _ in range(4):
        assert answer(zygote.cell_blocking(), {"argv": ["true"]})["code"] == 0
    cells = [zygote.cell_blocking() for _ in range(6)]
    try:

        def users() -> set[int]:
            return {_kernel_uid(pid) for pid in children_of(zygote.pid)}

        assert rig.eventually(lambda: len(users()) == len(cells) and min(users()) > 60_000), users()
    finally:
        for cell in cells:
            cell.close()


def _kernel_uid(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1])


@ROOT_ONLY
def test_pid_1_holds_its_channel_and_nothing_of_its_parent(zygote: Zygote) -> None:
    reader, writer = os.pipe()
    null = os.open("/dev/null", os.O_RDWR)
    spec = SandboxSpec(
        argv=("sleep", "60"), env=sandbox.base_env(), mounts=(sandbox.Mount("/usr/share", "/w", writable=False),)
    )
    with zygote.cell_blocking() as cell:
        child = cell.start(spec, stdin=null, stdout=writer, stderr=writer)
        (pid_1,) = children_of(zygote.pid)

        def kinds() -> list[str]:
            entries = list(Path(f"/proc/{pid_1}/fd").iterdir())
            try:
                return sorted("directory" if entry.is_dir() else str(entry.readlink()).partition(":")[0] for entry in entries)
            except FileNotFoundError:
                return ["closed meanwhile"]

        # The tmpfs's context and SIGCHLD; the null device, whose mount is gone; the channel.
        expected = ["/"] * 3 + ["anon_inode"] * 2 + ["socket"]
        assert rig.eventually(lambda: kinds() == expected), kinds()  # it closes its copies after it has answered
        child.kill()
        child.result()
    for descriptor in (reader, writer, null):
        os.close(descriptor)


def test_cells_leave_nothing_behind_in_zygote_and_server(zygote: Zygote) -> None:
    def state() -> tuple[int, int]:
        mounts = Path(f"/proc/{zygote.pid}/mountinfo").read_text().count("\n")
        return len(children_of(zygote.pid)), mounts

    def descriptors(pid: int) -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    request = {"argv": ["true"], "mounts": [["/usr/share", "/w", False]]}
    answer(zygote.cell_blocking(), request)
    assert rig.eventually(lambda: state()[0] == 0)
    before, theirs, ours = state(), descriptors(zygote.pid), descriptors(os.getpid())
    for _ in range(30):
        assert answer(zygote.cell_blocking(), request)["code"] == 0
        zygote.cell_blocking().close()
    assert rig.eventually(lambda: state() == before), (state(), before)
    assert descriptors(zygote.pid) <= theirs + 16  # id maps made beforehand: up to four, of four descriptors
    assert descriptors(os.getpid()) == ours


def test_a_closed_cell_is_dead(zygote: Zygote) -> None:
    cells = [zygote.cell_blocking() for _ in range(3)]
    for cell in cells:
        cell.close()
    # The pidfd speaks when the last process is dead; the list of children is put in order right after.
    assert rig.eventually(lambda: not children_of(zygote.pid))


def test_cells_are_ordered_from_an_event_loop_and_from_threads(zygote: Zygote) -> None:
    async def one() -> dict[str, Any]:
        cell = await zygote.cell()
        return await asyncio.to_thread(answer, cell, {"argv": ["sh", "-c", "cat /w/zzz; exit 4"], "mounts": [["/usr", "/w"]]})

    async def many() -> list[dict[str, Any]]:
        return await asyncio.wait_for(asyncio.gather(*(one() for _ in range(12))), rig.DEADLINE_S)

    assert [each["code"] for each in asyncio.run(many())] == [4] * 12


def test_a_request_that_is_faster_than_the_cell_is_served(zygote: Zygote) -> None:
    answers: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(answer(zygote.cell_blocking(), {"argv": ["true"]}))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(rig.DEADLINE_S)
    assert answers == [completed("")] * 6


def test_only_level_strict_has_cells_without_a_process() -> None:
    with Zygote.start(entry="tests.sandbox.entries:serve", level=Level.LANDLOCK) as running:
        with pytest.raises(SandboxError) as caught:
            running.cell_blocking()
        assert caught.value.code is ErrorCode.BAD_SPEC


def test_without_an_entry_point_there_are_only_cells(zygote: Zygote) -> None:
    with pytest.raises(SandboxError) as caught:
        zygote.spawn_blocking()
    assert caught.value.code is ErrorCode.BAD_SPEC
    assert answer(zygote.cell_blocking(), {"argv": ["true"]})["code"] == 0


def test_a_dead_zygote_is_noticed(zygote: Zygote) -> None:
    cell = zygote.cell_blocking()
    os.kill(zygote.pid, 9)
    assert rig.eventually(lambda: Path(f"/proc/{zygote.pid}/stat").read_text().split()[2] == "Z")
    assert answer(cell, {"argv": ["true"], "mounts": [["/usr", "/w"]]})["error"] == ErrorCode.LOST
    with pytest.raises(SandboxError) as caught:
        zygote.cell_blocking()
    assert caught.value.code is ErrorCode.LOST


def test_nonsense_on_the_control_socket_ends_the_zygote(zygote: Zygote) -> None:
    ours, theirs = socket.socketpair()
    socket.send_fds(zygote._control, [b"Zzzzzzzzzz"], [theirs.fileno()])
    theirs.close()
    with ours:
        ours.settimeout(rig.DEADLINE_S)
        assert ours.recv(1) == b""
    assert rig.eventually(lambda: Path(f"/proc/{zygote.pid}/stat").read_text().split()[2] == "Z")
