"""How fast the scrubber is, as ratios to `rg -F --passthru -r` and `grep -F` on the same bytes in the same run, on one core.

    python -m bench.scrub [--mib 24] [--json]

Ours: whole feed() of chunks of log text, the values alone (as rg looks for them). Theirs: the same text through a pipe. Then
what only we do: all forms, fragments and views, as rows of their own. Compare ratios, never figures of two runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from janee.scrubber import Scrubber

ALPHABET = string.ascii_letters + string.digits
CHUNK = 65536
NEEDLES = (80, 800, 8000)


def token(rng: random.Random) -> bytes:
    return "".join(rng.choices(ALPHABET, k=40)).encode()


def log_text(rng: random.Random, size: int, secrets: Sequence[bytes] = ()) -> bytes:
    """Lines of a log; with `secrets`, one of them every KiB."""
    lines: list[bytes] = []
    total, due = 0, 1024
    while total < size:
        line = (
            f"2026-02-23T10:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}Z INFO worker-{rng.randint(1, 64)} GET "
            f"/api/v1/items/{rng.randint(1, 99999)} status={rng.choice((200, 404, 500))} took {rng.randint(1, 900)}ms "
            f"id={''.join(rng.choices(ALPHABET, k=16))}"
        ).encode()
        if secrets and total > due:
            line += b" token=" + rng.choice(secrets)
            due += 1024
        lines.append(line + b"\n")
        total += len(line) + 1
    return b"".join(lines)


ROUNDS = 5


def best(run: Callable[[], Any], times: int = ROUNDS) -> float:
    """Seconds of processor time of the quickest of some runs: what else the machine does counts as little as can be."""
    durations = []
    for _ in range(times):
        started = time.process_time()
        run()
        durations.append(time.process_time() - started)
    return min(durations)


def through(scrubber: Scrubber, chunks: Sequence[bytes]) -> None:
    stream = scrubber.stream()
    for piece in chunks:
        stream.feed(piece)
    stream.finish()


def cut(text: bytes, chunk: int = CHUNK) -> list[bytes]:
    return [text[at : at + chunk] for at in range(0, len(text), chunk)]


def ours(scrubber: Scrubber, text: bytes, chunk: int = CHUNK) -> float:
    """Bytes per second through feed()."""
    chunks = cut(text, chunk)
    return len(text) / best(lambda: through(scrubber, chunks))


SENT = 8
"""Times that a program is sent the text, as its start-up counts."""


def piped(command: Sequence[str], text: bytes) -> tuple[float, float]:
    """Seconds for each `text` through a program between two pipes: by the clock, and of its own processor time."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        for _ in range(SENT):
            process.stdin.write(text)
        process.stdin.close()
    clock, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock / SENT, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / SENT


def side_by_side(scrubber: Scrubber, text: bytes, peers: Sequence[tuple[str, Sequence[str]]]) -> dict[str, float]:
    """Ours and each peer in turns, the best of each. Ratios by the clock, and ("CPU") to the peer's own processor time."""
    chunks = cut(text)
    mine: list[tuple[float, float]] = []
    theirs: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in peers}
    for _ in range(ROUNDS):
        clock, processor = time.perf_counter(), time.process_time()
        through(scrubber, chunks)
        mine.append((time.perf_counter() - clock, time.process_time() - processor))
        for name, command in peers:
            theirs[name].append(piped(command, text))
    by_clock, by_processor = (min(column) for column in zip(*mine, strict=True))
    row = {"ours MB/s": len(text) / by_processor / 1e6}
    for name, figures in theirs.items():
        clock, processor = (min(column) for column in zip(*figures, strict=True))
        row |= {f"× {name}": clock / by_clock, f"× {name} CPU": processor / by_processor}
    return row


def raw(secrets: Sequence[bytes]) -> Scrubber:
    return Scrubber(secrets, forms=("raw",), fragments=False)


def against_peers(rng: random.Random, size: int, folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    plain = log_text(rng, size)
    for count in NEEDLES:
        secrets = [token(rng) for _ in range(count)]
        patterns = folder / f"patterns-{count}"
        patterns.write_bytes(b"\n".join(secrets) + b"\n")
        scrubber = raw(secrets)
        hits = log_text(rng, size, secrets)
        for name, text in (("logs", plain), ("a hit per KiB", hits)):
            peers: list[tuple[str, Sequence[str]]] = [
                ("rg", ["rg", "-F", "--passthru", "-r", "[REDACTED]", "-f", str(patterns)]),
                ("grep", ["grep", "-F", "-f", str(patterns)]),
            ]
            # grep masks nothing, it only finds
            wanted = [(peer, command) for peer, command in peers if shutil.which(peer) and (peer == "rg" or text is plain)]
            rows.append({"needles": count, "text": name, **side_by_side(scrubber, text, wanted)})
        rows.append({"needles": count, "text": "build ms", "ours ms": best(lambda given=secrets: raw(given)) * 1000})  # type: ignore[misc]
    return rows


def alone(rng: random.Random, size: int) -> list[dict[str, Any]]:
    secrets = [token(rng) for _ in range(80)]
    few = raw(secrets)
    text = log_text(rng, size)
    small = text[:400_000]
    prefixes = b"".join(rng.choice(secrets)[:39] for _ in range(size // 40))
    rows: list[dict[str, Any]] = [
        {"what": "chunks of 4 KiB, 80 needles", "MB/s": ours(few, text, 4096) / 1e6},
        {"what": "a chunk of 80 bytes, 80 needles", "µs": 80 / ours(few, small, 80) * 1e6},
        {"what": "a×39+b on a run of a", "MB/s": ours(raw([b"a" * 39 + b"b", *secrets[:79]]), b"a" * size) / 1e6},
        {"what": "80 needles of digits", "MB/s": ours(raw(_numbers(rng, 80)), text) / 1e6},
        {"what": "prefixes of 80 needles", "MB/s": ours(few, prefixes) / 1e6},
        {"what": "prefixes of 1000 needles", "MB/s": _prefixes(rng, size, 1000) / 1e6},
        {"what": "prefixes of 8000 needles", "MB/s": _prefixes(rng, size, 8000) / 1e6},
    ]
    one, three = secrets[:1], secrets[:3]
    coloured = text.replace(b"INFO", b"\x1b[32mINFO\x1b[0m")
    for name, given, options in (
        ("the value alone, 1 secret", one, {"forms": ("raw",), "fragments": False}),
        ("all forms and views, 1 secret", one, {"fragments": False}),
        ("all forms and views, 3 secrets", three, {"fragments": False}),
        ("the same with fragments, 1 secret", one, {}),
        ("the same with fragments, 3 secrets", three, {}),
    ):
        scrubber = Scrubber(given, **options)
        built = best(lambda given=given, options=options: Scrubber(given, **options), 9) * 1000  # type: ignore[misc]
        rows.append(
            {
                "what": name,
                "MB/s": ours(scrubber, text) / 1e6,
                "coloured MB/s": ours(scrubber, coloured) / 1e6,
                "80 bytes µs": 80 / ours(scrubber, small[:80_000], 80) * 1e6,
                "build ms": built,
            }
        )
    return rows


def _numbers(rng: random.Random, count: int) -> list[bytes]:
    return ["".join(rng.choices(string.digits, k=20)).encode() for _ in range(count)]


def _prefixes(rng: random.Random, size: int, count: int) -> float:
    secrets = [token(rng) for _ in range(count)]
    return ours(raw(secrets), b"".join(rng.choice(secrets)[:39] for _ in range(size // 40)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=8, help="size of each text")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        rows = against_peers(rng, options.mib << 20, Path(folder)) + alone(rng, options.mib << 20)
    if options.json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        cells = (f"{key} {value:.2f}" if isinstance(value, float) else f"{value}" for key, value in row.items())
        print("  ".join(cells))
    for peer in ("rg", "grep"):
        if shutil.which(peer) is None:
            print(f"{peer} is not installed: no ratio to it")


if __name__ == "__main__":
    main()
