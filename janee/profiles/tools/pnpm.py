"""pnpm: dependencies of the workspace from the service's registry, and publishing to it.

Denied throughout: what runs programs (`run`, `exec`, `dlx`, `create`, `test`, `start`, `rebuild`, and every unknown word, which pnpm takes
for a script), other registries and proxies, configuration, tokens, global installs, and dependencies from anywhere but the
registry. Installing runs no script: the environment says so, and a hook file of the workspace is hidden. Facts: `pnpm help`, 10 to 12.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import NODE
from janee.profiles.types import BUILT_IN, matching, one_of, ordinary, without

GRAMMAR: Final = r"""
[] read
-v --version
needs: -v --version
[]
-h --help
-y --yes
-r --recursive
-F --filter FILTER
--filter-prod FILTER
-w --workspace-root
--[no-]fail-if-no-match
--[no-]include-workspace-root
--test-pattern WORD
--changed-files-ignore-pattern WORD
--[no-]sort
--reverse
--parallel
--stream
--aggregate-output
--use-stderr
--[no-]bail
--workspace-concurrency INT
--network-concurrency INT
--child-concurrency INT
--fetch-timeout INT
--fetch-retries INT
--reporter {default|append-only|ndjson|silent}
--loglevel {debug|info|warn|error|silent}
-s --silent
--no-progress
--color[={always|auto|never}]
--no-color
--ignore-workspace
-C --dir PATH
--prefix PATH
--registry URL
--store-dir TEXT ! reaches outside the workspace
--state-dir TEXT ! reaches outside the workspace
--cache-dir TEXT ! reaches outside the workspace
--virtual-store-dir TEXT ! reaches outside the workspace
--global-dir TEXT ! reaches outside the workspace
--global-bin-dir TEXT ! reaches outside the workspace
--modules-dir TEXT ! reaches outside the workspace
--env-file TEXT ! sets the environment of programs
--npmrc-auth-file TEXT ! reads configuration
--userconfig TEXT ! reads configuration
--globalconfig TEXT ! reads configuration
--pnpmfile TEXT ! runs a program
--global-pnpmfile TEXT ! runs a program
--https-proxy TEXT ! moves the credential
--http-proxy TEXT ! moves the credential
--proxy TEXT ! moves the credential
--no-proxy TEXT ! moves the credential
--noproxy TEXT ! moves the credential
--cafile TEXT ! moves the credential
--ca TEXT ! moves the credential
--cert TEXT ! moves the credential
--key TEXT ! moves the credential
--strict-ssl TEXT ! moves the credential
--no-strict-ssl ! moves the credential
--pnpr-server TEXT ! moves the credential
--script-shell TEXT ! runs a program
--shell-emulator ! runs a program
--node-options TEXT ! runs a program
--use-node-version TEXT ! runs a program
--shell-mode ! runs a program
-c ! runs a program
-g --global ! reaches outside the workspace
--unsafe-perm ! runs a program
--allow-build TEXT ! runs a program
--enable-pre-post-scripts ! runs a program
--no-ignore-scripts ! runs a program
--no-ignore-pnpmfile ! runs a program
--side-effects-cache ! runs a program

%install
--offline
--prefer-offline
--ignore-scripts[={true}]
--ignore-pnpmfile[={true}]
--[no-]frozen-lockfile
--lockfile-only
--fix-lockfile
--[no-]lockfile
--[no-]prefer-frozen-lockfile
--[no-]auto-dedupe
--merge-git-branch-lockfiles
--shamefully-hoist
--[no-]hoist
--hoist-pattern WORD
--public-hoist-pattern WORD
--[no-]strict-peer-dependencies
--[no-]auto-install-peers
--[no-]verify-store-integrity
--resolution-only
--force
--dry-run
--[no-]optional
-P --prod --production
-D --dev
--cpu NAME
--os NAME
--libc NAME
--no-runtime
--node-linker {isolated|hoisted|pnp}
--package-import-method {auto|clone|copy|hardlink|clone-or-copy}
--resolution-mode {highest|time-based|lowest-direct}
--minimum-release-age INT

%save
-P --save-prod
-D --save-dev
-O --save-optional
--[no-]save
--[no-]save-peer
-E --[no-]save-exact
--save-types
--tilde
--save-prefix {^|~}
--save-catalog
--save-catalog-name NAME
--[no-]save-workspace-protocol
--workspace
-W --ignore-workspace-root-check

%show
--json
--long
--parseable
--depth INT|{Infinity}
-P --prod
-D --dev
--[no-]optional
--only-projects
--exclude-peers
--lockfile-only

[install|i] write
use: install
[ci|clean-install|ic] write
use: install
[add] write
use: install save
--latest
args: PACKAGE...
[update|up|upgrade] write
use: install save
-L --latest
--depth INT|{Infinity}
-i --interactive ! waits for a person
args: [PATTERN...]
[remove|rm|uninstall|un|uni] write
use: install save
args: NAMED...
[dedupe] write
use: install
--check
[fetch] write
use: install
[prune] write
use: install
[import] write
[unlink|dislink] write
args: [NAMED...]
[link|ln] write
args: WORKPATH...
[list|ls] read
use: show
args: [PATTERN...]
[la|ll] read
use: show
args: [PATTERN...]
[why] read
use: show
args: PATTERN...
[outdated] read
--json
--long
--format {table|list|json}
--no-table
--compatible
--sort-by {name}
-P --prod
-D --dev
--[no-]optional
args: [PATTERN...]
[audit] write
--audit-level {low|moderate|high|critical}
--fix
--json
-P --prod
-D --dev
--no-optional
--ignore-registry-errors
--ignore WORD
--ignore-unfixable
[audit signatures] read
--json
[licenses] read
--json
--long
-P --prod
-D --dev
--no-optional
args: [{list|ls}]
[view|info|show|v] read
--json
args: PACKAGE [FIELD...]
[search|s|se|find] read
--json
--long
--searchlimit INT
--no-description
args: WORD...
[whoami] read
[ping] read
[docs,home,repo,bugs,issues] ! opens a browser
[dist-tag|dist-tags ls|list] read
args: [PACKAGE]
[dist-tag|dist-tags add] write
--otp INT
args: PACKAGE [NAME]
[dist-tag|dist-tags rm] admin
--otp INT
args: PACKAGE NAME
[owner|author ls|list] read
args: [PACKAGE]
[owner|author add,rm,remove] ! gives others access
[pack] write
--pack-destination PATH
--out PATH
--pack-gzip-level INT
--json
--dry-run
%publish
--dry-run[={true}]
--json
--tag NAME
--access {restricted|public}
--otp INT
--force
--batch
--ignore-scripts[={true}]
--[no-]git-checks
--publish-branch REF
--report-summary
--[no-]provenance
--embed-readme
--publish-wait-timeout INT
[publish] write
use: publish
args: [UPLOAD]
[deprecate] write
--otp INT
args: PACKAGE TEXT
[undeprecate] write
args: PACKAGE
[unpublish] admin
--force
--otp INT
--dry-run
args: [PACKAGE]
[version] write
--json
--preid NAME
--no-git-tag-version
--no-commit-hooks
--no-git-checks
--allow-same-version
-m --message TEXT
args: [BUMP]
[patch] write
--edit-dir PATH
--ignore-existing
args: PACKAGE
[patch-commit] write
--patches-dir PATH
args: PATH
[patch-remove] write
args: [PACKAGE...]
[init] write
--init-package-manager
--init-type {commonjs|module}
--bare
[root] read
[bin] read
[prefix] read
[store path] read
[store status] read
[store prune] write
--force
[store add] write
args: PACKAGE...
[cat-file,cat-index,find-hash,cache,sbom] ! is no everyday work
[config|c get] read
--json
args: READKEY
[config|c set,delete,list,ls,edit] ! reconfigures the tool
[get] read
args: READKEY
[set] ! reconfigures the tool
[pkg get] read
--json
args: [FIELD...]
[pkg set,delete,fix] ! reconfigures what runs
[ignored-builds] read
[run|run-script] ! runs a program
[exec] ! runs a program
[dlx] ! runs a program
[create] ! runs a program
[test|t|tst] ! runs a program
[start] ! runs a program
[stop,restart,build,dev,lint,install-test,it,install-ci-test,cit,rebuild,rb,approve-builds,deploy,setup,env,runtime,self-update,server,edit,explore,doctor,completion,install-completion,with,node,bin-run] ! runs a program
[login,logout,adduser,add-user,token,access,team,org,profile,hook,trust,star,unstar,stars,stage] ! changes who has access
[help] read
args: [NAME]
[recursive|multi|m] ! is written `pnpm -r`
"""

# `--flag false` is one option to pnpm: the two words are no packages.
_NAMED: Final = r"(?!(?:true|false)$)(?:@[a-z0-9~_-][a-z0-9._~-]*/)?[A-Za-z0-9_~][A-Za-z0-9._~-]*"
_RANGE: Final = r"[A-Za-z0-9^~<>=*.+| -]{1,100}"

PROFILE: Final = Profile(
    tool="pnpm",
    about="Node packages from and to the service's registry",
    syntax=replace(NODE, flag_values=True),
    grammar=GRAMMAR,
    types={
        # name, name@range, name@npm:other@range, name@workspace:*: never a URL, a git repository, a tarball or a directory
        "PACKAGE": matching(rf"{_NAMED}(?:@(?:(?:workspace|catalog|jsr):)?{_RANGE}|@npm:{_NAMED}(?:@{_RANGE})?)?", "a package"),
        "NAMED": matching(_NAMED, "a package's name"),
        "PATTERN": matching(
            r"(?!(?:true|false)$)!?(?:@[a-z0-9~_*-][a-z0-9._~*-]*/)?[A-Za-z0-9_~*][A-Za-z0-9._~*-]*(?:@[\w^~<>=*.+| -]{1,100})?",
            "a name",
        ),
        "WORKPATH": matching(r"\./[A-Za-z0-9_@][\w./@-]{0,300}(?<!/\.\.)", "a directory of the workspace"),
        "FILTER": matching(r"(?!.*\.\./\.\.)!?[\w@./{}\[\]*^~+-]{0,200}(?:\.\.\.)?[\w@./{}\[\]*^~+-]{0,200}", "a filter"),
        "FIELD": matching(r"[A-Za-z][\w.\[\]@/-]{0,100}", "a field"),
        "UPLOAD": without(ordinary(BUILT_IN["PATH"]), (r"^(?:true|false)$", "is the value of an option")),
        "BUMP": matching(
            r"major|minor|patch|premajor|preminor|prepatch|prerelease|from-git|v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.-]+)?",
            "a version",
        ),
        "READKEY": one_of(
            "registry node-linker save-exact save-prefix prefer-offline store-dir auto-install-peers ignore-scripts hoist"
        ),
    },
    harden=Hardening(
        env={
            "npm_config_ignore_scripts": "true",
            "pnpm_config_ignore_scripts": "true",
            "npm_config_ignore_pnpmfile": "true",
            "pnpm_config_ignore_pnpmfile": "true",
            "npm_config_manage_package_manager_versions": "false",
            "pnpm_config_manage_package_manager_versions": "false",
            "npm_config_update_notifier": "false",
            "npm_config_registry": "{{baseUrl}}",
            "npm_config_proxy": "false",
            "npm_config_https_proxy": "false",
            "npm_config_globalconfig": "/nonexistent/npmrc",
            "npm_config_userconfig": "/dev/null",
            "NO_UPDATE_NOTIFIER": "1",
            "COREPACK_ENABLE_STRICT": "0",
            "CI": "1",
        },
    ),
    credentials=("NPM_TOKEN", "NODE_AUTH_TOKEN"),
    source="pnpm help, 10–12",
)
