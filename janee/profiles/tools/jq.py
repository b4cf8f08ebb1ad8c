"""jq: filters on JSON, from standard input or files of the workspace.

Denied throughout: `env` and `$ENV` (they show the environment, and the credential with it), modules, and filters from files, which
cannot be read here. Facts: jq(1), 1.6 to 1.8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import GNU
from janee.profiles.types import BUILT_IN, without

GRAMMAR: Final = r"""
%all
-s --slurp
-n --null-input
-c --compact-output
-r --raw-output
-j --join-output
--raw-output0
-a --ascii-output
-e --exit-status
-S --sort-keys
-C --color-output
-M --monochrome-output
--tab
--indent INT
--unbuffered
--stream
--stream-errors
--seq
-R --raw-input
-b --binary
--arg NAME TEXT
--argjson NAME JSON
--slurpfile NAME PATH
--rawfile NAME PATH
--argfile NAME PATH
-f --from-file PATH @admin
-L --library-path TEXT ! loads filters that cannot be read here
--debug-dump-disasm
--debug-trace[=WORD]
-h --help
-V --version
--build-configuration

[] read
use: all
args: FILTER [PATH...]

[] read
use: all
args:
needs: -h --help -V --version --build-configuration -f --from-file

[] read
use: all
--args
--jsonargs
args: FILTER [ARGUMENT...]
needs: --args --jsonargs
"""

PROFILE: Final = Profile(
    tool="jq",
    about="filters on JSON",
    syntax=replace(GNU, attached=False, equals=False),
    grammar=GRAMMAR,
    types={
        # `.env` and `{env: …}` are names of fields; `env` by itself is the environment.
        "FILTER": without(
            BUILT_IN["TEXT"],
            (r"(?<![.$\w\"'-])(?-i:env)(?![\w:]|\s*:|\"|-)", "it shows the environment, and the credential with it"),
            (r"\$\s*(?-i:ENV)\b|\$\s*__prog", "it shows the environment, and the credential with it"),
            (r"(?<![.\w\"])(?:import|include)\s*[\"']", "loads filters that cannot be read here"),
            (r"\b(?:get_search_list|modulemeta|getenv)\b", "loads filters that cannot be read here"),
            (r"^-\w", "an option where a filter should be"),
        ),
        # Some of these could be names of files, when they stand before `--args`.
        "ARGUMENT": without(
            BUILT_IN["TEXT"], (r"^[/~]|(?:^|/)\.\.(?:/|$)|^\.git(?:/|$)", "it could be a file outside the workspace")
        ),
    },
    harden=Hardening(),
    delivery="env",
    source="jq(1), 1.6–1.8",
)
