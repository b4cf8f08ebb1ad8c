"""`janee list`: services and capabilities at a glance."""

from __future__ import annotations

import click

from janee.cli._home import current_home
from janee.cli._options import json_option
from janee.cli._output import print_json, say
from janee.cli.capability import describe, show_capabilities
from janee.cli.service import describe_services, show_services, stored_secrets
from janee.config.file import load_config


@click.command(name="list")
@json_option
def command(as_json: bool) -> None:
    """Show services and capabilities."""
    home = current_home()
    config = load_config(home.config_file)
    services = describe_services(config.services, stored_secrets(home))
    capabilities = [describe(capability) for capability in config.capabilities.values()]
    if as_json:
        print_json({"services": services, "capabilities": capabilities})
        return
    show_services(services)
    if services and capabilities:
        say()
    show_capabilities(capabilities)
