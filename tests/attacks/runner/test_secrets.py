"""Where the credential and the runner key are, and where they are not, while a command holds the credential."""

from __future__ import annotations

import base64
import os
import resource
from contextlib import suppress
from pathlib import Path

import pytest

from tests.runner.rig import API_KEY, SECRET, McpClient, Rig, argv_of, descendants, parent_of, wait_for

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="reading another process's memory needs root")


def forms(value: str) -> list[bytes]:
    raw = value.encode()
    # Base64 at any alignment: the inner part is the same whatever stands around it.
    inner = [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), raw[::-1], *inner]


def memory_holds(pid: int, needles: list[bytes]) -> bool:
    """Whether any of the needles is in the writable memory of a process."""
    with suppress(OSError), open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, mode, *rest = line.split()
            if "w" not in mode or (len(rest) > 3 and rest[3].startswith("[v")):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            with suppress(OSError, OverflowError, ValueError):
                memory.seek(start)
                content = memory.read(end - start)
                if any(needle in content for needle in needles):
                    return True
    return False


def command_of(rig: Rig, client: McpClient, mark: str) -> int:
    def find() -> int | None:
        for pid in descendants(client.process.pid):
            if argv_of(pid) == f"sleep\0{mark}\0".encode():
                return pid
        return None

    return wait_for("the command runs", find)


@needs_root
def test_while_a_command_sleeps_its_secret_is_in_no_other_process_of_the_runner(rig: Rig) -> None:
    with rig.runner() as client:
        client.exec("sh", "-c", "echo $RIG_TOKEN")  # an earlier execution must have left nothing either
        number = client.post_exec("sleep", "3.25")
        command = command_of(rig, client, "3.25")
        init = parent_of(command)
        executor = parent_of(init)
        family = descendants(client.process.pid) | {client.process.pid}
        holders = {pid for pid in family if memory_holds(pid, forms(SECRET))}
        assert command in holders
        assert executor in holders
        assert holders <= {command, init, executor}
        assert rig.authority is not None
        client.wait(number)
        after = {pid for pid in descendants(client.process.pid) | {client.process.pid} if memory_holds(pid, forms(SECRET))}
        assert after == set()


@needs_root
def test_the_runner_key_is_in_no_process_but_the_front(rig: Rig) -> None:
    with rig.runner("--runner-id", "x", env={"JANEE_API_KEY": API_KEY}) as client:
        number = client.post_exec("sleep", "2.75")
        command_of(rig, client, "2.75")
        for pid in descendants(client.process.pid):
            assert not memory_holds(pid, [API_KEY.encode()]), argv_of(pid)
        client.wait(number)


def test_the_runner_key_from_the_environment_never_reaches_a_command(rig: Rig) -> None:
    argv = ["serve", "--runner", "--authority-url", rig.url]
    child = rig.spawn(*argv, env={"JANEE_API_KEY": API_KEY, "LEAKED": "by-the-environment"})
    client = McpClient(child)
    client.initialize()
    result = client.exec("sh", "-c", "cat /proc/self/environ /proc/1/environ; env; echo $JANEE_API_KEY")
    assert API_KEY not in result["stdout"] + result["stderr"]
    assert "LEAKED" not in result["stdout"]
    assert "JANEE" not in result["stdout"]


def test_a_command_inherits_three_descriptors_and_no_more(client: McpClient) -> None:
    result = client.exec("python3", "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))")
    assert result["stdout"] == "[0, 1, 2, 3]\n"  # 3 is the listing's own


def test_the_command_cannot_read_its_supervisor(client: McpClient) -> None:
    script = "for f in environ mem maps; do cat /proc/1/$f >/dev/null 2>&1 && echo read $f; done; echo end"
    assert client.exec("sh", "-c", script)["stdout"] == "end\n"


def test_no_file_holds_the_secret(rig: Rig, client: McpClient) -> None:
    client.exec("sh", "-c", "echo $RIG_TOKEN > /tmp/x; echo $RIG_TOKEN > $HOME/y; cat /tmp/x")
    wanted = forms(SECRET)
    for place in (rig.root,):
        for path in place.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not any(needle in content for needle in wanted), path


def test_an_error_that_quotes_the_secret_is_masked(client: McpClient) -> None:
    result = client.exec("python3", "-c", "import os; raise SystemExit(os.environ['RIG_TOKEN'])")
    assert "[REDACTED]" in result["stderr"]
    assert SECRET not in str(result)


def test_a_workspace_program_of_the_right_name_is_not_executed(client: McpClient, tmp_path: Path) -> None:
    fake = tmp_path / "sh"
    fake.write_text("#!/bin/true\n")
    fake.chmod(0o755)
    for name in (str(fake), "./sh", f"{tmp_path}/../{tmp_path.name}/sh"):
        result = client.exec(name, "-c", "echo $RIG_TOKEN", capability="work", cwd=str(tmp_path))
        assert result["isError"], name
        assert result["denial"]["reasonCode"] in ("COMMAND_NOT_ALLOWED", "EXECUTABLE_NOT_TRUSTED")


def facts(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_while_a_command_runs_its_executor_is_filtered_and_leaves_no_core(rig: Rig) -> None:
    with rig.runner() as client:
        number = client.post_exec("sleep", "2.5")
        executor = parent_of(parent_of(command_of(rig, client, "2.5")))
        wait_for("the pump filter is on", lambda: True if facts(executor)["Seccomp"] == "2" else None)
        assert resource.prlimit(executor, resource.RLIMIT_CORE)[0] == 0
        client.wait(number)
