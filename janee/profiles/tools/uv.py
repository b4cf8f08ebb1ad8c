"""uv: Python projects and packages from and to the service's index.

Denied throughout: what runs programs (`run`, `tool run`, `build`, editable and directory installs, source builds), other indexes and
proxies, tokens, configuration files, and downloads of interpreters. Only wheels are installed: the environment says so.
Facts: `uv help COMMAND`, 0.13.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import CLAP
from janee.profiles.tools.pip import LINKS, NAME, REQUIREMENT
from janee.profiles.types import BUILT_IN, either, listed, matching, ordinary, parts

GRAMMAR: Final = r"""
[] read
-V --version
needs: -V --version
[]
-h --help
-q --quiet
-v --verbose
--color {auto|always|never}
--no-color
--native-tls
--system-certs
--offline
--no-progress
--no-config
--no-python-downloads
--managed-python
--no-managed-python
--python-preference {only-managed|managed|system|only-system}
--directory PATH
--project PATH
-n --no-cache
--cache-dir PATH
--config-file TEXT ! reads configuration
--allow-insecure-host TEXT ! moves the credential
--cert TEXT ! moves the credential
--preview
--preview-features NAME

%index
--index INDEX
--default-index URL
-i --index-url URL
--extra-index-url URL
-f --find-links LINKS
--no-index
--index-strategy {first-index}
--keyring-provider {disabled}
-U --upgrade
-P --upgrade-package REQUIREMENT
--upgrade-group NAMED
--resolution {highest|lowest|lowest-direct}
--prerelease {disallow|allow|if-necessary|explicit|if-necessary-or-explicit}
--prerelease-package WORD
--pre
--fork-strategy {fewest|requires-python}
--exclude-newer WORD
--exclude-newer-package WORD
--no-sources
--no-sources-package NAMED
--reinstall
--reinstall-package NAMED
--link-mode {clone|copy|hardlink|symlink}
--compile-bytecode
--refresh
--refresh-package NAMED
--no-build
--no-build-package NAMED
--require-build-hashes
--no-require-build-hashes
-p --python PYTHON
--python-version PYTHON
--python-platform NAME
-C --config-setting TEXT ! runs a program (the build script)
--config-settings-package TEXT ! runs a program (the build script)
--no-build-isolation ! runs a program (the build script)
--no-build-isolation-package TEXT ! runs a program (the build script)
--no-binary[=TEXT] ! runs a program (the build script)
--no-binary-package TEXT ! runs a program (the build script)

%project
--extra NAMED
--all-extras
--no-extra NAMED
--dev
--no-dev
--only-dev
--group NAMED
--no-group NAMED
--no-default-groups
--only-group NAMED
--all-groups
--no-editable
--no-editable-package NAMED
--inexact
--active
--no-sync
--no-install-project
--no-install-workspace
--no-install-local
--no-install-package NAMED
--locked
--frozen
--dry-run
--check
--all-packages
--package NAMED
--script PATH
--output-format {text|json}

[add] write
use: index project
-r --requirements --requirement PATH
-c --constraints --constraint PATH
-m --marker WORD
--optional NAMED
--raw
--raw-sources
--bounds {lower|major|minor|exact}
--workspace
--no-workspace
--editable ! runs a program (the build script)
--rev TEXT ! comes from another place than the index
--tag TEXT ! comes from another place than the index
--branch TEXT ! comes from another place than the index
--lfs ! comes from another place than the index
args: [REQUIREMENT...]
[remove] write
use: index project
--optional NAMED
args: NAMED...
[sync] write
use: index project
[lock] write
use: index
--check
--check-exists
--locked
--frozen
--dry-run
--script PATH
[export] write
use: index project
--format {requirements-txt|requirements.txt|pylock.toml|cyclonedx1.5}
--prune NAMED
--no-annotate
--no-header
--no-hashes
--hashes
--no-emit-project
--no-emit-workspace
--no-emit-local
--no-emit-package NAMED
-o --output-file PATH
--emit-index-url ! prints the credential
--emit-find-links ! prints the credential
[tree] read
use: index project
--universal
-d --depth INT
--prune NAMED
--no-dedupe
--invert
--outdated
--show-sizes
--format {text|json}
[version] write
use: index project
--bump {major|minor|patch|stable|alpha|beta|rc|post|dev}
--short
args: [VERSION]
[init] write
--name NAMED
--bare
--package
--no-package
--app
--lib
--script
--description TEXT
--no-description
--vcs {git|none}
--build-backend {uv|hatch|flit|pdm|poetry|setuptools|maturin|scikit}
--no-readme
--author-from {auto|git|none}
--no-pin-python
--no-workspace
-p --python PYTHON
args: [PATH]
[venv] write
use: index
--seed
-c --clear
--force
--allow-existing
--prompt NAME
--system-site-packages ! reaches outside the workspace
--relocatable
--no-project
args: [PATH]
[publish] write
--index NAMED
-u --username {__token__}
-p --password TEXT ! replaces the credential
-t --token TEXT ! replaces the credential
--trusted-publishing {automatic|always|never}
--keyring-provider {disabled}
--publish-url URL
--check-url URL
--dry-run
--no-attestations
args: [UPLOAD...]
[pip install] write
use: index
-r --requirements --requirement PATH
-c --constraints --constraint PATH
--overrides --override PATH
--excludes PATH
-b --build-constraints PATH
--extra NAMED
--all-extras
--group NAMED
--no-deps
--require-hashes
--no-verify-hashes
-t --target PATH
--prefix PATH
--only-binary FORMAT
--exact
--strict
--dry-run
--check
--user
--output-format {text|json}
--torch-backend NAME
-e --editable TEXT ! runs a program (the build script)
--system ! reaches outside the workspace
--break-system-packages ! reaches outside the workspace
args: [REQUIREMENT...]
[pip sync] write
use: index
-c --constraints --constraint PATH
-b --build-constraints PATH
--require-hashes
--no-verify-hashes
-t --target PATH
--prefix PATH
--only-binary FORMAT
--strict
--dry-run
--system ! reaches outside the workspace
--break-system-packages ! reaches outside the workspace
args: PATH...
[pip compile] write
use: index
-c --constraints --constraint PATH
--overrides --override PATH
--excludes PATH
-b --build-constraints PATH
--extra NAMED
--all-extras
--group NAMED
--no-deps
-o --output-file PATH
--format {requirements.txt|pylock.toml}
--no-strip-extras
--no-strip-markers
--no-annotate
--no-header
--annotation-style {line|split}
--custom-compile-command WORD
--generate-hashes
--only-binary FORMAT
--universal
--no-emit-package NAMED
--emit-build-options
--emit-index-annotation
--torch-backend NAME
--system
--emit-index-url ! prints the credential
--emit-find-links ! prints the credential
args: PATH...
[pip uninstall] write
-r --requirements --requirement PATH
-p --python PYTHON
--dry-run
-y
--system ! reaches outside the workspace
--break-system-packages ! reaches outside the workspace
args: [NAMED...]
[pip list] read
use: index
-e --editable
--exclude-editable
--exclude NAMED
--format {columns|freeze|json}
--outdated
--strict
--system
[pip freeze] read
--exclude-editable
--exclude NAMED
--strict
--path PATH
-p --python PYTHON
--system
[pip show] read
-f --files
--strict
-p --python PYTHON
--system
args: NAMED...
[pip tree] read
use: index
-d --depth INT
--prune NAMED
--package NAMED
--no-dedupe
--invert
--outdated
--show-version-specifiers
--strict
--system
[pip check] read
-p --python PYTHON
--system
[cache dir] read
[cache size] read
-H --human
[cache clean] write
--force
args: [NAMED...]
[cache prune] write
--ci
--force
[python list] read
--all-versions
--all-platforms
--all-arches
--only-installed
--only-downloads
--show-urls
--output-format {text|json}
args: [PYTHON]
[python find] read
--no-project
--system
--show-version
args: [PYTHON]
[python pin] write
--resolved
--no-project
--rm
args: [PYTHON]
[python dir] read
[python install,uninstall,upgrade,update-shell] ! downloads programs
[tool list] read
--show-paths
--show-version-specifiers
--show-with
--show-extras
--show-python
--outdated
[tool dir] read
--bin
[tool run,install,upgrade,uninstall,update-shell] ! runs a program
[self version] read
--short
--output-format {text|json}
[self update] ! downloads programs
[help] read
--no-pager
args: [NAME] [NAME]
[audit] read
use: index project
[format] ! runs a program
[run] ! runs a program
[build] ! runs a program (the build script)
[auth] ! changes or prints the credential
[workspace list] read
[workspace dir] read
[workspace metadata] read
[generate-shell-completion] ! is no everyday work
"""

PROFILE: Final = Profile(
    tool="uv",
    about="Python projects and packages, from and to the service's index",
    syntax=CLAP,
    grammar=GRAMMAR,
    types={
        "REQUIREMENT": REQUIREMENT,
        "NAMED": matching(NAME, "a package's, extra's or group's name"),
        "FORMAT": listed(matching(NAME + "|:all:", "a package's name or :all:")),
        "LINKS": LINKS,
        "INDEX": either(BUILT_IN["URL"], parts(r"[A-Za-z0-9][\w.-]{0,60}=(.*)", "NAME=URL", BUILT_IN["URL"])),
        # a version; a path would be a program to run
        "PYTHON": matching(
            r"(?:python|cpython|pypy|>=|==|~=)?@?[0-9]{1,2}(?:\.[0-9]{1,3}){0,2}(?:rc[0-9]+|t)?(?:,<[0-9.]+)?", "a version"
        ),
        "VERSION": matching(r"[0-9][0-9A-Za-z.+!-]{0,60}", "a version"),
        "UPLOAD": ordinary(BUILT_IN["PATH"]),
    },
    harden=Hardening(
        env={
            "UV_NO_CONFIG": "1",
            "UV_NO_BUILD": "1",
            "UV_KEYRING_PROVIDER": "disabled",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_ENV_FILE": "1",
            "UV_NO_MODIFY_PATH": "1",
            "NETRC": "/dev/null",
        },
    ),
    credentials=("UV_PUBLISH_TOKEN", "UV_INDEX_PASSWORD"),
    source="uv help COMMAND, 0.13",
)
