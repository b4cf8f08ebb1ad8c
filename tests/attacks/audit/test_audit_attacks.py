"""Tampering with the log as it lies in the file: what `janee audit verify` must find (ATTACKS D20)."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import pytest

from janee.authority.exporting import export_lines, verify_export
from janee.authority.reading import verify_store
from janee.authority.store import Store
from janee.cli.main import run
from janee.config.home import JaneeHome
from janee.errors import StoreError, UsageError
from tests.config.support import environment, make_home

COUNT = 300


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JaneeHome:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    home = make_home(tmp_path)
    with Store.open(home, create=True) as store:
        for start in range(0, COUNT, 30):
            with store.transaction() as tx:
                for number in range(start, start + 30):
                    tx.audit("test.event", number=number)
    return home


STATEMENTS = {
    "changed": "UPDATE audit SET record = replace(record, '\"number\":41', '\"number\":42') WHERE seq = 42",
    "removed": "DELETE FROM audit WHERE seq = 42",
    "emptied": "DELETE FROM audit",
    "cut": "DELETE FROM audit WHERE seq > 290",
    "last one cut": "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
    "head cut": "DELETE FROM audit WHERE seq < 10",
    "inserted": "INSERT INTO audit SELECT seq + 1000, record, hash, tag FROM audit WHERE seq = 42",
    "inserted before": "INSERT INTO audit SELECT 0, record, hash, tag FROM audit WHERE seq = 1",
    "inserted below": "INSERT INTO audit SELECT -5, record, hash, tag FROM audit WHERE seq = 1",
    "inserted at the very bottom": "INSERT INTO audit VALUES (-9223372036854775808, '{}', 'x', x'')",
    "tag replaced": "UPDATE audit SET tag = zeroblob(32) WHERE seq = 42",
    "reordered": "UPDATE audit SET (record, hash) = (SELECT record, hash FROM audit a WHERE a.seq = 85 - audit.seq)"
    " WHERE seq IN (42, 43)",
    "hash replaced": "UPDATE audit SET hash = 'x' WHERE seq = 42",
    "not text": "UPDATE audit SET record = CAST(x'ff00fe' AS TEXT) WHERE seq = 42",
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_tampering_by_sql_is_found_with_exit_code_1(home: JaneeHome, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "verify"]) == 0
    with sqlite3.connect(home.state_db) as database:
        database.execute(STATEMENTS[name])
    database.close()
    capsys.readouterr()
    assert run(["audit", "verify", "--json"]) == 1
    shown = capsys.readouterr()
    answer = json.loads(shown.out)
    assert answer["ok"] is False
    assert answer["problem"]
    assert shown.err.startswith("janee: error: the audit log is not intact")
    assert "Traceback" not in shown.err


def test_one_changed_byte_in_the_raw_file_is_found_wherever_a_record_lies(home: JaneeHome) -> None:
    original = home.state_db.read_bytes()
    places = [at for at in range(len(original)) if original.startswith(b'"event":"test.event"', at)]
    assert len(places) >= COUNT
    generator = random.Random(7)
    for at in generator.sample(places, 25):
        data = bytearray(original)
        data[at + generator.randrange(10, 18)] ^= 1
        home.state_db.write_bytes(data)
        finding = verify_store(home).report.finding
        assert finding is not None
        assert finding.seq > 0
    home.state_db.write_bytes(original)
    assert verify_store(home).report.is_intact


def test_no_damaged_byte_of_the_file_ends_in_a_traceback(home: JaneeHome) -> None:
    original = home.state_db.read_bytes()
    generator = random.Random(11)
    ends: set[bool | str] = set()
    for _ in range(120):
        data = bytearray(original)
        for _ in range(generator.randrange(1, 40)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        home.state_db.write_bytes(data)
        try:
            ends.add(verify_store(home).report.is_intact)
        except StoreError:
            ends.add("refused")
    assert {False, "refused"} <= ends


def test_a_cut_write_ahead_log_is_found(home: JaneeHome) -> None:
    """The last commits lie in the -wal file only; without the anchor their loss would look like a clean end."""
    store = Store.open(home)
    with store.transaction() as tx:
        tx.audit("exec.decided", decision="deny")
    wal = home.state_db.with_name("state.db-wal")
    assert wal.stat().st_size > 0
    copy = home.path.parent / "copy"
    copy.mkdir(mode=0o700)
    (copy / "state.db").write_bytes(home.state_db.read_bytes())  # without its -wal
    (copy / "state.db").chmod(0o600)
    store.close()
    cut = JaneeHome(copy, home.key_dir)
    finding = verify_store(cut).report.finding
    assert finding is not None
    assert "its end was cut off" in finding.problem


def test_verifying_while_others_write_finds_an_intact_log(home: JaneeHome) -> None:
    with Store.open(home) as store:
        for _ in range(30):
            with store.transaction() as tx:
                tx.audit("test.event")
            assert verify_store(home).report.is_intact


# --- exports


def export(home: JaneeHome) -> list[bytes]:
    with Store.open(home) as store:
        return [line.encode() for line in export_lines(home, store)]


def test_an_export_verifies_anywhere_and_holds_no_key(home: JaneeHome) -> None:
    lines = export(home)
    assert verify_export(lines, None).is_intact
    key = next(home.key_dir.glob("*.key")).read_bytes().strip()
    assert key not in b"".join(lines)


def test_a_changed_export_is_found(home: JaneeHome) -> None:
    lines = export(home)
    changed = {
        "record": [*lines[:41], lines[41].replace(b"test.event", b"test.evens"), *lines[42:]],
        "removed": [*lines[:41], *lines[42:]],
        "cut": lines[:-1],
        "cut, header too": [
            lines[0].replace(b'"lastSeq":%d' % (len(lines) - 1), b'"lastSeq":%d' % (len(lines) - 2)),
            *lines[1:-1],
        ],
        "doubled": [*lines, lines[-1]],
        "garbage": [*lines[:41], b"{", *lines[42:]],
    }
    for name, altered in changed.items():
        assert not verify_export(altered, None).is_intact, name


def test_an_export_signed_by_another_key_is_found(home: JaneeHome, tmp_path: Path) -> None:
    """Somebody makes a log of his own: it is consistent, but not this store's."""
    other = make_home(tmp_path / "other")
    with Store.open(other, create=True) as store, store.transaction() as tx:
        tx.audit("test.event")
    lines = export(other)
    ours = json.loads(export(home)[0])["publicKey"]
    assert verify_export(lines, None).is_intact
    assert not verify_export(lines, ours).is_intact


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b"{}", b'{"format":"other"}'])
def test_what_is_no_export_is_a_usage_error(content: bytes) -> None:
    with pytest.raises(UsageError):
        verify_export([content], None)
