"""Whatever dies, and whenever: no command outlives the Runner that started it, and every grant has an end in the audit log."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.runner.rig import McpClient, Rig, argv_of, descendants, is_alive, parent_of, wait_for

MARK = "31.4159"  # in the argv of what must not survive


def running(mark: str) -> set[int]:
    """The live processes with `mark` in their argv."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {pid for pid in pids if mark.encode() in argv_of(pid).split(b"\0") and is_alive(pid)}


def wait_started(mark: str) -> set[int]:
    return wait_for(f"sleep {mark} runs", lambda: running(mark) or None)


def wait_gone(pids: set[int]) -> None:
    wait_for(f"{pids} are gone", lambda: True if not any(is_alive(pid) for pid in pids) else None, 15)


def mark_of(number: int) -> str:
    return f"{60 + number}.{os.getpid()}"


def zygote_of(client: McpClient) -> int:
    children = [pid for pid in descendants(client.process.pid) if b"_zygote_main" in argv_of(pid)]
    return next(pid for pid in children if parent_of(pid) == client.process.pid)


def executor_of(command_pid: int) -> int:
    """The Executor of a command: the parent of its pid 1."""
    pid = command_pid
    for _ in range(2):
        pid = parent_of(pid)
    return pid


def test_a_cancelled_call_kills_the_whole_tree_and_is_reported(client: McpClient, rig: Rig) -> None:
    mark = mark_of(1)
    number = client.post_exec("sh", "-c", f"trap '' TERM INT; sleep {mark} & setsid sleep {mark} & wait")
    pids = wait_started(mark)
    client.notify("notifications/cancelled", {"requestId": number, "reason": "test"})
    wait_gone(pids)
    outcome = wait_for(
        "the outcome is recorded", lambda: [r for r in rig.audit() if r["event"] == "exec.completed"][-1:] or None
    )
    assert outcome[0]["outcome"] == "cancelled"
    assert client.exec("true")["exitCode"] == 0


def test_a_client_that_goes_away_ends_everything(rig: Rig) -> None:
    mark = mark_of(2)
    with rig.runner() as client:
        client.post_exec("sh", "-c", f"trap '' TERM HUP; sleep {mark}")
        pids = wait_started(mark)
        everything = descendants(client.process.pid)
        assert client.process.stdin is not None
        client.process.stdin.close()
        wait_gone(pids | everything)
        assert client.process.wait(15) == 0
    cancelled = wait_for("it is recorded", lambda: [r for r in rig.audit() if r["event"] == "exec.completed"][-1:] or None)
    assert cancelled[0]["outcome"] == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_in_order(rig: Rig, number: signal.Signals) -> None:
    mark = mark_of(3)
    with rig.runner() as client:
        client.post_exec("sleep", mark)
        pids = wait_started(mark) | descendants(client.process.pid)
        client.process.send_signal(number)
        wait_gone(pids)
        assert client.process.wait(15) == 0


def test_sigkill_of_the_runner_leaves_nobody(rig: Rig) -> None:
    mark = mark_of(4)
    with rig.runner() as client:
        client.post_exec("sh", "-c", f"trap '' TERM HUP; setsid sleep {mark} & sleep {mark}")
        pids = wait_started(mark) | descendants(client.process.pid)
        client.process.send_signal(signal.SIGKILL)
        wait_gone(pids)


def test_sigkill_of_the_zygote_ends_the_command_and_the_runner_lives_on(rig: Rig) -> None:
    mark = mark_of(5)
    with rig.runner() as client:
        number = client.post_exec("sleep", mark)
        pids = wait_started(mark)
        os.kill(zygote_of(client), signal.SIGKILL)
        answer = client.wait(number)["result"]
        assert answer["isError"]
        assert answer["structuredContent"]["code"] == "EXECUTOR_LOST"
        wait_gone(pids)
        grant = answer["structuredContent"]["grantId"]
        assert rig.outcome_of(grant)["outcome"] == "failed"
        assert client.exec("true")["exitCode"] == 0


def test_sigkill_of_the_executor_ends_its_command_and_no_other(rig: Rig) -> None:
    mark, other = mark_of(6), mark_of(7)
    with rig.runner() as client:
        number = client.post_exec("sleep", mark)
        pids = wait_started(mark)
        client.post_exec("sleep", other)
        others = wait_started(other)
        os.kill(executor_of(next(iter(pids))), signal.SIGKILL)
        assert client.wait(number)["result"]["isError"]
        wait_gone(pids)
        assert all(is_alive(pid) for pid in others)


def test_an_authority_that_dies_does_not_cost_the_result(tmp_path: Path, strict_sandbox: None) -> None:
    from tests.runner.rig import make_rig

    own = make_rig(tmp_path)
    try:
        own.start_authority()
        with own.runner() as client:
            mark = f"2.{os.getpid()}"
            number = client.post_exec("sh", "-c", f"sleep {mark}; echo done")
            wait_started(mark)
            assert own.authority is not None
            own.authority.kill()
            own.authority.wait(10)
            assert client.wait(number)["result"]["structuredContent"]["stdout"] == "done\n"
            refused = client.exec("true")
            assert refused["isError"]
            assert refused["code"] == "AUTHORITY_UNREACHABLE"
            assert refused["nextStep"]
            own.start_authority()
            assert client.exec("true")["exitCode"] == 0
            grants = [r["grantId"] for r in own.audit() if r["event"] == "grant.issued"]
            assert own.outcome_of(grants[0], 60)["outcome"] == "completed"  # reported after the Authority was back
    finally:
        own.close()


def test_a_fork_bomb_is_contained_and_its_result_comes(client: McpClient) -> None:
    result = client.exec("sh", "-c", "f() { f | f & }; f; sleep 1; echo over", timeoutMs=8000)
    assert not result["isError"]
    assert client.exec("true")["exitCode"] == 0


def test_many_runners_ends_leave_no_directory_and_no_process(rig: Rig) -> None:
    with rig.runner() as client:
        client.exec("true")
        family = descendants(client.process.pid)
        client.process.stdin.close()  # type: ignore[union-attr]
        assert client.process.wait(15) == 0
    wait_gone(family)


def test_a_runner_that_is_stopped_does_not_hold_its_stdio(rig: Rig) -> None:
    """A command, warm Executors or the zygote must not keep the Runner's stdout open: the client waits for its end."""
    child = rig.spawn(*rig.runner_argv(), stderr=subprocess.PIPE)
    client = McpClient(child)
    client.initialize()
    client.post_exec("sh", "-c", f"setsid sleep {mark_of(8)} & sleep {mark_of(8)}")
    wait_started(mark_of(8))
    child.kill()
    client._reader.join(10)
    assert not client._reader.is_alive()
    assert child.stderr is not None
    assert b"Traceback" not in child.stderr.read()
    child.stderr.close()
