"""The real git, in the strict sandbox, in a workspace that tries to run a program of its own: nothing runs.

Each way is first shown to work with plain git; then the same commands go through janee_exec with `allowCommands: [git]`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.runner.rig import McpClient

MARK = "ran"
GIT = ("git", "-c", "user.name=A", "-c", "user.email=a@b.test")


@dataclass(frozen=True)
class Way:
    """config: lines for .git/config. files: in the workspace. commands: what then runs the program with plain git."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    config: str = ""
    files: tuple[tuple[str, str], ...] = ()


COMMIT = (("add", "file"), ("commit", "-m", "x"))
CHANGED = ("file", "changed\n")
RUN = "touch ran"
ORIGIN = "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
WAYS = (
    Way("fsmonitor", (("status",),), f"[core]\n\tfsmonitor = {RUN}; false\n"),
    Way("a program as fsmonitor", (("status",),), "[core]\n\tfsmonitor = ./run.sh\n"),
    Way("external diff", (("diff",),), f"[diff]\n\texternal = {RUN}; :\n", (CHANGED,)),
    Way("diff driver", (("diff",),), f'[diff "d"]\n\tcommand = {RUN}; :\n', (CHANGED, (".gitattributes", "file diff=d\n"))),
    Way("textconv", (("diff",),), f'[diff "d"]\n\ttextconv = {RUN}; cat\n', (CHANGED, (".gitattributes", "file diff=d\n"))),
    Way(
        "clean filter",
        (("add", "file"),),
        f'[filter "f"]\n\tclean = {RUN}; cat\n',
        (CHANGED, (".gitattributes", "* filter=f\n")),
    ),
    Way(
        "filter process",
        (("add", "file"),),
        f'[filter "f"]\n\tprocess = {RUN}; :\n',
        (CHANGED, (".gitattributes", "* filter=f\n")),
    ),
    Way(
        "smudge filter",
        (("checkout", "--", "file"),),
        f'[filter "f"]\n\tsmudge = {RUN}; cat\n',
        (CHANGED, (".gitattributes", "* filter=f\n")),
    ),
    Way(
        "filter in .git/info",
        (("add", "file"),),
        f'[filter "f"]\n\tclean = {RUN}; cat\n',
        (CHANGED, (".git/info/attributes", "* filter=f\n")),
    ),
    Way("pre-commit hook", COMMIT, "", (CHANGED, (".git/hooks/pre-commit", f"#!/bin/sh\n{RUN}\n"))),
    Way("post-commit hook", COMMIT, "", (CHANGED, (".git/hooks/post-commit", f"#!/bin/sh\n{RUN}\n"))),
    Way("reference-transaction hook", (("branch", "b"),), "", ((".git/hooks/reference-transaction", f"#!/bin/sh\n{RUN}\n"),)),
    Way("post-checkout hook", (("checkout", "-b", "b"),), "", ((".git/hooks/post-checkout", f"#!/bin/sh\n{RUN}\n"),)),
    Way("hooks elsewhere", COMMIT, "[core]\n\thooksPath = mine\n", (CHANGED, ("mine/pre-commit", f"#!/bin/sh\n{RUN}\n"))),
    Way("signing", COMMIT, "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = ./run.sh\n", (CHANGED,)),
    Way(
        "signing with ssh",
        COMMIT,
        '[commit]\n\tgpgSign = true\n[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tprogram = ./run.sh\n[user]\n\tsigningKey = file\n',
        (CHANGED,),
    ),
    Way(
        "ssh command",
        (("fetch", "origin"),),
        f'[core]\n\tsshCommand = {RUN}; :\n[remote "origin"]\n\turl = git@h.test:r' + ORIGIN,
    ),
    Way(
        "git proxy",
        (("fetch", "origin"),),
        '[core]\n\tgitProxy = ./run.sh\n[remote "origin"]\n\turl = git://h.test/r' + ORIGIN,
    ),
    Way(
        "transport helper",
        (("fetch", "origin"),),
        '[protocol "ext"]\n\tallow = always\n[remote "origin"]\n\turl = ext::touch ran' + ORIGIN,
    ),
    Way(
        "upload-pack",
        (("fetch", "origin"),),
        f'[remote "origin"]\n\turl = ./.git\n\tuploadpack = {RUN}; :' + ORIGIN,
    ),
    Way(
        "an included file",
        (("status",),),
        "[include]\n\tpath = ../more\n",
        (("more", f"[core]\n\tfsmonitor = {RUN}; false\n"),),
    ),
    Way(
        "a .git that leads elsewhere",
        (("-C", "sub", "status"),),
        "",
        (
            ("sub/.git", "gitdir: ../other\n"),
            ("other/HEAD", "ref: refs/heads/main\n"),
            ("other/config", f"[core]\n\tfsmonitor = {RUN}; false\n\trepositoryformatversion = 0\n"),
            ("other/objects/x", ""),
            ("other/refs/x", ""),
        ),
    ),
)


def plain(workspace: Path, *words: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(workspace.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run([*GIT, *words], cwd=workspace, env=environment, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)


def make(workspace: Path, way: Way) -> None:
    workspace.mkdir()
    plain(workspace, "init", "-q", "-b", "main")
    (workspace / "file").write_text("one\n")
    (workspace / "run.sh").write_text("#!/bin/sh\ntouch ran\n")
    plain(workspace, "add", "-A")
    plain(workspace, "commit", "-q", "-m", "one")
    for name, text in way.files:
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (workspace / "run.sh").chmod(0o755)
    config = workspace / ".git" / "config"
    config.write_text(config.read_text() + "[user]\n\tname = A\n\temail = a@b.test\n" + way.config)


@pytest.fixture(autouse=True)
def has_git() -> None:
    if shutil.which("git", path="/usr/bin:/bin") is None:
        pytest.skip("git is not in /usr/bin or /bin")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_hostile_repository_runs_nothing(client: McpClient, tmp_path: Path, way: Way) -> None:
    make(tmp_path / "plain", way)
    for words in way.commands:
        plain(tmp_path / "plain", *words)
    assert list((tmp_path / "plain").rglob(MARK)), "the attack does not work with plain git: it shows nothing"
    make(tmp_path / "work", way)
    for words in way.commands:
        client.exec("git", *words, capability="profiled", cwd=str(tmp_path / "work"))
    assert not list((tmp_path / "work").rglob(MARK))


@pytest.fixture
def elsewhere() -> Iterator[tuple[int, list[bytes]]]:
    """A port that nobody but an attack has a reason to connect to, and what arrived there."""
    arrived: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    arrived.append(connection.recv(4096))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], arrived
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize(
    "config",
    [
        '[url "http://127.0.0.1:{port}/"]\n\tinsteadOf = https://h.test/\n',
        '[url "http://127.0.0.1:{port}/"]\n\tpushInsteadOf = https://h.test/\n',
        '[remote "origin"]\n\tpushurl = http://127.0.0.1:{port}/r\n',
        "[http]\n\tproxy = http://127.0.0.1:{port}\n",
        '[remote "origin"]\n\tproxy = http://127.0.0.1:{port}\n',
        '[http "https://h.test/"]\n\tproxy = http://127.0.0.1:{port}\n',
    ],
)
def test_a_push_cannot_be_redirected(
    client: McpClient, tmp_path: Path, elsewhere: tuple[int, list[bytes]], config: str
) -> None:
    port, arrived = elsewhere
    remote = '[remote "origin"]\n\turl = https://h.test/r\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
    way = Way("redirect", (("push", "origin", "main"),), remote + config.format(port=port))
    make(tmp_path / "work", way)
    result = client.exec("git", "push", "origin", "main", capability="profiled", cwd=str(tmp_path / "work"))
    assert result["exitCode"] != 0
    assert arrived == []
    plain(tmp_path / "work", "push", "origin", "main")
    assert len(arrived) >= 1, "the attack does not work with plain git: it shows nothing"


def test_everyday_work_goes_on(client: McpClient, tmp_path: Path) -> None:
    make(tmp_path / "work", Way("none", ()))
    work = str(tmp_path / "work")
    (tmp_path / "work" / "file").write_text("two\n")
    for words in (
        ("status",),
        ("diff",),
        ("add", "-A"),
        ("commit", "-m", "two"),
        ("checkout", "-b", "b"),
        ("log", "-p"),
        ("stash", "list"),
        ("config", "user.name", "B"),
    ):
        result = client.exec("git", *words, capability="profiled", cwd=work)
        assert result["exitCode"] == 0, (words, result)
    assert (
        "two"
        in subprocess.run([*GIT, "log", "--oneline"], cwd=work, capture_output=True, text=True, env={"PATH": os.defpath}).stdout
    )


def test_an_option_that_would_undo_it_is_denied(client: McpClient, tmp_path: Path) -> None:
    make(tmp_path / "work", Way("none", ()))
    result = client.exec("git", "-c", "core.hooksPath=x", "status", capability="profiled", cwd=str(tmp_path / "work"))
    assert result["isError"] is True
