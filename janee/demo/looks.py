"""Where each process of the demo could see a secret, while a command that has one is running.

Guarantees: every process of the run is looked into, whoever started it, while the command is alive: it waits for a file that
appears only after the search. The secret may be in the Authority, in the services that check it, in the command, and in the
Executor and the sandbox's init that serve the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

from janee.demo.processes import DemoError, wait_until
from janee.demo.sightings import Sighting, descendants, files_with, look_into
from janee.demo.world import World

GO: Final = "go-on"
SCRIPT: Final = f'printf %s "$DEMO_TOKEN"; for ((i = 0; i < 600; i++)); do [ -e {GO} ] && exit; sleep 0.1; done; exit 1'
MARK: Final = "DEMO_TOKEN"


def look_everywhere(world: World) -> tuple[Sighting, ...]:
    """Start a command that holds the credential, search all memories, let it end."""
    go = world.workspace / GO
    world.send("janee_exec", {"capability": "shell", "command": ["bash", "-c", SCRIPT], "cwd": str(world.workspace)})
    try:
        command = wait_until("the command runs", lambda: _find_command(world))
        roles = (*_servers(world), *_runner_roles(world, command))
        secrets = world.secrets.credentials()
        found = tuple(look_into(role, pid, secrets, may_hold=may_hold) for role, pid, may_hold in roles)
        if not command.is_running():
            raise DemoError("the command ended before its memory was searched")
    finally:
        go.touch()
        answer = world.receive()
        go.unlink()
    if answer.value.get("exitCode") != 0:
        raise DemoError(f"the command that waits for the search failed: {str(answer.raw)[:500]}")
    return found


def leaking_files(world: World) -> tuple[Path, ...]:
    """Files anywhere under the demo's directory with a secret in them, but for what the services were given."""
    roots = (world.root / "trusted", world.root / "untrusted", world.root / "log")
    return tuple(path for value in world.secrets.credentials().values() for path in files_with(value, roots))


def _find_command(world: World) -> psutil.Process | None:
    for process in descendants(world.agent.pid):
        try:
            words = process.cmdline()
            if words[:1] == ["bash"] and SCRIPT in words:
                return process
        except psutil.Error:
            continue  # it ended meanwhile
    return None


def _servers(world: World) -> Iterator[tuple[str, int, bool]]:
    yield "git server", world.git.pid, True
    yield "API server", world.api.pid, True
    yield "Authority", world.authority.pid, True


def _runner_roles(world: World, command: psutil.Process) -> Iterator[tuple[str, int, bool]]:
    """The agent and all below it, by their place in the tree: agent → front → zygote → Executors → sandboxes."""
    above = {process.pid for process in command.parents()}
    below = {process.pid for process in (command, *command.children(recursive=True))}
    names = ("agent (MCP client)", "Runner front", "zygote")
    for depth, process in _tree(psutil.Process(world.agent.pid)):
        if depth < len(names):
            yield names[depth], process.pid, False
        elif process.pid in below:
            yield "the command", process.pid, True
        elif process.pid in above:
            yield ("Executor of the command" if depth == len(names) else "init of its sandbox"), process.pid, True
        elif depth == len(names):
            yield "warm Executor", process.pid, False
        else:
            yield (
                ("relay of the command" if _parent(process) in above else "init or relay of a warm sandbox"),
                process.pid,
                False,
            )


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _tree(process: psutil.Process, depth: int = 0) -> Iterator[tuple[int, psutil.Process]]:
    yield depth, process
    try:
        children = process.children()
    except psutil.NoSuchProcess:
        return
    for child in children:
        yield from _tree(child, depth + 1)
