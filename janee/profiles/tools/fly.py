"""fly: flyctl under its other name."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Profile
from janee.profiles.tools.flyctl import PROFILE as FLYCTL

PROFILE: Final[Profile] = replace(FLYCTL, tool="fly")
