from __future__ import annotations

from tests.authority.egress.conftest import place, shared

__all__ = ["place", "shared"]
