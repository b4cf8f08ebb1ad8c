"""The variables of the Runner's own environment that an operator may let through to a command (`passEnv`).

Guarantees: only names of this list, which make no program run code, read a file, or connect to another host; a value is of the
form that its name calls for, without control characters, at most MAX_VALUE_BYTES long. The Runner's host is not trusted, so
neither is a value: it can choose a language, a time zone or a label, and nothing else. Whatever a profile or a capability sets
for the same name stands. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from janee.errors import JaneeError

MAX_VALUE_BYTES: Final = 1024
_LOCALE: Final = r"[A-Za-z0-9_.@:-]{0,100}"  # no slash: a locale's name with one is a path, setlocale(3)
_ZONE: Final = r"(?!.*\.\.)[A-Za-z][A-Za-z0-9_+/,.-]{0,100}"  # no colon or slash in front: tzset(3) would read that file
_WORD: Final = r"[A-Za-z0-9_.+-]{0,100}"  # no slash: terminfo(5) takes it for a path
_LABEL: Final = r"[^\x00-\x1f\x7f]*"
_TABLE: Final = (
    (_LOCALE, "LANG LANGUAGE LC_ALL LC_ADDRESS LC_COLLATE LC_CTYPE LC_IDENTIFICATION LC_MEASUREMENT LC_MESSAGES LC_MONETARY"),
    (_LOCALE, "LC_NAME LC_NUMERIC LC_PAPER LC_TELEPHONE LC_TIME"),
    (_ZONE, "TZ"),
    (_WORD, "TERM COLORTERM NO_COLOR FORCE_COLOR CLICOLOR CLICOLOR_FORCE COLUMNS LINES CI SOURCE_DATE_EPOCH"),
    (_WORD, "CI_COMMIT_SHA CI_COMMIT_SHORT_SHA CI_JOB_ID CI_PIPELINE_ID BUILD_ID BUILD_NUMBER"),
    (_WORD, "GITHUB_SHA GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_RUN_ATTEMPT GITHUB_ACTIONS GITLAB_CI"),
    (_LABEL, "CI_COMMIT_REF_NAME CI_COMMIT_BRANCH CI_COMMIT_TAG GITHUB_REF_NAME GITHUB_ACTOR"),
)
FORMS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {name: re.compile(form) for form, names in _TABLE for name in names.split()}
)


def passed(names: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that are set. Raises JaneeError ENVIRONMENT_REFUSED, never with a value in it."""
    result = {}
    for name in names:
        value = environment.get(name)
        if value is None:
            continue
        form = FORMS.get(name)
        if form is None:
            raise _refused(f"the variable {name!r} is none that is passed on", "update the runner, or take it out of passEnv")
        if len(value.encode("utf-8", "surrogatepass")) > MAX_VALUE_BYTES or not form.fullmatch(value):
            raise _refused(
                f"the value of {name} in the runner's environment has not the form that is passed on",
                f"correct {name} where the runner is started, or take it out of passEnv",
            )
        result[name] = value
    return result


def _refused(message: str, hint: str) -> JaneeError:
    return JaneeError("ENVIRONMENT_REFUSED", message, hint)
