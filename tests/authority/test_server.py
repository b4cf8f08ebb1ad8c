"""The process: how it starts, listens, ends, and what it shows of itself."""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from janee.seal import stretch_key
from janee.secret import Secret
from tests.authority.live import API_KEY, SECRET, Live, Runner, make_home, running, stop


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "janee.cli.main", "authority", *options]


def test_it_says_where_it_listens_and_ends_with_0_on_sigterm(live: Live) -> None:
    started = time.monotonic()
    assert stop(live.process) == 0
    assert time.monotonic() - started < 10
    assert (live.home.path.parent / "stderr").read_text() == f"janee: authority listening on http://127.0.0.1:{live.port}\n"
    assert [e for e in live.events() if e.startswith("authority.")] == ["authority.started", "authority.stopped"]


def test_the_key_is_registered_and_never_shown(live: Live) -> None:
    added = next(record for record in live.records() if record["event"] == "runner.added")
    assert (added["runner"], added["agents"]) == ("default", ["local", "runner:default"])
    stop(live.process)
    everything = b"".join(path.read_bytes() for path in live.home.path.parent.rglob("*") if path.is_file())
    assert API_KEY.encode() not in everything and SECRET.encode() not in everything


def test_its_environment_no_longer_holds_the_key_and_its_memory_is_closed(live: Live) -> None:
    status = Path(f"/proc/{live.process.pid}/limits").read_text()
    core = next(line for line in status.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4] == "0"
    # An undumpable process's files in /proc belong to root, whoever runs it (proc(5)).
    if os.getuid() != 0:
        with pytest.raises(PermissionError):
            Path(f"/proc/{live.process.pid}/environ").read_bytes()


def test_a_port_in_use_is_a_clear_error(live: Live, tmp_path: Path) -> None:
    home, environ = make_home(tmp_path / "second")
    result = subprocess.run(
        command("--port", str(live.port)), env=environ | {"JANEE_API_KEY": API_KEY}, capture_output=True, timeout=20, text=True
    )
    assert result.returncode == 1
    assert f"janee: error: cannot listen on 127.0.0.1:{live.port}: address already in use" in result.stderr
    assert "Traceback" not in result.stderr and home.state_db.exists()


def test_a_fresh_home_is_made_and_says_so(tmp_path: Path) -> None:
    environ = {"JANEE_HOME": str(tmp_path / "new"), "XDG_DATA_HOME": str(tmp_path / "data"), "PATH": os.environ["PATH"]}
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        command("--port", "0", "--api-key", "short", "--ready-fd", str(write_end)),
        env=environ, pass_fds=(write_end,), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(write_end)
    try:
        assert select.select([read_end], [], [], 20)[0] and os.read(read_end, 100).startswith(b"http://127.0.0.1:")
    finally:
        os.close(read_end)
        assert stop(process) == 0  # type: ignore[arg-type]
    assert process.stderr is not None
    with process.stderr:
        said = process.stderr.read()
    assert "created" in said and "easy to guess" in said
    assert (tmp_path / "new" / "config.yaml").stat().st_mode & 0o777 == 0o600


@contextlib.contextmanager
def child(tmp_path: Path, *options: str):  # type: ignore[no-untyped-def]
    """As `janee serve` starts it: a Unix socket, the key through a pipe, our end of another pipe."""
    home, environ = make_home(tmp_path)
    private = tmp_path / "run"
    private.mkdir(mode=0o700)
    key_read, key_write = os.pipe()
    ready_read, ready_write = os.pipe()
    parent_read, parent_write = os.pipe()
    os.write(key_write, API_KEY.encode())
    os.close(key_write)
    arguments = ["--socket", str(private / "s"), "--ready-fd", str(ready_write), "--parent-fd", str(parent_read), *options]
    process = subprocess.Popen(
        command(*arguments, "--api-key-file", f"/dev/fd/{key_read}"), env=environ, pass_fds=(key_read, ready_write, parent_read)
    )
    for descriptor in (key_read, ready_write, parent_read):
        os.close(descriptor)
    try:
        assert select.select([ready_read], [], [], 20)[0]
        yield home, process, os.read(ready_read, 4096).decode(), parent_write, private / "s"
    finally:
        os.close(ready_read)
        with contextlib.suppress(OSError):
            os.close(parent_write)
        stop(process)


def test_as_a_child_it_listens_on_a_private_socket_and_ends_with_its_parent(tmp_path: Path) -> None:
    with child(tmp_path) as (home, process, ready, parent_write, path):
        assert ready == f"unix://{path}\n"
        assert path.stat().st_mode & 0o777 == 0o600
        connection = http.client.HTTPConnection("authority")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(str(path))
        runner = Runner(0, stretch_key(Secret(API_KEY)))
        connection.request(
            "GET", "/v1/capabilities?agentId=local", headers=runner.sign("GET", "/v1/capabilities", b"", query="agentId=local")
        )
        assert connection.getresponse().status == 200
        connection.close()
        os.close(parent_write)
        assert process.wait(15) == 0
        assert not path.exists()
        from janee.authority.store import Store

        with Store.open(home) as store:
            assert store.runner_keys() == ()  # the key of a child is never stored


def test_a_socket_in_a_directory_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    _, environ = make_home(tmp_path)
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o755)
    result = subprocess.run(
        command("--socket", str(tmp_path / "open" / "s"), "--api-key", API_KEY),
        env=environ,
        capture_output=True,
        timeout=20,
        text=True,
    )
    assert result.returncode == 2
    assert "not a private directory" in result.stderr and "chmod 700" in result.stderr


def make_certificate(directory: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = directory / "cert.pem", directory / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pkcs8 = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))
    return cert_file, key_file


def test_tls_and_client_certificates(tmp_path: Path) -> None:
    home, environ = make_home(tmp_path)
    cert, key = make_certificate(tmp_path)
    options = ("--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(cert))
    with running(home, environ, *options) as live:
        context = ssl.create_default_context(cafile=str(cert))
        with pytest.raises((ssl.SSLError, OSError)):  # no client certificate
            connection = http.client.HTTPSConnection("localhost", live.port, context=context, timeout=10)
            connection.request("GET", "/v1/health")
            connection.getresponse()
        context.load_cert_chain(cert, key)
        connection = http.client.HTTPSConnection("localhost", live.port, context=context, timeout=10)
        connection.request("GET", "/v1/health")
        assert connection.getresponse().status == 200
        connection.close()


def test_tls_files_that_cannot_be_used_are_a_clear_error(tmp_path: Path) -> None:
    _, environ = make_home(tmp_path)
    for options in (("--tls-cert", "/nowhere"), ("--tls-cert", "/nowhere", "--tls-key", "/nowhere")):
        result = subprocess.run(
            command("--port", "0", "--api-key", API_KEY, *options), env=environ, capture_output=True, timeout=20, text=True
        )
        assert result.returncode == 2
        assert result.stderr.startswith("janee: error: ") and "Traceback" not in result.stderr
