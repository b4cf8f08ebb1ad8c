"""The root that a zygote's sandboxes inherit is the same one that a single run builds, and leads nowhere else."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox import Zygote
from tests.sandbox import rig

_ASK = """
import json, sys
sys.path.insert(0, {repository!r})
import sandbox
from tests.sandbox.test_template import ask
with sandbox.Zygote.start(entry="tests.sandbox.entries:serve", path=({repository!r},)) as zygote:
    json.dump(ask(zygote, {argv!r}), sys.stdout)
"""
_TREE = ("find", "/", "/etc", "/dev", "-xdev", "-not", "-path", "/proc/*", "-printf", "%p %y %m %l\\n")
_MOUNTS = ("cat", "/proc/self/mountinfo")


def ask(zygote: Zygote, argv: list[str], **more: Any) -> dict[str, Any]:
    with zygote.spawn_blocking() as connection:
        connection.settimeout(rig.DEADLINE_S)
        connection.sendall(json.dumps({"argv": argv} | more).encode() + b"\n")
        answer: dict[str, Any] = json.loads(connection.makefile("rb").readline())
        return answer


def inherited(argv: tuple[str, ...], user: str) -> str:
    """The output of `argv` in a sandbox of a zygote that `user` started."""
    code = _ASK.format(repository=str(rig.REPOSITORY), argv=list(argv))
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, timeout=rig.DEADLINE_S, cwd=rig.REPOSITORY, check=True, **rig.identity(user)
    )
    output: str = json.loads(done.stdout)["output"]
    return output


def built(argv: tuple[str, ...], user: str) -> str:
    """The output of `argv` in a sandbox that built its root alone."""
    done = rig.run(*argv, user=user)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def mounts_of(text: str) -> list[tuple[str, ...]]:
    """Mount point, mount options, file system of every line; ids and devices differ from one namespace to the next."""
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        found.append((fields[4], fields[5], right.split()[0]))
    return sorted(found)


@pytest.mark.parametrize("user", rig.USERS)
def test_an_inherited_root_has_the_same_files_as_one_built_alone(user: str) -> None:
    assert set(inherited(_TREE, user).splitlines()) == set(built(_TREE, user).splitlines())


@pytest.mark.parametrize("user", rig.USERS)
def test_an_inherited_root_has_the_same_mounts_with_the_same_options(user: str) -> None:
    with_template, alone = mounts_of(inherited(_MOUNTS, user)), mounts_of(built(_MOUNTS, user))
    own = {"/etc", "/dev"}  # directories of the private root when it is built alone, mounts when inherited
    assert [each for each in with_template if each[0] not in own] == alone
    assert all("ro" in options.split(",") for point, options, _ in with_template if point in own)


@pytest.mark.parametrize("user", rig.USERS)
def test_no_proc_but_the_own_one_is_mounted(user: str) -> None:
    procs = [point for point, _, kind in mounts_of(inherited(_MOUNTS, user)) if kind == "proc"]
    assert procs == ["/proc"]


@pytest.mark.parametrize("user", rig.USERS)
def test_what_a_sandbox_changes_is_gone_in_the_next(user: str) -> None:
    script = ("sh", "-c", "cat /tmp/left 2>&1; echo left > /tmp/left; echo x > /etc/x; echo x > /usr/x; echo x > /x; :")
    assert "left" not in inherited(script, user).replace("/tmp/left", "")


@pytest.mark.parametrize("user", ("root",))
def test_neither_executor_nor_pid_1_keeps_a_descriptor_that_leads_to_the_template_or_the_host(user: str) -> None:
    rig.identity(user)  # skips: only root can look into a process that is not dumpable
    entry, path = "tests.sandbox.test_template:list_descriptors", (str(rig.REPOSITORY),)
    with Zygote.start(entry=entry, path=path) as zygote, zygote.spawn_blocking() as connection:
        connection.settimeout(rig.DEADLINE_S)
        links = json.loads(connection.makefile("rb").readline())
    assert set(links) == {"executor", "pid 1"}
    assert not [link for link in links["executor"] if link.startswith("mnt:") or link == "directory /"]
    assert not [link for link in links["pid 1"] if link.startswith(("mnt:", "directory"))]


def list_descriptors(connection: socket.socket, cell: sandbox.Cell) -> None:
    """Entry point: what the descriptors of the executor and of pid 1 are while a command runs."""
    null = os.open("/dev/null", os.O_RDWR)
    spec = sandbox.SandboxSpec(argv=("sleep", "60"), env=sandbox.base_env())
    child = cell.start(spec, stdin=null, stdout=null, stderr=null)
    (pid_1,) = Path("/proc/thread-self/children").read_text().split()
    links = {"executor": _links("self"), "pid 1": _links(pid_1)}
    connection.sendall(json.dumps(links).encode() + b"\n")
    child.kill()
    child.result()


def _links(process: str) -> list[str]:
    """What the descriptors of `process` lead to; directories as such, because a detached one has no name."""
    found = []
    for entry in sorted(Path(f"/proc/{process}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the descriptor of the listing itself
            found.append(f"{'directory ' if entry.is_dir() else ''}{os.readlink(entry)}")
    return found
