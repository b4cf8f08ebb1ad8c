"""Zygote, Cell and Child, as a server uses them."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox import ErrorCode, FileIdentity, Level, SandboxError, SandboxSpec, Zygote
from tests.sandbox import rig

STRICT_ONLY = pytest.mark.parametrize("level", [Level.STRICT], indirect=True)


@pytest.fixture(params=[Level.STRICT, Level.LANDLOCK, Level.OFF])
def level(request: pytest.FixtureRequest) -> Level:
    return Level(request.param)


@pytest.fixture
def zygote(level: Level) -> Iterator[Zygote]:
    with Zygote.start(entry="tests.sandbox.entries:serve", level=level) as running:
        yield running


def ask(zygote: Zygote, **request: Any) -> dict[str, Any]:
    with zygote.spawn_blocking() as connection:
        connection.settimeout(rig.DEADLINE_S)
        connection.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(connection.makefile("rb").readline())
    return answer


def test_each_process_runs_one_command(zygote: Zygote) -> None:
    for code in (0, 7, 255):
        answer = ask(zygote, argv=["sh", "-c", f"echo {code}; exit {code}"])
        assert answer == {"code": code, "signal": None, "timed_out": False, "output": f"{code}\n"}


def test_a_cell_serves_one_command() -> None:
    pid = os.fork()
    if pid == 0:
        null = os.open("/dev/null", os.O_RDWR)
        with sandbox.Cell.prepare(Level.OFF) as cell:
            spec = SandboxSpec(argv=("true",), level=Level.OFF)
            cell.start(spec, stdin=null, stdout=null, stderr=null).result()
            try:
                cell.start(spec, stdin=null, stdout=null, stderr=null)
            except SandboxError as error:
                os._exit(0 if error.code is ErrorCode.CLOSED else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@STRICT_ONLY
def test_spawning_does_not_block_an_event_loop(zygote: Zygote) -> None:
    async def one() -> bytes:
        loop = asyncio.get_running_loop()
        connection = await zygote.spawn()
        assert not connection.getblocking()
        with connection:
            await loop.sock_sendall(connection, json.dumps({"argv": ["true"]}).encode() + b"\n")
            return await loop.sock_recv(connection, 4096)

    async def many() -> list[bytes]:
        return await asyncio.wait_for(asyncio.gather(*(one() for _ in range(12))), rig.DEADLINE_S)

    assert all(json.loads(answer)["code"] == 0 for answer in asyncio.run(many()))


def test_the_wall_time_limit_kills_the_whole_tree(zygote: Zygote) -> None:
    mark = f"wall-{os.getpid()}-{time.monotonic_ns()}"
    script = f"trap '' TERM; (setsid sh -c 'sleep 600' {mark} &) ; sleep 600"
    with rig.nothing_survives(mark):
        started = time.monotonic()
        answer = ask(zygote, argv=["sh", "-c", script, mark], limits={"wall_s": 0.3})
    assert (answer["timed_out"], answer["signal"]) == (True, 9)
    assert 0.25 < time.monotonic() - started < 3


def test_a_grandchild_that_holds_the_output_does_not_delay_the_result(zygote: Zygote) -> None:
    mark = f"grandchild-{os.getpid()}-{time.monotonic_ns()}"
    started = time.monotonic()
    with rig.nothing_survives(mark):
        answer = ask(zygote, argv=["sh", "-c", f"setsid sh -c 'sleep 60; :' {mark} & echo done", mark])
    assert answer == {"code": 0, "signal": None, "timed_out": False, "output": "done\n"}
    assert time.monotonic() - started < 3


def test_kill_ends_the_command(zygote: Zygote) -> None:
    answer = ask(zygote, argv=["sh", "-c", "echo; trap '' TERM; while :; do sleep 1; done"], kill=True)
    assert (answer["signal"], answer["timed_out"]) == (9, False)


ERRORS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"argv": ["nope"]}, "NOT_FOUND"),
    "not executable": ({"argv": ["/etc/passwd"]}, "NOT_EXECUTABLE"),
    "another file": ({"argv": ["true"], "executable": "/usr/bin/true", "identity": [1, 2, 3, 4, 5]}, "EXECUTABLE_CHANGED"),
    "standard input is a directory": ({"argv": ["true"], "stdin": "/usr"}, "BAD_SPEC"),
    "mount source missing": ({"argv": ["true"], "mounts": [["/nowhere", "/nowhere"]]}, "BAD_SPEC"),
}


@pytest.mark.parametrize("case", ERRORS)
@STRICT_ONLY
def test_what_cannot_be_started_is_an_error_with_a_code(zygote: Zygote, case: str) -> None:
    request, code = ERRORS[case]
    assert ask(zygote, **request)["error"] == code


@STRICT_ONLY
def test_only_a_directory_or_a_file_can_be_mounted(zygote: Zygote, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert ask(zygote, argv=["true"], mounts=[[str(tmp_path / "fifo"), "/opt/fifo"]])["error"] == "BAD_SPEC"


@STRICT_ONLY
def test_the_executable_that_was_checked_is_executed(zygote: Zygote) -> None:
    about = FileIdentity.of(os.stat("/usr/bin/env"))
    identity = [about.dev, about.ino, about.size, about.mtime_ns, about.ctime_ns]
    answer = ask(zygote, argv=["env"], executable="/usr/bin/env", identity=identity)
    assert answer["code"] == 0
    assert "HOME=/home/sandbox" in answer["output"]


@STRICT_ONLY
def test_listeners_of_named_hosts_are_accepted_outside(zygote: Zygote) -> None:
    script = "import socket; print(socket.create_connection(('api.example.com', 443)).recv(100).decode())"
    answer = ask(zygote, argv=["python3", "-c", script], hosts=[["api.example.com", "127.0.64.1", 443]])
    assert answer == {"code": 0, "signal": None, "timed_out": False, "output": "from outside\n"}


@STRICT_ONLY
def test_private_files_are_the_command_s_alone(zygote: Zygote) -> None:
    answer = ask(
        zygote,
        argv=["sh", "-c", "cat /run/secrets/key; stat -c '%a %u' /run/secrets/key"],
        files=[["/run/secrets/key", "value\n"]],
    )
    assert answer["output"] == "value\n600 1000\n"


@STRICT_ONLY
@pytest.mark.parametrize("way", ["itself", "parent", "child", "symbolic link"])
def test_a_mount_that_exposes_a_protected_path_is_refused(zygote: Zygote, tmp_path: Path, way: str) -> None:
    state = tmp_path / "outer" / "state"
    (state / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(state)
    source = {"itself": state, "parent": state.parent, "child": state / "inner", "symbolic link": tmp_path / "link"}[way]
    answer = ask(zygote, argv=["true"], mounts=[[str(source), "/w"]], protected=[str(state)])
    assert answer["error"] == ("BAD_SPEC" if way == "symbolic link" else "PROTECTED")
    assert ask(zygote, argv=["true"], mounts=[[str(tmp_path), "/w"]], protected=["/nonexistent"])["code"] == 0


@STRICT_ONLY
def test_a_mount_target_is_not_reached_through_a_planted_link(zygote: Zygote, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "trap").symlink_to("/etc")
    mounts = [[str(tmp_path / "work"), "/w", True], [str(tmp_path), "/w/trap/new"]]
    assert ask(zygote, argv=["true"], mounts=mounts)["error"] == "BAD_SPEC"


def test_no_descriptor_is_inherited(zygote: Zygote) -> None:
    answer = ask(
        zygote, argv=["/usr/bin/python3", "-c", "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd')))"]
    )
    assert answer["output"] == "[0, 1, 2, 3]\n"  # 3 is the listing itself


@STRICT_ONLY
def test_pid_1_shows_the_command_nothing(zygote: Zygote) -> None:
    attempts = "for f in environ maps mem cmdline status fd exe; do cat /proc/1/$f 2>&1; ls /proc/1/$f 2>&1; done"
    script = f"{attempts}; ls /proc | grep -c '^1$'"
    answer = ask(zygote, argv=["sh", "-c", script], env={"TOKEN": "s3cr3t-in-the-environment"})
    assert "s3cr3t" not in answer["output"]
    assert answer["output"].endswith("\n0\n")


@STRICT_ONLY
def test_many_commands_leave_nothing_behind(zygote: Zygote) -> None:
    def state() -> tuple[int, int, int]:
        children = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children").read_text().split()
        mounts = Path(f"/proc/{zygote.pid}/mountinfo").read_text().count("\n")
        return len(list(Path(f"/proc/{zygote.pid}/fd").iterdir())), len(children), mounts

    def resident() -> int:
        return int(Path(f"/proc/{zygote.pid}/statm").read_text().split()[1])

    ask(zygote, argv=["true"])
    assert rig.eventually(lambda: state()[1] == 0)
    before, memory = state(), resident()
    for _ in range(60):
        assert ask(zygote, argv=["true"])["code"] == 0
    assert rig.eventually(lambda: state() == before)
    assert resident() - memory < 64  # pages


def test_an_entry_that_cannot_be_imported_is_an_error() -> None:
    with pytest.raises(SandboxError) as caught:
        Zygote.start(entry="tests.sandbox.entries:missing", level=Level.OFF)
    assert "tests.sandbox.entries:missing" in caught.value.message


def test_a_dead_zygote_is_noticed() -> None:
    with Zygote.start(entry="tests.sandbox.entries:serve", level=Level.OFF) as running:
        os.kill(running.pid, 9)
        assert rig.eventually(lambda: Path(f"/proc/{running.pid}/stat").read_text().split()[2] == "Z")
        with pytest.raises(SandboxError) as caught:
            running.spawn_blocking()
        assert caught.value.code is ErrorCode.LOST


def test_the_pump_filter_lets_a_process_pump() -> None:
    with (
        Zygote.start(entry="tests.sandbox.entries:pump", preload=("ahocorasick_rs",)) as running,
        running.spawn_blocking() as connection,
    ):
        connection.settimeout(rig.DEADLINE_S)
        connection.sendall(b".")
        assert connection.recv(100) == b"3000006 1 0"


def test_the_pump_filter_kills_what_does_more() -> None:
    with Zygote.start(entry="tests.sandbox.entries:pump") as running, running.spawn_blocking() as connection:
        connection.settimeout(rig.DEADLINE_S)
        connection.sendall(b"!")
        assert connection.recv(100) == b""


def test_a_result_is_announced_by_the_descriptor(zygote: Zygote) -> None:
    assert ask(zygote, argv=["sh", "-c", "echo; exit 3"], report_early=True)["code"] == 3


def test_connections_are_unix_streams(zygote: Zygote) -> None:
    with zygote.spawn_blocking() as connection:
        assert connection.family == socket.AF_UNIX
        assert connection.type == socket.SOCK_STREAM
