"""`janee doctor`: checks this installation; each finding names its remedy."""

from __future__ import annotations

import click

from janee.cli._checks import Check, Status, run_checks
from janee.cli._home import current_home
from janee.cli._options import json_option
from janee.cli._output import is_colourful, print_json, say
from janee.errors import ExitCode

_COLOURS = ((Status.PASS, "32"), (Status.WARN, "33"), (Status.FAIL, "31"))


@click.command(name="doctor")
@click.option("--no-sandbox", is_flag=True, help="Leave out the sandbox (on a machine that only runs the Authority).")
@json_option
def command(no_sandbox: bool, as_json: bool) -> int:
    """Check this installation: home, keys, configuration, state, audit log, sandbox.

    Ends 0 if nothing fails, 1 otherwise. PASS: as it should be. WARN: it works, but know this. FAIL: mend it.
    """
    checks = run_checks(current_home(), with_sandbox=not no_sandbox)
    failed = any(check.status is Status.FAIL for check in checks)
    if as_json:
        print_json(
            {
                "ok": not failed,
                "checks": [
                    {"name": check.name, "status": check.status.value, "detail": check.detail, "remedy": check.remedy}
                    for check in checks
                ],
            }
        )
    else:
        for check in checks:
            _show(check)
    return ExitCode.FAILURE if failed else ExitCode.OK


def _show(check: Check) -> None:
    import sys

    colour = dict(_COLOURS)[check.status] if is_colourful(sys.stdout) else None
    word = f"\x1b[{colour}m{check.status.value}\x1b[0m" if colour else check.status.value
    click.echo(f"{word}  ", nl=False)
    say(f"{check.name}: {check.detail}")
    if check.remedy and check.status is not Status.PASS:
        say(f"      → {check.remedy}")
