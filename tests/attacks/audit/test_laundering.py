"""A running Authority never makes an edited database look sound by going on from it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from janee.authority.reading import verify_store
from janee.authority.store import Store
from janee.seal import SealKey
from tests.attacks.store.test_changed_while_running import chain_anew
from tests.authority.live import Answer, Live, Runner, make_home, running


def allow_what_was_denied(database: sqlite3.Connection) -> None:
    chain_anew(database, 5, lambda record: record.update({"decision": "allow"} if "decision" in record else {}))


def cut(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM audit WHERE seq > (SELECT max(seq) FROM audit) - 7")


def bring_the_key_back(database: sqlite3.Connection) -> None:
    database.execute("UPDATE runner_keys SET revoked_at = NULL WHERE name = 'default'")


def unproven(runner: Runner) -> Answer:
    """The answer to an ordinary request. It is not signed: the Authority cannot rely on the key either."""
    message = {"runner": {"runnerId": "r", "sealTo": SealKey().public, "sandbox": "strict"}, "capabilityId": "run"}
    message |= {"command": ["true"], "executable": {"path": "/usr/bin/true", "sha256": "0" * 64}, "requestId": "r1"}
    return runner.call("POST", "/v1/exec/authorize", json.dumps(message).encode())


def change(live: Live, attack: Callable[[sqlite3.Connection], None]) -> None:
    with closing(sqlite3.connect(live.home.state_db)) as database:
        attack(database)
        database.commit()


@pytest.mark.parametrize("attack", [allow_what_was_denied, cut])
def test_nothing_is_granted_on_an_edited_log(tmp_path: Path, attack: Callable[[sqlite3.Connection], None]) -> None:
    home, environ = make_home(tmp_path)
    with running(home, environ) as live:
        runner = live.runner()
        for _ in range(3):
            assert runner.authorize()[0].status == 200
            assert runner.authorize("run", ("rm", "-rf"))[0].status == 403
        change(live, attack)
        for _ in range(3):
            answer = unproven(runner)
            assert answer.status == 503
            assert answer.code in ("STORE_ROLLED_BACK", "STORE_CHANGED")
        stderr = home.path.parent / "stderr"
        deadline = time.monotonic() + 30
        while "everything is denied" not in stderr.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "--accept-rollback" in stderr.read_text()  # the operator is told, and how to go on
        assert not verify_store(home).report.is_intact
    with pytest.raises(RuntimeError, match="ended before it was ready"), running(home, environ):
        pass
    assert not verify_store(home).report.is_intact


def test_a_revocation_undone_by_sql_grants_nothing(tmp_path: Path) -> None:
    home, environ = make_home(tmp_path)
    with running(home, environ) as live:
        runner = live.runner()
        with Store.open(home) as store, store.transaction() as tx:
            tx.revoke_runner_key("default", 1.0)
            tx.audit("runner.revoked", runner="default")
        assert unproven(runner).status == 401
        change(live, bring_the_key_back)
        assert unproven(runner).code == "STORE_CHANGED"
        assert not verify_store(home).report.is_intact
