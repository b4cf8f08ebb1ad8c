from __future__ import annotations

import json
import select
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from janee.authority.store import Store
from tests.cli.support import Operator


@pytest.fixture
def logged(ready: Operator) -> Operator:
    with Store.open(ready.home, clock=lambda: 1_800_000_000.0) as store, store.transaction() as tx:
        for number, agent in enumerate(["local", "creature:patch", "local"]):
            grant = f"g_{number}"
            tx.audit("exec.requested", agent=agent, runner="default", capability="git", grantId=grant, command=["git", "a b"])
            decision = {"decision": "deny", "reasonCode": "COMMAND_NOT_ALLOWED"} if number == 1 else {"decision": "allow"}
            tx.audit("exec.decided", agent=agent, runner="default", capability="git", grantId=grant, **decision)
        tx.audit("execute.decided", agent="local", runner="web", capability="api", decision="allow")
    return ready


def test_tail_shows_the_last_oldest_first(logged: Operator) -> None:
    lines = logged.ok("audit", "tail", "-n", "3").out.splitlines()
    assert [line.split()[2] for line in lines] == ["exec.requested", "exec.decided", "execute.decided"]
    assert "command=[git 'a b']" in lines[0]
    assert logged.ok("audit", "tail", "-n", "0").out == ""
    records = [json.loads(line) for line in logged.ok("audit", "tail", "--json", "-n", "2").out.splitlines()]
    assert [record["event"] for record in records] == ["exec.decided", "execute.decided"]
    assert records[1]["prev"] == records[0]["hash"]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (("--event", "exec.decided"), 3),
        (("--event", "exec.*"), 6),
        (("--event", "exec.decided", "--event", "execute.*"), 4),
        (("--agent", "creature:patch"), 2),
        (("--capability", "api"), 1),
        (("--runner", "web"), 1),
        (("--grant", "g_2"), 2),
        (("--denied",), 1),
        (("--denied", "--agent", "local"), 0),
        (("--since", "2026-12-01"), 7),
        (("--since", "2027-01-15T08:00:00Z"), 7),
        (("--since", "2027-01-15T08:00:01Z"), 0),
    ],
)
def test_filters(logged: Operator, filters: tuple[str, ...], count: int) -> None:
    assert len(logged.ok("audit", "tail", "--json", "-n", "1000", *filters).out.splitlines()) == count


@pytest.mark.parametrize("since", ["yesterday", "5", "2026-99-01", ""])
def test_a_bad_time_is_a_usage_error(logged: Operator, since: str) -> None:
    done = logged("audit", "tail", "--since", since)
    assert done.code == (0 if since == "" else 2)


def test_follow_shows_what_comes(logged: Operator) -> None:
    command = [sys.executable, "-m", "janee", "audit", "tail", "-n", "0", "-f", "--json", "--event", "exec.*"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    assert child.stdout is not None
    try:
        lines: list[bytes] = []
        deadline = time.monotonic() + 60
        number = 0
        while not lines and time.monotonic() < deadline:  # it may not be there yet: write until it sees one
            number += 1
            with Store.open(logged.home) as store, store.transaction() as tx:
                tx.audit("other.event")
                tx.audit("exec.requested", number=number)
            if select.select([child.stdout], [], [], 0.3)[0]:
                lines.append(child.stdout.readline())
        assert json.loads(lines[0])["event"] == "exec.requested"
    finally:
        child.terminate()
        child.communicate(timeout=30)


def test_verify_says_what_it_verified(logged: Operator) -> None:
    done = logged.ok("audit", "verify", "--json").json
    assert done["ok"] is True
    assert done["anchored"] is True
    assert done["records"] == done["lastSeq"] == len(logged.records())
    assert done["checkpoints"] == 1


def test_verify_fails_when_nothing_is_remembered_outside(logged: Operator) -> None:
    for anchor in logged.home.key_dir.glob("*.anchor"):
        anchor.unlink()
    done = logged("audit", "verify")
    assert done.code == 1
    assert "the anchor is gone" in done.err


def test_one_changed_byte_ends_1_with_the_record(logged: Operator) -> None:
    with sqlite3.connect(logged.home.state_db) as database:
        database.execute("UPDATE audit SET record = replace(record, 'COMMAND_NOT', 'COMMAND-NOT')")
    database.close()
    done = logged("audit", "verify")
    assert done.code == 1
    assert done.out == ""
    assert "its content does not fit its hash" in done.err
    assert "janee: hint: " in done.err


def test_tail_shows_a_damaged_record_for_what_it_is(logged: Operator) -> None:
    with sqlite3.connect(logged.home.state_db) as database:
        database.execute("UPDATE audit SET record = 'x\x1b[31m' WHERE seq = 3")
        database.execute("UPDATE audit SET record = CAST(x'ff' AS TEXT) WHERE seq = 4")
    database.close()
    done = logged.ok("audit", "tail", "-n", "100")
    assert done.out.count("damaged=") == 2
    assert "\x1b" not in done.out
    assert logged.ok("audit", "tail", "--json", "-n", "100").out.count('"damaged"') == 2


def test_no_value_can_forge_a_line_or_steer_the_terminal(ready: Operator) -> None:
    with Store.open(ready.home) as store, store.transaction() as tx:
        tx.audit("exec.requested", command=["a\n     9 2026-01-01T00:00:00 exec.decided decision=allow", "\x1b]0;x\x07"])
    done = ready.ok("audit", "tail", "-n", "1")
    assert done.out.count("\n") == 1
    assert "\x1b" not in done.out


def test_an_export_verifies_without_the_home(logged: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "export.jsonl"
    logged.ok("audit", "export", "-o", str(file))
    assert logged("audit", "export", "-o", str(file)).code == 2  # never overwritten
    assert logged.ok("audit", "export").out == file.read_text()
    monkeypatch.setenv("JANEE_HOME", str(tmp_path / "nowhere"))
    assert logged.ok("audit", "verify", "--file", str(file), "--json").json["ok"] is True
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))
    assert logged("audit", "verify", "--file", str(file)).code == 1
    file.write_text("".join(lines))
    other_key = json.loads(lines[0])["publicKey"][::-1]
    assert logged("audit", "verify", "--file", str(file), "--public-key", other_key).code == 1
    assert logged("audit", "verify", "--public-key", other_key).code == 2


def test_verify_without_the_master_key_is_an_error_not_a_pass(logged: Operator) -> None:
    key = next(logged.home.key_dir.glob("*.key"))
    content = key.read_bytes()
    key.unlink()
    done = logged("audit", "verify", "--json")
    assert done.code == 1
    assert done.json["code"] == "MASTER_KEY_MISSING"
    key.write_bytes(content)
    key.chmod(0o644)
    assert logged("audit", "verify").code == 1
