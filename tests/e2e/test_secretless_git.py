"""git over HTTPS without the credential: clone, fetch and push through a Runner and a remote Authority."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.secretless import Handler, Place, place

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
PACK_MIB = int(os.environ.get("JANEE_TEST_PACK_MIB", "4"))  # of a push and a clone


class GitServer(Handler):
    """git http-backend behind Basic authentication: git-http-backend(1)."""

    root: Path

    def serve(self) -> None:
        if not self.is_authorized():
            self.body()
            self.reply(401, b"", ("www-authenticate", 'Basic realm="git"'))
            return
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "tests",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
        }
        child = subprocess.Popen(["git", "http-backend"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        assert child.stdin is not None and child.stdout is not None
        body = self.body()  # whole: this server is simple, what is tested is not
        with child, child.stdout:
            child.stdin.write(body)
            child.stdin.close()
            headers: dict[str, str] = {}
            while line := child.stdout.readline().strip().decode():
                name, _, value = line.partition(": ")
                headers[name.lower()] = value
            self.send_response(int(headers.pop("status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while piece := child.stdout.read1(1 << 16):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = serve  # noqa: N815 - the library's names


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("git")
    GitServer.root = root / "repositories"
    bare = GitServer.root / "project.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "config", "http.receivepack", "true"], check=True)
    subprocess.run(["git", "-C", str(bare), "config", "uploadpack.allowFilter", "true"], check=True)
    with place(root, GitServer) as opened:
        yield opened


HELPER = "git -c credential.helper='!f() { echo username=x-access-token; echo password=$TOKEN; }; f'"


def test_push_clone_and_fetch(server: Place) -> None:
    url = f"{server.url}/project.git"
    script = f"""set -e
        git init -q -b main one && cd one
        git config user.name t && git config user.email t@example.com
        head -c {PACK_MIB << 20} /dev/urandom > blob && git add blob && git commit -q -m first
        {HELPER} push --progress {url} main 2>&1
        cd .. && {HELPER} clone --progress {url} two 2>&1
        cmp one/blob two/blob && cd one && echo more > more && git add more && git commit -q -m second
        {HELPER} push -q {url} main && cd ../two && {HELPER} fetch origin 2>&1 && git log --oneline origin/main
    """
    done = server.sh(script)
    assert done["exitCode"] == 0, done
    assert "Writing objects: 100%" in done["stdout"] and "Receiving objects: 100%" in done["stdout"]
    assert "second" in done["stdout"] and server.authorized >= 8
    config = (server.workspace / "two" / ".git" / "config").read_text()
    assert "x-access-token" not in config


def test_a_header_of_the_configuration_works_too(server: Place) -> None:
    done = server.sh(f'git -c http.extraHeader="Authorization: Basic $BASIC" ls-remote {server.url}/project.git')
    assert done["exitCode"] == 0 and "refs/heads/main" in done["stdout"], done


def test_without_the_placeholder_the_server_says_no(server: Place) -> None:
    before = server.authorized
    done = server.sh(f"GIT_TERMINAL_PROMPT=0 git ls-remote {server.url}/project.git 2>&1")
    assert done["exitCode"] == 128 and server.authorized == before
