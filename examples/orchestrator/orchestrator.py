"""Many agents on one host, each with a Runner and a key of its own, against one Authority.

Each agent writes a note by an HTTP capability, reads it back by a command (which never holds the credential), and tries to
write another agent's note, which the Authority denies. Everything is on loopback, below one temporary directory, and gone at
the end.

    orchestrator.py [--agents N] [--at-once N] [--json]       ends 0 if every agent did its work and no more
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

HERE = Path(__file__).resolve().parent
START_S, AGENT_S = 60, 180
READ = "import os, urllib.request as u; head = {'authorization': 'Bearer ' + os.environ['TOKEN']}; "
READ += "print(u.urlopen(u.Request(os.environ['URL'], headers=head)).read().decode())"


class Notes(BaseHTTPRequestHandler):
    """The service: takes and gives notes, for who has the token."""

    protocol_version = "HTTP/1.1"
    token = secrets.token_urlsafe(32)
    notes: ClassVar[dict[str, bytes]] = {}

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status = 200 if self.headers.get("authorization") == f"Bearer {self.token}" else 401
        if status == 200 and self.command == "POST":
            self.notes[self.path] = body
        reply = self.notes.get(self.path, b"") if status == 200 else b"who are you"
        self.send_response(status)
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = answer

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def main() -> int:
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orchestrator-")))
        service = Server(("127.0.0.1", 0), Notes)
        stack.callback(service.shutdown)
        threading.Thread(target=service.serve_forever, daemon=True).start()
        url = stack.enter_context(Authority(root, service.server_address[1], options.agents)).url
        numbers = range(1, options.agents + 1)
        keys = {number: add_runner(root, number) for number in numbers}
        with ThreadPoolExecutor(options.at_once) as pool:
            results = list(pool.map(lambda number: run_agent(root, url, keys[number], number, options), numbers))
    good = sum(result["ok"] for result in results)
    summary = {"agents": len(results), "good": good, "seconds": round(time.monotonic() - started, 1)}
    shown = json.dumps(summary | {"results": results})
    print(shown if options.json else f"{good} of {len(results)} agents, {summary['seconds']} s")
    return 0 if good == len(results) else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--at-once", type=int, default=8, help="how many at one time (default: 8)")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    options = parser.parse_args()
    if options.agents < 2 or options.at_once < 1:
        parser.error("at least two agents, at least one at a time")
    return options


def environment(home: Path) -> dict[str, str]:
    """What a process of Janee gets of ours: nothing but a path and its home."""
    home.mkdir(exist_ok=True)
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8"}


def janee(root: Path, *arguments: str, stdin: str = "") -> str:
    """As the operator."""
    env = environment(root / "operator")
    command = [shutil.which("janee", path=env["PATH"]) or "janee", *arguments]
    done = subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=START_S)
    if done.returncode:
        raise SystemExit(f"orchestrator: error: janee {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


class Authority:
    """The Authority of all, with one service and two capabilities for each agent."""

    def __init__(self, root: Path, port: int, agents: int) -> None:
        janee(root, "init")
        base = f"http://localhost:{port}"
        capabilities: dict[str, Any] = {}
        for number in range(1, agents + 1):
            common = {"service": "notes", "allowedAgents": [f"creature:{number}"]}
            capabilities[f"write-{number}"] = common | {"mode": "proxy", "rules": {"allow": [f"POST /notes/{number}"]}}
            capabilities[f"read-{number}"] = common | {
                "mode": "exec",
                "allowCommands": [{"argv": ["python3", "-c", READ]}],
                "env": {"TOKEN": "{{credential}}", "URL": f"{base}/notes/{number}"},
            }
        service = {"baseUrl": base, "allowPrivate": True, "auth": {"type": "bearer"}}
        config = {"version": "0.3.0", "services": {"notes": service}, "capabilities": capabilities}
        (root / "operator" / ".janee" / "config.yaml").write_text(json.dumps(config, indent=1))
        janee(root, "service", "set-secret", "notes", "--from-stdin", stdin=Notes.token)
        self._log = (root / "authority.log").open("w+")
        env = environment(root / "operator")
        command = [shutil.which("janee", path=env["PATH"]) or "janee", "authority", "--port", "0"]
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self.url = self._wait()

    def _wait(self) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            self._log.seek(0)
            for word in self._log.read().split():
                url = word.strip(",.;()")
                if url.startswith("http://"):
                    with urllib.request.urlopen(url + "/v1/health", timeout=10):
                        return url
            time.sleep(0.05)
        self.__exit__()
        raise SystemExit("orchestrator: error: the Authority did not start")

    def __enter__(self) -> "Authority":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(START_S)
        self._log.close()


def add_runner(root: Path, number: int) -> Path:
    """A key that speaks for one agent only, in a file."""
    key = json.loads(janee(root, "runner", "add", f"runner-{number}", "--agents", f"creature:{number}", "--json"))["key"]
    path = root / f"runner-{number}.key"
    path.touch(0o600)
    path.write_text(key)
    return path


def run_agent(root: Path, url: str, key: Path, number: int, options: argparse.Namespace) -> dict[str, Any]:
    other = number % options.agents + 1
    env = environment(root / f"agent-{number}") | {"JANEE_API_KEY_FILE": str(key), "NOTES_SCRIPT": READ}
    runner = ["janee", "serve", "--runner", "--authority-url", url, "--agent", f"creature:{number}", "--warm", "1"]
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, str(HERE / "agent.py"), str(number), str(other), *runner],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as agent:
        try:
            out, problems = agent.communicate(timeout=AGENT_S)
        finally:
            agent.kill()
    try:
        result = json.loads(out)
    except ValueError:
        result = {"error": problems.strip()[-300:]}
    result |= {"agent": f"creature:{number}", "seconds": round(time.monotonic() - started, 2)}
    result["ok"] = (result.get("written"), result.get("read"), bool(result.get("refused"))) == (200, f"by {number}", True)
    if not options.json:
        verdict = "ok " if result["ok"] else "BAD"
        print(f"{result['agent']:14} {verdict} {result['seconds']:6} s  not its own: {result.get('refused') or result}")
    return result


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
