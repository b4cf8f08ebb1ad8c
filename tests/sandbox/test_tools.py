"""The tools that people run, unmodified, doing work inside: what the defaults must not break."""

import http.server
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox import rig

# tool -> (script, last line of its output). Each writes where a tool writes: the workspace, TMPDIR, HOME.
TOOLS = {
    "git": (
        "git init -q g && cd g && git -c user.name=a -c user.email=b commit -q --allow-empty -m x && git clone -q . ../h"
        " && git -C ../h log --oneline | wc -l",
        "1",
    ),
    "gh": ("gh config set editor made && gh config get editor", "made"),
    "kubectl": ("kubectl create deployment x --image=y --dry-run=client -o name", "deployment.apps/x"),
    "aws": ("aws configure set region made && aws configure get region", "made"),
    "psql": ("psql --version | cut -d' ' -f1", "psql"),
    "curl": ("echo made >f && curl -sS file://$PWD/f", "made"),
    "node": (
        "node -e 'const {Worker} = require(`worker_threads`), run = require(`child_process`).execSync;"
        "new Worker(`require(\\`fs\\`).writeFileSync(\\`f\\`, \\`x\\`)`, {eval: true})"
        ".on(`exit`, () => console.log(run(`cat f`).toString()))'",
        "x",
    ),
    "npm": (
        'echo \'{"name":"x","version":"1.0.0","scripts":{"t":"echo made >f"}}\' >package.json'
        " && npm run -s t && npm pack --silent",
        "x-1.0.0.tgz",
    ),
    "python3": (
        'python3 -c \'import sqlite3, ssl, subprocess, tempfile, threading; sqlite3.connect(tempfile.mkdtemp() + "/x")'
        '.execute("create table t (x)"); ssl.create_default_context(); t = threading.Thread(target=print); t.start(); t.join();'
        'print(subprocess.check_output(["echo", "made"], text=True))\'',
        "made",
    ),
    "go": (
        "printf 'package main\\nfunc main() { println(\"made\") }\\n' >m.go && go build -o x m.go && ./x 2>&1",
        "made",
    ),
    "gcc": ("echo 'int main(void) { return 0; }' >a.c && gcc -o a a.c && ./a && echo made", "made"),
    "make": (
        "printf 'all: $(shell seq 200)\\n%%:\\n\\t@sleep 0.1; echo x >$@\\n' >Makefile && make -s -j200 && ls | wc -l",
        "202",
    ),
    "tar": ("mkdir a && echo x >a/f && tar czf a.tgz a && mkdir b && tar xzf a.tgz -C b && cat b/a/f", "x"),
    "sort": ("seq 100000 | sort -rn | head -3 | sed s/9/8/ | xargs -n1 echo | tr '\\n' ' '; echo; echo $?", "0"),
    "ssh-keygen": ("ssh-keygen -q -t ed25519 -N '' -f k && wc -l <k.pub", "1"),
}
SLOW = {"go", "npm"}
WITHOUT_CHMOD = {"gcc"}  # at level landlock chmod(2) has no effect, and ld makes its output executable with it
RUNS = [
    pytest.param(tool, level, user, id=f"{tool}-{level}-{user}")
    for tool in TOOLS
    for level, user in (("strict", "root"), ("strict", "ordinary"), ("landlock", "ordinary"))
    if (tool not in SLOW or user == "ordinary") and not (tool in WITHOUT_CHMOD and level == "landlock")
]


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="work-", dir=tmp_path))
    directory.chmod(0o777)
    yield directory


@pytest.mark.parametrize(("tool", "level", "user"), RUNS)
def test_the_tool_works_unmodified(tool: str, level: str, user: str, work: Path) -> None:
    found = shutil.which(tool, path="/usr/local/bin:/usr/bin:/bin")
    if found is None:
        pytest.skip(f"needs {tool} below /usr")
    if user == "ordinary" and os.geteuid() == 0:
        os.chown(work, rig.NOBODY, rig.NOBODY)
    script, last = TOOLS[tool]
    done = rig.run("sh", "-c", script, options=("--level", level, "--rw", str(work), "--cwd", str(work)), user=user, timeout=60)
    lines = done.stdout.decode().split("\n")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert [line.strip() for line in lines if line.strip()][-1] == last, (done.stdout, done.stderr)


def test_curl_reaches_a_named_host_by_its_name() -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.timeout = 10
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        endpoint = f"localhost:{server.server_port}"
        done = rig.run(
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://{endpoint}/x", options=("--net", endpoint)
        )
        thread.join(10)
    assert done.stdout == b"501", done.stderr
