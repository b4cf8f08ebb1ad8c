"""The agent's honest work: it has to succeed, or the thefts prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from janee.demo.report import Row, Verdict
from janee.demo.world import BRANCH, World, agent_env, run_git

# What a job returns: whether it was done, and what came back.
Outcome = tuple[bool, str]


def _list_tools(world: World) -> Outcome:
    tools = world.call(None).raw.get("tools", [])
    return "janee_exec" in tools and "janee_execute" in tools, ", ".join(tools)


def _list_capabilities(world: World) -> Outcome:
    answer = world.call("janee_list")
    names = sorted(str(found.get("name")) for found in answer.value.get("capabilities", []))
    return names == ["push", "shell", "tickets"], ", ".join(names)


def _push_alone(world: World) -> Outcome:
    """Without Janee the agent cannot do it: the server wants a token."""
    env = {**agent_env(world.root), "GIT_SSL_CAINFO": str(world.workspace / "ca.pem"), "GIT_TERMINAL_PROMPT": "0"}
    done = run_git(env, "-C", str(world.workspace), *_push_argv(world)[1:], check=False)
    return done.returncode != 0 and not _pushed(world), done.stderr.strip().splitlines()[-1] if done.stderr else ""


def _push(world: World) -> Outcome:
    answer = world.call("janee_exec", {"capability": "push", "command": _push_argv(world), "cwd": str(world.workspace)})
    lines = str(answer.value.get("stderr", "")).strip().splitlines()
    last = lines[-1].strip() if lines else str(answer.raw)[:200]
    return answer.value.get("exitCode") == 0 and _pushed(world), last


def _read_tickets(world: World) -> Outcome:
    answer = world.call("janee_execute", {"capability": "tickets", "method": "GET", "path": "/v1/tickets"})
    body = str(answer.value.get("body", answer.raw))
    return answer.value.get("status") == 200 and "printer on fire" in body, body


def _open_ticket(world: World) -> Outcome:
    arguments = {
        "capability": "tickets",
        "method": "POST",
        "path": "/v1/tickets",
        "headers": {"Content-Type": "application/json"},
        "body": '{"title": "agent was here"}',
    }
    answer = world.call("janee_execute", arguments)
    return answer.value.get("status") == 201, str(answer.value.get("body", answer.raw))


JOBS: Final[tuple[tuple[str, Callable[[World], Outcome]], ...]] = (
    ("ask for the tools", _list_tools),
    ("ask for the capabilities", _list_capabilities),
    ("push without Janee: the server refuses", _push_alone),
    ("push a commit", _push),
    ("read the tickets", _read_tickets),
    ("open a ticket", _open_ticket),
)


def do_jobs(world: World) -> tuple[Row, ...]:
    rows = []
    for name, job in JOBS:
        done, came_back = job(world)
        rows.append(Row(name, came_back, Verdict.DONE if done else Verdict.FAILED))
    return tuple(rows)


def _push_argv(world: World) -> list[str]:
    return ["git", "push", f"{world.git_url}/project.git", f"HEAD:refs/heads/{BRANCH}"]


def _pushed(world: World) -> bool:
    """Whether the server has the agent's commit."""
    env = agent_env(world.root)
    ours = run_git(env, "-C", str(world.workspace), "rev-parse", "HEAD").stdout
    return run_git(env, "-C", str(world.repository), "rev-parse", "-q", "--verify", BRANCH, check=False).stdout == ours
