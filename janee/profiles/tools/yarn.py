"""yarn, both generations: dependencies of the workspace from the service's registry, and publishing to it.

Denied throughout: what runs programs (`run`, `exec`, `dlx`, `node`, `create`, `rebuild`, and every unknown word, which yarn takes for a
script), other registries and proxies, configuration and plugins, tokens, global installs, and dependencies from anywhere but
the registry. Installing runs no script: the environment says so, and `.yarnrc`, `.yarnrc.yml` and `.npmrc` are hidden. Facts: yarn's
own help, 1.22 and 4.18.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import NODE
from janee.profiles.types import BUILT_IN, matching, one_of, ordinary

GRAMMAR: Final = r"""
%common
-h --help
-s --silent
--json
--verbose ! prints the credential
--non-interactive
--interactive ! waits for a person
--offline
--prefer-offline
--ignore-scripts[={true}]
--ignore-platform
--ignore-engines
--ignore-optional
--force
--skip-integrity-check ! moves the credential
--check-files
--no-bin-links
--flat
--production[=BOOL]
--prod[=BOOL]
--no-lockfile
--pure-lockfile
--frozen-lockfile
--update-checksums
--link-duplicates
--focus
--har ! writes a file under any name
--pnp
--enable-pnp
--disable-pnp
--no-progress
--no-emoji
--emoji[=BOOL]
--no-node-version-check
--network-concurrency INT
--network-timeout INT
--otp INT
--mutex WORD ! listens for connections
--cwd PATH
--registry URL
--use-yarnrc TEXT ! reads configuration, which runs programs
--no-default-rc
--link-folder TEXT ! reaches outside the workspace
--global-folder TEXT ! reaches outside the workspace
--modules-folder TEXT ! reaches outside the workspace
--cache-folder TEXT ! reaches outside the workspace
--preferred-cache-folder TEXT ! reaches outside the workspace
--prefix TEXT ! reaches outside the workspace
--proxy TEXT ! moves the credential
--https-proxy TEXT ! moves the credential
--cafile TEXT ! moves the credential
--ca TEXT ! moves the credential
--strict-ssl TEXT ! moves the credential
--no-strict-ssl ! moves the credential
--scripts-prepend-node-path TEXT ! runs a program
--script-shell TEXT ! runs a program
--global ! reaches outside the workspace
-g ! reaches outside the workspace
--top-level ! runs a program
-T ! runs a program

%install
--immutable
--no-immutable
--immutable-cache
--check-cache
--check-resolutions
--refresh-lockfile
--inline-builds
--mode {skip-build|update-lockfile}
-A --all

%save
-D --dev
-P --peer
-O --optional
-E --exact
-T --tilde
-C --caret
-F --fixed
--prefer-dev
--cached
-W --ignore-workspace-root-check
--audit
-i ! waits for a person

[] write
use: common install
-v --version
[version] write
use: common
--new-version BUMP
--major
--minor
--patch
--premajor
--preminor
--prepatch
--prerelease
--preid NAME
--message TEXT
--no-git-tag-version
--no-commit-hooks
-i ! waits for a person
-d --deferred
--immediate
args: [BUMP]
[version check,apply] ! is no everyday work
[install] write
use: common install
[add] write
use: common save install
args: PACKAGE...
[remove] write
use: common save install
args: PATTERN...
[up|upgrade] write
use: common save install
-R --recursive
-L --latest
-S --scope WORD
--pattern WORD
args: [PATTERN...]
[dedupe] write
use: common install
-c --check
-s --strategy {highest}
args: [PATTERN...]
[link] write
use: common
-A --all
-p --private
-r --relative
args: [WORKPATH]
[unlink] write
use: common
-A --all
args: [NAMED...]
[unplug] write
use: common
-A --all
-R --recursive
args: [PATTERN...]
[import] write
use: common
[autoclean] write
use: common
-I --init
-F --force
[check] read
use: common
--integrity
--verify-tree
[list|ls] read
use: common
--depth INT
--pattern WORD
args: [PATTERN...]
[why] read
use: common
-R --recursive
--peers
args: NAMED
[outdated] read
use: common
args: [PATTERN...]
[info] read
use: common
-A --all
-R --recursive
-X --extra WORD
--cache
--dependents
--manifest
--name-only
--virtuals
args: [PACKAGE] [FIELD...]
[versions] read
use: common
[audit] read
use: common
--level {info|low|moderate|high|critical}
--groups WORD
--summary
[licenses list|ls] read
use: common
[licenses generate-disclaimer] read
use: common
[owner list|ls] read
use: common
args: [NAMED]
[owner add,remove,rm] ! gives others access
[tag list|ls] read
use: common
args: [NAMED]
[tag add] write
use: common
args: PACKAGE [NAME]
[tag remove|rm] admin
use: common
args: NAMED NAME
[pack] write
use: common
-f --filename PATH
-n --dry-run
-o --out PATH
--install-if-needed
[publish] write
use: common
--access {public|restricted}
--tag NAME
--new-version BUMP
--major
--minor
--patch
--preid NAME
--no-git-tag-version
--message TEXT
args: [UPLOAD]
[npm audit] read
use: common
-A --all
-R --recursive
--environment {all|production|development}
--no-deprecations
--severity {info|low|moderate|high|critical}
--exclude WORD
--ignore WORD
[npm info] read
use: common
-f --fields WORD
args: PACKAGE...
[npm whoami] read
use: common
--scope WORD
--publish
[npm publish] write
use: common
--access {public|restricted}
--tag NAME
--tolerate-republish
--provenance
--staged
-n --dry-run
[npm tag list] read
use: common
args: [NAMED]
[npm tag add] write
use: common
args: PACKAGE NAME
[npm tag remove] admin
use: common
args: NAMED NAME
[npm login,logout] ! changes who has access
[workspaces info] read
use: common
[workspaces list] read
use: common
-R --recursive
--since[=REF]
--no-private
-v ! is no everyday work
[workspaces focus] write
use: common install
-A --all
args: [NAMED...]
[workspaces foreach,run] ! runs a program
[workspace] write
use: common save install
-L --latest
args: NAMED {add|remove|install|up|upgrade|why|list|info|outdated|pack|publish} [PACKAGE...]
[init] write
use: common
-y --yes
-p --private
-w --workspace
-n --name NAMED
[cache dir] read
[cache list|ls] read
--pattern WORD
[cache clean] write
use: common
--all
args: [NAMED...]
[cache] ! is written `cache clean`
[bin] read
use: common
-v ! is no everyday work
args: [NAME]
[constraints] read
use: common
--fix @write
[explain] read
use: common
args: [NAME]
[explain peer-requirements] read
args: [NAME]
[config get] read
use: common
args: READKEY
[config set,delete,unset,list,ls,current] ! reconfigures the tool or shows the credential
[config] ! reconfigures the tool or shows the credential
[set] ! reconfigures the tool
[plugin] ! runs a program
[policies] ! runs a program
[patch] write
use: common
-u --update
args: PACKAGE
[patch-commit] write
use: common
-s --save
args: PATH
[help] read
args: [NAME]
[run] ! runs a program
[exec] ! runs a program
[dlx] ! runs a program
[node] ! runs a program
[create] ! runs a program
[test] ! runs a program
[global] ! reaches outside the workspace
[start,stop,build,dev,lint,rebuild,stage,search,sdks,upgrade-interactive,generate-lock-entry,self-update] ! runs a program
[login,logout,team,access] ! changes who has access
"""

# `--flag false` is one option to the tool: the two words are no packages.
_NAMED: Final = r"(?!(?:true|false)$)(?:@[a-z0-9~_-][a-z0-9._~-]*/)?[A-Za-z0-9_~][A-Za-z0-9._~-]*"
_RANGE: Final = r"[A-Za-z0-9^~<>=*.+| -]{1,100}"

PROFILE: Final = Profile(
    tool="yarn",
    about="Node packages from and to the service's registry",
    syntax=replace(NODE, inherit=False),
    grammar=GRAMMAR,
    types={
        # name, name@range, name@npm:other@range, name@workspace:*: never a URL, a git repository, a tarball or a directory
        "PACKAGE": matching(rf"{_NAMED}(?:@(?:(?:workspace|npm):)?{_RANGE}|@npm:{_NAMED}(?:@{_RANGE})?)?", "a package"),
        "NAMED": matching(_NAMED, "a package's name"),
        "PATTERN": matching(
            r"(?!(?:true|false)$)(?:@[a-z0-9~_*-][a-z0-9._~*-]*/)?[A-Za-z0-9_~*][A-Za-z0-9._~*-]*(?:@(?:npm:)?[\w^~<>=*.+| -]{1,100})?",
            "a name",
        ),
        "WORKPATH": matching(
            r"(?:\./)?[A-Za-z0-9_@][\w@-]{0,100}(?:/[A-Za-z0-9_@][\w.@-]{0,100}){0,8}", "a package or directory"
        ),
        "FIELD": matching(r"[A-Za-z][\w.\[\]@/-]{0,100}", "a field"),
        "UPLOAD": ordinary(BUILT_IN["PATH"]),
        "BUMP": matching(
            r"major|minor|patch|premajor|preminor|prepatch|prerelease|decline|v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.-]+)?",
            "a version",
        ),
        "READKEY": one_of("registry npmRegistryServer nodeLinker enableScripts enableTelemetry version-tag-prefix save-prefix"),
    },
    harden=Hardening(
        env={
            "YARN_ENABLE_SCRIPTS": "false",
            "YARN_IGNORE_PATH": "1",
            "YARN_RC_FILENAME": ".yarnrc.none.yml",
            "YARN_ENABLE_TELEMETRY": "0",
            "YARN_ENABLE_STRICT_SSL": "true",
            "YARN_IGNORE_SCRIPTS": "true",
            "npm_config_ignore_scripts": "true",
            "npm_config_userconfig": "/dev/null",
            "YARN_NPM_REGISTRY_SERVER": "{{baseUrl}}",
            "YARN_REGISTRY": "{{baseUrl}}",
            "npm_config_registry": "{{baseUrl}}",
            "npm_config_proxy": "false",
            "npm_config_https_proxy": "false",
            "npm_config_globalconfig": "/nonexistent/npmrc",
            "CI": "1",
        },
    ),
    credentials=("NPM_TOKEN", "NODE_AUTH_TOKEN", "YARN_NPM_AUTH_TOKEN"),
    source="yarn --help, 1.22 and 4.18",
)
