"""Real tools, each through a Runner and a remote Authority: they work, and the real credential is in none of the Runner's
processes while they do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

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


@needs("wget")
def test_wget(api: Place) -> None:
    before = api.authorized
    done = api.sh(
        f'wget -q -O - --header="Authorization: Bearer $TOKEN" {api.url}/w\n'
        f'wget -q -O - --user=x --password="$TOKEN" {api.url}/v'
    )
    assert (done["exitCode"], '"path": "/w"' in done["stdout"], '"path": "/v"' in done["stdout"]) == (0, True, True), done
    assert api.authorized == before + 2


PYTHON = """
import json, os, sys, urllib.request
headers = {"Authorization": "Bearer " + os.environ["TOKEN"]}
for number in range(2):
    request = urllib.request.Request(sys.argv[1] + "/p", data=b"x" * 100000, headers=headers)
    print(json.load(urllib.request.urlopen(request))["bytes"])
try:
    import requests
except ImportError:
    sys.exit(0)
session = requests.Session()
for number in range(3):
    print(session.post(sys.argv[1] + "/r", data=iter([b"y" * 70000, b"z"]), headers=headers).json()["bytes"])
"""


def test_python(api: Place) -> None:
    (api.workspace / "ask.py").write_text(PYTHON)
    done = api.sh(f"/usr/bin/python3 ask.py {api.url}")
    assert done["exitCode"] == 0, done
    assert done["stdout"].split()[:2] == ["100000", "100000"]
    assert set(done["stdout"].split()[2:]) <= {"70001"}


NODE = """
const ask = async () => {
  const headers = {authorization: `Bearer ${process.env.TOKEN}`};
  for (const path of ["/n1", "/n2"]) {
    const answer = await fetch(process.argv[2] + path, {method: "POST", headers, body: "x".repeat(200000)});
    console.log(answer.status, (await answer.json()).bytes);
  }
};
ask().catch((error) => { console.error(error); process.exit(1); });
"""


@needs("node")
def test_node_fetch(api: Place) -> None:
    (api.workspace / "ask.js").write_text(NODE)
    done = api.sh(f"node ask.js {api.url}")
    assert (done["exitCode"], done["stdout"]) == (0, "200 200000\n200 200000\n"), done


@needs("gh")
def test_gh(api: Place) -> None:
    before = api.authorized
    done = api.sh(f"GH_ENTERPRISE_TOKEN=$TOKEN GH_HOST=localhost:{api.port} gh api repos/o/r")
    assert done["exitCode"] == 0 and "/repos/o/r" in done["stdout"], done
    assert api.authorized > before


@needs("npm")
def test_npm_publish(api: Place) -> None:
    before = api.authorized
    package = api.workspace / "package"
    package.mkdir()
    (package / "package.json").write_text('{"name": "secretless-package", "version": "1.0.0"}')
    (package / ".npmrc").write_text(f"//localhost:{api.port}/:_authToken=${{TOKEN}}\nregistry={api.url}/\n")
    done = api.sh("cd package && npm publish --no-update-notifier 2>&1")
    assert done["exitCode"] == 0 and "+ secretless-package@1.0.0" in done["stdout"], done
    assert api.authorized > before


KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{url}"}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
users: [{{name: u, user: {{token: "$TOKEN"}}}}]
"""


@needs("kubectl")
def test_kubectl(api: Place) -> None:
    before = api.authorized
    script = f'cat > "$HOME/kube" <<END\n{KUBECONFIG.format(url=api.url)}\nEND\n'
    script += 'KUBECONFIG="$HOME/kube" kubectl get --raw /api/v1/namespaces/default/pods'
    done = api.sh(script)
    assert done["exitCode"] == 0 and "/api/v1/namespaces/default/pods" in done["stdout"], done
    assert api.authorized > before


def test_what_the_gateway_refuses_is_read_in_the_tools_own_output(api: Place) -> None:
    before = api.authorized
    done = api.sh(f'curl -sS -d "$TOKEN" {api.url}/body; curl -sS "{api.url}/?t=$TOKEN"; curl -sS {api.url}/none')
    assert done["stdout"].count("PLACEHOLDER_MISPLACED") == 2 and "who are you" in done["stdout"], done
    assert api.authorized == before
    events = [record["event"] for record in api.rig.audit() if record.get("grantId") == done["grantId"]]
    assert events.count("egress.alarm") == 2


def test_another_name_or_another_host_is_nothing(api: Place) -> None:
    done = api.sh(
        f"curl -sS -H 'Host: example.com' {api.url}/x; curl -sS --max-time 5 https://example.com/ 2>&1\n"
        f"curl -sSk https://127.0.0.2:{api.port}/ 2>&1"
    )
    assert "janee: error: the request's Host is not" in done["stdout"], done
    assert "Could not resolve host" in done["stdout"] and done["exitCode"] == 7, done
