"""The demo's services serve nobody without the token, and end with whoever started them."""

import datetime as dt
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from janee.demo.certificates import Certificates, make_certificates
from janee.demo.processes import DemoError, Process

TOKEN = "at_test-token-0123456789"
THIEF = "http://localhost:1/"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"), now=dt.datetime.now(dt.UTC))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("upstream")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(root / "project.git")], check=True)
    return root


@pytest.fixture(params=["git", "api"], scope="module")
def service(request: pytest.FixtureRequest, certificates: Certificates, root: Path) -> Iterator[tuple[str, str, Process]]:
    argv = [sys.executable, "-m", "janee.demo.upstream", request.param]
    with Process(request.param, argv, env={"PATH": "/usr/bin:/bin"}, log=root / f"{request.param}.log") as process:
        settings = {"token": TOKEN, "certificate": str(certificates.server), "root": str(root), "thief": THIEF}
        process.send(json.dumps(settings))
        yield request.param, f"https://localhost:{process.read_line()}", process
    assert not process.is_running


def client(certificates: Certificates, token: str | None) -> httpx.Client:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(verify=ssl.create_default_context(cafile=str(certificates.ca)), headers=headers, trust_env=False)


@pytest.mark.parametrize("token", [None, "-", "wrong", TOKEN[:-1], TOKEN + "x"])
def test_without_the_token_nothing_is_served(
    service: tuple[str, str, Process], certificates: Certificates, token: str | None
) -> None:
    with client(certificates, token) as http:
        for path in ("/v1/tickets", "/v1/echo", "/project.git/info/refs?service=git-receive-pack"):
            assert http.get(service[1] + path).status_code == 401
            assert http.post(service[1] + path, content=b"x").status_code == 401


def test_with_the_token_each_serves_its_own(service: tuple[str, str, Process], certificates: Certificates) -> None:
    kind, url, _ = service
    with client(certificates, TOKEN) as http:
        if kind == "git":
            answer = http.get(f"{url}/project.git/info/refs?service=git-upload-pack")
            assert answer.status_code == 200
            assert "service=git-upload-pack" in answer.text
        else:
            assert http.get(f"{url}/v1/tickets").json() == {"tickets": ["printer on fire"]}
            assert http.get(f"{url}/v1/echo").headers["x-echo"] == f"Bearer {TOKEN}"
            assert http.get(f"{url}/v1/moved").headers["location"] == THIEF


def test_a_client_without_tls_disturbs_nobody(service: tuple[str, str, Process], certificates: Certificates) -> None:
    _, url, process = service
    with pytest.raises(httpx.HTTPError):
        httpx.get(url.replace("https", "http"), trust_env=False)
    with client(certificates, None) as http:
        assert http.get(url).status_code == 401
    assert process.is_running


def test_a_child_that_fails_is_reported_with_its_log(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(7)"]
    child = Process("the child", argv, env={}, log=tmp_path / "log")
    with child, pytest.raises(DemoError, match="ended early") as caught:
        child.read_line()
    assert "exit status 7" in caught.value.message
    assert "no such thing" in caught.value.hint


def test_a_child_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    child = Process("the child", argv, env={}, log=tmp_path / "log")
    with child, pytest.raises(DemoError, match="did not answer within"):
        child.read_line(timeout_s=0.2)
    assert not child.is_running
