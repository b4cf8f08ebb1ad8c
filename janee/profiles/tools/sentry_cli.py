"""sentry-cli: releases, source maps, debug files and events of the service's Sentry.

Denied throughout: other servers, tokens and headers on the command line, logging that shows requests, commands that run others
(`monitors run`, the build steps of `react-native`), changes to the tool itself, and uploads from outside the workspace.
Facts: `sentry-cli COMMAND --help`, 3.0, and 2.40 where that differs.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import CLAP
from janee.profiles.types import BUILT_IN, matching, ordinary

GRAMMAR: Final = r"""
[] read
-V --version
needs: -V --version
[]
-h --help
--url URL
--api-key TEXT ! replaces the credential
--auth-token TEXT ! replaces the credential
--header TEXT ! moves the credential
--log-level {info|warn|error}
--quiet --silent
-o --org SLUG
-p --project SLUG
--allow-failure
--insecure ! moves the credential
--dsn TEXT ! moves the credential

%wait
--wait
--wait-for INT

%maps
use: wait
-u --url-prefix PREFIX
--url-suffix WORD
-r --release VERSION
-d --dist NAME
--note WORD
--validate
--decompress
--no-sourcemap-reference
--debug-id-reference
--no-rewrite
--rewrite
--strip-prefix WORD
--strip-common-prefix
-i --ignore GLOB
-I --ignore-file PATH
--bundle UPLOAD
--bundle-sourcemap UPLOAD
-x --ext NAME
-s --strict
--no-dedupe
--use-artifact-bundle
--dry-run

[releases new] write
--finalize
--url WORD
args: VERSION
[releases finalize] write
--url WORD
--started WORD
--released WORD
args: VERSION
[releases list] read
--show-projects
-R --raw
-D --delimiter WORD
--no-abbrev
[releases info] read
--show-projects
-P --show-projects
-C --show-commits
-q --quiet
args: VERSION
[releases set-commits] write
--auto
--clear
--local
--ignore-missing
--ignore-empty
--initial-depth INT
-c --commit COMMIT
args: VERSION
[releases propose-version] read
[releases archive] write
args: VERSION
[releases restore] write
args: VERSION
[releases delete] admin
args: VERSION
[releases files] write
use: maps
args: VERSION {upload-sourcemaps} UPLOAD...
[releases deploys] write
-e --env NAME
-n --name WORD
--url WORD
-s --started WORD
-f --finished WORD
-t --time INT
-r --release VERSION
args: VERSION {list|new}
[deploys list] read
-r --release VERSION
[deploys new] write
-r --release VERSION
-e --env NAME
-n --name WORD
-u --url WORD
-s --started WORD
-f --finished WORD
-t --time INT
args: [VERSION]
[sourcemaps upload] write
use: maps
args: UPLOAD...
[sourcemaps inject] write
-r --release VERSION
-i --ignore GLOB
-I --ignore-file PATH
-x --ext NAME
--dry-run
args: PATH...
[sourcemaps resolve] read
-l --line INT
-c --column INT
args: [PATH]
[sourcemaps explain] read
--force
args: NAME
[debug-files|dif upload] write
use: wait
-t --type {bcsymbolmap|breakpad|dsym|elf|il2cpp|jvm|pdb|pe|portablepdb|proguard|sourcebundle|wasm}
--no-unwind
--no-debug
--no-sources
--id NAME
--require-all
--symbol-maps PATH
--derived-data ! reads files outside the workspace
--no-zips
--no-upload
--include-sources
--il2cpp-mapping
args: UPLOAD...
[debug-files|dif check] read
-t --type NAME
--json
args: PATH
[debug-files|dif find] read
-t --type NAME
--json
--id NAME
-p --path PATH
--no-well-known
--no-cwd
args: [NAME...]
[debug-files|dif print-sources] read
args: PATH
[debug-files|dif bundle-sources] write
--output PATH
args: PATH
[debug-files|dif bundle-jvm] write
--output PATH
--debug-id NAME
-e --exclude GLOB
args: PATH
[upload-dif,upload-dsym] ! is written `debug-files upload`
[upload-proguard] write
--uuid NAME
--version WORD
--app-id NAME
--version-code INT
--no-upload
--require-one
--write-properties PATH
--platform NAME
args: UPLOAD...
[proguard upload] write
--uuid NAME
--no-upload
--require-one
args: UPLOAD...
[proguard uuid] read
args: PATH
[dart-symbol-map upload] write
args: UPLOAD UPLOAD
[build upload] write
--head-sha NAME
--base-sha NAME
--vcs-provider NAME
--head-repo-name WORD
--base-repo-name WORD
--head-ref REF
--base-ref REF
--pr-number INT
--build-configuration NAME
--release-notes WORD
--force-git-metadata
--no-git-metadata
--install-group NAME
args: UPLOAD...
[build download,snapshots] ! is no everyday work
[code-mappings upload] write
--repo WORD
--default-branch REF
args: UPLOAD
[send-event] write
-l --level {debug|info|warning|error|fatal}
--timestamp WORD
-r --release VERSION
-d --dist NAME
-E --env NAME
--no-environ
-m --message TEXT
-a --message-arg TEXT
-p --platform NAME
-t --tag TAG
-e --extra TAG
-u --user TAG
-f --fingerprint WORD
--logfile UPLOAD
--with-categories
--raw
args: [UPLOAD]
[send-envelope] write
--raw
args: UPLOAD
[issues list] read
--max-rows INT
--pages INT
--query TEXT
-s --status {resolved|muted|unresolved}
-a --all
-i --id INT
[issues resolve] write
-n --next-release
-s --status {resolved|muted|unresolved}
-a --all @admin
-i --id INT
[issues mute] write
-s --status {resolved|muted|unresolved}
-a --all @admin
-i --id INT
[issues unresolve] write
-s --status {resolved|muted|unresolved}
-a --all @admin
-i --id INT
[events list] read
-U --show-user
-T --show-tags
--max-rows INT
--pages INT
[logs list] read
--max-rows INT
--query TEXT
--live
--poll-interval INT
[projects list] read
[organizations|orgs list] read
[repos list] read
[monitors list] read
[monitors run] ! runs a program
[info] read
--config-status-json
--no-defaults
[react-native] ! runs a program (the build)
[login] ! changes or prints the credential
[update,uninstall,completions] ! replaces the tool
[bash-hook] ! runs a program
[snapshots] ! is no everyday work
[difutil,files] ! is written `debug-files` and `sourcemaps`
[help] read
args: [NAME] [NAME]
"""

PROFILE: Final = Profile(
    tool="sentry-cli",
    about="releases, source maps and events of Sentry",
    syntax=CLAP,
    grammar=GRAMMAR,
    types={
        "SLUG": matching(r"[a-z0-9][a-z0-9_-]{0,60}", "an organization or project"),
        "VERSION": matching(r"[A-Za-z0-9_(@][\w.+@/:()~-]{0,250}", "a release"),
        "PREFIX": matching(r"(?:~|https?://[A-Za-z0-9.:-]+|[a-z]+://)?[\w./~@-]{0,300}", "a prefix of URLs"),
        "COMMIT": matching(r"[\w.-]{1,100}(?:/[\w.-]{1,100}){0,4}@[\w./-]{1,100}(?:\.\.[\w./-]{1,100})?", "REPO@COMMIT"),
        "GLOB": BUILT_IN["WORD"],
        "TAG": matching(r"[A-Za-z][\w.-]{0,60}:[^\x00-\x1f\x7f]{0,2000}", "KEY:VALUE"),
        "UPLOAD": ordinary(BUILT_IN["PATH"]),
    },
    harden=Hardening(
        env={
            "SENTRY_URL": "{{origin}}",
            "SENTRY_PROPERTIES": "/dev/null",
            "SENTRY_LOAD_DOTENV": "0",
            "SENTRY_DISABLE_UPDATE_CHECK": "1",
            "SENTRY_LOG_LEVEL": "warn",
            "SENTRY_NO_PROGRESS_BAR": "1",
        },
    ),
    credentials=("SENTRY_AUTH_TOKEN",),
    source="sentry-cli COMMAND --help, 3.0",
)
