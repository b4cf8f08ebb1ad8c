"""Somebody with the database but without the master key changes it by SQL, while an Authority runs or between two runs."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from janee.authority import audit
from janee.authority._anchor import AnchorFile, read_anchor
from janee.authority.reading import verify_store
from janee.authority.store import GrantRow, Store
from janee.config.home import JaneeHome
from janee.config.schema import RateLimit
from janee.errors import StoreError
from janee.seal import RunnerKey
from janee.secret import Secret
from tests.config.support import make_home

NOW = 1_800_000_000.0
GRANT = GrantRow("g_1", "web", "r", "creature:patch", "c", "p", ("x",), None, "strict", NOW, NOW + 60, NOW + 90)


@pytest.fixture
def home(tmp_path: Path) -> JaneeHome:
    return make_home(tmp_path)


@pytest.fixture
def store(home: JaneeHome) -> Iterator[Store]:
    """As it stands while an Authority runs, with a log of 20 records."""
    with Store.open(home, create=True) as store:
        with store.transaction() as tx:
            tx.put_secret("gh", "key", Secret("ghp_hidden"), NOW)
            for name in ("web", "old"):
                tx.put_runner_key(RunnerKey(name, Secret(bytes(32))), ("creature:*",), NOW)
            tx.put_agent("creature:patch", Secret("jat_patch"), NOW)
            tx.put_agent("creature:gone", Secret("jat_gone"), NOW)
            tx.touch_session("creature:gone", "web", NOW)
            tx.insert_grant(GRANT)
            tx.audit("store.filled")
        with store.transaction() as tx:
            tx.revoke_runner_key("old", NOW)
            tx.revoke_agent("creature:gone", NOW)
            tx.audit("agent.revoked", agent="creature:gone")
        for number in range(18):
            with store.transaction() as tx:
                tx.audit("exec.decided", decision="deny", number=number)
        yield store


@contextlib.contextmanager
def database(home: JaneeHome) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(home.state_db)) as connection:
        yield connection
        connection.commit()


def chain_anew(connection: sqlite3.Connection, start: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite the log from `start` on so that its hashes fit: this needs no key."""
    (prev,) = connection.execute("SELECT hash FROM audit WHERE seq = ?", (start - 1,)).fetchone()
    for seq, text in connection.execute("SELECT seq, record FROM audit WHERE seq >= ? ORDER BY seq", (start,)).fetchall():
        record = json.loads(text) | {"prev": prev}
        change(record)
        text = audit.canonical(record)
        prev = audit.hash_text(text)
        connection.execute("UPDATE audit SET record = ?, hash = ? WHERE seq = ?", (text, prev, seq))


def edit_log(connection: sqlite3.Connection) -> None:
    chain_anew(connection, 8, lambda record: record.update(decision="allow"))


def edit_last_record(connection: sqlite3.Connection) -> None:
    chain_anew(connection, 20, lambda record: record.update(decision="allow"))


def cut_log(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit WHERE seq > 13")


def empty_log(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit")


def forge_record(connection: sqlite3.Connection) -> None:
    seq, prev = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    forged = audit.seal_record(seq + 1, NOW, "exec.decided", {"decision": "allow"}, prev)
    connection.execute("INSERT INTO audit VALUES (?, ?, ?, zeroblob(32))", forged[:3])


def forge_record_with_a_tag_of_ours(connection: sqlite3.Connection) -> None:
    forge_record(connection)
    connection.execute("UPDATE audit SET tag = (SELECT tag FROM audit WHERE seq = 20) WHERE seq = 21")


LOG = [edit_log, edit_last_record, cut_log, empty_log, forge_record, forge_record_with_a_tag_of_ours]


@pytest.mark.parametrize("attack", LOG)
def test_an_edited_or_cut_log_is_not_laundered_by_the_running_authority(
    home: JaneeHome, store: Store, attack: Callable[[sqlite3.Connection], None]
) -> None:
    with database(home) as connection:
        attack(connection)
    assert not verify_store(home).report.is_intact
    for _ in range(2):
        with pytest.raises(StoreError) as caught, store.transaction() as tx:
            tx.audit("exec.decided", decision="deny")
        assert caught.value.code in ("STORE_ROLLED_BACK", "STORE_CHANGED")
        assert caught.value.hint
        with pytest.raises(StoreError):
            store.runner_key("web")
    assert not verify_store(home).report.is_intact  # evidence stays evidence
    with pytest.raises(StoreError):
        Store.open(home)


def test_the_cut_log_is_noticed_without_the_anchor_too(home: JaneeHome, store: Store) -> None:
    """Whoever also sets the anchor back is found by what the running process knows."""
    anchor = home.anchor_file(store.store_id)
    with database(home) as connection:
        cut_log(connection)
        (digest,) = connection.execute("SELECT hash FROM audit WHERE seq = 13").fetchone()
    file = AnchorFile(home, store.store_id)
    file.set(audit.Anchor(store.store_id, 13, digest, 0), may_go_back=True)
    file.close()
    assert verify_store(home).report.is_intact  # so it is not the anchor that finds it
    with pytest.raises(StoreError, match="had come to 20"), store.transaction() as tx:
        tx.audit("test.event")
    assert anchor.exists()


def test_a_trigger_planted_while_we_run_never_fires(home: JaneeHome, store: Store) -> None:
    with database(home) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM audit WHERE seq = new.seq; END")
    with pytest.raises(StoreError) as caught, store.transaction() as tx:
        tx.audit("test.event")
    assert caught.value.code == "STORE_FOREIGN"


ROWS = {
    "runner key not revoked": "UPDATE runner_keys SET revoked_at = NULL",
    "runner key deleted and forgotten": "DELETE FROM runner_keys WHERE name = 'old'",
    "agent not revoked": "UPDATE agents SET revoked_at = NULL",
    "revoked agent deleted": "DELETE FROM agents WHERE id = 'creature:gone'",
    "session not revoked": "UPDATE sessions SET revoked_at = NULL",
    "revoked session deleted": "DELETE FROM sessions",
    "secret deleted": "DELETE FROM secrets",
    "secret moved": "UPDATE secrets SET field = 'password'",
    "agents widened": """UPDATE runner_keys SET agents = '["*"]'""",
    "agent invented": "INSERT INTO agents VALUES ('admin', zeroblob(32), zeroblob(32), 0, NULL)",
    "state forged": "UPDATE meta SET value = zeroblob(40) WHERE name = 'state'",
    "state deleted": "DELETE FROM meta WHERE name = 'state'",
}


@pytest.mark.parametrize("name", ROWS)
def test_a_changed_row_stops_the_running_authority_and_its_start(home: JaneeHome, store: Store, name: str) -> None:
    with database(home) as connection:
        connection.execute(ROWS[name])
    for look in (
        lambda: store.runner_key("old"),
        lambda: store.agent_by_token(Secret("jat_gone")),
        lambda: store.secret("gh", "key"),
        lambda: store.transaction().__enter__(),
        lambda: Store.open(home),
    ):
        with pytest.raises(StoreError) as caught:
            look()
        assert caught.value.code == "STORE_CHANGED"
    finding = verify_store(home).report.finding
    assert finding is not None
    assert "changed by something else than Janee" in finding.problem


STATE_TABLES = ("secrets", "runner_keys", "agents", "sessions", "meta")


def test_older_rows_put_back_with_their_own_tag_are_refused(home: JaneeHome, store: Store) -> None:
    """A whole earlier state is consistent in itself; its number is not the one remembered."""
    with database(home) as connection:
        older = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in STATE_TABLES}
    with store.transaction() as tx:
        tx.put_secret("gh", "key", Secret("ghp_rotated"), NOW + 1)
        tx.revoke_runner_key("web", NOW + 1)
        tx.audit("service.secret_set")
    with database(home) as connection:
        for table, rows in older.items():
            connection.execute(f"DELETE FROM {table}")
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    for look in (lambda: store.secret("gh", "key"), lambda: store.runner_key("web"), lambda: Store.open(home)):
        with pytest.raises(StoreError) as caught:
            look()
        assert caught.value.code == "STORE_ROLLED_BACK"
    finding = verify_store(home).report.finding
    assert finding is not None
    assert "older ones were put in place" in finding.problem


def test_an_old_secret_alone_put_back_is_refused(home: JaneeHome, store: Store) -> None:
    with database(home) as connection:
        (box,) = connection.execute("SELECT box FROM secrets").fetchone()
    with store.transaction() as tx:
        tx.put_secret("gh", "key", Secret("ghp_rotated"), NOW)
        tx.audit("service.secret_set")
    with database(home) as connection:
        connection.execute("UPDATE secrets SET box = ?", (box,))
    with pytest.raises(StoreError) as caught:
        store.secret("gh", "key")
    assert caught.value.code == "STORE_CHANGED"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE grants SET state = 'issued', ended_at = NULL",
        "UPDATE grants SET runner_key = 'other'",
        "UPDATE grants SET deadline = 1",
        "UPDATE grants SET tag = zeroblob(32)",
    ],
)
def test_a_changed_grant_is_refused(home: JaneeHome, store: Store, statement: str) -> None:
    with store.transaction() as tx:
        assert tx.finish_grant("g_1", "completed", NOW)
        tx.insert_grant(GrantRow("g_2", *[getattr(GRANT, name) for name in list(GRANT.__dataclass_fields__)[1:]]))
    with database(home) as connection:
        connection.execute(statement)
    with pytest.raises(StoreError) as caught, store.transaction() as tx:
        tx.finish_grant("g_1", "completed", NOW)
    assert caught.value.code == "STORE_CHANGED"
    with pytest.raises(StoreError):
        store.grant("g_1")
    with pytest.raises(StoreError):
        store.abandoned_candidates(NOW + 1000)
    assert not verify_store(home).report.is_intact


@pytest.mark.parametrize("how", ["emptied", "removed"])
def test_without_an_anchor_a_log_that_was_begun_is_refused(home: JaneeHome, store: Store, how: str) -> None:
    store.close()
    with database(home) as connection:
        cut_log(connection)
    anchor = home.anchor_file(store.store_id)
    anchor.write_bytes(b"") if how == "emptied" else anchor.unlink()
    with pytest.raises(StoreError) as caught:
        Store.open(home)
    assert caught.value.code == "ANCHOR_INVALID"
    assert "--accept-rollback" in caught.value.hint
    finding = verify_store(home).report.finding
    assert finding is not None
    assert "the anchor is gone" in finding.problem
    Store.open(home, accept_rollback=True).close()  # the operator's word, and audited
    Store.open(home).close()
    with database(home) as connection:
        (record,) = connection.execute("SELECT record FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    assert json.loads(record)["event"] == "audit.rollback_accepted"


def test_the_anchor_never_goes_back(home: JaneeHome, store: Store) -> None:
    """Two processes write it after their commits, in whatever order."""
    before = read_anchor(home, store.store_id)
    assert before is not None
    assert before.seq == 20
    file = AnchorFile(home, store.store_id)
    file.set(audit.Anchor(store.store_id, 13, "0" * 64, before.state + 1))
    after = read_anchor(home, store.store_id)
    assert after == audit.Anchor(store.store_id, 20, before.hash, before.state + 1)
    file.close()


def test_many_processes_go_on_together(home: JaneeHome, store: Store) -> None:
    """What other Janee processes commit is no attack: keys, revocations and records of six stores at once."""
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(15):
                with Store.open(home) as other:
                    with other.transaction() as tx:
                        tx.put_agent(f"a{number}", Secret(f"jat_{number}_{turn}"), NOW)
                        tx.audit("agent.added", agent=f"a{number}")
                    assert other.agent_by_token(Secret(f"jat_{number}_{turn}")) is not None
                with store.transaction() as tx:
                    tx.audit("test.event")
                assert store.agent_by_token(Secret(f"jat_{number}_{turn}")) is not None
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert verify_store(home).report.is_intact
    assert verify_store(home).report.head_seq >= 20 + 6 * 15 * 2


def test_a_locked_database_holds_nobody_up_for_long(home: JaneeHome, store: Store) -> None:
    """One second, once: the next calls fail at once, and all is well as soon as the lock is gone."""
    blocker = sqlite3.connect(home.state_db, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    times = []
    for call in (lambda: store.transaction().__enter__(), lambda: store.use_nonce("k", "n", expires_at=NOW, now=NOW)) * 2:
        start = time.monotonic()
        with pytest.raises(StoreError) as caught:
            call()
        times.append(time.monotonic() - start)
        assert caught.value.code == "AUDIT_UNAVAILABLE"
    assert times[0] < 1.5
    assert max(times[1:]) < 0.2
    assert store.runner_key("web") is not None  # reading goes on
    blocker.execute("ROLLBACK")
    blocker.close()
    with store.transaction() as tx:
        tx.audit("test.event")
    assert store.use_nonce("k", "n", expires_at=NOW, now=NOW)


def test_rates_of_agents_that_never_come_back_do_not_pile_up(home: JaneeHome, store: Store) -> None:
    with store.transaction() as tx:
        for number in range(500):
            assert tx.hit_rate(f"bucket {number}", RateLimit(5, 60), NOW + number)
    with database(home) as connection:
        assert connection.execute("SELECT count(*) FROM rate").fetchone()[0] < 70
    with store.transaction() as tx:
        tx.prune(NOW + 10_000)
    with database(home) as connection:
        assert connection.execute("SELECT count(*) FROM rate").fetchone()[0] == 0


def test_ended_grants_do_not_pile_up(home: JaneeHome, store: Store) -> None:
    values = {name: getattr(GRANT, name) for name in GRANT.__dataclass_fields__}
    with store.transaction() as tx:
        for number in range(200):
            at = NOW + number * 3600
            tx.insert_grant(GrantRow(**(values | {"grant_id": f"n_{number}", "issued_at": at})))
            tx.finish_grant(f"n_{number}", "completed", at)
    with database(home) as connection:
        assert connection.execute("SELECT count(*) FROM grants WHERE state <> 'issued'").fetchone()[0] < 30
