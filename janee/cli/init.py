"""`janee init`: the home directory, the store with its master key, a configuration to begin with."""

from __future__ import annotations

import contextlib
from typing import Final

import click

from janee.cli._home import current_home, operator
from janee.cli._options import json_option
from janee.cli._output import print_json, say

TEMPLATE: Final = """\
# Janee's configuration. It holds no secret: those lie encrypted in state.db (janee service set-secret NAME).
# A change holds from the next request on; an invalid file denies everything. Check it: janee config check
# Fields: docs/config.md. Or let commands write it: janee service add …, janee capability add …
version: "0.3.0"
services:
capabilities:
"""


@click.command(name="init")
@json_option
def command(as_json: bool) -> None:
    """Create the home directory, the store and its master key.

    Whatever is there already is kept, so that it may be run again. JANEE_HOME names another home (default ~/.janee). The
    master key goes to JANEE_MASTER_KEY_FILE, or to ${XDG_DATA_HOME:-~/.local/share}/janee/keys: never into the home.
    """
    from janee.authority.store import Store
    from janee.config.file import load_config, sync_directory, write_new

    home = current_home()
    is_new = not home.state_db.exists()
    with Store.open(home, create=True) as store:
        if is_new:
            with store.transaction() as transaction:
                transaction.audit("store.created", operator=operator(), store=store.store_id)
                transaction.checkpoint()
        key_file = home.key_file(store.store_id)
    with contextlib.suppress(FileExistsError):
        write_new(home.config_file, TEMPLATE.encode())
        sync_directory(home.path)
    load_config(home.config_file)
    if as_json:
        print_json(
            {
                "home": str(home.path),
                "config": str(home.config_file),
                "state": str(home.state_db),
                "masterKey": str(key_file),
                "created": is_new,
            }
        )
        return
    say(f"{'created' if is_new else 'already there:'} {home.path}")
    say(f"  configuration  {home.config_file}")
    say(f"  state          {home.state_db}")
    say(f"  master key     {key_file}  (back it up, apart from the home: without it the secrets are lost)")
    say("next:")
    say("  janee service add github --base-url https://api.github.com --auth-type bearer")
    say("  janee capability add issues --service github --mode proxy --allow 'GET /repos/*'")
    say("  janee doctor")
