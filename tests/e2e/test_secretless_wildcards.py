"""Services with a wildcard among their hosts: each name resolves inside, goes where it should, and nothing else resolves.

The names are those of an /etc/hosts that only the Authority's and the Runner's own mount namespace has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.secretless import CONFIG, CREDENTIAL, Handler, Place, place
from tests.runner.rig import Rig

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="names of the tests' own need a mount namespace: root")

_NETWORK = '["localhost:{port}", "*.svc.test:{port}", "*.raw.test:{port}"]'
_CONFIG = CONFIG.replace("    auth:", '    hosts: ["*.svc.test:{port}"]\n    auth:').replace(
    "    workspace: write\n", f"    workspace: write\n    network: {_NETWORK}\n"
)
_NAMES = "one.svc.test two.svc.test a.b.svc.test one.raw.test a.b.raw.test evil.test svc.test"


class _NamedRig(Rig):
    """With names of its own."""

    def spawn(self, *arguments: str, env: dict[str, str] | None = None, stderr: Any = None) -> subprocess.Popen[bytes]:
        hosts = self.root / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {_NAMES}\n")
        mount = 'mount --bind "$0" /etc/hosts && exec "$@"'
        child = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", mount, str(hosts), sys.executable, "-m", "janee.cli.main", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env={**self.env, **(env or {})},
        )  # fmt: skip
        self._children.append(child)
        return child


class _Api(Handler):
    def do_GET(self) -> None:
        status = 200 if self.is_authorized() else 401
        self.reply(status, f"{status} {self.headers['host']} {self.path}\n".encode())


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root: Path = tmp_path_factory.mktemp("wild")
    with place(root, _Api, config=_CONFIG, names=("*.svc.test", "*.raw.test"), kind=_NamedRig) as opened:
        yield opened


_CURL = 'curl -sS -H "Authorization: Bearer $TOKEN"'


def test_every_name_of_a_wildcard_goes_through_the_gateway(api: Place) -> None:
    before = api.authorized
    urls = " ".join(f"https://{name}:{api.port}/" for name in ("one.svc.test", "TWO.svc.test", "localhost", "one.svc.test"))
    done = api.sh(f"{_CURL} {urls}")
    assert done["stdout"].lower().splitlines() == [
        f"200 {name}:{api.port} /" for name in ("one.svc.test", "two.svc.test", "localhost", "one.svc.test")
    ], done
    assert api.authorized == before + 4


def test_python_resolves_and_verifies_too(api: Place) -> None:
    program = (
        "import os,urllib.request as u; r=u.Request(os.environ['URL'],headers={'authorization':'Bearer '+os.environ['TOKEN']})"
    )
    (api.workspace / "get.py").write_text(program + "; print(u.urlopen(r).read().decode())\n")
    done = api.sh(f"URL=https://two.svc.test:{api.port}/p python3 get.py")
    assert done["stdout"].strip() == f"200 two.svc.test:{api.port} /p", done


def test_what_is_not_the_services_is_relayed_as_it_is(api: Place) -> None:
    (api.workspace / "service.pem").write_bytes((api.rig.root / "service.pem").read_bytes())
    urls = " ".join(f"https://{name}:{api.port}/" for name in ("one.raw.test", "a.b.raw.test"))
    done = api.sh(f"curl -sSk {urls}")
    assert done["stdout"].splitlines() == [f"401 {name}:{api.port} /" for name in ("one.raw.test", "a.b.raw.test")], done
    counted = [entry["connections"] for entry in _network(api) if entry["host"] == f"*.raw.test:{api.port}"]
    assert max(counted) == 2


def _network(api: Place) -> list[dict[str, Any]]:
    lines = api.rig.janee("logs", "--json", "-n", "200").splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]
    return [entry for record in records for entry in record.get("network") or ()]


@pytest.mark.parametrize(
    "name",
    ["evil.test", "svc.test", "xsvc.test", "a.b.svc.test", "one.svc.test.evil.test", "-.svc.test", "*.svc.test", "raw.test"],
)
def test_no_other_name_resolves(api: Place, name: str) -> None:
    done = api.sh(f"curl -sS --globoff 'https://{name}:{api.port}/'")
    assert done["exitCode"] in (3, 6), done
    assert done["stdout"] == ""


def test_addresses_that_stand_for_no_name_are_reset(api: Place) -> None:
    for address in ("127.0.0.1", "127.78.0.200", "127.0.0.53", "127.1.1.1"):
        done = api.sh(f'{_CURL} -k --resolve "one.svc.test:{api.port}:{address}" https://one.svc.test:{api.port}/')
        # 127.0.0.1 is localhost's, where another Host is refused.
        assert "200" not in done["stdout"] and CREDENTIAL not in str(done), done
        assert done["exitCode"] != 0 or "REQUEST_MALFORMED" in done["stdout"], done


def test_a_name_cannot_be_taken_by_another_host(api: Place) -> None:
    done = api.sh(f'{_CURL} -H "Host: evil.test" https://one.svc.test:{api.port}/')
    assert "REQUEST_MALFORMED" in done["stdout"], done
    done = api.sh(f'{_CURL} -H "Host: two.svc.test:{api.port}" https://one.svc.test:{api.port}/')
    assert "REQUEST_MALFORMED" in done["stdout"], done


def test_other_ports_of_the_names_are_not_there(api: Place) -> None:
    done = api.sh(f"curl -sSk https://one.svc.test:{api.port + 1}/; curl -sS http://one.svc.test:53/")
    assert done["stdout"] == "" and done["exitCode"] != 0, done
