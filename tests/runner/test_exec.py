"""janee_exec from an MCP client to a command and back: real Authority, real sandbox."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.runner.rig import SECRET, McpClient, Rig


def test_a_command_runs_and_its_result_is_whole(client: McpClient) -> None:
    result = client.exec("sh", "-c", "printf out; printf err >&2; exit 3")
    assert (result["stdout"], result["stderr"], result["exitCode"]) == ("out", "err", 3)
    assert (result["timedOut"], result["truncated"], result["scrubHits"], result["isError"]) == (False, False, 0, False)
    assert result["grantId"].startswith("g_")


def test_the_command_has_the_credential_and_the_answer_has_not(client: McpClient) -> None:
    result = client.exec("sh", "-c", 'echo "${#RIG_TOKEN} $RIG_TOKEN"; echo "$RIG_TOKEN" >&2')
    assert result["stdout"] == f"{len(SECRET)} [REDACTED]\n"
    assert result["stderr"] == "[REDACTED]\n"
    assert result["scrubHits"] == 2


def test_a_secret_cut_by_a_sleep_is_still_masked(client: McpClient) -> None:
    half = len(SECRET) // 2
    script = (
        f'printf "%.{half}s" "$RIG_TOKEN"; sleep 0.3; printf "%s" "${{RIG_TOKEN#??????????}}" | tail -c {len(SECRET) - half}'
    )
    result = client.exec("sh", "-c", script)
    assert result["stdout"] == "[REDACTED]"


def test_the_environment_is_the_grants_and_a_fixed_few(client: McpClient) -> None:
    result = client.exec("env")
    names = {line.partition("=")[0] for line in result["stdout"].splitlines()}
    assert names == {"RIG_TOKEN", "PATH", "HOME", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR"}


def test_stdin_reaches_the_command(client: McpClient) -> None:
    assert client.exec("cat", stdin="grüße\n")["stdout"] == "grüße\n"


def test_without_stdin_the_command_reads_an_end_of_file(client: McpClient) -> None:
    assert client.exec("cat")["stdout"] == ""


def test_five_megabytes_of_stdin_to_a_program_that_does_not_read(client: McpClient) -> None:
    result = client.exec("true", stdin="x" * (5 << 20))
    assert result["exitCode"] == 0


def test_five_megabytes_go_through_unchanged(client: McpClient) -> None:
    text = "0123456789abcde\n" * (5 << 16)
    result = client.exec("cat", stdin=text)
    assert result["stdout"] == text


def test_three_hundred_megabytes_of_output_are_capped_and_counted(client: McpClient, rig: Rig) -> None:
    result = client.exec("sh", "-c", "head -c 300000000 /dev/zero; echo done >&2", timeoutMs=60000)
    assert result["truncated"]
    assert len(result["stdout"]) == 10 << 20
    assert result["stderr"] == "done\n"
    assert result["exitCode"] == 0
    assert rig.outcome_of(result["grantId"])["outcome"] == "completed"


def test_a_grandchild_that_holds_stdout_does_not_hold_the_result(client: McpClient) -> None:
    started = time.monotonic()
    result = client.exec("sh", "-c", "sleep 60 & echo over")
    assert result["stdout"] == "over\n"
    assert time.monotonic() - started < 10


def test_a_timeout_kills_and_says_so(client: McpClient, rig: Rig) -> None:
    result = client.exec("sh", "-c", "trap '' TERM; echo begun; sleep 60", timeoutMs=700)
    assert result["timedOut"]
    assert result["stdout"] == "begun\n"
    assert 600 <= result["durationMs"] < 5000
    record = rig.outcome_of(result["grantId"])
    assert (record["outcome"], record["timedOut"]) == ("timed_out", True)


def test_death_by_a_signal_is_told(client: McpClient) -> None:
    result = client.exec("sh", "-c", "kill -SEGV $$")
    assert (result["exitCode"], result["signal"]) == (None, 11)


def test_a_character_split_over_two_writes_is_one_character(client: McpClient) -> None:
    assert client.exec("sh", "-c", r"printf '\303'; sleep 0.2; printf '\244'")["stdout"] == "ä"


def test_bytes_that_are_not_text_become_replacement_characters(client: McpClient) -> None:
    assert client.exec("sh", "-c", r"printf 'a\377b'")["stdout"] == "a\ufffdb"


def test_there_is_no_network_and_no_other_process(client: McpClient) -> None:
    script = (
        "import os; print(len([p for p in os.listdir('/proc') if p.isdigit()]), open('/proc/self/net/dev').read().count(':'))"
    )
    result = client.exec("python3", "-c", script)
    assert result["stdout"] in ("1 1\n", "2 1\n"), result  # itself, at most its pid 1; loopback


def test_a_workspace_is_written_through(client: McpClient, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    result = client.exec("sh", "-c", "pwd; echo made > file; ls -ln file", capability="work", cwd=str(work))
    assert result["exitCode"] == 0, result
    assert result["stdout"].splitlines()[0] == str(work)
    assert (work / "file").read_text() == "made\n"
    assert (work / "file").stat().st_uid == work.stat().st_uid


@pytest.mark.parametrize("cwd", ["/", "/etc", "/usr", "/proc/self", "relative"])
def test_the_system_is_not_a_workspace(client: McpClient, cwd: str) -> None:
    result = client.exec("sh", "-c", "ls", capability="work", cwd=cwd)
    assert result["isError"], result


def test_janees_own_home_is_not_a_workspace(client: McpClient, rig: Rig) -> None:
    result = client.exec("sh", "-c", "ls", capability="work", cwd=str(rig.root / "janee"))
    assert result["isError"]
    assert rig.outcome_of(result["grantId"])["outcome"] == "refused"


def test_a_directory_for_a_capability_without_workspace_is_refused(client: McpClient, tmp_path: Path) -> None:
    result = client.exec("true", cwd=str(tmp_path))
    assert result["isError"]


def test_a_denial_keeps_its_code_and_next_step(client: McpClient) -> None:
    result = client.call("janee_exec", {"capability": "run", "command": ["rm", "-rf", "x"]})
    assert result["isError"]
    assert result["denial"]["reasonCode"] == "COMMAND_NOT_ALLOWED"
    assert result["denial"]["nextStep"]


def test_a_program_that_is_not_there_is_denied_by_the_authority_too(client: McpClient, rig: Rig) -> None:
    result = client.exec("no-such-program")
    assert result["denial"]["reasonCode"] == "EXECUTABLE_NOT_TRUSTED"
    decided = [record for record in rig.audit() if record["event"] == "exec.decided"][-1]
    assert decided["reasonCode"] == "EXECUTABLE_NOT_TRUSTED"


def test_an_unknown_capability_and_a_missing_reason_are_denied(client: McpClient) -> None:
    assert client.exec("true", capability="nope")["denial"]["reasonCode"] == "CAPABILITY_NOT_FOUND"
    assert client.exec("true", capability="limited")["denial"]["reasonCode"] == "REASON_REQUIRED"
    assert client.exec("true", capability="limited", reason="because")["exitCode"] == 0


def test_fifty_calls_at_once_all_get_their_own_answer(client: McpClient) -> None:
    numbers = [client.post_exec("sh", "-c", f"echo {n}; sleep 0.05") for n in range(50)]
    results = [client.wait(number, 120)["result"] for number in numbers]
    assert [result["structuredContent"]["stdout"] for result in results] == [f"{n}\n" for n in range(50)]


def test_the_six_steps_are_recorded_in_order(client: McpClient, rig: Rig) -> None:
    result = client.exec("true")
    rig.outcome_of(result["grantId"])
    records = rig.audit()
    request_id = next(r["requestId"] for r in records if r.get("grantId") == result["grantId"])
    assert [r["event"] for r in records if r.get("requestId") == request_id] == [
        "exec.requested", "exec.decided", "grant.issued", "exec.started", "exec.scrubbed", "exec.completed",
    ]  # fmt: skip


def test_progress_is_reported_while_a_command_runs(client: McpClient) -> None:
    before = len(client.notifications)
    arguments = {"capability": "run", "command": ["sleep", "2.5"]}
    number = client.post("tools/call", {"name": "janee_exec", "arguments": arguments, "_meta": {"progressToken": "tick"}})
    client.wait(number)
    ticks = [n["params"] for n in client.notifications[before:] if n["method"] == "notifications/progress"]
    assert len(ticks) >= 2
    assert all(tick["progressToken"] == "tick" for tick in ticks)
    assert ticks[0]["progress"] < ticks[1]["progress"]


def test_a_second_call_is_not_held_up_by_a_running_one(client: McpClient) -> None:
    slow = client.post_exec("sleep", "6")
    started = time.monotonic()
    assert client.exec("true")["exitCode"] == 0
    assert time.monotonic() - started < 5
    client.wait(slow)


def test_calls_from_many_threads_are_served(client: McpClient) -> None:
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(client.exec("true")["exitCode"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [0] * 8
