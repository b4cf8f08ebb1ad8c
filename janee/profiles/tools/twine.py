"""twine: uploads of built packages to the service's index.

Denied throughout: other repositories, configuration files (they name repositories and passwords), signing (runs gpg), passwords on the
command line, certificates, and files outside the workspace. Facts: `twine COMMAND --help`, 7.0.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import ARGPARSE
from janee.profiles.types import BUILT_IN, without

GRAMMAR: Final = r"""
[] read
--version
needs: --version
[]
-h --help
--no-color

%upload
-r --repository {pypi|testpypi}
--repository-url URL
--attestations
-s --sign ! runs a program (gpg)
--sign-with TEXT ! runs a program
-i --identity TEXT ! runs a program (gpg)
-u --username {__token__}
-p --password TEXT ! replaces the credential
--non-interactive
-c --comment TEXT
--config-file TEXT ! reads configuration, which names other places
--skip-existing
--cert TEXT ! moves the credential
--client-cert TEXT ! moves the credential
--verbose
--disable-progress-bar

[upload] write
use: upload
args: DIST...
[register] write
use: upload
args: DIST
[check] read
--strict
args: DIST...
"""

PROFILE: Final = Profile(
    tool="twine",
    about="uploads of packages to the service's index",
    syntax=ARGPARSE,
    grammar=GRAMMAR,
    types={
        # a path of the workspace, and the name that builders give (or a pattern, which twine expands itself)
        "DIST": without(
            BUILT_IN["PATH"],
            (
                r"^-$|(?<!\.whl)(?<!\.tar\.gz)(?<!\.zip)(?<!\.attestation)(?<!/\*)(?<!\*\*)(?<![\w-]\*)$",
                "is no built package, as in dist/*",
            ),
            (r"^\*$|^/dev/", "is no built package, as in dist/*"),
        ),
    },
    harden=Hardening(
        env={
            "TWINE_NON_INTERACTIVE": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONSAFEPATH": "1",
            "NETRC": "/dev/null",
        },
    ),
    credentials=("TWINE_PASSWORD",),
    source="twine COMMAND --help, 7.0",
)
