from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from janee.authority.store import GrantRow, Store
from janee.config.home import JaneeHome
from janee.config.schema import RateLimit
from janee.errors import StoreError
from janee.seal import RunnerKey
from janee.secret import Secret
from tests.config.support import make_home

NOW = 1_800_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> JaneeHome:
    return make_home(tmp_path)


@pytest.fixture
def store(home: JaneeHome) -> Iterator[Store]:
    with Store.open(home, create=True) as opened:
        yield opened


def grant(grant_id: str = "g_1", **changes: object) -> GrantRow:
    values: dict[str, object] = {
        "grant_id": grant_id,
        "runner_key": "default",
        "runner_id": "r1",
        "agent_id": "local",
        "capability": "c",
        "policy_hash": "sha256:0",
        "command": ("gh", "a b", "…"),
        "request_id": "q1",
        "sandbox": "strict",
        "issued_at": NOW,
        "expires_at": NOW + 60,
        "deadline": NOW + 90,
    }
    return GrantRow(**(values | changes))  # type: ignore[arg-type]


# --- the file


def test_only_the_owner_can_reach_what_was_created(home: JaneeHome, store: Store) -> None:
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    for file in (home.state_db, home.key_file(store.store_id), home.anchor_file(store.store_id)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with store.transaction() as tx:
        tx.audit("test.event")
    for file in home.path.iterdir():  # the write-ahead log too
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_the_mode_does_not_depend_on_the_umask(home: JaneeHome) -> None:
    before = os.umask(0)
    try:
        with Store.open(home, create=True) as store, store.transaction() as tx:
            tx.audit("test.event")
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in home.path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}


def test_opening_creates_nothing_unless_asked_to(home: JaneeHome) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(home)
    assert caught.value.code == "STORE_MISSING"
    assert "janee init" in caught.value.hint
    assert not home.path.exists()


def test_creating_again_keeps_what_is_there(home: JaneeHome) -> None:
    with Store.open(home, create=True) as store, store.transaction() as tx:
        tx.put_secret("gh", "key", Secret("one"), NOW)
        identity = store.store_id
    with Store.open(home, create=True) as store:
        assert (store.store_id, store.secret("gh", "key")) == (identity, Secret("one"))


def test_of_many_creators_one_wins_and_all_use_its_store(home: JaneeHome) -> None:
    seen: list[str] = []

    def create() -> None:
        with Store.open(home, create=True) as store, store.transaction() as tx:
            tx.audit("test.event")
            seen.append(store.store_id)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(seen) == 6
    assert len(set(seen)) == 1
    assert list(home.path.glob(".state*")) == []


# --- secrets, keys, agents


def test_a_secret_comes_back_and_no_file_holds_it(home: JaneeHome, store: Store) -> None:
    with store.transaction() as tx:
        tx.put_secret("gh", "key", Secret(b"ghp_\xff\x00binary"), NOW)
    assert store.secret("gh", "key").expose() == b"ghp_\xff\x00binary"
    assert store.secret_fields("gh") == ("key",)
    assert b"ghp_" not in b"".join(file.read_bytes() for file in home.path.parent.rglob("*") if file.is_file())


def test_a_missing_secret_names_the_command_that_stores_it(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        store.secret("gh", "key")
    assert (caught.value.code, caught.value.hint) == ("MISSING_SECRET", "janee service set-secret gh --field key")


def test_replaced_and_removed_secrets_leave_no_ciphertext(home: JaneeHome, store: Store) -> None:
    with store.transaction() as tx:
        tx.put_secret("gh", "key", Secret("old"), NOW)
    with sqlite3.connect(home.state_db) as db:
        (box,) = db.execute("SELECT box FROM secrets").fetchone()
    db.close()
    with store.transaction() as tx:
        tx.put_secret("gh", "key", Secret("new"), NOW)
        tx.put_secret("gh", "other", Secret("x"), NOW)
        assert tx.delete_secrets("gh", keep=("key",)) == 1
    store.close()
    assert box not in home.state_db.read_bytes()


def test_a_runner_key_comes_back_until_it_is_revoked(store: Store) -> None:
    key = RunnerKey("web", Secret(bytes(range(32))))
    assert store.runner_key("web") is None
    with store.transaction() as tx:
        tx.put_runner_key(key, ("creature:*", "local"), NOW)
    stored = store.runner_key("web")
    assert stored is not None
    assert (stored.key.mac_key, stored.agents, stored.is_revoked) == (key.mac_key, ("creature:*", "local"), False)
    with store.transaction() as tx:
        assert tx.revoke_runner_key("web", NOW + 1)
        assert not tx.revoke_runner_key("web", NOW + 2)
        assert not tx.revoke_runner_key("other", NOW)
    revoked = store.runner_key("web")
    assert revoked is not None
    assert revoked.revoked_at == NOW + 1
    assert [(row.name, row.revoked_at) for row in store.runner_keys()] == [("web", NOW + 1)]


def test_an_agent_is_known_by_its_token_alone(store: Store) -> None:
    with store.transaction() as tx:
        tx.put_agent("creature:patch", Secret("jat_one"), NOW)
        tx.put_agent("creature:other", Secret("jat_two"), NOW)
    found = store.agent_by_token(Secret("jat_one"))
    assert found is not None
    assert (found.agent_id, found.is_revoked) == ("creature:patch", False)
    assert store.agent_by_token(Secret("jat_on")) is None
    with store.transaction() as tx:
        tx.put_agent("creature:patch", Secret("jat_new"), NOW)
    assert store.agent_by_token(Secret("jat_one")) is None


def test_revoking_an_agent_ends_its_sessions_everywhere_until_it_is_added_again(store: Store) -> None:
    with store.transaction() as tx:
        tx.put_agent("a", Secret("jat_a"), NOW)
        assert not tx.touch_session("a", "r1", NOW).is_revoked
        assert tx.revoke_agent("a", NOW)
        assert not tx.revoke_agent("a", NOW)
        assert tx.touch_session("a", "r1", NOW).is_revoked
        assert tx.touch_session("a", "r2", NOW).is_revoked  # a Runner it was never seen on
        assert not tx.touch_session("b", "r1", NOW).is_revoked
    found = store.agent_by_token(Secret("jat_a"))
    assert found is not None
    assert found.is_revoked
    with store.transaction() as tx:
        tx.put_agent("a", Secret("jat_b"), NOW)
        assert not tx.touch_session("a", "r1", NOW).is_revoked


def test_an_agent_without_a_token_can_be_revoked_by_name(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.revoke_agent("creature:x", NOW)
        assert tx.touch_session("creature:x", "default", NOW).is_revoked
    assert [(agent.agent_id, agent.has_token) for agent in store.agents()] == [("creature:x", False)]


def test_a_session_stays_the_same_and_can_be_revoked_alone(store: Store) -> None:
    with store.transaction() as tx:
        first = tx.touch_session("a", "r1", NOW)
        again = tx.touch_session("a", "r1", NOW + 5)
        assert (again.session_id, again.first_seen, again.last_seen) == (first.session_id, NOW, NOW + 5)
        tx.touch_session("a", "r2", NOW)
        assert tx.revoke_sessions("a", NOW, runner="r1") == 1
        assert tx.touch_session("a", "r1", NOW).is_revoked
        assert not tx.touch_session("a", "r2", NOW).is_revoked


# --- nonces, grants, rates


def test_a_nonce_counts_once_for_each_key(store: Store) -> None:
    use = store.use_nonce
    assert use("k", "n1", expires_at=NOW + 60, now=NOW)
    assert not use("k", "n1", expires_at=NOW + 60, now=NOW)
    assert use("other", "n1", expires_at=NOW + 60, now=NOW)


def test_nonces_are_forgotten_only_when_expired(home: JaneeHome, store: Store) -> None:
    store.use_nonce("k", "kept", expires_at=NOW + 1000, now=NOW)
    for number in range(600):
        store.use_nonce("k", f"n{number}", expires_at=NOW + number / 10, now=NOW + number / 10 + 1)
    assert not store.use_nonce("k", "kept", expires_at=NOW + 1000, now=NOW + 61)
    with sqlite3.connect(home.state_db) as db:
        assert db.execute("SELECT count(*) FROM nonces").fetchone()[0] < 400
    db.close()


def test_a_nonce_is_remembered_by_the_next_process(home: JaneeHome, store: Store) -> None:
    assert store.use_nonce("k", "n1", expires_at=NOW + 60, now=NOW)
    with Store.open(home) as other:
        assert not other.use_nonce("k", "n1", expires_at=NOW + 60, now=NOW)


def test_a_grant_comes_back_as_it_was(store: Store) -> None:
    row = grant(request_id=None)
    with store.transaction() as tx:
        tx.insert_grant(row)
        assert tx.grant("g_1") == row
    assert store.grant("g_1") == row
    assert store.grant("g_2") is None


def test_a_grant_is_finished_exactly_once(home: JaneeHome, store: Store) -> None:
    with store.transaction() as tx:
        tx.insert_grant(grant())
    finished: list[bool] = []

    def finish() -> None:
        with Store.open(home) as other, other.transaction() as tx:
            finished.append(tx.finish_grant("g_1", "completed", NOW))

    threads = [threading.Thread(target=finish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(finished) == [False, False, False, True]
    row = store.grant("g_1")
    assert row is not None
    assert (row.state, row.ended_at) == ("completed", NOW)
    with store.transaction() as tx:
        assert not tx.finish_grant("g_unknown", "completed", NOW)


def test_a_grant_id_is_used_once(store: Store) -> None:
    with store.transaction() as tx:
        tx.insert_grant(grant())
    with pytest.raises(StoreError), store.transaction() as tx:
        tx.insert_grant(grant())


def test_grants_past_their_deadline_are_candidates_until_they_end(store: Store) -> None:
    with store.transaction() as tx:
        tx.insert_grant(grant("g_1", deadline=NOW))
        tx.insert_grant(grant("g_2", deadline=NOW + 10))
        tx.insert_grant(grant("g_3", deadline=NOW - 10))
    assert [row.grant_id for row in store.abandoned_candidates(NOW + 1)] == ["g_3", "g_1"]
    with store.transaction() as tx:
        tx.finish_grant("g_3", "abandoned", NOW + 1)
    assert [row.grant_id for row in store.abandoned_candidates(NOW + 1)] == ["g_1"]


def test_old_ended_grants_are_forgotten_and_open_ones_never(store: Store) -> None:
    with store.transaction() as tx:
        for name in ("g_open", "g_old", "g_new"):
            tx.insert_grant(grant(name))
        tx.finish_grant("g_old", "completed", NOW)
        tx.finish_grant("g_new", "completed", NOW + 90_000)
        tx.prune(NOW + 100_000)
    assert [store.grant(name) is not None for name in ("g_open", "g_old", "g_new")] == [True, False, True]


def test_a_rate_holds_in_every_window(store: Store) -> None:
    limit = RateLimit(3, 10)
    with store.transaction() as tx:
        times = [0, 4, 8, 8.1, 9.9, 10.1, 10.2, 14.05, 14.1]
        allowed = [at for at in times if tx.hit_rate("b", limit, NOW + at)]
        assert allowed == [0, 4, 8, 10.1, 14.05]
        assert all(later - earlier >= 10 for earlier, later in zip(allowed, allowed[3:], strict=False))
        assert tx.hit_rate("another", limit, NOW + 14.1)


def test_a_clock_set_back_does_not_open_a_rate(store: Store) -> None:
    limit = RateLimit(1, 10)
    with store.transaction() as tx:
        assert tx.hit_rate("b", limit, NOW)
        assert not tx.hit_rate("b", limit, NOW - 5)
        assert tx.hit_rate("b", limit, NOW - 1000)  # a clock that was far wrong does not lock everybody out for good


def test_fifty_callers_get_exactly_the_rate(home: JaneeHome, store: Store) -> None:
    results: list[bool] = []

    def call(opened: Store) -> None:
        with opened.transaction() as tx:
            results.append(tx.hit_rate("b", RateLimit(7, 60), NOW))

    with Store.open(home) as other:
        threads = [threading.Thread(target=call, args=(opened,)) for opened in (store, other) * 25]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert (len(results), sum(results)) == (50, 7)


# --- transactions


def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction() as tx:
        tx.audit("test.event")
        tx.insert_grant(grant())
        raise KeyError
    assert store.grant("g_1") is None
    with store.transaction() as tx:
        assert tx.audit("test.event") == 1


def test_transactions_are_not_nested(store: Store) -> None:
    with store.transaction() as tx:
        tx.audit("test.event")
        with pytest.raises(RuntimeError), store.transaction():
            pass
        tx.audit("test.event")
    with store.transaction() as tx:
        assert tx.audit("test.event") == 3


def test_a_committed_transaction_is_seen_by_another_process_at_once(home: JaneeHome, store: Store) -> None:
    with Store.open(home) as other:
        with store.transaction() as tx:
            tx.insert_grant(grant())
            assert other.grant("g_1") is None
        assert other.grant("g_1") is not None


def test_a_secret_in_an_audit_record_is_an_error_not_a_leak(store: Store) -> None:
    with pytest.raises(TypeError), store.transaction() as tx:
        tx.audit("test.event", value=Secret("hidden"))
    with pytest.raises(ValueError, match="seq"), store.transaction() as tx:
        tx.audit("test.event", seq=5)
