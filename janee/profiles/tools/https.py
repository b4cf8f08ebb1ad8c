"""https (HTTPie): `http` with https for names without a scheme. All else is as in the profile of http."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Profile
from janee.profiles.tools import http
from janee.profiles.types import BUILT_IN, either, parts

PROFILE: Final[Profile] = replace(
    http.PROFILE,
    tool="https",
    types={
        **http.PROFILE.types,
        "TARGET": either(
            BUILT_IN["URL"],
            parts(r"([A-Za-z0-9.-]+)(?:[/?][!#-;=?-\[\]_a-z~]*)?", "HOST/PATH of the service", BUILT_IN["HOST"]),
        ),
    },
)
