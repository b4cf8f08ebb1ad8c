"""What a command can send to the relay's PostgreSQL port: garbage, questions without end, nothing. The relay stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_secretless_postgres import Place, opened
from tests.postgres import needs_postgres

pytestmark = needs_postgres

CLIENT = """
import os, socket, ssl, struct
address = ("localhost", int(os.environ["PGPORT"]))
TLS, GSS = struct.pack(">II", 8, 80877103), struct.pack(">II", 8, 80877104)
STARTUP = b"\\0\\3\\0\\0user\\0app\\0database\\0shop\\0\\0"
STARTUP = struct.pack(">I", len(STARTUP) + 4) + STARTUP

def talk(*pieces, tls=False, close=False):
    with socket.create_connection(address, timeout=40) as plain:
        connection = plain
        if tls:
            plain.sendall(TLS)
            assert plain.recv(1) == b"S"
            connection = ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
        got = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            if close:
                return "left"
            while data := connection.recv(65536):
                got += data
                if got.endswith(b"Z\\0\\0\\0\\5I"):
                    return "in"
        except OSError as error:
            return type(error).__name__ if not got else "error"
        return "error" if b"janee:" in got else "closed" if got in (b"", b"S", b"N", b"NN", b"NNN") else repr(got[:60])

print(talk(b"GET / HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n"))
print(talk(struct.pack(">II", 1 << 30, 196608)))
print(talk(struct.pack(">II", 0, 196608)))
print(talk(GSS, GSS, GSS, GSS))
print(talk(TLS, tls=True))
print(talk(TLS + STARTUP))
print(talk(b"\\x16\\x03\\x01\\x02\\x00" + bytes(600)))
print(talk(struct.pack(">II", 12, 196608) + b"????"))
print(talk(struct.pack(">II", 8, 131072)))
print(talk(struct.pack(">IIII", 16, 80877102, 1, 2)))
print(talk(STARTUP[:9], close=True), talk(STARTUP[:9], tls=True, close=True), talk(close=True))
print(talk(STARTUP, b"Q\\0\\0\\0\\1"))
print(talk(STARTUP), talk(STARTUP, tls=True), talk(GSS, STARTUP)[:3])
"""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("pg"), with_tls=False) as place:
        yield place


def test_what_is_no_postgresql_is_refused_and_what_is_gets_in(db: Place) -> None:
    Path(db.workspace / "talk.py").write_text(CLIENT)
    done = db.sh("/usr/bin/python3 talk.py 2>&1")
    said = str(done["stdout"]).splitlines()
    assert done["exitCode"] == 0, done
    refused = {"closed", "ConnectionResetError", "BrokenPipeError", "SSLError", "error"}
    assert all(line in refused for line in said[:7]), said
    assert said[7:10] == ["error", "error", "error"], said
    assert said[10] == "left left left"
    assert said[11] in refused | {"in"}  # a message of an impossible length
    assert said[12].split()[:2] == ["in", "in"], said
