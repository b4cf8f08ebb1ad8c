"""helm: releases in the cluster that the service's kubeconfig names, charts of the workspace or of the service.

Denied throughout: post-renderers and plugins (they run programs), another cluster or identity, values and charts from the net or from outside
the workspace, chart tests, logging in, `env`. Uninstalling needs admin. Facts: the commands' reference, 3.18.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Kind, Profile, ValueType
from janee.profiles.syntaxes import COBRA
from janee.profiles.types import BUILT_IN, either, matching, without

GRAMMAR: Final = r"""
[]
-h --help
-n --namespace NS
--kube-context NAME
--debug
--burst-limit INT
--qps NUMBER
--color {never|auto|always}
--kube-apiserver TEXT ! moves the credential
--kube-as-group TEXT ! acts as somebody else
--kube-as-user TEXT ! acts as somebody else
--kube-ca-file TEXT ! moves the credential
--kube-insecure-skip-tls-verify ! moves the credential
--kube-tls-server-name TEXT ! moves the credential
--kube-token TEXT ! moves the credential
--kubeconfig TEXT ! reads configuration, which runs programs
--registry-config TEXT ! reads configuration, which runs programs
--repository-config TEXT ! reads configuration, which runs programs
--repository-cache TEXT ! writes a file under any name
--content-cache TEXT ! writes a file under any name

%out
-o --output {table|json|yaml}
%values
-f --values PATH+
--set TEXT
--set-string TEXT
--set-json TEXT
--set-literal TEXT
--set-file FILES
%chart
--version VERSION
--devel
--verify
--repo URL
--ca-file TEXT ! moves the credential
--cert-file TEXT ! moves the credential
--key-file TEXT ! moves the credential
--insecure-skip-tls-verify ! moves the credential
--keyring TEXT ! reads files outside the workspace
--pass-credentials ! moves the credential
--password TEXT ! moves the credential
--plain-http ! moves the credential
--username TEXT ! moves the credential
%deploy
use: values chart out
--atomic
--rollback-on-failure
--create-namespace
--dependency-update
--description TEXT
--disable-openapi-validation
--dry-run[={client|server|none|true|false}]
--hide-notes
--hide-secret
-l --labels WORD
--no-hooks
--render-subchart-notes
--server-side[={true|false|auto}]
--skip-crds
--skip-schema-validation
--timeout DURATION
--wait[={watcher|hookOnly|legacy|true|false}]
--wait-for-jobs
--enable-dns ! sends what it renders to other places
--force @admin
--force-conflicts @admin
--force-replace @admin
--take-ownership @admin
--post-renderer TEXT ! runs a program
--post-renderer-args TEXT ! runs a program

[list|ls] read
use: out
-a --all
-A --all-namespaces
-d --date
--deployed
--failed
-f --filter TEXT
-m --max INT
--no-headers
--offset INT
--pending
-r --reverse
-l --selector WORD
-q --short
--superseded
--time-format TEXT
--uninstalled
--uninstalling
[status] read
use: out
--revision INT
--show-desc
--show-resources
args: NAME
[history|hist] read
use: out
--max INT
args: NAME
[get values] read
use: out
-a --all
--revision INT
args: NAME
# Both print the objects, secrets among them.
[get manifest] admin
--revision INT
args: NAME
[get notes] read
--revision INT
args: NAME
[get hooks] admin
--revision INT
args: NAME
[get metadata] read
use: out
--revision INT
args: NAME
[get all] ! prints secrets
[lint] read
use: values
--strict
--quiet
--with-subcharts
--kube-version VERSION
--skip-schema-validation
args: [PATH...]
[template] read
use: deploy
-a --api-versions WORD
-g --generate-name
--include-crds
--is-upgrade
--kube-version VERSION
--name-template TEXT
--output-dir PATH
--release-name
--replace
-s --show-only PATH
--skip-tests
--validate
args: [NAME] CHART
[show|inspect chart] read
use: chart
args: CHART
[show|inspect values] read
use: chart
--jsonpath TEXT
args: CHART
[show|inspect readme] read
use: chart
args: CHART
[show|inspect crds] read
use: chart
args: CHART
[show|inspect all] read
use: chart
args: CHART
[search repo] read
use: out
--devel
--fail-on-no-result
--max-col-width INT
-r --regexp
--version VERSION
-l --versions
args: [WORD...]
[search hub] ! asks another place
[repo list|ls] read
use: out
--no-headers
[repo update|up] read
--fail-on-repo-update-fail
--timeout DURATION
args: [NAME...]
[repo add] write
--force-update
--no-update
--timeout DURATION
--allow-deprecated-repos
--ca-file TEXT ! moves the credential
--cert-file TEXT ! moves the credential
--key-file TEXT ! moves the credential
--insecure-skip-tls-verify ! moves the credential
--pass-credentials ! moves the credential
--password TEXT ! moves the credential
--password-stdin ! moves the credential
--username TEXT ! moves the credential
args: NAME URL
[repo remove,rm] ! reconfigures the tool
[repo index] write
--json
--merge PATH
--url URL
args: PATH
[dependency|dep|dependencies list|ls] read
--max-col-width INT
args: [PATH]
[dependency|dep|dependencies build] write
--skip-refresh
--verify
args: [PATH]
[dependency|dep|dependencies update|up] write
--skip-refresh
--verify
args: [PATH]
[pull|fetch] read
use: chart
-d --destination PATH
--prov
--untar
--untardir PATH
args: CHART...
[package] write
--app-version VERSION
-u --dependency-update
-d --destination PATH
--version VERSION
--sign ! takes a key
--key TEXT ! takes a key
--keyring TEXT ! takes a key
--passphrase-file TEXT ! takes a key
args: PATH...
[create] write
-p --starter TEXT ! reads files outside the workspace
args: NEWCHART
[install] write
use: deploy
-g --generate-name
--name-template TEXT
--replace
args: [NAME] CHART
[upgrade] write
use: deploy
--cleanup-on-fail
--history-max INT
-i --install
--reset-values
--reset-then-reuse-values
--reuse-values
args: NAME CHART
[rollback] write
--cleanup-on-fail
--dry-run[={client|server|none|true|false}]
--force @admin
--history-max INT
--no-hooks
--timeout DURATION
--wait[={watcher|hookOnly|legacy|true|false}]
--wait-for-jobs
args: NAME [INT]
[uninstall|del|delete|un] admin
--cascade {background|orphan|foreground}
--description TEXT
--dry-run
--ignore-not-found
--keep-history
--no-hooks
--timeout DURATION
--wait
args: NAME...
[push] write
use: chart
args: PATH OCI
[verify] read
--keyring TEXT ! reads files outside the workspace
args: PATH
[version] read
-c --client
--short
--template TEXT
[completion] read
args: {bash|zsh|fish|powershell}
[help] read
args: [NAME...]
[env] ! prints the environment, and the credential with it
[plugin,diff,secrets,s3,git,gcs,unittest,mapkubeapis,2to3,cm-push] ! runs a program
[test] ! runs a program in the cluster
[registry] ! prints or changes the credential
"""

_OCI: Final = ValueType(Kind.URL, pattern="oci")

PROFILE: Final = Profile(
    tool="helm",
    about="releases of charts in a Kubernetes cluster",
    syntax=COBRA,
    grammar=GRAMMAR,
    types={
        "NS": matching(r"[a-z0-9][a-z0-9-]{0,62}", "a namespace"),
        "VERSION": matching(r"[v0-9^~<>=*][\w.+~^<>=*,| -]{0,80}", "a version"),
        "OCI": _OCI,
        "CHART": either(BUILT_IN["PATH"], BUILT_IN["URL"], _OCI),
        "FILES": without(
            matching(
                r"[A-Za-z_][\w.\[\]-]{0,200}=[\w./@+-]{1,500}(?:,[A-Za-z_][\w.\[\]-]{0,200}=[\w./@+-]{1,500}){0,20}", "KEY=PATH"
            ),
            (r"=/|(?:[=/])\.\.(?:[/,]|$)|=~", "reads files outside the workspace"),
            (r"(?:[=/])(?:\.env|\.git|id_rsa|\.kube|\.aws|\.ssh)|\.(?:pem|key|p12)(?:,|$)", "names a file of secrets"),
        ),
        "NEWCHART": BUILT_IN["PATH"],
    },
    harden=Hardening(
        env={"HELM_NO_PLUGINS": "1", "HELM_PLUGINS": "/nonexistent", "HELM_KUBEASUSER": "", "HELM_DEBUG": "false"},
    ),
    delivery="file",
    credentials=("KUBECONFIG",),
    source="the reference of helm's commands, 3.18",
)
