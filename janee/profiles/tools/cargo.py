"""cargo: crates from and to the service's registry, and the workspace's dependencies.

Denied throughout: what runs the workspace's or a crate's code for its own sake (`build`, `check`, `test`, `run`, `bench`, `install`, `fix`,
`clippy`, `rustc`, and plugins, which any unknown word is), configuration (`--config`, `-Z`), other registries, tokens, and
changes of owners. `package` and `publish` build the crate to verify it, as they must: with a placeholder instead of the
token (the delivery is secretless). Facts: `cargo help COMMAND`, 1.95.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import CLAP
from janee.profiles.types import BUILT_IN, listed, matching

GRAMMAR: Final = r"""
[] read
-V --version
--list
needs: -V --version --list
[]
-h --help
-q --quiet
-v --verbose
--color {auto|always|never}
--frozen
--locked
--offline
-C TEXT ! reaches outside the workspace
-Z TEXT ! is no everyday work
--config TEXT ! sets configuration, which runs programs
--explain TEXT ! is no everyday work
--lockfile-path TEXT ! is no everyday work

%manifest
--manifest-path PATH
--ignore-rust-version

%features
-F --features FEATURES
--all-features
--no-default-features

%registry
--registry REGISTRY
--index URL
--token TEXT ! replaces the credential

%pick
-p --package SPEC
--workspace
--all
--exclude SPEC

%build
use: manifest features pick
-j --jobs INT
--keep-going
--target TRIPLE
--target-dir PATH
--allow-dirty
--no-verify

[search|s] read
use: registry
--limit INT
args: WORD...
[info] read
use: registry manifest
args: SPEC
[metadata] read
use: manifest features
--format-version {1}
--no-deps
--filter-platform TRIPLE
[tree] read
use: manifest features pick
-e --edges EDGES
-i --invert SPEC
--prune SPEC
--depth INT|{workspace}
--prefix {depth|indent|none}
--no-dedupe
--charset {utf8|ascii}
-f --format FORMAT
-d --duplicates
-a
--target TRIPLE|{all}
--all-targets
[locate-project] read
use: manifest
--workspace
--message-format {json|plain}
[pkgid] read
use: manifest
-p --package SPEC
args: [SPEC]
[read-manifest] read
use: manifest
[verify-project] read
use: manifest
[version] read
[help] read
args: [NAME]
[fetch] write
use: manifest
--target TRIPLE
[generate-lockfile] write
use: manifest
[update|up] write
use: manifest
-p --package SPEC
-w --workspace
--aggressive
--recursive
--precise VERSION
--dry-run
-b --breaking
args: [SPEC...]
[add] write
use: manifest features
--default-features
--optional
--no-optional
--public
--no-public
--rename NAME
--dry-run
--path PATH
--registry REGISTRY
-p --package SPEC
--dev
--build
--target TRIPLE
--base NAME
--git TEXT ! comes from another place than the registry
--branch TEXT ! comes from another place than the registry
--tag TEXT ! comes from another place than the registry
--rev TEXT ! comes from another place than the registry
args: [CRATE...]
[remove|rm] write
use: manifest
--dev
--build
--target TRIPLE
-p --package SPEC
--dry-run
args: NAMED...
[new] write
--bin
--lib
--edition {2015|2018|2021|2024}
--name NAMED
--vcs {git|none}
--registry REGISTRY
args: PATH
[init] write
--bin
--lib
--edition {2015|2018|2021|2024}
--name NAMED
--vcs {git|none}
--registry REGISTRY
args: [PATH]
[clean] write
use: manifest
-p --package SPEC
--workspace
-r --release
--profile NAME
--doc
--target TRIPLE
--target-dir PATH
-n --dry-run
[vendor] write
use: manifest
-s --sync PATH
--no-delete
--versioned-dirs
--respect-source-config ! reads configuration
args: [PATH]
[fmt] ! runs a program
[package] write
use: build
use: registry
-l --list
--no-metadata
--exclude-lockfile
--message-format {human|json}
[publish] write
use: build
use: registry
-n --dry-run
needs: -n --dry-run
[publish] admin
use: build
use: registry
-n --dry-run
[yank] admin
use: registry
--version --vers VERSION
--undo
args: [SPEC]
[owner] read
use: registry
-l --list
-a --add TEXT ! gives others access
-r --remove TEXT ! takes others' access
needs: -l --list
args: [NAMED]
[login,logout] ! changes or shows the credential
[config] ! shows the configuration
[report] ! is no everyday work
[build|b] ! runs a program (build scripts, macros)
[check|c] ! runs a program (build scripts, macros)
[test|t] ! runs a program
[run|r] ! runs a program
[doc|d] ! runs a program (build scripts, macros)
[bench,clippy,fix,rustc,rustdoc,install,uninstall,miri,expand,nextest,watch,make,script,audit,deny,outdated,edit,release,llvm-cov,tarpaulin,binstall,workspaces,hack,udeps,machete,component,credential,git-checkout] ! runs a program
"""

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]{0,63}"

PROFILE: Final = Profile(
    tool="cargo",
    about="crates from and to the service's registry",
    syntax=CLAP,
    grammar=GRAMMAR,
    types={
        "NAMED": matching(_NAME, "a crate's name"),
        "SPEC": matching(rf"{_NAME}(?:[@:][0-9A-Za-z.+-]{{1,60}})?", "a crate, as NAME or NAME@VERSION"),
        "CRATE": matching(rf"{_NAME}(?:@[0-9A-Za-z.^~=<>*+, -]{{1,60}})?", "a crate, as NAME or NAME@VERSION"),
        "VERSION": matching(r"[0-9][0-9A-Za-z.+-]{0,60}", "a version"),
        "FEATURES": matching(r"[\w+./?-]{1,100}(?:[ ,][\w+./?-]{1,100}){0,40}", "features"),
        # A name from the configuration, which the workspace cannot write: the environment's registries only.
        "REGISTRY": matching(_NAME, "a registry's name"),
        "TRIPLE": matching(r"[a-z0-9_]+(?:-[a-z0-9_.]+){1,4}", "a target triple"),
        "EDGES": listed(
            matching(r"features|normal|build|dev|all|public|no-(?:normal|build|dev|proc-macro|dedupe)", "a kind of edge")
        ),
        "FORMAT": BUILT_IN["WORD"],
    },
    harden=Hardening(
        env={
            "CARGO_TERM_PROGRESS_WHEN": "never",
            "CARGO_NET_GIT_FETCH_WITH_CLI": "false",
            "CARGO_REGISTRY_CREDENTIAL_PROVIDER": "cargo:token",
            "CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS": "cargo:token",
            "CARGO_HTTP_CHECK_REVOKE": "true",
            "CARGO_HTTP_PROXY": "",
            "RUSTUP_TOOLCHAIN": "stable",
            "RUSTC_WRAPPER": "",
            "RUSTC_WORKSPACE_WRAPPER": "",
        },
    ),
    delivery="secretless",
    credentials=("CARGO_REGISTRY_TOKEN",),
    source="cargo help COMMAND, 1.95",
)
