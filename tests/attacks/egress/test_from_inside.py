"""What a command says to its relay, byte by byte, in a real sandbox with a real Runner, a remote Authority and a service."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from collections.abc import Iterator

import pytest

from tests.e2e.secretless import CONFIG, CREDENTIAL, Handler, Place, place

RULES = '    rules: {{allow: ["GET /open/*", "POST /open/*"], deny: ["* /open/secret*"]}}\n'

# Each line of its input: [name, [bytes to send, ...] as latin-1, how]. It says what came back; nothing is sent by a library.
CLIENT = r"""
import json, os, socket, ssl, sys, time
port, cases = int(sys.argv[1]), json.load(open("cases.json"))
token = os.environ["TOKEN"]
context = ssl.create_default_context()
for name, pieces, how in cases:
    got = b""
    try:
        plain = socket.create_connection(("localhost", port), timeout=10)
        context.check_hostname = how.get("sni", "localhost") == "localhost"
        conn = context.wrap_socket(plain, server_hostname=how.get("sni", "localhost"))
        for piece in pieces:
            piece = piece.replace("%TOKEN%", token).replace("%HOST%", f"localhost:{port}").encode("latin-1")
            for at in range(0, len(piece), how.get("by", len(piece)) or 1):
                conn.sendall(piece[at:at + how.get("by", len(piece))])
        if how.get("close"):
            plain.shutdown(socket.SHUT_WR)
        while data := conn.recv(65536):
            got += data
            if how.get("until", "").encode() in got and how.get("until"):
                break
    except OSError as error:
        got += b" [%s]" % type(error).__name__.encode()
    print(json.dumps([name, got.decode("latin-1")]))
"""


class Echo(Handler):
    """Says all that it was sent, to whoever has the credential, in whatever way the path asks for."""

    seen: list[tuple[str, str]] = []  # noqa: RUF012 - of the class, for the test

    def answer(self) -> None:
        body = self.body()
        self.seen.append((self.command, self.path))
        text = (str(self.headers) + self.path).encode() + body
        if not self.is_authorized():
            self.reply(401, b"who are you")
        elif self.path.startswith("/open/packed"):
            self.reply(200, gzip.compress(text), ("content-encoding", "gzip"), ("content-encoding", "identity"))
        elif self.path.startswith("/open/early"):
            self.wfile.write(b"HTTP/1.1 103 Early\r\nX-Echo: " + str(self.headers["authorization"]).encode() + b"\r\n\r\n")
            self.reply(200, b"done")
        elif self.path.startswith("/open/trailer"):
            echoed = str(self.headers["authorization"]).encode()
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;e=%s\r\ndone\r\n0\r\nX: %s\r\n\r\n" % (echoed, echoed)
            )
        elif self.path.startswith("/open/away"):
            self.reply(302, text, ("location", f"https://elsewhere.example/?key={CREDENTIAL}"), (f"x-{CREDENTIAL}", "1"))
        else:
            self.reply(200, text, ("x-echo", self.headers["authorization"]))

    do_GET = do_POST = do_HEAD = do_DELETE = do_PUT = answer  # noqa: N815 - the library's names


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    config = CONFIG.replace("    workspace: write\n", "    workspace: write\n" + RULES)
    with place(tmp_path_factory.mktemp("inside"), Echo, config=config) as opened:
        (opened.workspace / "client.py").write_text(CLIENT)
        yield opened


Case = tuple[str, list[str], dict[str, object]]


def said(inside: Place, cases: list[Case]) -> dict[str, str]:
    """What came back, by name."""
    Echo.seen.clear()
    (inside.workspace / "cases.json").write_text(json.dumps(cases))
    done = inside.sh(f"python3 client.py {inside.port}")
    assert done["exitCode"] == 0, done
    return dict(json.loads(line) for line in done["stdout"].splitlines())


def get(target: str, *more: str, host: str = "%HOST%", close: bool = True) -> str:
    last = ["Connection: close"] if close else []
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", "Authorization: Bearer %TOKEN%", *more, *last]
    return "\r\n".join(lines) + "\r\n\r\n"


def test_honest_requests_however_they_are_cut(inside: Place) -> None:
    post = "POST /open/x HTTP/1.1\r\nHost: %HOST%\r\nAuthorization: Bearer %TOKEN%\r\nConnection: close\r\n"
    cases: list[Case] = [
        ("byte by byte", [get("/open/a")], {"by": 1}),
        ("half closed", [get("/open/b")], {"close": True}),
        ("chunks of one byte", [post, "Transfer-Encoding: chunked\r\n\r\n", "1\r\nz\r\n" * 500 + "0\r\nX: y\r\n\r\n"], {}),
        ("with extensions", [post, "Transfer-Encoding: chunked\r\n\r\n", '3;a="b"\r\nzzz\r\n0\r\n\r\n'], {"by": 3}),
        ("another server name", [get("/open/c")], {"sni": "elsewhere.example"}),
        ("two in one", [get("/open/d", close=False) + get("/open/e")], {}),
        ("early", [get("/open/early")], {}),
        ("trailer", [get("/open/trailer")], {}),
        ("away", [get("/open/away")], {}),
    ]
    found = said(inside, cases)
    status = {name: text.count("HTTP/1.1 200") for name, text in found.items()}
    assert status == dict.fromkeys(found, 1) | {"two in one": 2, "away": 0, "half closed": status["half closed"]}
    assert found["away"].startswith("HTTP/1.1 302") and found["chunks of one byte"].endswith("z" * 500)
    assert {target for _, target in Echo.seen} <= {f"/open/{name}" for name in (*"abcdex", "early", "trailer", "away")}
    assert "Early" not in found["early"] and "ghp_" not in "".join(found.values())


REFUSED = {
    **{
        f"path {path}": get(path)
        for path in (
            *(
                "/",
                "/closed",
                "/open/../closed",
                "/open/%2e%2e/closed",
                "/open/%2E%2e%2fclosed",
                "/open/..;/closed",
                "//closed",
            ),
            *("/open//../closed", "/open\\..\\closed", "/OPEN/x", "/open/./x", "/open/x;y", "/open/%252e%252e/x", "/open/x%00"),
            *("/open/secret", "/open/SECRET/", "/open/s%65cret", "/open/%73ecret/x", "/open/x?_method=DELETE", "/open/x#/y"),
            *("https://localhost/open/x", "http://elsewhere.example/open/x", "localhost:443", "*"),
        )
    },
    **{
        f"host {host}": get("/open/x", host=host)
        for host in ("elsewhere.example", "localhost", "localhost:1", "a@%HOST%", "%HOST%:1")
    },
    **{
        f"header {name}": get("/open/x", f"{name}: /closed")
        for name in ("X-Original-URL", "x_original_url", "X_HTTP_Method_Override")
    },
    "two hosts": get("/open/x", "Host: elsewhere.example"),
    "two authorizations": get("/open/x", "Authorization: Bearer %TOKEN%"),
    "named in Connection": get("/open/x", "Connection: Authorization"),
    "another method": get("/open/x").replace("GET", "DELETE"),
    "a body and a second request": get("/open/x", "Content-Length: 4", "Transfer-Encoding: chunked")
    + "0\r\n\r\n"
    + get("/closed"),
    "packed": get("/open/packed"),
    "elsewhere in the head": get("/open/x", "X-Note: %TOKEN%"),
    "in the body": get("/open/x", "Content-Length: 40", "Content-Type: text/plain") + "%TOKEN%".ljust(20),
}


def test_requests_for_anything_else_reach_nobody(inside: Place) -> None:
    found = said(inside, [(name, [text], {}) for name, text in REFUSED.items()])
    passed = [name for name, text in found.items() if not text.startswith("HTTP/1.1 4") and not text.startswith("HTTP/1.1 5")]
    assert passed == []
    allowed = {("GET", "/open/packed"), ("GET", "/open/x")}  # the second: its body was cut off
    assert set(Echo.seen) <= allowed and Echo.seen.count(("GET", "/open/x")) <= 1
    assert "ghp_" not in "".join(found.values())


def test_a_smuggled_request_behind_an_allowed_one_is_refused(inside: Place) -> None:
    found = said(inside, [("two", [get("/open/x", close=False) + get("/closed")], {})])["two"]
    assert found.startswith("HTTP/1.1 200") and "RULE_DENY" in found
    assert Echo.seen == [("GET", "/open/x")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_nothing_that_a_command_leaves_behind_asks_anything_more(inside: Place) -> None:
    """Processes in the background, in sessions of their own, with connections open: the grant's end is theirs."""
    Echo.seen.clear()
    script = f"""
    for n in 1 2 3; do
      setsid sh -c 'while :; do curl -s -m 5 -H "Authorization: Bearer $TOKEN" {inside.url}/open/late >/dev/null; done' \\
        </dev/null >/dev/null 2>&1 &
    done
    curl -sS --retry 3 -H "Authorization: Bearer $TOKEN" {inside.url}/open/first >/dev/null
    """
    assert inside.sh(script)["exitCode"] == 0
    count, since, deadline = len(Echo.seen), time.monotonic(), time.monotonic() + 30
    assert count >= 1
    while time.monotonic() - since < 2 and time.monotonic() < deadline:  # what had been sent already may still arrive
        if len(Echo.seen) != count:
            count, since = len(Echo.seen), time.monotonic()
        time.sleep(0.05)
    assert time.monotonic() < deadline, "somebody goes on asking"
