"""A real PostgreSQL on loopback: SCRAM-SHA-256 for everybody, with TLS or without, in a directory that goes with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.runner.rig import free_port

USER: Final = "app"
DATABASE: Final = "shop"
PASSWORD: Final = "pgR3alPasswordOfTheTests0123456789"
_OWNER: Final = "postgres"


def server_program(name: str) -> Path | None:
    """The newest `name` among the installed servers' programs."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3].split(".")[0]))
    on_path = shutil.which(name)
    return found[-1] if found else Path(on_path) if on_path else None


needs_postgres: Final = pytest.mark.skipif(
    server_program("initdb") is None or shutil.which("psql") is None, reason="PostgreSQL's server or psql is not installed"
)


@contextmanager
def postgres(root: Path, certificate: tuple[Path, Path] | None = None, auth: str = "scram-sha-256") -> Iterator[int]:
    """Its port. root: an empty directory. certificate: PEM files, for TLS. By TCP, only USER gets in, to DATABASE."""
    initdb, server = server_program("initdb"), server_program("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL's server is not installed")
    user = _OWNER if os.geteuid() == 0 else None
    data = root / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        try:
            shutil.chown(data, user)
        except LookupError:
            pytest.skip("there is no user postgres, and root cannot run the server")
        for parent in (root, *root.parents):
            if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    run = {"user": user, "cwd": "/", "check": True, "stdout": subprocess.DEVNULL, "timeout": 120}
    subprocess.run([initdb, "-D", data, "-U", _OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"], **run)  # type: ignore[call-overload]
    port = free_port()
    port_lines = [f"port = {port}", "listen_addresses = '127.0.0.1'", f"unix_socket_directories = '{data}'", "fsync = off"]
    if certificate is not None:
        for name, source in zip(("server.crt", "server.key"), certificate, strict=True):
            shutil.copyfile(source, data / name)
            (data / name).chmod(0o600)
            if user is not None:
                shutil.chown(data / name, user)
        port_lines.append("ssl = on")
    (data / "postgresql.auto.conf").write_text("\n".join(port_lines) + "\n")
    kind = "hostssl" if certificate is not None else "host"
    (data / "pg_hba.conf").write_text(f"local all all trust\n{kind} {DATABASE} {USER} 127.0.0.1/32 {auth}\n")
    log = (root / "server.log").open("wb")
    process = subprocess.Popen([server, "-D", data], user=user, cwd="/", stdout=log, stderr=log)
    try:
        sql = (
            f"create role {USER} login password '{PASSWORD}'",
            f"create database {DATABASE} owner {USER}",
        )
        _wait(process, data, port)
        for statement in sql:
            subprocess.run(["psql", "-h", data, "-p", str(port), "-U", _OWNER, "-qc", statement], **run)  # type: ignore[call-overload]
        yield port
    finally:
        process.send_signal(2)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
        log.close()


def _wait(process: subprocess.Popen[bytes], data: Path, port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(data / f".s.PGSQL.{port}"))
            done = subprocess.run(["psql", "-h", data, "-p", str(port), "-U", _OWNER, "-qc", "select 1"], capture_output=True)
            if done.returncode == 0:
                return
        time.sleep(0.1)
    pytest.fail("the server did not start within a minute")
