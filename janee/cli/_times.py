"""Points in time, as commands show and read them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from janee.errors import UsageError

_AGO: Final = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS: Final = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86_400})


def shown_time(seconds: float | None) -> str | None:
    """RFC 3339 in UTC, to the second; None for None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_since(text: str) -> str:
    """RFC 3339 in UTC, for "10m", "2h", "7d" (ago), a date or a time. Raises UsageError."""
    if found := _AGO.fullmatch(text):
        moment = datetime.fromtimestamp(time.time() - int(found[1]) * _SECONDS[found[2]], UTC)
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(
                "USAGE", f"{text!r} is not a time", "write 10m, 2h, 7d, 2026-02-23 or 2026-02-23T10:00:00Z"
            ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
