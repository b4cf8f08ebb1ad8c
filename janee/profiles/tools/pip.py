"""pip: Python packages from the service's index.

Denied throughout: what runs programs (directories, source archives and editable installs run their build scripts; `--python`), other
indexes, repositories and proxies, configuration, and targets outside the workspace. Only wheels are installed: the environment
says so. Facts: `pip COMMAND --help`, 26.2.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import ARGPARSE
from janee.profiles.types import BUILT_IN, either, listed, matching, without

_DIRECTORY: Final = "/home/sandbox/.janee/pip"
# A requirements file can name a directory or an archive, and PIP_ONLY_BINARY does not keep pip from building those: what a build
# script is started by does not work. An audit hook cannot be taken away again (sys.addaudithook), and it is there first.
_NO_PROGRAMS: Final = """\
import sys


def refuse(event, _, refused=frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.system"})):
    if event in refused:
        raise PermissionError("pip starts no program here: nothing is built from source, only wheels are taken")


sys.addaudithook(refuse)
"""

GRAMMAR: Final = r"""
[] read
-V --version
needs: -V --version
[]
-h --help
--debug ! prints the credential
--isolated
--require-virtualenv
--python TEXT ! runs a program
-v --verbose
-q --quiet
--log TEXT ! writes a file under any name
--log-file TEXT ! writes a file under any name
--no-input
--keyring-provider {disabled}
--proxy TEXT ! moves the credential
--no-proxy-env
--retries INT
--resume-retries INT
--timeout INT
--default-timeout INT
--exists-action {s|i|w|b|a}
--trusted-host TEXT ! moves the credential
--cert TEXT ! moves the credential
--client-cert TEXT ! moves the credential
--cache-dir PATH
--no-cache-dir
--disable-pip-version-check
--no-color
--no-python-version-warning
--use-feature {fast-deps|truststore}
--use-deprecated TEXT ! is no everyday work

%index
-i --index-url --pypi-url URL
--extra-index-url URL
--no-index
-f --find-links LINKS
--pre
--prefer-binary
--only-binary FORMAT
--no-binary TEXT ! runs a program (the build script)
--all-releases NAMES
--only-final NAMES
--refresh-package NAMES
--uploaded-prior-to WORD

%resolve
-c --constraint PATH
-r --requirement PATH
--build-constraint PATH
--requirements-from-script PATH
--no-deps
--only-deps
--group GROUP
--platform NAME
--python-version NAME
--implementation NAME
--abi NAME
--require-hashes
--no-require-hashes
--progress-bar {on|off|raw|ascii|auto}
--ignore-requires-python
--no-clean
--src TEXT ! reaches outside the workspace
-e --editable TEXT ! runs a program (the build script)
--no-build-isolation ! runs a program (the build script)
--check-build-dependencies ! runs a program (the build script)
--use-pep517 ! runs a program (the build script)
-C --config-settings --config-setting TEXT ! runs a program (the build script)
--global-option TEXT ! runs a program (the build script)
--build-option TEXT ! runs a program (the build script)
--install-option TEXT ! runs a program (the build script)

[install] write
use: index resolve
--dry-run
-t --target PATH
--prefix PATH
--root TEXT ! reaches outside the workspace
--user
-U --upgrade
--upgrade-strategy {eager|only-if-needed}
--force-reinstall
-I --ignore-installed
--break-system-packages ! reaches outside the workspace
--[no-]compile
--no-warn-script-location
--no-warn-conflicts
--root-user-action {warn|ignore}
--report PATH
args: [REQUIREMENT...]
[download] write
use: index resolve
-d --dest --destination-dir --destination-directory PATH
args: [REQUIREMENT...]
[wheel] write
use: index resolve
-w --wheel-dir PATH
--no-verify
args: [REQUIREMENT...]
[lock] write
use: index resolve
-o --output PATH
args: [REQUIREMENT...]
[uninstall] write
-r --requirement PATH
-y --yes
--root-user-action {warn|ignore}
--break-system-packages ! reaches outside the workspace
args: [NAMED...]
[list] read
use: index
-o --outdated
-u --uptodate
-e --editable
-l --local
--user
--path PATH
--format {columns|freeze|json}
--not-required
--exclude-editable
--include-editable
--exclude NAMED
[show] read
-f --files
args: NAMED...
[freeze] read
-r --requirement PATH
-l --local
--user
--path PATH
--all
--exclude-editable
--exclude NAMED
[inspect] read
--local
--user
--path PATH
[check] read
[index versions] read
use: index
--platform NAME
--python-version NAME
--implementation NAME
--abi NAME
--ignore-requires-python
--json
args: NAMED
[search] read
args: WORD...
[hash] read
-a --algorithm {sha256|sha384|sha512}
args: PATH...
[cache dir] read
[cache info] read
[cache list] read
--format {human|abspath}
args: [PATTERN]
[cache remove] write
args: PATTERN
[cache purge] write
[help] read
args: [NAME]
[config] ! reconfigures the tool or shows the credential
[debug] ! prints the configuration
[completion] ! is no everyday work
"""

NAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?(?:\[[A-Za-z0-9._, -]{1,200}\])?"
_CLAUSE: Final = r" ?(?:===|==|~=|!=|<=|>=|<|>) ?[A-Za-z0-9.*+!_-]{1,60} ?"
# NAME[EXTRA] VERSIONS; MARKER. A directory, a file, a URL and `NAME @ URL` are none: they are built, or come from elsewhere.
REQUIREMENT: Final = without(
    matching(rf"{NAME}(?:{_CLAUSE}(?:,{_CLAUSE}){{0,8}})?(?: ?; ?[A-Za-z0-9_.<>=!~'\"() ]{{1,200}})?", "a requirement"),
    (r"^[^<>=!~;\[ ]*\.(?:whl|zip|tar|tgz|tar\.gz|tar\.bz2|tar\.xz)$", "a package from a file"),
)
LINKS: Final = either(BUILT_IN["PATH"], BUILT_IN["URL"])

PROFILE: Final = Profile(
    tool="pip",
    about="Python packages from the service's index",
    syntax=ARGPARSE,
    grammar=GRAMMAR,
    types={
        "REQUIREMENT": REQUIREMENT,
        "NAMED": matching(NAME, "a package's name"),
        "NAMES": listed(matching(NAME + "|:all:|:none:", "a package's name")),
        "FORMAT": listed(matching(NAME + "|:all:", "a package's name or :all:")),
        "PATTERN": matching(r"[A-Za-z0-9_*][\w.*?-]{0,100}", "a package's name or pattern"),
        "GROUP": matching(r"(?:(?!/)(?!.*\.\.)[\w./-]{1,200}:)?[A-Za-z0-9][\w.-]{0,60}", "a dependency group"),
        "LINKS": LINKS,
    },
    harden=Hardening(
        env={
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_ONLY_BINARY": ":all:",
            "PIP_NO_INPUT": "1",
            "PIP_KEYRING_PROVIDER": "disabled",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONPATH": _DIRECTORY,
            "PYTHONNOUSERSITE": "1",
            "PYTHONSAFEPATH": "1",
            "NETRC": "/dev/null",
        },
        files={f"{_DIRECTORY}/sitecustomize.py": _NO_PROGRAMS},
    ),
    credentials=("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
    source="pip COMMAND --help, 26.2",
)
