"""Warns of credentials that the scrubber would find where there is no secret.

Guarantees: a credential that stands in the configuration (a command, a name, a host) or in the scrubber's marker is reported,
by its service and field, never by its value: masked, it makes ordinary output unreadable, and the marker tells what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from janee.config.file import JaneeHome, load_config
from janee.scrubber import DEFAULT_MARKER, find_clashes
from janee.secret import Secret

REMEDY: Final = (
    "take another value: it is a word of your configuration, so it is no secret, and scrubbing it hits ordinary text"
)


def clashes_of(home: JaneeHome, secrets: Mapping[str, Secret]) -> tuple[str, ...]:
    """The names of those `secrets` that occur in the configuration or in the marker."""
    config = home.config_file.read_text(encoding="utf-8", errors="surrogateescape")
    return find_clashes({name: value.expose() for name, value in secrets.items()}, [config, DEFAULT_MARKER.decode()])


def stored_clashes(home: JaneeHome) -> tuple[str, ...]:
    """The same for what is stored, as "SERVICE FIELD". Raises StoreError, ConfigError."""
    from janee.authority.delivery import scrub_values
    from janee.authority.store import Store

    secrets: dict[str, Secret] = {}
    with Store.open(home) as store:
        for service in load_config(home.config_file).services.values():
            stored = store.secret_fields(service.name)
            values = {field: store.secret(service.name, field) for field in service.auth.secret_fields if field in stored}
            private = scrub_values(service.auth, values)
            secrets |= {f"{service.name} {field}": value for field, value in values.items() if value in private}
    return clashes_of(home, secrets)
