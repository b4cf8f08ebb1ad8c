"""`janee config`: where config.yaml is, and whether it is valid."""

from __future__ import annotations

from pathlib import Path

import click

from janee.cli._home import compiled, current_home
from janee.cli._options import json_option
from janee.cli._output import print_json, say
from janee.config.file import load_config


@click.group(name="config")
def command() -> None:
    """Check config.yaml, or print where it is."""


@command.command()
@json_option
def path(as_json: bool) -> None:
    """Print where the configuration, the state and the home are."""
    home = current_home()
    if as_json:
        print_json({"home": str(home.path), "config": str(home.config_file), "state": str(home.state_db)})
    else:
        say(str(home.config_file))


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def check(file: Path | None, as_json: bool) -> None:
    """Check a configuration (default: the home's): ends 0 if it is valid, 2 with file, line, what and fix if not."""
    target = file or current_home().config_file
    config = load_config(target)
    compiled(config)
    if as_json:
        print_json(
            {"ok": True, "file": str(target), "services": len(config.services), "capabilities": len(config.capabilities)}
        )
    else:
        say(f"{target}: valid ({len(config.services)} services, {len(config.capabilities)} capabilities)")
