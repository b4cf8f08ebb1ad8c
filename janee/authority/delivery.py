"""From a capability's templates and a service's secrets to what the command gets and what must never come out.

Guarantees: every value put into an environment, and every form that only we know (a Basic pair), is among the scrub values; a
secret too short to be scrubbed is refused. Nothing is kept: values live as long as the call.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from janee.authority.policy import EnvTemplate, Placeholder
from janee.config.schema import Auth, AuthType
from janee.errors import StoreError
from janee.seal import SealedContent
from janee.secret import Secret

MIN_SECRET_BYTES: Final = 4  # shorter, and scrubbing would mask ordinary text
_PUBLIC_USERNAME_BYTES: Final = 16  # a longer user name may be a key (Stripe, Twilio)


def build_content(templates: tuple[EnvTemplate, ...], auth: Auth, secrets: Mapping[str, Secret]) -> SealedContent:
    """The environment and the scrub values of one grant. secrets: by the store's field names; all of the service's.

    Raises StoreError SECRET_TOO_SHORT.
    """
    env: dict[str, Secret] = {}
    derived: list[Secret] = []
    for template in templates:
        pieces = [_fill(piece, auth, secrets) for piece in template.pieces]
        env[template.name] = Secret(b"".join(pieces))
        derived.extend(
            Secret(value)
            for piece, value in zip(template.pieces, pieces, strict=True)
            if isinstance(piece, Placeholder) and piece.kind == "basic"
        )
    return SealedContent(env, (*scrub_values(auth, secrets), *derived))


def scrub_values(auth: Auth, secrets: Mapping[str, Secret]) -> tuple[Secret, ...]:
    """The values of a service that must not come out of anything. Raises StoreError SECRET_TOO_SHORT."""
    values = []
    for name, secret in secrets.items():
        if _is_public(auth, name, secrets):
            continue
        least = max(MIN_SECRET_BYTES, auth.min_secret_bytes)
        if len(secret) < least:
            raise StoreError(
                "SECRET_TOO_SHORT",
                f"the secret {name!r} has fewer than {least} bytes: ordinary output would be masked with it",
                f"store a longer one, or set minSecretLength ({MIN_SECRET_BYTES} or more) under the service's auth",
            )
        values.append(secret)
    return tuple(values)


def basic_pair(username: bytes, password: bytes) -> bytes:
    """RFC 7617."""
    return base64.b64encode(username + b":" + password)


def _is_public(auth: Auth, name: str, secrets: Mapping[str, Secret]) -> bool:
    """A user name is public, unless there is no password beside it or it has the length of a key; an empty value is nothing."""
    if not secrets[name]:
        return True
    is_username = auth.type is AuthType.BASIC and name == "username"
    return is_username and bool(secrets.get("password")) and len(secrets[name]) < _PUBLIC_USERNAME_BYTES


def _fill(piece: str | Placeholder, auth: Auth, secrets: Mapping[str, Secret]) -> bytes:
    if isinstance(piece, str):
        return piece.encode()
    values = [secrets[name].expose() for name in piece.secret_fields]
    if piece.kind != "basic":
        return values[0]
    if piece.argument is not None:
        return basic_pair(piece.argument.encode(), values[0])
    return basic_pair(values[0], values[1])
