"""Each layer seen alone, also where another one stands behind it: `script/mutate` takes them away one at a time."""

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox import ErrorCode, SandboxError, SandboxSpec, landlock
from tests.sandbox import rig

PYTHON = "/usr/bin/python3"
SHOWN = "/usr/share"  # not below a scratch directory, which would be read-only then
pytestmark = pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason="the probes need Debian's python3 at /usr/bin/python3")
INSIDE = """
import ctypes, json, os, resource, socket
def attempt(action):
    try: action()
    except OSError as error: return error.errno
    return 0
status = dict(line.rstrip().split(":", 1) for line in open("/proc/self/status"))
limits = {name: resource.getrlimit(getattr(resource, name)) for name in ("RLIMIT_CORE", "RLIMIT_NPROC", "RLIMIT_NOFILE")}
print(json.dumps({
    "status": {name: value.strip() for name, value in status.items()},
    "namespaces": {name: os.readlink("/proc/self/ns/" + name) for name in os.listdir("/proc/self/ns")},
    "mounts": [line.split() for line in open("/proc/self/mountinfo")],
    "limits": limits,
    "securebits": ctypes.CDLL(None).prctl(27, 0, 0, 0, 0),
    "session": os.getsid(0) == os.getpid(),
    "connect": attempt(lambda: socket.create_connection(("127.0.0.1", 9), 5)),
    "bind": attempt(lambda: socket.socket().bind(("127.0.0.1", 0))),
    "parent": attempt(lambda: os.kill(os.getppid(), 0)),
    "quota": [os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize, os.statvfs("/tmp").f_files],
    "host_file": attempt(lambda: os.listdir("/var/lib")),
}))
"""


@cache
def inside(level: str, user: str) -> dict[str, Any]:
    options = ("--level", level, "--ro", SHOWN, "--pids", "77")
    done = rig.run(PYTHON, "-c", INSIDE, options=options, user=user)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"])
def test_every_namespace_is_another(name: str) -> None:
    assert inside("strict", "root")["namespaces"][name] != os.readlink(f"/proc/self/ns/{name}")


@pytest.mark.parametrize("user", rig.USERS)
@pytest.mark.parametrize("level", ["strict", "landlock"])
def test_no_privilege_is_left_and_none_can_be_gained(level: str, user: str) -> None:
    found = inside(level, user)
    sets = {name: int(found["status"][name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    if level == "landlock" and user == "ordinary":
        del sets["CapBnd"]  # dropping from it needs CAP_SETPCAP; with no_new_privs it means nothing
    else:
        assert found["securebits"] == 0b1110_1111
    assert set(sets.values()) == {0}
    assert found["status"]["NoNewPrivs"] == "1"
    assert found["status"]["Seccomp"] == "2"


@pytest.mark.parametrize("level", ["strict", "landlock"])
def test_limits_are_set_and_hard(level: str) -> None:
    limits = inside(level, "root")["limits"]
    assert limits["RLIMIT_CORE"] == [0, 0]
    assert limits["RLIMIT_NPROC"] == [78, 78]  # pid 1 counts
    assert limits["RLIMIT_NOFILE"][0] == limits["RLIMIT_NOFILE"][1] <= 4096


def test_private_storage_has_the_default_quota() -> None:
    assert inside("strict", "root")["quota"] == [512 << 20, 65536]


def test_the_command_leads_a_session_of_its_own() -> None:
    assert inside("strict", "root")["session"]


def test_landlock_refuses_tcp_at_level_strict_too() -> None:
    found = inside("strict", "root")
    if sandbox_abi() < 4:
        pytest.skip("needs Landlock ABI 4 (Linux 6.7)")
    assert (found["connect"], found["bind"]) == (13, 13)  # without: 111 and 0


@pytest.mark.parametrize("level", ["landlock"])
def test_landlock_stands_between_the_command_and_its_keeper(level: str) -> None:
    if sandbox_abi() < 6:
        pytest.skip("needs Landlock ABI 6 (Linux 6.12)")
    assert inside(level, "ordinary")["parent"] == 1


def test_level_landlock_shows_no_other_directory_and_gives_no_socket() -> None:
    found = inside("landlock", "ordinary")
    assert (found["host_file"], found["connect"]) == (13, 13)


def sandbox_abi() -> int:
    from sandbox import kernel

    return kernel.landlock_abi()


def test_every_mount_is_nosuid_and_only_the_workspace_and_scratch_are_writable() -> None:
    mounts = {line[4]: line[5].split(",") for line in inside("strict", "root")["mounts"]}
    scratch = {"/tmp", "/var/tmp", "/home/sandbox", "/dev/shm"}
    for path, flags in mounts.items():
        assert "nosuid" in flags, path
        assert "nodev" in flags or (path.startswith("/dev/") and path not in scratch), path
        assert ("ro" in flags) == (path not in scratch), path
    assert {"/", "/usr", "/proc", SHOWN} <= mounts.keys()


@contextmanager
def running(user: str = "root", level: str = "strict") -> Iterator[tuple[int, int]]:
    """A command that sleeps: (its pid 1 or keeper, itself), as the host numbers them."""
    mark = f"layer-{os.getpid()}-{time.monotonic_ns()}"
    argv = [sys.executable, "-m", "sandbox", "run", "--level", level, "--", "sh", "-c", f"sleep 60; : {mark}"]
    front = subprocess.Popen(argv, cwd=rig.REPOSITORY, **rig.identity(user))
    try:

        def commands() -> list[int]:
            return [pid for pid in rig.processes_with(mark) if name_of(pid) == "sh"]

        assert rig.eventually(lambda: len(commands()) == 1, rig.DEADLINE_S)
        (command,) = commands()
        parent = int(Path(f"/proc/{command}/stat").read_text().rpartition(")")[2].split()[1])
        yield parent, command
    finally:
        front.kill()
        front.wait()


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_pid_1_belongs_to_nobody_who_could_read_it() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with running() as (first, command):
        assert Path(f"/proc/{first}/environ").stat().st_uid == 0  # not dumpable: the kernel gives it to root
        assert Path(f"/proc/{command}/environ").stat().st_uid != 0


@pytest.mark.parametrize("level", ["landlock"])
def test_the_keeper_is_read_by_nobody_of_its_user(level: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with running("ordinary", level) as (keeper, command):
        assert Path(f"/proc/{command}/environ").stat().st_uid == rig.NOBODY
        assert Path(f"/proc/{keeper}/environ").stat().st_uid == 0


def test_pid_1_holds_nothing_of_its_owner() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with running() as (first, _):
        held = [os.readlink(path) for path in Path(f"/proc/{first}/fd").iterdir()]
        assert all(link.endswith("/null") or link.startswith(("socket:", "pipe:", "anon_inode:")) for link in held), held
        assert len([link for link in held if link.startswith("socket:")]) == 1, held


def test_who_enters_the_user_namespace_can_make_none_below_it() -> None:
    if os.geteuid() != 0 or shutil.which("nsenter") is None:
        pytest.skip("needs root and nsenter")
    with running() as (_, command):
        enter = ["nsenter", "--user", "--preserve-credentials", "--target", str(command)]
        assert subprocess.run([*enter, "true"], capture_output=True).returncode == 0
        refused = subprocess.run([*enter, "unshare", "--user", "true"], capture_output=True)
    assert refused.returncode != 0
    assert b"No space left" in refused.stderr  # max_user_namespaces is 0


def test_a_terminal_is_refused_by_the_library() -> None:
    ours, theirs = pty.openpty()
    try:
        with pytest.raises(SandboxError) as caught:
            sandbox.run(SandboxSpec(argv=("true",)), stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert caught.value.code is ErrorCode.BAD_SPEC


def test_a_kernel_that_cannot_confine_truncation_is_refused_level_landlock_by_name() -> None:
    landlock.require_truncate(rig.LEVEL_LANDLOCK_ABI)
    with pytest.raises(SandboxError, match="ABI 2 does not confine truncation") as caught:
        landlock.require_truncate(rig.LEVEL_LANDLOCK_ABI - 1)
    assert "6.2" in str(caught.value.hint)
    if sandbox_abi() < rig.LEVEL_LANDLOCK_ABI:
        done = rig.sandbox("run", "--level", "landlock", "--", "true")
        assert done.returncode != 0 and b"ABI" in done.stderr
