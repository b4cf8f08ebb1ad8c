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
    env: {{PGUSER: "{{{{username}}}}", PGPASSWORD: "{{{{password}}}}", PGHOST: localhost, PGPORT: "{port}", PGDATABASE: {database}}}
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
        arguments = {"capability": capability, "command": list(command), "cwd": str(self.workspace)}
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
