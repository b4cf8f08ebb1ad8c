"""pip3: pip under its other name."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Profile
from janee.profiles.tools.pip import PROFILE as PIP

PROFILE: Final[Profile] = replace(PIP, tool="pip3")
