"""`janee agent`: agents and their tokens."""

from __future__ import annotations

import base64
import os
import time
from typing import Final

import click

from janee.cli._home import current_home, operator, verify_name
from janee.cli._options import json_option
from janee.cli._output import note, print_json, say, table
from janee.cli._times import shown_time
from janee.errors import UsageError
from janee.secret import Secret

TOKEN_PREFIX: Final = "jat_"  # noqa: S105 - so that secret scanners can find one
TOKEN_BYTES: Final = 32


@click.group(name="agent")
def command() -> None:
    """Manage agents and their tokens."""


@command.command()
@click.argument("agent_id", metavar="ID")
@click.option("--rotate", is_flag=True, help="Replace the token of an agent that exists.")
@json_option
def add(agent_id: str, rotate: bool, as_json: bool) -> None:
    """Make a token for an agent, and print it, once.

    An MCP client sends it to a Runner over HTTP as: Authorization: Bearer TOKEN. What it may do is up to the capabilities
    that name it (janee capability edit NAME --agent ID), and to the Runner's key (janee runner add NAME --agents ID).
    """
    from janee.authority.store import Store

    verify_name(agent_id, "the agent")
    if agent_id == "local" or agent_id.startswith("runner:"):
        raise UsageError(
            "USAGE", f"{agent_id!r} is reserved: the transport proves it, not a token", "choose another, such as creature:patch"
        )
    token = Secret(TOKEN_PREFIX + base64.urlsafe_b64encode(os.urandom(TOKEN_BYTES)).rstrip(b"=").decode())
    with Store.open(current_home()) as store, store.transaction() as transaction:
        known = {agent.agent_id: agent for agent in store.agents()}
        if agent_id in known and known[agent_id].has_token and not known[agent_id].is_revoked and not rotate:
            raise UsageError(
                "EXISTS", f"the agent {agent_id} has a token already", f"replace it: janee agent add {agent_id} --rotate"
            )
        transaction.audit("agent.added", operator=operator(), agent=agent_id, replaced=(agent_id in known) or None)
        transaction.put_agent(agent_id, token, time.time())
    if as_json:
        print_json({"id": agent_id, "token": token.expose_text()})
        return
    click.echo(token.expose_text())
    note(f"this is the token of {agent_id}; it is not shown again")


@command.command()
@click.argument("agent_id", metavar="ID")
@json_option
def revoke(agent_id: str, as_json: bool) -> None:
    """Revoke an agent everywhere, at once: its token, its sessions, its name on every Runner.

    It works for an agent that never had a token too. `janee agent add ID` admits it again.
    """
    from janee.authority.store import Store

    verify_name(agent_id, "the agent")
    with Store.open(current_home()) as store, store.transaction() as transaction:
        if not transaction.revoke_agent(agent_id, time.time()):
            raise UsageError(
                "EXISTS", f"the agent {agent_id} is revoked already", f"admit it again: janee agent add {agent_id}"
            )
        transaction.audit("agent.revoked", operator=operator(), agent=agent_id)
    if as_json:
        print_json({"ok": True, "agent": agent_id, "revoked": True})
    else:
        say(f"agent {agent_id} revoked")


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show agents; never their tokens."""
    from janee.authority.reading import agent_rows, open_for_reading

    with open_for_reading(current_home()) as connection:
        rows = agent_rows(connection)
    if as_json:
        print_json(
            [
                {
                    "id": row.agent_id,
                    "token": row.has_token,
                    "created": shown_time(row.created),
                    "revoked": shown_time(row.revoked_at),
                }
                for row in rows
            ]
        )
        return
    if not rows:
        note("no agents yet: janee agent add ID")
    table(
        ("agent", "token", "created", "revoked"),
        [
            (row.agent_id, "yes" if row.has_token else "no", shown_time(row.created), shown_time(row.revoked_at) or "-")
            for row in rows
        ],
    )
