"""What a command pays for not holding the credential: curl, relay, remote Authority and service, against curl directly.

    python -m bench.secretless [--requests 60] [--mib 256] [--at-once 200]

One run, one machine, one service over TLS; compare what is added. Prints: median of a request on a kept connection, throughput
of one body down and up, and how long so many requests at once take.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.e2e.secretless import Handler, Place, place

LINE = b"a line of ordinary text, as logs and sources have it\n"
PIECE = (LINE * ((1 << 20) // len(LINE) + 1))[: 1 << 20]


class Service(Handler):
    def answer(self) -> None:
        left = int(self.headers.get("content-length", "0"))
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 18)))
        if not self.path.startswith("/big"):
            self.reply(200, b'{"ok": true}')
            return
        count = int(self.path[4:])
        self.send_response(200)
        self.send_header("Content-Length", str(count << 20))
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(count):
                self.wfile.write(PIECE)

    do_GET = do_PUT = answer  # noqa: N815 - the library's names


def curl(opened: Place, arguments: str, *, direct: bool) -> tuple[str, float]:
    """Its standard output, and seconds."""
    started = time.perf_counter()
    if direct:
        command = f"curl -sS --cacert {opened.rig.root / 'service.pem'} {arguments}"
        output = subprocess.run(["sh", "-c", command], cwd=opened.workspace, capture_output=True, text=True, timeout=120).stdout
    else:
        output = opened.sh(f'curl -sS -H "Authorization: Bearer $TOKEN" {arguments}')["stdout"]
    return output, time.perf_counter() - started


def measure(opened: Place, options: argparse.Namespace, *, direct: bool) -> None:
    url = opened.url
    name = "directly" if direct else "secretless"
    many = " ".join(f"{url}/{number} -o /dev/null" for number in range(options.requests))
    times = [float(word) for word in curl(opened, f'-w "%{{time_total}} " {many}', direct=direct)[0].split()]
    print(f"{name:10}  request p50 {statistics.median(times[5:]) * 1e3:8.2f} ms", end="")
    down, _ = curl(opened, f'-o /dev/null -w "%{{speed_download}}" {url}/big{options.mib}', direct=direct)
    up, _ = curl(opened, f'-o /dev/null -w "%{{speed_upload}}" -T big {url}/up', direct=direct)
    print(f"  down {float(down) / 1e6:6.0f} MB/s  up {float(up) / 1e6:6.0f} MB/s", end="")
    at_once = f'-Z --parallel-immediate --parallel-max {options.at_once} -w "%{{http_code}} "'
    at_once += f' -o /dev/null "{url}/[1-{options.at_once}]"'
    codes, seconds = curl(opened, at_once, direct=direct)
    print(f"  {codes.split().count('200')} of {options.at_once} at once in {seconds:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--at-once", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, place(Path(root), Service) as opened:
        with (opened.workspace / "big").open("wb") as file:
            for _ in range(options.mib):
                file.write(PIECE)
        measure(opened, options, direct=True)
        measure(opened, options, direct=False)


if __name__ == "__main__":
    main()
