"""From a capability's templates and a service's secrets to what the command gets and what must never come out.

Guarantees: every value put into an environment or file, and every form that only we know (a Basic pair), is among the scrub
values; a secret too short to be scrubbed is refused; with the delivery `secretless` no secret at all is in what is sealed, only
placeholders. Nothing is kept: values live as long as the call.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from janee.authority.egress.placeholder import is_public
from janee.authority.policy import EnvTemplate, Placeholder
from janee.config.schema import Auth, Delivery
from janee.errors import StoreError
from janee.seal import SealedContent
from janee.secret import Secret

MIN_SECRET_BYTES: Final = 4  # shorter, and scrubbing would mask ordinary text


@dataclass(frozen=True, slots=True)
class StandIns:
    """What a command gets instead of secrets: placeholders by field, and the right to have them replaced."""

    placeholders: Mapping[str, Secret]
    egress_key: Secret


def build_content(
    templates: tuple[EnvTemplate, ...],
    auth: Auth,
    secrets: Mapping[str, Secret],
    delivery: Delivery = Delivery.ENV,
    stand_ins: StandIns | None = None,
) -> SealedContent:
    """What one grant seals. secrets: by the store's field names; all of the service's. stand_ins: for `secretless`.

    Raises StoreError SECRET_TOO_SHORT.
    """
    to_scrub = scrub_values(auth, secrets)
    if delivery is Delivery.SECRETLESS:
        if stand_ins is None:
            raise ValueError("the delivery secretless needs placeholders")
        given, derived = _filled(templates, {**secrets, **stand_ins.placeholders})
        known = (*stand_ins.placeholders.values(), *derived)
        return SealedContent(given, (), placeholders=known, egress_key=stand_ins.egress_key)
    given, derived = _filled(templates, secrets)
    values = (*to_scrub, *derived)
    if delivery is Delivery.FILE:
        in_files = {template.name for template in templates if any(isinstance(piece, Placeholder) for piece in template.pieces)}
        files = {name: value for name, value in given.items() if name in in_files}
        return SealedContent({name: value for name, value in given.items() if name not in in_files}, values, files=files)
    return SealedContent(given, values)


def _filled(templates: tuple[EnvTemplate, ...], values: Mapping[str, Secret]) -> tuple[dict[str, Secret], list[Secret]]:
    """The variables, and the values in them that nobody else knows (Basic pairs)."""
    env: dict[str, Secret] = {}
    derived: list[Secret] = []
    for template in templates:
        pieces = [_fill(piece, values) for piece in template.pieces]
        env[template.name] = Secret(b"".join(pieces))
        derived.extend(
            Secret(value)
            for piece, value in zip(template.pieces, pieces, strict=True)
            if isinstance(piece, Placeholder) and piece.kind == "basic"
        )
    return env, derived


def scrub_values(auth: Auth, secrets: Mapping[str, Secret]) -> tuple[Secret, ...]:
    """The values of a service that must not come out of anything. Raises StoreError SECRET_TOO_SHORT."""
    values = []
    for name, secret in secrets.items():
        if is_public(auth, name, secrets):
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


def _fill(piece: str | Placeholder, secrets: Mapping[str, Secret]) -> bytes:
    if isinstance(piece, str):
        return piece.encode()
    values = [secrets[name].expose() for name in piece.secret_fields]
    if piece.kind != "basic":
        return values[0]
    if piece.argument is not None:
        return basic_pair(piece.argument.encode(), values[0])
    return basic_pair(values[0], values[1])
