"""Real tools, each through a Runner and a remote Authority: they work, and the real credential is in none of the Runner's
processes while they do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.secretless import CREDENTIAL, Handler, Place, place


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


class Api(Handler):
    """Tells what it was sent; 401 for who has no credential."""

    def answer(self) -> None:
        body = self.body()
        if not self.is_authorized():
            self.reply(401, b"who are you\n", ("www-authenticate", "Basic"))
        else:
            value = {"method": self.command, "path": self.path, "bytes": len(body), "auth": self.headers["authorization"]}
            self.reply(200, json.dumps(value).encode() + b"\n", ("content-type", "application/json"))

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer  # noqa: N815 - the library's names


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("tools"), Api) as opened:
        yield opened


def test_the_environment_has_a_placeholder_that_looks_like_the_credential(api: Place) -> None:
    # The output is scrubbed of placeholders too, so the command says how it looks.
    done = api.sh('echo "${#TOKEN}"; case "$TOKEN" in ghp_*) echo same-kind;; esac; env | cut -c 1-6 | sort; echo "$TOKEN"')
    assert done["exitCode"] == 0, done
    assert done["stdout"].splitlines()[:2] == [str(len(CREDENTIAL)), "same-kind"]
    assert done["stdout"].splitlines()[-1] == "[REDACTED]"


@needs("curl")
def test_curl(api: Place) -> None:
    before = api.authorized
    script = f'curl -sS -H "Authorization: Bearer $TOKEN" {api.url}/a?b=c && head -c 3000000 /dev/zero > f && '
    script += f'curl -sS -T f -u "x:$TOKEN" {api.url}/up && curl -sS -I -H "Authorization: token $TOKEN" {api.url}/head'
    done = api.sh(script)
    assert done["exitCode"] == 0, done
    assert '"path": "/a?b=c"' in done["stdout"] and '"bytes": 3000000' in done["stdout"] and "HTTP/1.1 200" in done["stdout"]
    assert api.authorized == before + 3
