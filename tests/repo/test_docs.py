"""Every command block of the documents is run as it stands; links between documents lead somewhere."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from janee.demo.processes import Process
from tests.e2e.test_published_commands import TOOLS

ROOT = Path(__file__).parents[2]
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md")))
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)?(#[^)\s]+)?\)")
TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwx"
# Blocks that other tests run: tests/e2e/test_demo.py, and `servers` below.
ELSEWHERE = {"sh demo": "script/demo\n"}


class Block(NamedTuple):
    document: Path
    kind: str
    text: str


def blocks(kind: str) -> list[Block]:
    found = [Block(path, match[1].strip(), match[2]) for path in DOCUMENTS for match in FENCE.finditer(path.read_text())]
    return [block for block in found if block.kind == kind]


def environment(home: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(home), "GITHUB_TOKEN": TOKEN, "LANG": "C.UTF-8", "TMPDIR": str(home)}


def documents_with_commands() -> list[Path]:
    return sorted({block.document for block in blocks("sh")})


@pytest.mark.parametrize("document", documents_with_commands(), ids=lambda path: path.name)
def test_the_commands_of_a_document_work_as_they_stand(document: Path, tmp_path: Path) -> None:
    script = "".join(block.text for block in blocks("sh") if block.document == document)
    if not (ROOT / ".venv" / ".janee-stamp").exists():
        script = script.replace("script/setup\n", "")  # this environment was made by hand
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=ROOT,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert TOKEN not in done.stdout + done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_blocks_that_other_tests_run_are_what_those_run(kind: str) -> None:
    assert {block.text for block in blocks(kind)} == {ELSEWHERE[kind]}


def test_every_fence_with_commands_is_of_a_kind_that_is_run() -> None:
    fences = {match[1].strip() for path in DOCUMENTS for match in FENCE.finditer(path.read_text())}
    shells = {kind for kind in fences if re.match(r"(sh|bash|shell|console|zsh)\b", kind)}
    assert shells <= {"sh", "sh servers", *ELSEWHERE}


def agent(tmp_path: Path, command: list[str]) -> Process:
    argv = [sys.executable, "-m", "janee.demo.agent", *command]
    return Process("the agent", argv, env=environment(tmp_path), log=tmp_path / "agent.log")


def tools(client: Process) -> list[str]:
    assert json.loads(client.read_line())["server"] == "janee"
    client.send(json.dumps({"tool": None}))
    return sorted(json.loads(client.read_line())["tools"])


def test_the_clients_configuration_serves(tmp_path: Path) -> None:
    configurations = [json.loads(block.text) for block in blocks("json") if "mcpServers" in block.text]
    assert configurations
    subprocess.run(["janee", "init"], env=environment(tmp_path), check=True, capture_output=True, timeout=60)
    for configuration in configurations:
        server = configuration["mcpServers"]["janee"]
        with agent(tmp_path, [server["command"], *server["args"]]) as client:
            assert tools(client) == TOOLS


def test_the_two_published_commands_serve_as_typed(tmp_path: Path) -> None:
    (block,) = blocks("sh servers")
    authority, runner = (line.split() for line in block.text.splitlines())
    assert authority == ["janee", "authority", "--port", "9700", "--api-key", "KEY"]
    assert runner == ["janee", "serve", "--runner", "--authority-url", "http://localhost:9700", "--api-key", "KEY"]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 9700))
        except OSError:
            pytest.skip("port 9700 is taken on this machine")
    env = environment(tmp_path)
    subprocess.run(["janee", "init"], env=env, check=True, capture_output=True, timeout=60)
    with Process("the Authority", authority, env=env, log=tmp_path / "authority.log") as server:
        deadline = time.monotonic() + 30
        while "listening" not in (tmp_path / "authority.log").read_text():
            assert server.is_running
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with agent(tmp_path, runner) as client:
            assert tools(client) == TOOLS
            client.send(json.dumps({"tool": "janee_whoami"}))
            assert json.loads(client.read_line())["structured"]["agentId"] == "runner:default"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target, anchor in LINK.findall(document.read_text()):
        file = document.parent / target if target else document
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
            anchors = {"#" + re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[\w/.]+)`", (ROOT / "SECURITY.md").read_text()))))
def test_the_tests_that_security_names_exist(named: str) -> None:
    path = ROOT / named
    assert path.exists()
    assert path.is_file() or list(path.rglob("test_*.py"))
