"""One request of a command that was decided, and how it went."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from janee.authority.egress.heads import EgressHead
from janee.authority.egress.places import Placed
from janee.authority.egress.ranges import Asked
from janee.config.schema import Service
from janee.scrubber import Scrubber

MAX_BODY: Final = 64 << 30  # bytes, each way


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: decided, with the credential in it.

    scan: of the placeholders; scrub: of the service's secrets. is_ruled: whether the capability has rules. held: the body,
    where it had to be read before the head is sent. asked: the part of the answer that is wanted. holding: the places of the
    grant for bodies that are held.
    """

    service: Service
    head: EgressHead
    placed: Placed
    scan: Scrubber
    scrub: Scrubber
    holding: asyncio.Semaphore
    is_ruled: bool = False
    held: bytes | None = None
    asked: Asked | None = None


@dataclass(slots=True)
class Outcome:
    """How it went, for the record."""

    status: int | None = None
    hits: int = 0
    alarm: str | None = None
    error: str | None = None
    detail: str | None = None
    name: str = "cut"
