"""`janee service`: real APIs and their credentials."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from janee.cli._clashes import REMEDY, clashes_of
from janee.cli._home import changing, current_home, missing, operator, section, verify_name
from janee.cli._options import json_option
from janee.cli._output import note, print_json, say, table, warn
from janee.cli._secrets import collect_secrets
from janee.config.file import JaneeHome, load_config
from janee.config.schema import AWS_FIELDS, AWS_SESSION, AuthType, Service
from janee.errors import UsageError
from janee.secret import Secret

_FIELDS: Final = {
    AuthType.BEARER: ("key",),
    AuthType.BASIC: ("username", "password"),
    AuthType.QUERY: ("key",),
    AuthType.AWS_SIGV4: AWS_FIELDS,
    AuthType.POSTGRES: ("username", "password"),
}


@click.group(name="service")
def command() -> None:
    """Manage services: real APIs and their credentials.

    A credential is asked for without echo, or read from stdin with --from-stdin; never from the command line.
    """


def _target_options(function: Any) -> Any:
    for option in (
        click.option("--test-path", metavar="PATH", help="A path that shows whether the credential works."),
        click.option("--ca", metavar="FILE", help="PEM file of a private CA that signs the service's certificate."),
        click.option("--allow-private/--no-allow-private", default=None, help="Allow private and loopback addresses."),
        click.option(
            "--host", "hosts", multiple=True, metavar="HOST", help="A further host the credential may go to; repeatable."
        ),
    ):
        function = option(function)
    return function


@command.command()
@click.argument("name")
@click.option("--base-url", "-u", required=True, metavar="URL", help="For example https://api.github.com.")
@click.option("--auth-type", type=click.Choice([kind.value for kind in AuthType]), default="bearer", show_default=True)
@click.option(
    "--header", "headers", multiple=True, metavar="NAME", help="With --auth-type headers: a header's name; repeatable."
)
@click.option("--username", metavar="NAME", help="With --auth-type basic or postgres.")
@click.option(
    "--ssl-mode",
    type=click.Choice(["verify-full", "disable"]),
    help="With --auth-type postgres; without it TLS is verified everywhere but on loopback.",
)
@click.option("--param", metavar="NAME", help="With --auth-type query: the parameter that holds the key.")
@click.option("--session", is_flag=True, help="With --auth-type aws-sigv4: there is a session token too.")
@click.option("--region", metavar="NAME", help="With --auth-type aws-sigv4: to sign for in the mode proxy.")
@click.option(
    "--aws-service", metavar="NAME", help="With --auth-type aws-sigv4: to sign for in the mode proxy, for example s3."
)
@_target_options
@click.option("--from-stdin", is_flag=True, help="Read the credential from stdin; several values: one a line.")
@click.option("--no-secret", is_flag=True, help="Store no credential yet.")
@click.option(
    "--min-secret-length", type=click.IntRange(4, 8), metavar="BYTES", help="Allow a secret shorter than 8 (never below 4)."
)
@json_option
def add(
    name: str,
    base_url: str,
    auth_type: str,
    headers: tuple[str, ...],
    username: str | None,
    ssl_mode: str | None,
    param: str | None,
    session: bool,
    region: str | None,
    aws_service: str | None,
    hosts: tuple[str, ...],
    allow_private: bool | None,
    ca: str | None,
    test_path: str | None,
    from_stdin: bool,
    no_secret: bool,
    min_secret_length: int | None,
    as_json: bool,
) -> None:
    """Add a service and store its credential."""
    verify_name(name, "the service")
    home = current_home()
    if name in load_config(home.config_file).services:
        raise _exists(name)
    kind = AuthType(auth_type)
    fields = _fields_of(kind, headers) + ((AWS_SESSION,) if session else ())
    auth: dict[str, Any] = {"type": auth_type} | _auth_options(kind, param, session, region, aws_service)
    auth |= _ssl_mode(kind, ssl_mode)
    if headers:
        auth["headers"] = list(headers)
    if min_secret_length is not None:
        auth["minSecretLength"] = min_secret_length
    entry: dict[str, Any] = {"baseUrl": base_url, "auth": auth}
    entry |= _target(hosts, allow_private, ca, test_path)
    values = (
        {} if no_secret else collect_secrets(fields, username=username, from_stdin=from_stdin, minimum=min_secret_length or 8)
    )

    def write(transaction: Any) -> None:
        transaction.delete_secrets(name)  # whatever a service of this name had left
        _put(transaction, name, values)

    with changing(home, "service.added", fields=lambda config: _public(config.services[name]), write=write) as root:
        services = section(root, "services")
        if name in services:
            raise _exists(name)
        services[name] = entry
    _done(as_json, name, "added", list(values))
    _warn_of_clashes(home, values)
    if not values:
        note(f"no credential is stored yet: janee service set-secret {name}")


def _fields_of(kind: AuthType, headers: Sequence[str]) -> tuple[str, ...]:
    if (kind is AuthType.HEADERS) != bool(headers):
        raise UsageError(
            "USAGE",
            "--header and --auth-type headers belong together",
            "janee service add … --auth-type headers --header x-api-key",
        )
    return tuple(headers) if kind is AuthType.HEADERS else _FIELDS[kind]


def _auth_options(
    kind: AuthType, param: str | None, session: bool, region: str | None, aws_service: str | None
) -> dict[str, Any]:
    if (kind is AuthType.QUERY) != (param is not None):
        step = "janee service add … --auth-type query --param api_key"
        raise UsageError("USAGE", "--param and --auth-type query belong together", step)
    aws = {"session": session or None, "region": region, "service": aws_service}
    given = {key: value for key, value in aws.items() if value is not None}
    if given and kind is not AuthType.AWS_SIGV4:
        raise UsageError("USAGE", "--session, --region and --aws-service are for --auth-type aws-sigv4", "leave them out")
    return given | ({"param": param} if param is not None else {})


def _ssl_mode(kind: AuthType, ssl_mode: str | None) -> dict[str, Any]:
    if ssl_mode is None:
        return {}
    if kind is not AuthType.POSTGRES:
        raise UsageError("USAGE", "--ssl-mode is for --auth-type postgres", "leave it out")
    return {"sslMode": ssl_mode}


def _target(hosts: Sequence[str], allow_private: bool | None, ca: str | None, test_path: str | None) -> dict[str, Any]:
    values = {"hosts": list(hosts) or None, "allowPrivate": allow_private, "ca": ca, "testPath": test_path}
    return {key: value for key, value in values.items() if value is not None}


def _put(transaction: Any, name: str, values: Mapping[str, Secret]) -> None:
    for field, value in values.items():
        transaction.put_secret(name, field, value, time.time())


def _public(service: Service) -> dict[str, Any]:
    """What an audit record says of a service: where its credential may go."""
    return {
        "service": service.name,
        "baseUrl": service.base_url,
        "authType": service.auth.type.value,
        "hosts": list(service.hosts) or None,
        "allowPrivate": service.allow_private or None,
    }


def _exists(name: str) -> UsageError:
    return UsageError(
        "EXISTS", f"the service {name} exists already", f"janee service edit {name}, or janee service set-secret {name}"
    )


def _done(as_json: bool, name: str, what: str, fields: Sequence[str] = ()) -> None:
    if as_json:
        print_json({"ok": True, "service": name, what: True, "secrets": list(fields)})
    else:
        say(f"service {name} {what}" + (f" ({', '.join(fields)} stored)" if fields else ""))


@command.command("set-secret")
@click.argument("name")
@click.option(
    "--field", "fields", multiple=True, metavar="FIELD", help="Only this value, for example key or password; repeatable."
)
@click.option("--username", metavar="NAME", help="For basic authentication.")
@click.option("--from-stdin", is_flag=True, help="Read from stdin; several values: one a line.")
@json_option
def set_secret(name: str, fields: tuple[str, ...], username: str | None, from_stdin: bool, as_json: bool) -> None:
    """Store or replace a service's credential. It holds from the next request on."""
    from janee.authority.store import Store

    home = current_home()
    services = load_config(home.config_file).services
    if name not in services:
        raise missing("service", name, services)
    known = services[name].auth.secret_fields
    if unknown := [field for field in fields if field not in known]:
        raise UsageError("USAGE", f"the service {name} has no {unknown[0]!r}", f"it has: {', '.join(known)}")
    minimum = services[name].auth.min_secret_bytes
    values = collect_secrets(fields or known, username=username, from_stdin=from_stdin, minimum=minimum)
    with Store.open(home) as store, store.transaction() as transaction:
        transaction.audit("service.secret_set", operator=operator(), service=name, fields=list(values))
        _put(transaction, name, values)
    _done(as_json, name, "changed", list(values))
    _warn_of_clashes(home, values)


def _warn_of_clashes(home: JaneeHome, values: Mapping[str, Secret]) -> None:
    for field in clashes_of(home, {name: value for name, value in values.items() if name != "username"}):
        warn(f"the {field} occurs in the configuration", REMEDY)


@command.command()
@click.argument("name")
@click.option("--base-url", "-u", metavar="URL")
@_target_options
@click.option("--clear-hosts", is_flag=True, help="Only the base URL's host.")
@json_option
def edit(
    name: str,
    base_url: str | None,
    hosts: tuple[str, ...],
    allow_private: bool | None,
    ca: str | None,
    test_path: str | None,
    clear_hosts: bool,
    as_json: bool,
) -> None:
    """Change where a service is. --host replaces the list."""
    changes = _target(hosts, allow_private, ca, test_path) | ({"baseUrl": base_url} if base_url else {})
    if not changes and not clear_hosts:
        raise UsageError("USAGE", "nothing to change was given", "see: janee service edit --help")
    with changing(current_home(), "service.changed", fields=lambda config: _public(config.services[name])) as root:
        services = section(root, "services")
        if name not in services:
            raise missing("service", name, services)
        services[name].update(changes)
        if clear_hosts:
            services[name].pop("hosts", None)
    _done(as_json, name, "changed")


@command.command()
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, hidden=True, help="Accepted for scripts; nothing is asked.")
@json_option
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a service and its credential."""
    home = current_home()
    config = load_config(home.config_file)
    if name not in config.services:
        raise missing("service", name, config.services)
    if users := [capability.name for capability in config.capabilities.values() if capability.service == name]:
        raise UsageError("IN_USE", f"the service {name} is used by: {', '.join(users)}", f"janee capability remove {users[0]}")
    with changing(
        home, "service.removed", fields=lambda _: {"service": name}, write=lambda transaction: transaction.delete_secrets(name)
    ) as root:
        if name not in section(root, "services"):
            raise missing("service", name, {})
        del root["services"][name]
    _done(as_json, name, "removed")


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show services, where they are, and whether their credential is stored."""
    home = current_home()
    rows = describe_services(load_config(home.config_file).services, stored_secrets(home))
    if as_json:
        print_json(rows)
        return
    show_services(rows)


def show_services(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        note("no services yet: janee service add NAME --base-url URL")
    table(
        ("service", "url", "auth", "credential"),
        [
            (row["name"], row["baseUrl"], row["auth"], f"missing: {', '.join(row['missing'])}" if row["missing"] else "stored")
            for row in rows
        ],
    )


def describe_services(services: Mapping[str, Service], stored: Mapping[str, frozenset[str]]) -> list[dict[str, Any]]:
    return [
        {
            "name": service.name,
            "baseUrl": service.base_url,
            "auth": service.auth.type.value,
            "hosts": list(service.hosts),
            "allowPrivate": service.allow_private,
            "missing": [field for field in service.auth.secret_fields if field not in stored.get(service.name, ())],
        }
        for service in services.values()
    ]


def stored_secrets(home: Any) -> Mapping[str, frozenset[str]]:
    """Which fields are stored for which service; needs no key."""
    from janee.authority.reading import open_for_reading, stored_fields

    with open_for_reading(home) as connection:
        return stored_fields(connection)
