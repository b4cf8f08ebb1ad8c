"""`janee runner`: Runners and their keys."""

from __future__ import annotations

import os
import time
from typing import Final

import click

from janee.cli._home import current_home, missing, operator, verify_pattern
from janee.cli._options import json_option
from janee.cli._output import note, print_json, say, table
from janee.cli._times import shown_time
from janee.errors import UsageError

KEY_BYTES: Final = 32


@click.group(name="runner")
def command() -> None:
    """Manage Runners and their keys."""


_AGENTS_HELP: Final = "An agent, or pattern of agents, that it may speak for; repeatable. Default: only runner:NAME."


@command.command()
@click.argument("name")
@click.option("--agents", "--agent", "agents", multiple=True, metavar="PATTERN", help=_AGENTS_HELP)
@click.option("--rotate", is_flag=True, help="Replace the key of a Runner that exists.")
@json_option
def add(name: str, agents: tuple[str, ...], rotate: bool, as_json: bool) -> None:
    """Make a key for a Runner, and print it, once.

    Give it to the Runner in a file: JANEE_API_KEY_FILE=… janee serve --runner --authority-url URL
    """
    from janee.authority.store import Store
    from janee.seal import key_name, new_api_key, stretch_key

    key = new_api_key(name, os.urandom(KEY_BYTES))
    if key_name(key) != name or len(name) > 63:
        raise UsageError("USAGE", f"{name!r} is not a Runner's name", "use lower-case letters, digits, _ and - (at most 63)")
    for pattern in agents:
        verify_pattern(pattern)
    stretched = stretch_key(key)
    with Store.open(current_home()) as store, store.transaction() as transaction:
        known = {row.name: row for row in store.runner_keys()}
        if name in known and known[name].revoked_at is None and not rotate:
            raise UsageError("EXISTS", f"the Runner {name} has a key already", f"replace it: janee runner add {name} --rotate")
        patterns = agents or (known[name].agents if rotate and name in known else ())
        transaction.audit(
            "runner.added", operator=operator(), runner=name, agents=list(patterns), replaced=(name in known) or None
        )
        transaction.put_runner_key(stretched, patterns, time.time())
    if as_json:
        print_json({"name": name, "key": key.expose_text(), "agents": list(patterns)})
        return
    click.echo(key.expose_text())
    note(f"this is the key of {name}; it is not shown again. It may speak for: {', '.join([f'runner:{name}', *patterns])}")


@command.command()
@click.argument("name")
@click.option(
    "--agents", "--agent", "agents", multiple=True, metavar="PATTERN", required=True, help="The new list; repeatable."
)
@json_option
def edit(name: str, agents: tuple[str, ...], as_json: bool) -> None:
    """Change which agents a Runner may speak for; its key stays. It holds from the next request on."""
    from janee.authority.store import Store

    for pattern in agents:
        verify_pattern(pattern)
    with Store.open(current_home()) as store, store.transaction() as transaction:
        stored = store.runner_key(name)
        if stored is None or stored.is_revoked:
            raise missing("runner", name, {row.name: row for row in store.runner_keys() if row.revoked_at is None})
        transaction.audit("runner.changed", operator=operator(), runner=name, agents=list(agents))
        transaction.put_runner_key(stored.key, agents, time.time())
    _done(name, "changed", as_json)


@command.command()
@click.argument("name")
@json_option
def revoke(name: str, as_json: bool) -> None:
    """Revoke a Runner's key, at once."""
    from janee.authority.store import Store

    with Store.open(current_home()) as store, store.transaction() as transaction:
        if not transaction.revoke_runner_key(name, time.time()):
            raise missing("runner", name, {row.name: row for row in store.runner_keys() if row.revoked_at is None})
        transaction.audit("runner.revoked", operator=operator(), runner=name)
    _done(name, "revoked", as_json)


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show Runners; never their keys."""
    from janee.authority.reading import open_for_reading, runner_rows

    with open_for_reading(current_home()) as connection:
        rows = runner_rows(connection)
    if as_json:
        print_json(
            [
                {
                    "name": row.name,
                    "agents": list(row.agents),
                    "created": shown_time(row.created),
                    "revoked": shown_time(row.revoked_at),
                }
                for row in rows
            ]
        )
        return
    if not rows:
        note("no Runners yet: janee runner add NAME")
    table(
        ("runner", "may speak for", "created", "revoked"),
        [
            (
                row.name,
                ", ".join([f"runner:{row.name}", *row.agents]),
                shown_time(row.created),
                shown_time(row.revoked_at) or "-",
            )
            for row in rows
        ],
    )


def _done(name: str, what: str, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, "runner": name, what: True})
    else:
        say(f"runner {name} {what}")
