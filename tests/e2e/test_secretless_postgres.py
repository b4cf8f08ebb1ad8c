"""psql through a Runner and a remote Authority, against a real PostgreSQL: it works, and the password is in none of the
Runner's processes while it does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.attacks.runner.test_secrets import memory_holds
from tests.e2e.secretless import write_certificate
from tests.postgres import DATABASE, PASSWORD, USER, needs_postgres, postgres
from tests.runner.rig import McpClient, Rig, argv_of, descendants, free_port

pytestmark = needs_postgres

CONFIG = """\
version: "0.3.0"
services:
  db:
    baseUrl: postgres://localhost:{port}/{database}
    allowPrivate: true
    {ca}
    auth: {{type: postgres, sslMode: {mode}}}
capabilities:
  run:
    service: db
    mode: exec
    allowCommands: [{{argv: [sh], rest: any}}]
    allowedAgents: [local, "runner:default"]
    workspace: write
    env:
      PGUSER: "{{{{username}}}}"
      PGPASSWORD: "{{{{password}}}}"
      PGHOST: localhost
      PGPORT: "{port}"
      PGDATABASE: {database}
    timeout: 120000
  psql:
    service: db
    mode: exec
    allowCommands: [psql]
    allowedAgents: [local, "runner:default"]
    env: {{PGUSER: "{{{{username}}}}"}}
"""


class Place:
    def __init__(self, rig: Rig, client: McpClient, workspace: Path, port: int) -> None:
        self.rig, self.client, self.workspace, self.port = rig, client, workspace, port

    def sh(self, script: str) -> dict[str, object]:
        (self.workspace / "script.sh").write_text(script)
        return self.exec("run", "sh", "script.sh")

    def exec(self, capability: str, *command: str) -> dict[str, object]:
        arguments = {"capability": capability, "command": list(command)}
        arguments |= {"cwd": str(self.workspace)} if capability == "run" else {}
        result = self.client.call("janee_exec", arguments, 150.0)
        assert PASSWORD not in str(result)
        assert "exitCode" in result, result
        return result

    def holders(self) -> tuple[int, set[int]]:
        """How many processes of the Runner's there are, and which of them hold the password."""
        family = descendants(self.client.process.pid) | {self.client.process.pid}
        family = {pid for pid in family if b"\0authority\0" not in argv_of(pid)}
        raw = PASSWORD.encode()
        return len(family), {pid for pid in family if memory_holds(pid, [raw, raw[::-1], raw.hex().encode()])}


@contextmanager
def opened(root: Path, *, with_tls: bool) -> Iterator[Place]:
    pem, key = write_certificate(root)
    (root / "pg").mkdir()
    with postgres(root / "pg", (pem, key) if with_tls else None) as port:
        rig, workspace = Rig(root, free_port()), root / "work"
        for directory in (root / "home", workspace):
            directory.mkdir()
        try:
            rig.janee("init")
            mode, ca = ("verify-full", f"ca: {pem}") if with_tls else ("disable", "")
            text = CONFIG.format(port=port, database=DATABASE, ca=ca, mode=mode)
            (root / "janee" / "config.yaml").write_text(text)
            rig.janee("service", "set-secret", "db", "--from-stdin", stdin=f"{USER}\n{PASSWORD}")
            rig.start_authority()
            with rig.runner("--sandbox", "strict") as client:
                yield Place(rig, client, workspace, port)
        finally:
            rig.close()


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("pg"), with_tls=True) as place:
        yield place


def test_a_statement_with_tls_that_psql_verifies(db: Place) -> None:
    sql = "select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()"
    done = db.sh(f"for mode in verify-full require disable prefer; do PGSSLMODE=$mode psql -XAtc '{sql}'; done")
    assert (done["exitCode"], done["stdout"]) == (0, f"{USER}|t\n" * 4), done


def test_the_profile_lets_psql_connect_with_nothing_but_the_user(db: Place) -> None:
    done = db.exec("psql", "psql", "-h", "localhost", "-p", str(db.port), "-d", DATABASE, "-Atc", "select 40 + 2")
    assert (done["exitCode"], done["stdout"]) == (0, "42\n"), done


def test_a_table_is_copied_in_and_out(db: Place) -> None:
    script = """
    seq 1 50000 | sed 's/$/,some text of a row/' > rows.csv
    psql -XAtq -v ON_ERROR_STOP=1 -c 'create table copied (id int, note text)' \
      -c "\\copy copied from rows.csv csv" -c 'select count(*), sum(id) from copied' -c "\\copy copied to back.csv csv"
    cmp rows.csv back.csv && echo same
    """
    done = db.sh(script)
    assert (done["exitCode"], done["stdout"]) == (0, "50000|1250025000\nsame\n"), done


def test_large_results_come_through_whole_in_one_row_or_in_many(db: Place) -> None:
    many = "select repeat(md5(i::text), 32) from generate_series(1, 20000) i"
    script = f"""
    psql -XAtc "{many}" | wc -c
    psql -XAtc "select repeat('0123456789', 2000000)" | wc -c
    psql -XAtc "select length('$(head -c 100000 /dev/zero | tr '\\0' x)')"
    """
    done = db.sh(script)
    assert (done["exitCode"], done["stdout"]) == (0, f"{20000 * 1025}\n20000001\n100000\n"), done


@pytest.mark.skipif(os.getuid() != 0, reason="only root reads the memory of other processes")
def test_the_password_is_nowhere_on_the_runners_side_while_psql_runs(db: Place) -> None:
    seen: list[tuple[int, set[int]]] = []

    def look() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (db.workspace / "inside").exists():
            time.sleep(0.02)
        seen.append(db.holders())
        (db.workspace / "looked").touch()

    watcher = threading.Thread(target=look)
    watcher.start()
    script = "printf 'select 1;\\n\\\\! touch inside; while ! test -e looked; do sleep 0.1; done\\nselect 2;\\n' > s.sql\n"
    done = db.sh(script + 'psql -XAtq -f s.sql; env | grep -c "^PGPASSWORD=.\\{24,\\}"')
    watcher.join(60)
    assert (done["exitCode"], done["stdout"]) == (0, "1\n2\n1\n"), done
    assert seen and seen[0][0] >= 4 and seen[0][1] == set()
    assert [path for path in db.workspace.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()] == []


def test_a_statement_is_cancelled_as_usual(db: Place) -> None:
    done = db.sh("timeout -s INT 3 psql -Xc 'select pg_sleep(100)' 2>&1; psql -XAtc 'select 1'")
    assert (done["exitCode"], done["stdout"]) == (
        0,
        "Cancel request sent\nERROR:  canceling statement due to user request\n1\n",
    ), done


def test_what_is_refused_is_read_in_psqls_own_output(db: Place) -> None:
    script = f"""
    psql -XU postgres -c 'select 1'
    psql -Xd template1 -c 'select 1'
    psql -Xd 'dbname={DATABASE} replication=database' -c 'IDENTIFY_SYSTEM'
    PGAPPNAME=$PGPASSWORD psql -Xc 'select 1'
    psql -Xc "select '$PGPASSWORD'"
    psql -Xc 'select nothing'
    """
    done = db.sh(f"exec 2>&1\n{script}")
    said = str(done["stdout"])
    assert f"janee: the user of the service db is {USER} (RULE_DENY)" in said, said
    assert f"janee: the service db is the database {DATABASE} (RULE_DENY)" in said
    assert "a replication connection is not made" in said
    assert said.count("(PLACEHOLDER_MISPLACED)") == 2, said
    assert 'column "nothing" does not exist' in said
    records = [record for record in db.rig.audit() if record.get("grantId") == done["grantId"]]
    assert [record["event"] for record in records].count("egress.alarm") == 2
    codes = [record["reasonCode"] for record in records if record["event"] == "egress.decided" and "reasonCode" in record]
    assert codes == ["RULE_DENY"] * 3 + ["PLACEHOLDER_MISPLACED"]


def test_the_password_in_a_row_is_masked_and_counted(db: Place) -> None:
    half = len(PASSWORD) // 2
    sql = f"select 1, '{PASSWORD[:half]}' || '{PASSWORD[half:]}', 2"
    done = db.sh(f'psql -XAtc "{sql}" -c "select 3"')
    assert (done["exitCode"], done["stdout"]) == (0, "1|[REDACTED]|2\n3\n"), done
    completed = [record for record in db.rig.audit() if record.get("grantId") == done["grantId"]]
    assert [record["scrubHits"] for record in completed if record["event"] == "egress.completed"] == [1]


def test_without_tls_scram_alone_and_a_password_that_is_wrong(tmp_path: Path) -> None:
    with opened(tmp_path, with_tls=False) as db:
        done = db.sh("psql -XAtc 'select 7'")
        assert (done["exitCode"], done["stdout"]) == (0, "7\n"), done
        db.rig.janee("service", "set-secret", "db", "--from-stdin", stdin=f"{USER}\nnot-the-password-of-the-server")
        done = db.sh("psql -XAtc 'select 7'")
        assert done["exitCode"] == 2 and f'password authentication failed for user "{USER}"' in str(done["stderr"]), done
