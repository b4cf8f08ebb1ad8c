"""Bad input: an exit status and one line each, and nothing of it left behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sandbox
from sandbox import ErrorCode, HostEntry, Level, Limits, Mount, PrivateFile, SandboxError, SandboxSpec
from tests.sandbox import rig

USERS = pytest.mark.parametrize("user", rig.USERS)
LEVELS = pytest.mark.parametrize("level", ["strict", "landlock"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Everything that a command line can name wrongly."""
    for name, content, mode in (
        ("plain", "text\n", 0o644),
        ("script", "echo no\n", 0o755),
        ("orphan", "#!/nowhere/interpreter\n", 0o755),
        ("empty", "", 0o755),
    ):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    (tmp_path / "directory").mkdir()
    (tmp_path / "closed").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    if os.geteuid() == 0:
        for path in (tmp_path, *tmp_path.iterdir()):
            os.chown(path, rig.NOBODY, rig.NOBODY, follow_symlinks=False)
    (tmp_path / "closed").chmod(0)
    yield tmp_path
    (tmp_path / "closed").chmod(0o700)


# what -> (arguments after the level, status, the error line has this); PLACE stands for the mounted directory
MATRIX: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such command": (("--", "no-such-command"), 127, "not found"),
    "no such path": (("--", "/usr/bin/no-such-command"), 127, "not found"),
    "dangling link": (("--ro", "PLACE", "--", "PLACE/link"), 127, "not found"),
    "path through a file": (("--", "/etc/passwd/x"), 127, "not found"),
    "outside every mount": (("--", "/root/bin/x"), 127, ""),
    "no execute bit": (("--ro", "PLACE", "--", "PLACE/plain"), 126, "cannot execute"),
    "directory": (("--ro", "PLACE", "--", "PLACE/directory"), 126, "cannot execute"),
    "script without #!": (("--ro", "PLACE", "--", "PLACE/script"), 126, "cannot execute"),
    "script with missing interpreter": (("--ro", "PLACE", "--", "PLACE/orphan"), 126, "interpreter"),
    "empty file": (("--ro", "PLACE", "--", "PLACE/empty"), 126, "cannot execute"),
    "empty name": (("--", ""), 125, "empty"),
    "no command": ((), 125, "no command"),
    "no command after --": (("--",), 125, "no command"),
    "missing working directory": (("--cwd", "/nowhere", "--", "true"), 125, "working directory"),
    "working directory outside every mount": (("--cwd", "/root", "--", "true"), 125, "working directory"),
    "working directory is a file": (("--ro", "PLACE", "--cwd", "PLACE/plain", "--", "true"), 125, "working directory"),
    "working directory unreadable": (("--ro", "PLACE", "--cwd", "PLACE/closed", "--", "true"), 125, "working directory"),
    "mount missing": (("--ro", "/nowhere", "--", "true"), 125, "mount"),
    "mount of everything": (("--ro", "/", "--", "true"), 125, ""),
    "mount over /proc": (("--ro", "/proc", "--", "true"), 125, "belongs to the sandbox"),
    "two mounts at one place": (("--ro", "PLACE", "--rw", "PLACE", "--", "true"), 125, "two mounts"),
    "unknown option": (("--no-such-option", "--", "true"), 125, ""),
    "unknown level": (("--level", "none", "--", "true"), 125, ""),
    "variable without =": (("--env", "A", "--", "true"), 125, "K=V"),
    "time limit of nothing": (("--timeout", "0", "--", "true"), 125, "wall_s"),
    "time limit of no number": (("--timeout", "nan", "--", "true"), 125, "wall_s"),
    "memory too small": (("--memory", "1", "--", "true"), 125, "memory_mib"),
    "no processes": (("--pids", "0", "--", "true"), 125, "pids"),
    "host without port": (("--net", "example.org", "--", "true"), 125, "HOST:PORT"),
    "port too high": (("--net", "example.org:70000", "--", "true"), 125, "port"),
    "address outside": (("--net", "192.0.2.1:80", "--", "true"), 125, "only names"),
    "option that looks like an attack": (("--net", "a\nb:80", "--", "true"), 125, "host name"),
}


@pytest.mark.parametrize(("user", "level"), [("root", "strict"), ("ordinary", "landlock")])
@pytest.mark.parametrize("case", MATRIX)
def test_bad_input_has_a_status_and_one_line(user: str, level: str, case: str, place: Path) -> None:
    words, status, said = MATRIX[case]
    done = rig.sandbox("run", "--level", level, *(word.replace("PLACE", str(place)) for word in words), user=user)
    lines = done.stderr.decode().splitlines()
    if level == "landlock" and case == "outside every mount" and user == "ordinary":
        status = done.returncode  # 126 or 127: whether it exists there, this user may not know
        assert status in (126, 127)
    assert (done.returncode, done.stdout) == (status, b""), lines
    assert lines[0].startswith("sandbox: error: ")
    assert said in lines[0]
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("sandbox: hint: ")), lines


@USERS
@LEVELS
def test_without_path_the_default_is_searched(user: str, level: str) -> None:
    code = (
        "import sandbox, sys; "
        f"done = sandbox.run(sandbox.SandboxSpec(argv=('env',), level=sandbox.Level({level!r}))); "
        "print(done.exit.status, 'PATH' in done.stdout.decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=rig.REPOSITORY, capture_output=True, timeout=20, **rig.identity(user)
    )
    assert done.stdout == b"0 False\n", done.stderr


@pytest.mark.parametrize("value", ["", ":", ".", "relative:also", "/nowhere"])
def test_a_useless_path_finds_nothing(value: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("#!/bin/sh\n")
    (tmp_path / "x").chmod(0o755)
    done = rig.run("x", options=("--env", f"PATH={value}", "--ro", str(tmp_path), "--cwd", str(tmp_path)))
    assert done.returncode == 127


@LEVELS
def test_private_storage_that_is_full_is_the_command_s_own_error(level: str) -> None:
    if level == "landlock":
        pytest.skip("no quota at level landlock, as `check` says")
    spec = SandboxSpec(
        argv=("sh", "-c", "head -c 9000000 /dev/zero >/tmp/x; echo $?; cat /etc/hostname"),
        env=sandbox.base_env(),
        limits=Limits(tmpfs_mib=2),
    )
    done = sandbox.run(spec)
    assert done.stdout == b"1\nsandbox\n"
    assert b"No space left" in done.stderr


@LEVELS
def test_no_process_left_is_an_error_of_the_command_or_one_line(level: str) -> None:
    """With pids=1 the shell runs and cannot fork."""
    done = rig.run("sh", "-c", "true & wait; ls", options=("--pids", "1", "--level", level), user="ordinary")
    assert done.returncode in (2, 125, 254), done
    assert b"Traceback" not in done.stderr


CONTRADICTIONS: dict[str, Callable[[Path], SandboxSpec]] = {
    "NUL in an argument": lambda p: SandboxSpec(argv=("true", "a\0b")),
    "NUL in a bytes argument": lambda p: SandboxSpec(argv=(b"true", b"a\0b")),
    "NUL in the environment": lambda p: SandboxSpec(argv=("true",), env={"A": "a\0b"}),
    "NUL in a mount": lambda p: SandboxSpec(argv=("true",), mounts=(Mount(str(p) + "\0", "/w"),)),
    "a file above a mount": lambda p: SandboxSpec(
        argv=("true",), mounts=(Mount(str(p), "/w/x"),), files=(PrivateFile("/w", b""),)
    ),
    "two hosts at one address": lambda p: SandboxSpec(
        argv=("true",), hosts=(HostEntry("a", "127.0.0.2", 1), HostEntry("b", "127.0.0.2", 1))
    ),
    "hosts without a network namespace": lambda p: SandboxSpec(
        argv=("true",), level=Level.LANDLOCK, hosts=(HostEntry("a", "127.0.0.2", 1),)
    ),
    "a mount elsewhere without a mount namespace": lambda p: SandboxSpec(
        argv=("true",), level=Level.LANDLOCK, mounts=(Mount(str(p), "/w"),)
    ),
    "an identity without a file": lambda p: SandboxSpec(
        argv=("true",), executable_identity=sandbox.FileIdentity(1, 2, 3, 4, 5)
    ),
    "a relative working directory": lambda p: SandboxSpec(argv=("true",), cwd="work"),
    "a path that climbs": lambda p: SandboxSpec(argv=("true",), mounts=(Mount(str(p), "/w/../etc"),)),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_contradiction_is_refused_before_anything_exists(case: str, tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        CONTRADICTIONS[case](tmp_path)
    assert caught.value.code is ErrorCode.BAD_SPEC
    assert caught.value.exit_status == 125


# Steps fail one after the other, from the first look at a mount to the exec.
FAILURES: dict[str, Callable[[Path], SandboxSpec]] = {
    "mount source": lambda p: SandboxSpec(argv=("true",), mounts=(Mount(str(p), "/a"), Mount("/nowhere", "/b"))),
    "mount point": lambda p: SandboxSpec(argv=("true",), mounts=(Mount(str(p), "/a", True), Mount(str(p / "d"), "/a/missing"))),
    "private file": lambda p: SandboxSpec(argv=("true",), mounts=(Mount(str(p), "/a"),), files=(PrivateFile("/a/x/y", b"z"),)),
    "identity": lambda p: SandboxSpec(
        argv=("true",), executable="/usr/bin/env", executable_identity=sandbox.FileIdentity(1, 2, 3, 4, 5)
    ),
    "working directory": lambda p: SandboxSpec(argv=("true",), cwd="/nowhere", mounts=(Mount(str(p), "/a", True),)),
    "executable": lambda p: SandboxSpec(argv=("no-such-command",), mounts=(Mount(str(p), "/a", True),)),
    "exec": lambda p: SandboxSpec(argv=("/etc/passwd",), mounts=(Mount(str(p), "/a", True),)),
    "at level landlock": lambda p: SandboxSpec(argv=("/etc/passwd",), level=Level.LANDLOCK),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_at_any_step_leaves_nothing(case: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()

    def state() -> tuple[object, ...]:
        own = Path("/proc/self")
        return (
            sorted(path.name for path in (own / "fd").iterdir()),
            (own / "mountinfo").read_text(),
            sorted(os.readlink(path) for path in (own / "ns").iterdir()),
            (own / "task" / str(os.getpid()) / "children").read_text(),
            sorted(path.name for path in tmp_path.rglob("*")),
            sorted(path.name for path in Path("/dev/shm").glob("sandbox-*") if path.stat().st_uid == os.geteuid()),
        )

    before = state()
    with pytest.raises(SandboxError):
        sandbox.run(FAILURES[case](tmp_path))
    assert state() == before
