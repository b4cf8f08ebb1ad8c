"""What people do to a state database: roll it back, cut it, swap it, fill its disk, kill its writer (ATTACKS D15, D16, D20)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from janee.authority.reading import verify_store
from janee.authority.store import Store
from janee.config.home import JaneeHome
from janee.errors import StoreError
from janee.seal import RunnerKey
from janee.secret import Secret
from tests.config.support import environment, make_home

NOW = 1_800_000_000.0
REPOSITORY = Path(__file__).parents[3]
DEADLINE_S = 60


@pytest.fixture
def home(tmp_path: Path) -> JaneeHome:
    home = make_home(tmp_path)
    with Store.open(home, create=True) as store, store.transaction() as tx:
        tx.put_secret("gh", "key", Secret("ghp_hidden"), NOW)
        tx.put_runner_key(RunnerKey("web", Secret(bytes(32))), ("creature:*",), NOW)
        tx.put_agent("creature:patch", Secret("jat_patch"), NOW)
        tx.audit("test.event")
    return home


def write(home: JaneeHome, count: int = 1) -> None:
    with Store.open(home) as store:
        for _ in range(count):
            with store.transaction() as tx:
                tx.audit("test.event")


def change(home: JaneeHome, *statements: str) -> None:
    with sqlite3.connect(home.state_db) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def refused(home: JaneeHome) -> str:
    with pytest.raises(StoreError) as caught:
        Store.open(home).close()
    assert caught.value.hint
    assert "ghp_hidden" not in caught.value.message
    return caught.value.code


# --- rollback and replacement


def test_a_rollback_to_an_older_copy_is_refused(home: JaneeHome, tmp_path: Path) -> None:
    shutil.copytree(home.path, tmp_path / "backup")
    with Store.open(home) as store, store.transaction() as tx:
        tx.revoke_agent("creature:patch", NOW)
        tx.audit("agent.revoked", agent="creature:patch")
    shutil.rmtree(home.path)
    shutil.copytree(tmp_path / "backup", home.path)
    assert refused(home) == "STORE_ROLLED_BACK"
    finding = verify_store(home).report.finding
    assert finding is not None
    assert "had come to 2" in finding.problem
    # without what is remembered outside, the revoked agent would be back
    home.anchor_file(home.link_file.read_text().strip()).unlink()
    with Store.open(home, accept_rollback=True) as store:
        agent = store.agent_by_token(Secret("jat_patch"))
        assert agent is not None
        assert not agent.is_revoked


def test_a_rollback_that_went_on_is_refused(home: JaneeHome, tmp_path: Path) -> None:
    """The older copy was given new records elsewhere, so that its length looks right."""
    shutil.copytree(home.path, tmp_path / "backup")
    write(home, 3)
    anchor = home.anchor_file(home.link_file.read_text().strip())
    remembered = anchor.read_bytes()
    shutil.rmtree(home.path)
    shutil.copytree(tmp_path / "backup", home.path)
    Store.open(home, accept_rollback=True).close()
    write(home, 5)
    anchor.write_bytes(remembered)
    assert refused(home) == "STORE_ROLLED_BACK"


def test_a_rollback_is_accepted_only_by_name_and_that_is_audited(home: JaneeHome, tmp_path: Path) -> None:
    shutil.copytree(home.path, tmp_path / "backup")
    write(home)
    shutil.rmtree(home.path)
    shutil.copytree(tmp_path / "backup", home.path)
    Store.open(home, accept_rollback=True).close()
    write(home)  # from now on it is the newest there is
    assert verify_store(home).report.is_intact
    with sqlite3.connect(home.state_db) as database:
        (record,) = database.execute("SELECT record FROM audit WHERE seq = 2").fetchone()
    database.close()
    assert '"event":"audit.rollback_accepted"' in record


def test_another_database_in_its_place_is_refused(home: JaneeHome, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other")
    Store.open(other, create=True).close()
    shutil.copy2(other.state_db, home.state_db)
    assert refused(home) in ("STORE_REPLACED", "MASTER_KEY_MISSING")
    shutil.copy2(next(other.key_dir.glob("*.key")), home.key_dir)  # even with its key at hand
    assert refused(home) == "STORE_REPLACED"
    finding = verify_store(home).report.finding
    assert finding is not None
    assert "another store" in finding.problem


def test_a_deleted_database_is_not_silently_made_anew(home: JaneeHome) -> None:
    for file in home.path.glob("state.db*"):
        file.unlink()
    with pytest.raises(StoreError, match="is gone") as caught:
        Store.open(home, create=True)
    assert caught.value.code == "STORE_MISSING"
    assert not home.state_db.exists()


def test_a_moved_home_goes_on_with_its_store(home: JaneeHome, tmp_path: Path) -> None:
    home.path.rename(tmp_path / "moved")
    moved = JaneeHome(tmp_path / "moved", home.key_dir)
    with Store.open(moved) as store:
        assert store.secret("gh", "key") == Secret("ghp_hidden")


# --- the master key, the format


def test_the_master_key_is_not_beside_what_it_encrypts(home: JaneeHome) -> None:
    key = next(home.key_dir.glob("*.key")).read_bytes().strip()
    import base64

    for file in home.path.rglob("*"):
        assert key not in file.read_bytes()
        assert base64.b64decode(key) not in file.read_bytes()


def test_a_wrong_master_key_is_named_and_changes_nothing(home: JaneeHome) -> None:
    import base64

    before = home.state_db.read_bytes()
    file = next(home.key_dir.glob("*.key"))
    file.write_bytes(base64.b64encode(os.urandom(32)))
    assert refused(home) == "MASTER_KEY_WRONG"
    file.unlink()
    assert refused(home) == "MASTER_KEY_MISSING"
    assert home.state_db.read_bytes() == before


FORMAT: dict[str, tuple[list[str], str]] = {
    "newer": (["PRAGMA user_version = 2"], "STORE_VERSION"),
    "older": (["PRAGMA user_version = 0"], "STORE_VERSION"),
    "foreign": (["PRAGMA application_id = 0"], "STORE_FOREIGN"),
    "trigger": (["CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM audit WHERE seq = new.seq; END"], "STORE_FOREIGN"),
    "view": (["CREATE VIEW v AS SELECT * FROM secrets"], "STORE_FOREIGN"),
    "dropped index": (["DROP INDEX rate_by_time"], "STORE_FOREIGN"),
    "dropped table": (["DROP TABLE audit"], "STORE_FOREIGN"),
    "no identity": (["DELETE FROM meta"], "STORE_FOREIGN"),
    "another identity": (["UPDATE meta SET value = CAST('0123' AS BLOB) WHERE name = 'store-id'"], "STORE_REPLACED"),
    "another key check": (["UPDATE meta SET value = zeroblob(40) WHERE name = 'key-check'"], "MASTER_KEY_WRONG"),
}


@pytest.mark.parametrize("name", FORMAT)
def test_a_changed_format_is_refused(home: JaneeHome, name: str) -> None:
    statements, code = FORMAT[name]
    change(home, *statements)
    assert refused(home) == code


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 1000)


def _flip_header(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:140] = bytes(40)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_truncate, _garbage, _flip_header, lambda path: path.write_bytes(b"")])
def test_a_damaged_file_is_refused_with_a_sentence(home: JaneeHome, damage: Callable[[Path], None]) -> None:
    for extra in home.path.glob("state.db-*"):
        extra.unlink()
    damage(home.state_db)
    assert refused(home) in ("STORE_DAMAGED", "STORE_FOREIGN", "AUDIT_UNAVAILABLE")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o660])
def test_a_database_that_others_reach_is_refused(home: JaneeHome, mode: int) -> None:
    home.state_db.chmod(mode)
    assert refused(home) == "STORE_UNSAFE"


def test_a_home_that_others_enter_is_refused(home: JaneeHome) -> None:
    home.path.chmod(0o755)
    assert refused(home) == "STORE_UNSAFE"


def test_a_symbolic_link_for_a_database_is_refused(home: JaneeHome, tmp_path: Path) -> None:
    home.state_db.rename(tmp_path / "elsewhere.db")
    home.state_db.symlink_to(tmp_path / "elsewhere.db")
    assert refused(home) == "STORE_UNSAFE"


# --- rows moved or forged by someone who can write the file but has no key


def test_a_secret_moved_to_another_service_does_not_open(home: JaneeHome) -> None:
    """Without associated data, the attacker's service would get the real credential."""
    change(home, "UPDATE secrets SET service = 'evil'")
    assert refused(home) == "STORE_CHANGED"
    with Store.open(home, accept_rollback=True) as store, pytest.raises(StoreError) as caught:
        store.secret("evil", "key")
    assert caught.value.code == "DECRYPT_FAILED"


def test_a_runner_key_cannot_be_given_more_agents(home: JaneeHome) -> None:
    change(home, """UPDATE runner_keys SET agents = '["*"]'""")
    assert refused(home) == "STORE_CHANGED"
    with Store.open(home, accept_rollback=True) as store, pytest.raises(StoreError) as caught:
        store.runner_key("web")
    assert caught.value.code == "DECRYPT_FAILED"


def test_a_token_cannot_be_moved_to_another_agent(home: JaneeHome) -> None:
    change(home, "UPDATE agents SET id = 'admin'")
    assert refused(home) == "STORE_CHANGED"
    with Store.open(home, accept_rollback=True) as store:
        assert store.agent_by_token(Secret("jat_patch")) is None


def test_a_token_cannot_be_made_without_the_master_key(home: JaneeHome) -> None:
    import hashlib

    digest = hashlib.sha256(b"jat_mine").hexdigest()
    change(home, f"INSERT INTO agents VALUES ('admin', x'{digest}', x'{digest}', 0, NULL)")
    assert refused(home) == "STORE_CHANGED"
    with Store.open(home, accept_rollback=True) as store:
        assert store.agent_by_token(Secret("jat_mine")) is None


# --- crashes and failing disks

_WRITER = """
import sys
from janee.authority.store import GrantRow, Store
from janee.config.home import JaneeHome
import os
store = Store.open(JaneeHome.resolve(os.environ))
number = int(sys.argv[1])
while True:
    number += 1
    with store.transaction() as tx:
        for event in ("exec.requested", "exec.decided", "grant.issued"):
            tx.audit(event, grantId=f"g_{number}")
        tx.insert_grant(GrantRow(f"g_{number}", "k", "r", "a", "c", "p", ("x",), None, "strict", 1.0, 2.0, 3.0))
    store.use_nonce("k", f"n{number}", expires_at=9e9, now=0.0)
    os.write(1, f"{number}\\n".encode())  # only now is it promised
"""


def run_python(code: str, home: JaneeHome, *arguments: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, **environment(home.path.parent), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def write_and_kill(home: JaneeHome, lines: int) -> list[int]:
    """Two writers at once, killed after so many promises each; all that was promised."""
    done: list[int] = []
    with contextlib.ExitStack() as stack:
        writers = []
        for which in (0, 1):
            writer = stack.enter_context(run_python(_WRITER, home, str(1_000_000 * (2 * lines + which))))
            stack.callback(writer.kill)
            writers.append(writer)
        for writer in writers:
            assert writer.stdout is not None
            for _ in range(lines):
                line = writer.stdout.readline()
                assert line, writer.stderr.read().decode() if writer.stderr else ""
                done.append(int(line))
        for writer in writers:
            writer.kill()
        for writer in writers:
            assert writer.stdout is not None
            done += [int(line) for line in writer.stdout.read().split(b"\n")[:-1]]
            assert writer.wait(DEADLINE_S) == -signal.SIGKILL
    return done


def test_what_was_promised_survives_a_kill_at_any_point(home: JaneeHome) -> None:
    for lines in (1, 7, 20):
        done = write_and_kill(home, lines)
        with Store.open(home) as store:
            for number in done:
                assert store.grant(f"g_{number}") is not None
                assert not store.use_nonce("k", f"n{number}", expires_at=9e9, now=0.0)
        verification = verify_store(home)
        assert verification.report.finding is None
        assert verification.anchor is not None
    with sqlite3.connect(home.state_db) as database:
        grants = {name for (name,) in database.execute("SELECT id FROM grants")}
        issued = {
            match[1]
            for (record,) in database.execute("SELECT record FROM audit WHERE record LIKE '%grant.issued%'")
            if (match := re.search(r'"grantId":"(g_\d+)"', record))
        }
    database.close()
    assert grants == issued  # never a grant without its record, nor the other way round


_LIMITED = """
import json, os, resource, signal
from janee.authority.store import Store
from janee.config.home import JaneeHome
from janee.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.open(JaneeHome.resolve(os.environ))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
written, code = 0, None
while written < 100_000:
    try:
        with store.transaction() as tx:
            tx.audit("test.event", text="x" * 1000)
        written += 1
    except StoreError as error:
        code = error.code
        break
try:
    store.use_nonce("k", "n", expires_at=9e9, now=0.0)
    nonce = "taken"
except StoreError as error:
    nonce = error.code
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with store.transaction() as tx:
    last = tx.audit("test.event")
print(json.dumps([written, code, nonce, last]))
"""


def test_a_disk_that_takes_no_more_denies_and_recovers(home: JaneeHome) -> None:
    import json

    process = run_python(_LIMITED, home)
    out, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, errors.decode()
    written, code, nonce, last = json.loads(out)
    assert written > 10
    assert (code, nonce) == ("AUDIT_UNAVAILABLE", "AUDIT_UNAVAILABLE")
    assert last >= written + 2
    report = verify_store(home).report
    assert report.is_intact
    assert report.head_seq == last


_FULL = """
set -e
mount -t tmpfs -o size=600k,mode=0700 tmpfs "$JANEE_HOME"
exec "$PYTHON" -c "$CODE"
"""

_FULL_CODE = """
import os
from janee.authority.store import Store
from janee.authority.reading import verify_store
from janee.config.home import JaneeHome
from janee.errors import StoreError
home = JaneeHome.resolve(os.environ)
store = Store.open(home, create=True)
written = 0
while True:
    try:
        with store.transaction() as tx:
            tx.audit("test.event", text="x" * 1000)
        written += 1
    except StoreError as error:
        print(written > 10, error.code, error.hint, verify_store(home).report.is_intact)
        break
"""


def test_a_full_file_system_denies(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], capture_output=True, timeout=DEADLINE_S).returncode != 0:
        pytest.skip("this machine gives no mount namespace (unshare --mount)")
    env = {**os.environ, **environment(tmp_path), "PYTHONPATH": str(REPOSITORY), "PYTHON": sys.executable, "CODE": _FULL_CODE}
    done = subprocess.run([*namespace, "sh", "-c", _FULL], env=env, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True AUDIT_UNAVAILABLE free space on its disk True"


_READ_ONLY = """
import os, sys
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    from janee.authority.store import Store
    from janee.config.home import JaneeHome
    from janee.errors import StoreError
except ImportError:
    sys.exit(77)
home = JaneeHome.resolve(os.environ)
Store.open(home, create=True).close()
home.state_db.chmod(0o400)
try:
    with Store.open(home) as store, store.transaction() as tx:
        tx.audit("test.event")
except StoreError as error:
    print(error.code, error.hint)
"""


def test_a_read_only_database_denies() -> None:
    """As an ordinary user, for whom modes count."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o777)
        process = run_python(_READ_ONLY, make_home(root))
        out, errors = process.communicate(timeout=DEADLINE_S)
    if process.returncode == 77:
        pytest.skip("this interpreter lies where an ordinary user (uid 65534) cannot read")
    assert process.returncode == 0, errors.decode()
    assert out.decode().startswith("AUDIT_UNAVAILABLE make it writable: ls -ld ")


def test_a_writer_that_hangs_ends_in_a_denial_not_in_a_wait_for_ever(home: JaneeHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("janee.authority._database.BUSY_TIMEOUT_MS", 50)
    blocker = sqlite3.connect(home.state_db, isolation_level=None)
    with Store.open(home) as store:
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught, store.transaction() as tx:
            tx.audit("test.event")
        assert caught.value.code == "AUDIT_UNAVAILABLE"
        assert "another process" in caught.value.hint
        blocker.execute("ROLLBACK")
        with store.transaction() as tx:
            tx.audit("test.event")
    blocker.close()


def test_an_anchor_that_cannot_be_written_is_an_error_at_the_start(home: JaneeHome) -> None:
    anchor = home.anchor_file(home.link_file.read_text().strip())
    anchor.unlink()
    anchor.mkdir()
    assert refused(home) in ("ANCHOR_INVALID", "ANCHOR_UNAVAILABLE")


def test_a_damaged_anchor_is_refused_unless_accepted_by_name(home: JaneeHome) -> None:
    anchor = home.anchor_file(home.link_file.read_text().strip())
    anchor.write_bytes(anchor.read_bytes().replace(b"1", b"2", 1))
    assert refused(home) == "ANCHOR_INVALID"
    Store.open(home, accept_rollback=True).close()
    write(home)
