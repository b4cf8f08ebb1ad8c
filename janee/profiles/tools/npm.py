"""npm: packages from the service's registry, installed without their scripts.

Denied throughout: whatever runs a script or a program (`run`, `test`, `exec`, `init NAME`, `rebuild`, `--script-shell`), logging in and
tokens, other registries, proxies and configuration files, packages by URL, git or file outside the workspace, global installs.
Publishing, deprecating and owners need admin. Facts: `npm help CMD`, `npm help 7 config`, 11.19.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import NOPT
from janee.profiles.types import BUILT_IN, either, matching, without

GRAMMAR: Final = r"""
# npm takes every setting with every command
[] read
[]
-v --version
-h --help
-l --long
--json
-p --parseable
--color[={always|true|false}]
--no-color
--[no-]unicode
--[no-]progress
--[no-]timing
-s -q --silent --quiet
-d --verbose
--loglevel {silent|error|warn|notice|http|timing|info|verbose}
--heading WORD
-y --yes
-n --no-yes
-f --force
--dry-run
--registry URL
--scope WORD
-w --workspace NAMED
--[no-]workspaces
-ws
-iwr --include-workspace-root
--workspaces-update
--no-workspaces-update
-C --prefix PATH
-D --save-dev
-P --save-prod
-O --save-optional
-E --save-exact
-B --save-bundle
-S --[no-]save
--save-peer
--save-prefix {^|~}
--no-save-exact
--omit {dev|optional|peer}
--include {prod|dev|optional|peer}
--only {prod|production|dev}
--also {dev|development}
--production
--dev
--optional
--no-optional
--[no-]audit
--audit-level {info|low|moderate|high|critical|none}
--[no-]fund
--[no-]package-lock
--package-lock-only
--[no-]bin-links
--[no-]foreground-scripts
--ignore-scripts[={true}]
--legacy-peer-deps
--no-legacy-peer-deps
--strict-peer-deps
--prefer-dedupe
--prefer-offline
--prefer-online
--offline
--install-strategy {hoisted|nested|shallow|linked}
--install-links
--legacy-bundling
--global-style
--engine-strict
--no-engine-strict
--before WORD
--min-release-age INT
--lockfile-version {1|2|3}
--cpu {x64|arm64|ia32|arm}
--os {linux|darwin|win32}
--libc {glibc|musl}
--fetch-retries INT
--fetch-timeout INT
--fetch-retry-mintimeout INT
--fetch-retry-maxtimeout INT
--maxsockets INT
--depth INT
-a --all
--link
--no-update-notifier
--expect-results
--expect-result-count INT
--tag NAME
--[no-]git-tag-version
-m --message TEXT
--allow-same-version
--no-commit-hooks
--commit-hooks ! runs a program
--preid NAME
--tag-version-prefix {v|""}
--sbom-format {cyclonedx|spdx}
--sbom-type {library|application|framework}
--searchlimit INT
--searchexclude TEXT
--diff SPEC
--diff-name-only
--diff-unified INT
--diff-ignore-all-space
--diff-no-prefix
--pack-destination PATH
--if-present
--init-license WORD
--init-version WORD
--init-type WORD
--init-private
--access {public|restricted}
--[no-]provenance
--provenance-file PATH
-g --global ! installs outside the workspace
--location TEXT ! installs outside the workspace
--no-ignore-scripts ! runs a program
--allow-scripts TEXT ! runs a program
--dangerously-allow-all-scripts ! runs a program
--allow-git TEXT ! fetches from another place
--allow-remote TEXT ! fetches from another place
--allow-file TEXT ! fetches from another place
--script-shell TEXT ! runs a program
--shell TEXT ! runs a program
--node-options TEXT ! runs a program
--node-gyp TEXT ! runs a program
--git TEXT ! runs a program
--editor TEXT ! runs a program
--viewer TEXT ! runs a program
--browser TEXT ! runs a program
--init-module TEXT ! runs a program
--onload-script TEXT ! runs a program
-c --call TEXT ! runs a program
--package TEXT ! runs a program
--sign-git-tag ! runs a program
--sign-git-commit ! runs a program
--scripts-prepend-node-path ! runs a program
--userconfig TEXT ! reads configuration, which runs programs
--globalconfig TEXT ! reads configuration, which runs programs
--proxy TEXT ! moves the credential
--https-proxy TEXT ! moves the credential
--http-proxy TEXT ! moves the credential
--noproxy TEXT ! moves the credential
--ca TEXT ! moves the credential
--cafile TEXT ! moves the credential
--cert TEXT ! moves the credential
--key TEXT ! moves the credential
--strict-ssl ! moves the credential
--no-strict-ssl ! moves the credential
--local-address TEXT ! moves the credential
--replace-registry-host TEXT ! moves the credential
--_auth TEXT ! moves the credential
--_authToken TEXT ! moves the credential
--_password TEXT ! moves the credential
--username TEXT ! moves the credential
--otp TEXT ! waits for a person
--auth-type TEXT ! waits for a person
--cache TEXT ! writes a file under any name
--logs-dir TEXT ! writes a file under any name
--tmp TEXT ! writes a file under any name
--umask TEXT ! is no everyday work
--usage

[install|i|add|in|ins|inst|insta|instal|isnt|isnta|isntal|isntall] write
args: [SPEC...]
[ci|clean-install|ic|install-clean|isntall-clean] write
[uninstall|un|unlink|remove|rm|r] write
args: SPEC...
[update|up|upgrade|udpate] write
args: [SPEC...]
[dedupe|ddp] write
[find-dupes] read
[prune] write
args: [SPEC...]
[shrinkwrap] write
[audit] read
[audit fix] write
[audit signatures] read
[outdated] read
args: [SPEC...]
[ls|list|la|ll] read
args: [SPEC...]
[explain|why] read
args: SPEC...
[view|info|show|v] read
args: [SPEC] [FIELD...]
[search|find|s|se] read
args: WORD...
[query] read
args: WORD
[sbom] read
[fund] read
--which INT
args: [SPEC]
[diff] read
args: [PATH...]
[doctor] read
args: [{ping|connection|registry|versions|environment|permissions|cache}]
[ping] read
[whoami] read
[root] read
[prefix] read
[bin] read
[completion] read
[help|hlep] read
args: [NAME...]
[help-search] read
args: WORD...
[config|c get] read
args: SETTING...
[config,c] ! reconfigures the tool, or prints its configuration
[get] read
args: SETTING...
[pkg get] read
args: [FIELD...]
[pkg set] write
args: ASSIGNMENT...
[pkg delete] write
args: FIELD...
[pkg fix] write
[init|create|innit] write
needs: -y --yes
[version|verison] write
args: [RELEASE]
[pack] write
args: [PATH|SPEC...]
[cache verify] write
[cache ls] read
args: [SPEC]
[cache clean] admin
args: [SPEC]
[dist-tag|dist-tags ls|list] read
args: [SPEC]
[dist-tag|dist-tags add] admin
args: SPEC [NAME]
[dist-tag|dist-tags rm] admin
args: SPEC NAME
[owner|author ls|list] read
args: [SPEC]
[owner] ! changes rights of others
[access list|ls] read
args: {packages|collaborators} [SPEC] [SPEC]
[access get] read
args: {status} [SPEC]
[access,team,org,hook,trust] ! changes rights of others
[publish] write
args: [PATH]
[unpublish] admin
args: [SPEC]
[deprecate] admin
args: SPEC TEXT
[undeprecate] admin
args: SPEC
[star] write
args: SPEC...
[unstar] write
args: SPEC...
[stars] read
args: [NAME]
[profile,token,login,adduser,add-user,logout] ! prints or changes the credential
[run,run-script,rum,urn,test,t,tst,start,stop,restart,install-test,it,install-ci-test,cit,clean-install-test,sit,exec,x,explore,rebuild,rb,edit,link,ln,approve-scripts,deny-scripts,install-scripts,stage] ! runs a program
[docs,home,repo,bugs,issues] ! opens a browser
[set] ! reconfigures the tool
"""

_NAME: Final = r"(?:@[a-z0-9~][\w.~-]{0,100}/)?[A-Za-z0-9][\w.~-]{0,200}"
_RANGE: Final = r"[A-Za-z0-9^~<>=*v][\w.+~^<>=*| -]{0,100}"

PROFILE: Final = Profile(
    tool="npm",
    about="packages of Node",
    syntax=NOPT,
    grammar=GRAMMAR,
    types={
        # A boolean setting takes a following true or false as its value, so these are no packages. A name with a slash and
        # no scope is a repository elsewhere; a colon is a URL, git, file or alias.
        "SPEC": either(
            without(
                matching(rf"{_NAME}(?:@(?:npm:{_NAME}(?:@{_RANGE})?|{_RANGE}))?", "a package's name and version"),
                (r"^(?:true|false|null)$", "is no package"),
                (r"\.(?:tgz|tar|tar\.gz)$", "is a file, not a package"),
            ),
            without(
                matching(r"\./[\w./@-]{1,500}", "a package's directory"), (r"(?:^|/)\.\.(?:/|$)", "leads out of the workspace")
            ),
        ),
        "NAMED": either(matching(_NAME, "a workspace's name"), BUILT_IN["PATH"]),
        "FIELD": matching(r"[A-Za-z_][\w.@/\[\]*-]{0,200}", "a field"),
        "SETTING": matching(
            r"registry|@[a-z0-9~][\w.~-]*:registry|prefix|cache|version|init-[a-z-]+|init\.[a-z.]+|save-[a-z]+|loglevel|engine-strict|fund|audit|"
            r"ignore-scripts|legacy-peer-deps|package-lock|workspaces|access|tag|node-version|user-agent|strict-ssl|globalconfig|userconfig|"
            r"proxy|https-proxy|shell|script-shell|os|cpu|omit|include|depth|color|progress|offline|prefer-offline",
            "a setting that may be read",
        ),
        "ASSIGNMENT": without(
            matching(r"[A-Za-z_][\w.@/\[\]-]{0,200}=[^\x00-\x1f\x7f]{0,2000}", "FIELD=VALUE"),
            (r"^(?:publishConfig|bin|gypfile|config|workspaces)\b", "is no everyday work"),
        ),
        "RELEASE": matching(
            r"major|minor|patch|premajor|preminor|prepatch|prerelease|from-git|v?[0-9]+\.[0-9]+\.[0-9]+[\w.+-]{0,60}",
            "a version",
        ),
    },
    harden=Hardening(
        env={
            "NPM_CONFIG_IGNORE_SCRIPTS": "true",
            "NPM_CONFIG_USERCONFIG": "/dev/null",
            "NPM_CONFIG_REGISTRY": "{{baseUrl}}",
            "NPM_CONFIG_PROXY": "false",
            "NPM_CONFIG_HTTPS_PROXY": "false",
            "NPM_CONFIG_GIT": "/usr/bin/git",
            "NPM_CONFIG_SCRIPT_SHELL": "/bin/sh",
            "NPM_CONFIG_NODE_OPTIONS": "",
            "NPM_CONFIG_GLOBALCONFIG": "/nonexistent/npmrc",
            "NPM_CONFIG_UPDATE_NOTIFIER": "false",
            "NPM_CONFIG_EDITOR": "/bin/true",
            "NPM_CONFIG_BROWSER": "false",
            "NPM_CONFIG_STRICT_SSL": "true",
            "NPM_CONFIG_COMMIT_HOOKS": "false",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ALLOW_PROTOCOL": "https",
        },
    ),
    companions={"registry.npmjs.org": ("www.npmjs.com",)},
    credentials=("NPM_TOKEN", "NODE_AUTH_TOKEN"),
    source="npm help CMD and npm help 7 config, 11.19",
)
