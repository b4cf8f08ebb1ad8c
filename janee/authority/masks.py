"""Which secrets must not come out, ready to look for: all stored ones for the audit log, one service's for its answers.

Guarantees: what `clean` returns holds no stored secret in any known form, whatever service it belongs to; a secret that is
stored, replaced or removed counts from the next call on (one look at the store, tens of microseconds). The values live in the
Authority's memory as long as they are stored: that memory is not dumpable (`janee.authority.server.protect_process`).
It never decides what becomes of a text and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from janee.authority.delivery import MIN_SECRET_BYTES, basic_pair, scrub_values
from janee.authority.store import Store
from janee.config.schema import Auth, AuthType, Service
from janee.errors import StoreError
from janee.scrubber import Scrubber
from janee.secret import Secret


class Masks:
    """The scrubbers of one store, made again when its secrets change. For one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stamp: object = None
        self._all = Scrubber(())
        self._services: dict[tuple[str, AuthType], Scrubber] = {}

    def every(self) -> Scrubber:
        """The scrubber of everything that is stored. Raises StoreError."""
        self._renew()
        return self._all

    def of(self, service: Service, secrets: Mapping[str, Secret]) -> Scrubber:
        """The scrubber of one service. secrets: all of its secrets, as read now. Raises StoreError."""
        self._renew()
        key = (service.name, service.auth.type)
        found = self._services.get(key)
        if found is None:
            found = self._services[key] = Scrubber(_values(service.auth, secrets), min_length=1)
        return found

    def clean(self, fields: dict[str, Any]) -> dict[str, Any]:
        """`fields` (what a record may hold) with every stored secret masked, in names too. Raises StoreError."""
        return clean_fields(self.every(), fields)

    def _renew(self) -> None:
        stamp = self._store.secrets_stamp()
        if stamp == self._stamp:
            return
        stored: dict[str, list[str]] = {}
        for service, name in self._store.secret_names():
            stored.setdefault(service, []).append(name)
        values = {value for service, names in stored.items() for value in self._stored(service, names)}
        self._all = Scrubber(sorted(values), min_length=1)
        self._services.clear()
        self._stamp = stamp

    def _stored(self, service: str, names: Iterable[str]) -> Iterator[bytes]:
        """What must not come out of a service's secrets; one that cannot be read cannot have come out of here either."""
        secrets: dict[str, Secret] = {}
        for name in names:
            try:
                secret = self._store.secret(service, name)
            except StoreError as error:
                if error.code not in ("MISSING_SECRET", "DECRYPT_FAILED"):
                    raise
                continue
            if len(secret) >= MIN_SECRET_BYTES:
                secrets[name] = secret
        kind = AuthType.BASIC if secrets.keys() <= {"username", "password"} else AuthType.HEADERS
        yield from _values(Auth(kind, tuple(secrets), min_secret_bytes=MIN_SECRET_BYTES), secrets)


def clean_fields(scrubber: Scrubber, fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` (JSON values) without what the scrubber looks for."""
    texts = "\0".join(_texts(fields))
    # One look at all texts at once is enough where nothing in them could hide something from it.
    if texts.replace("\0", "").isprintable() and not scrubber.scrub(texts.encode())[1]:
        return fields
    return dict(scrubber.scrub_json(fields))


def _values(auth: Auth, secrets: Mapping[str, Secret]) -> list[bytes]:
    values = [secret.expose() for secret in scrub_values(auth, secrets)]
    if auth.type is AuthType.BASIC and {"username", "password"} <= secrets.keys():
        values.append(basic_pair(secrets["username"].expose(), secrets["password"].expose()))
    return values


_SCALARS: Final = (int, float)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, (tuple, list)):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, _SCALARS):
        yield repr(value)
