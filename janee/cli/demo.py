"""`janee demo`: prints what a run of the demo found."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from janee.errors import ExitCode

if TYPE_CHECKING:
    from janee.demo.report import Report, Row

SIX_STEPS: Final = ("exec.requested", "exec.decided", "grant.issued", "exec.started", "exec.scrubbed", "exec.completed")
FIRST, LAST, NARROWEST, WIDEST = 43, 10, 80, 132  # characters: the outer columns, and a line


@click.command(name="demo")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option("--keep", is_flag=True, help="Leave the temporary directory (homes, logs, audit log) for a look.")
def command(as_json: bool, keep: bool) -> int:
    """Watch an agent do its work with credentials, and fail to steal them.

    Starts a git server, an API, an Authority and a Runner on loopback, in a temporary directory; then the official MCP client
    does honest work and tries some thirty thefts. Ends 0 only if all the work was done and nothing leaked.
    """
    # Imported late: the demo brings psutil, cryptography and more, which `janee --help` does not need.
    from janee.demo.run import run_demo

    signal.signal(signal.SIGTERM, _stop)
    report = run_demo(lambda line: click.echo(f"demo: {line}", err=True), keep=keep)
    if as_json:
        click.echo(json.dumps(_as_json(report)))
    else:
        for line in _as_text(report):
            click.echo(line)
    return ExitCode.OK if report.is_success else ExitCode.FAILURE


def _stop(number: int, _: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does: its processes stopped, its directory removed."""
    sys.exit(128 + number)


def _as_text(report: Report) -> Iterator[str]:
    yield from _table("The agent's work", (("job", "what came back", "verdict"), *_rows(report.jobs)))
    yield from _table("The agent's thefts", (("attempt", "what came back", "verdict"), *_rows(report.thefts)))
    yield from _table("Where the secrets could be seen, while a command had one", tuple(_sightings(report)))
    yield from _table("The audit trail of the push", tuple(_trail(report.audit)))
    yield from _table("The denials in the audit log", tuple(_denials(report.audit)))
    yield f"audit log: {len(report.audit)} records, {'intact' if report.audit_is_intact else 'NOT INTACT'}"
    yield ""
    for leak in report.leaks:
        yield f"LEAKED: {leak}"
    for failure in report.failures:
        yield f"not as it should be: {failure}"
    if report.is_success:
        yield f"nothing leaked: {len(report.jobs)} jobs done, {len(report.thefts)} thefts failed ({report.seconds:.0f} s)"


def _rows(rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    return ((row.name, row.came_back, row.verdict.value) for row in rows)


def _sightings(report: Report) -> Iterator[tuple[str, str, str]]:
    yield "process", "found in its memory", "verdict"
    for sighting in report.sightings:
        name = f"{sighting.role} ({sighting.pid})"
        if sighting.secrets is None:
            yield name, "not even this user may read it (not dumpable)", "protected"
            continue
        found = ", ".join(sighting.secrets) or f"nothing in {sighting.megabytes:.0f} MiB"
        yield name, found, "LEAKED" if sighting.is_leak else ("has to" if sighting.secrets else "clean")
    files = ", ".join(map(str, report.leaking_files))
    yield "files: homes, workspace, temp, logs", files or "nothing", "LEAKED" if files else "clean"


def _trail(audit: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """The six steps of the first execution of the capability `push` that was granted."""
    yield "event", "facts", "seq"
    issued = next((r for r in audit if r.get("event") == "grant.issued" and r.get("capability") == "push"), None)
    request_id = issued.get("requestId") if issued else None
    for record in audit:
        if request_id is not None and record.get("requestId") == request_id and record.get("event") in SIX_STEPS:
            yield str(record["event"]), _facts(record), str(record.get("seq"))


def _facts(record: Mapping[str, Any]) -> str:
    names = {
        "exec.requested": ("agent", "runner", "command"),
        "exec.decided": ("decision", "policyHash"),
        "grant.issued": ("expiresAt", "delivery", "sandbox"),
        "exec.started": ("startedAt",),
        "exec.scrubbed": ("stdoutBytes", "stderrBytes", "scrubbedStdoutHits", "scrubbedStderrHits"),
        "exec.completed": ("outcome", "exitCode", "durationMs"),
    }
    return ", ".join(f"{name} {_value(record.get(name))}" for name in names[str(record["event"])])


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _denials(audit: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    yield "capability", "reason", "seq"
    for record in audit:
        if record.get("decision") == "deny":
            yield str(record.get("capability")), str(record.get("reasonCode")), str(record.get("seq"))


def _table(title: str, rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    columns = min(max(shutil.get_terminal_size((WIDEST, 24)).columns, NARROWEST), WIDEST)
    middle = columns - FIRST - LAST - 6
    yield title
    yield "─" * len(title)
    for first, second, third in rows:
        yield f"  {_cut(first, FIRST):{FIRST}}  {_cut(second, middle):{middle}}  {third}"
    yield ""


def _cut(text: str, width: int) -> str:
    # An answer is shown, never obeyed: control characters of a command's output do not reach the terminal.
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= width else line[: width - 1] + "…"


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "ok": report.is_success,
        "seconds": round(report.seconds, 1),
        "jobs": [{"name": r.name, "cameBack": r.came_back, "verdict": r.verdict.value} for r in report.jobs],
        "thefts": [{"name": r.name, "cameBack": r.came_back, "verdict": r.verdict.value} for r in report.thefts],
        "sightings": [
            {
                "role": s.role,
                "pid": s.pid,
                "secrets": None if s.secrets is None else list(s.secrets),
                "mayHold": s.may_hold,
                "leak": s.is_leak,
            }
            for s in report.sightings
        ],
        "leakingFiles": [str(path) for path in report.leaking_files],
        "auditIntact": report.audit_is_intact,
        "audit": list(report.audit),
        "leaks": list(report.leaks),
        "failures": list(report.failures),
    }
