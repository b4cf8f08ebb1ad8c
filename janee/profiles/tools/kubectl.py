"""kubectl: objects of the cluster that the service's kubeconfig names.

Denied throughout: whatever runs a program in or beside a pod (`exec`, `run`, `debug`, `attach`, `cp`), opens a way in
(`port-forward`, `proxy`), shows secrets (`get secret -o yaml`, `config view --raw`, `create token`, verbosity above 5), chooses
another cluster or identity, plugins, editors, and manifests from the net. Secrets can be listed, never printed.
Facts: kubectl(1), `kubectl CMD --help`, 1.32.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import COBRA
from janee.profiles.types import BUILT_IN, either, matching, ordinary, without

GRAMMAR: Final = r"""
[]
-h --help
-n --namespace NS
--context NAME
--request-timeout DURATION
--match-server-version
--disable-compression
--warnings-as-errors
-v --v {0|1|2|3|4|5}
--log-flush-frequency DURATION
--as TEXT ! acts as somebody else
--as-group TEXT ! acts as somebody else
--as-uid TEXT ! acts as somebody else
--as-user-extra TEXT ! acts as somebody else
--cache-dir TEXT ! writes a file under any name
--certificate-authority TEXT ! moves the credential
--client-certificate TEXT ! moves the credential
--client-key TEXT ! moves the credential
--cluster TEXT ! moves the credential
--insecure-skip-tls-verify ! moves the credential
--kubeconfig TEXT ! reads configuration, which runs programs
--kuberc TEXT ! reads configuration, which runs programs
--password TEXT ! moves the credential
--profile TEXT ! writes a file under any name
--profile-output TEXT ! writes a file under any name
-s --server TEXT ! moves the credential
--tls-server-name TEXT ! moves the credential
--token TEXT ! moves the credential
--user TEXT ! acts as somebody else
--username TEXT ! moves the credential
--vmodule TEXT ! prints the credential

%files
-f --filename FILE+
-k --kustomize OVERLAY
-R --recursive

%print
-o --output OUTPUT
--template TEXT
--allow-missing-template-keys
--show-managed-fields

%plain
-o --output {wide|name}

%select
-l --selector SELECTOR
--field-selector SELECTOR

%dry
--dry-run[={none|client|server}]
--field-manager NAME

%create
use: print dry
--save-config
--validate[={strict|warn|ignore|true|false}]

%list
use: select
-A --all-namespaces
--chunk-size INT
--ignore-not-found
-L --label-columns LABEL+
--no-headers
--output-watch-events
--server-print
--show-kind
--show-labels
--sort-by TEXT
--subresource {status|scale|resize}
-w --watch
--watch-only
--raw TEXT ! any path of the API, secrets among them

[get] read
use: list print
args: KIND...
[get] read
use: list plain files
args: [ANYKIND...]
[get] read
use: list
-o --output {wide|name}
--raw {/healthz|/readyz|/livez|/version|/readyz?verbose|/livez?verbose|/healthz?verbose}
needs: --raw
# Of a service account's secret it prints the token; what a file names cannot be read here.
[describe] read
use: select
-A --all-namespaces
--chunk-size INT
--show-events
args: KIND...
[logs|log] read
-l --selector SELECTOR
--all-containers
--all-pods
-c --container NAME
-f --follow
--ignore-errors
--insecure-skip-tls-verify-backend ! moves the credential
--limit-bytes INT
--max-log-requests INT
--pod-running-timeout DURATION
--prefix
-p --previous
--since DURATION
--since-time WORD
--tail INT
--timestamps
args: [NAMED] [NAME]
[events|event] read
use: print
-A --all-namespaces
--chunk-size INT
--for NAMED
--no-headers
--types NAME+
-w --watch
[top] read
[top pod|pods|po] read
use: select
-A --all-namespaces
--containers
--no-headers
--sort-by NAME
--sum
--use-protocol-buffers
args: [NAME]
[top node|nodes|no] read
use: select
--no-headers
--show-capacity
--sort-by NAME
--use-protocol-buffers
args: [NAME]
[explain] read
--api-version WORD
-o --output {plaintext|plaintext-openapiv2}
--recursive
args: NAMED
[api-resources] read
--api-group WORD
--cached
--categories NAME+
--namespaced
--no-headers
-o --output {wide|name|json|yaml}
--sort-by {name|kind}
--verbs NAME+
[api-versions] read
[version] read
--client
-o --output {json|yaml}
--short
[cluster-info] read
[cluster-info dump] ! is no everyday work
[options] read
[completion] read
args: {bash|zsh|fish|powershell}
[help] read
args: [NAME...]
[wait] read
use: files print select
--all
-A --all-namespaces
--for CONDITION
--local
--timeout DURATION
args: [KIND...]
[diff] read
use: files
-l --selector SELECTOR
--concurrency INT
--field-manager NAME
--force-conflicts
--server-side
--show-managed-fields
--prune
--prune-allowlist WORD
[kustomize] read
-o --output FILE
--load-restrictor {LoadRestrictionsRootOnly}
--as-current-user
--enable-alpha-plugins ! runs a program
--enable-exec ! runs a program
--enable-helm ! runs a program
--helm-command TEXT ! runs a program
--network ! runs a program
--network-name TEXT ! runs a program
--mount TEXT ! reads files outside the workspace
-e --env TEXT ! reads the environment
args: [OVERLAY]
[auth can-i] read
-A --all-namespaces
--list
--no-headers
-q --quiet
--subresource NAME
args: [WORD] [WORD] [WORD]
[auth whoami] read
-o --output {json|yaml|name}
[auth] ! changes rights of others
[config view] read
--minify
--merge
-o --output {json|yaml}
--raw ! prints the credential
--flatten ! prints the credential
[config current-context] read
[config get-contexts] read
-o --output {name}
--no-headers
args: [NAME]
[config get-clusters] read
[config get-users] read
[config] ! reconfigures the tool

[apply] write
use: files create
-l --selector SELECTOR
--openapi-patch
--overwrite
--server-side
--force-conflicts
--timeout DURATION
--wait
--subresource {status|scale}
--all @admin
--prune @admin
--prune-allowlist WORD @admin
--cascade[={background|orphan|foreground}] @admin
--force @admin
--grace-period INT @admin
[apply view-last-applied] read
use: files
-o --output {json|yaml}
args: [KIND...]
[apply edit-last-applied,set-last-applied] ! runs a program (the editor)
[create] write
use: files create
--edit ! runs a program (the editor)
--raw TEXT ! any path of the API
-l --selector SELECTOR
--windows-line-endings
[create namespace|ns] write
use: create
args: NAME
[create configmap|cm] write
use: create
--append-hash
--from-env-file SOURCE
--from-file SOURCE
--from-literal TEXT
args: NAME
[create deployment|deploy] write
use: create
--image IMAGE
--port INT
-r --replicas INT
args: NAME --
[create job] write
use: create
--from CRONJOB
args: NAME --
needs: --from
[create service|svc clusterip] write
use: create
--tcp WORD
--clusterip {None}
args: NAME
[create service] ! opens the cluster to others
[create ingress|ing] write
use: create
--annotation TEXT
--class NAME
--default-backend WORD
--rule WORD
args: NAME
[create poddisruptionbudget|pdb] write
use: create
--min-available WORD
--max-unavailable WORD
--selector SELECTOR
args: NAME
[create cronjob,cj,clusterrole,clusterrolebinding,role,rolebinding,serviceaccount,sa,quota,resourcequota,priorityclass,pc] ! is no everyday work
[create secret] ! changes secrets of others
[create token] ! prints the credential
[replace] write
use: files create
--timeout DURATION
--wait
--subresource {status|scale}
--cascade[={background|orphan|foreground}] @admin
--force @admin
--grace-period INT @admin
--raw TEXT ! any path of the API
[rollout] read
[rollout status] read
use: files
-l --selector SELECTOR
--revision INT
--timeout DURATION
-w --watch
args: [KIND...]
[rollout history] read
use: files print
-l --selector SELECTOR
--revision INT
args: [KIND...]
[rollout restart] write
use: files print
-l --selector SELECTOR
--field-manager NAME
args: [KIND...]
[rollout pause] write
use: files print
-l --selector SELECTOR
--field-manager NAME
args: [KIND...]
[rollout resume] write
use: files print
-l --selector SELECTOR
--field-manager NAME
args: [KIND...]
[rollout undo] write
use: files print dry
-l --selector SELECTOR
--to-revision INT
args: [KIND...]
[scale] write
use: files print dry
-l --selector SELECTOR
--current-replicas INT
--replicas INT
--resource-version NAME
--timeout DURATION
--all @admin
args: [KIND...]
[autoscale] write
use: files create
--cpu WORD
--cpu-percent INT
--memory WORD
--max INT
--min INT
--name NAME
args: [KIND...]
[set image] write
use: files print dry
-l --selector SELECTOR
--all @admin
--local
args: [SETTARGET...]
[set env] write
use: files print dry
-l --selector SELECTOR
--all @admin
-c --containers WORD
-e --env ASSIGNMENT
--from TEXT ! moves secrets
--keys TEXT ! moves secrets
--prefix TEXT ! moves secrets
--list
--local
--overwrite
--resolve ! prints secrets
args: [SETTARGET...]
[set resources] write
use: files print dry
-l --selector SELECTOR
--all @admin
-c --containers WORD
--limits WORD
--requests WORD
--local
args: [KIND...]
[set] ! changes rights of others
[patch] write
use: files print dry
--local
-p --patch PATCH
--patch-file TEXT ! a patch that is not seen here
--subresource {status|scale}
--type {strategic|merge|json}
args: [PATCHKIND] [NAME]
[label] write
use: files print dry select
--list
--local
--overwrite
--resource-version NAME
-A --all-namespaces @admin
--all @admin
args: [LABELLED...]
[annotate] write
use: files print dry select
--list
--local
--overwrite
--resource-version NAME
-A --all-namespaces @admin
--all @admin
args: [LABELLED...]
[expose] write
use: files create
--name NAME
--port INT
--target-port NAME
--protocol {TCP|UDP|SCTP}
--selector SELECTOR
-l --labels SELECTOR
--type {ClusterIP}
--cluster-ip {None}
--session-affinity {None|ClientIP}
--external-ip TEXT ! opens the cluster to others
--load-balancer-ip TEXT ! opens the cluster to others
--overrides TEXT ! is no everyday work
--override-type TEXT ! is no everyday work
args: [KIND...]
[delete] write
--wait
--timeout DURATION
--ignore-not-found
--dry-run[={none|client|server}]
-o --output {name}
--cascade[={background|foreground}]
--now
args: {pod|pods|po|job|jobs|job.batch} NAME...
[delete] write
--wait
--timeout DURATION
--ignore-not-found
--dry-run[={none|client|server}]
-o --output {name}
--cascade[={background|foreground}]
--now
args: PODREF...
[delete] admin
use: files select
--wait
--timeout DURATION
--ignore-not-found
--dry-run[={none|client|server}]
-o --output {name}
--cascade[={background|orphan|foreground}]
--now
--all
-A --all-namespaces
--force
--grace-period INT
-i --interactive
--raw TEXT ! any path of the API
args: [ANYKIND...]
[drain] admin
--delete-emptydir-data
--disable-eviction
--dry-run[={none|client|server}]
--force
--grace-period INT
--ignore-daemonsets
-l --selector SELECTOR
--timeout DURATION
args: [NAMED...]
[cordon] admin
args: NAMED...
[uncordon] admin
args: NAMED...
[taint] admin
--overwrite
args: NAMED WORD...
[certificate] ! changes rights of others
[exec,run,debug,attach,cp] ! runs a program in the cluster
[port-forward,proxy] ! listens for connections
[edit] ! runs a program (the editor)
[plugin,alpha,krew,neat,ctx,ns,kuberc] ! runs a program
"""

# No object of these is printed whole: they hold tokens and keys.
_SEALED: Final = r"(?:^|[,/])secrets?(?:[.,/]|$)"
_RIGHTS: Final = (
    r"privileged|hostPath|hostNetwork|hostPID|hostIPC|hostUsers|serviceAccount|automount|imagePullSecrets|secret|capabilities|"
    r"allowPrivilegeEscalation|runAsUser|runAsRoot|procMount|command|\bargs\b|\bexec\b|lifecycle|initContainers|ephemeralContainers|"
    r"externalIPs|LoadBalancer|NodePort|externalName|finalizers|ownerReferences|\\u00"
)
_KIND: Final = r"[A-Za-z][A-Za-z0-9.:_-]{0,250}(?:,[A-Za-z][A-Za-z0-9.-]{0,250}){0,20}(?:/[A-Za-z0-9][A-Za-z0-9.:_-]{0,250})?"
_OBJECT: Final = r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,250}"
_LOADER: Final = (
    r"LD_[A-Z]|[A-Z]*_?PROXY|PATH|NODE_OPTIONS|PYTHON(?:PATH|STARTUP|HOME)|BASH_ENV|ENV|JAVA_TOOL_OPTIONS|RUBYOPT|PERL5OPT"
)
_PATCHED: Final = (
    r"(?:deploy(?:ments?)?|sts|statefulsets?|ds|daemonsets?|svc|services?|cm|configmaps?|ing|ingress(?:es)?|hpa|horizontalpodautoscalers?|"
    r"cj|cronjobs?|jobs?|pdb|po|pods?|rs|replicasets?)(?:\.(?:apps|batch|autoscaling|networking\.k8s\.io|policy))?(?:/[A-Za-z0-9][A-Za-z0-9.-]{0,250})?"
)

PROFILE: Final = Profile(
    tool="kubectl",
    about="objects of a Kubernetes cluster",
    syntax=COBRA,
    grammar=GRAMMAR,
    types={
        "NS": matching(r"[a-z0-9][a-z0-9-]{0,62}", "a namespace"),
        "LABEL": matching(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,300}", "a label"),
        "FILE": BUILT_IN["PATH"],
        # What kustomize takes for a repository, and fetches
        "OVERLAY": without(
            BUILT_IN["PATH"],
            (
                r"[?@:]|//|\.git(?:/|$)|^(?:\./+)*[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/",
                "it could be another place, whose files nobody has seen",
            ),
        ),
        "OUTPUT": either(
            matching(r"json|yaml|kyaml|wide|name|jsonpath|jsonpath-as-json|go-template|custom-columns", "a format"),
            without(
                matching(r"(?:jsonpath|jsonpath-as-json|go-template|template|custom-columns)=.{1,4000}", "a format"),
                (r"\binput\b|\$ENV", "a format that could read more than the answer"),
            ),
        ),
        "SELECTOR": matching(r"[A-Za-z0-9!][A-Za-z0-9_./=!,()*: -]{0,500}", "a selector"),
        "KIND": either(
            without(matching(_KIND, "a kind or KIND/NAME"), (_SEALED, "prints secrets")),
            without(matching(_OBJECT, "a name"), (_SEALED, "prints secrets")),
        ),
        "ANYKIND": matching(rf"{_KIND}|{_OBJECT}", "a kind, a name or KIND/NAME"),
        "NAMED": matching(r"[A-Za-z0-9][A-Za-z0-9./:_-]{0,250}", "a name or KIND/NAME"),
        "CONDITION": matching(r"delete|create|condition=[A-Za-z]+(?:=[A-Za-z]+)?|jsonpath=.{1,500}", "a condition"),
        "IMAGE": matching(r"[a-z0-9][A-Za-z0-9._/:@-]{0,300}", "an image"),
        "CRONJOB": matching(r"(?:cronjobs?|cj)(?:\.batch)?/[a-z0-9][a-z0-9.-]{0,250}", "cronjob/NAME"),
        "SOURCE": ordinary(
            without(BUILT_IN["PATH"], (r"(?:^|=)(?:/(?!home/)|~)|(?:^|[=/])\.\.(?:/|$)", "reads files outside the workspace"))
        ),
        "ASSIGNMENT": without(
            matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,100}=.{0,4000}", "NAME=VALUE"), (rf"^(?:{_LOADER})[A-Z_]*=", "runs a program")
        ),
        "SETTARGET": either(
            without(
                matching(r"[A-Za-z_*][A-Za-z0-9_.*-]{0,100}=.{0,4000}", "NAME=VALUE"),
                (rf"^(?:{_LOADER})[A-Z_]*=", "runs a program"),
            ),
            matching(r"[A-Za-z_][A-Za-z0-9_]{0,100}-", "NAME-"),
            matching(rf"{_KIND}|{_OBJECT}", "a kind, a name or KIND/NAME"),
        ),
        "LABELLED": matching(
            rf"{_KIND}|{_OBJECT}|[A-Za-z0-9][A-Za-z0-9_./-]{{0,250}}(?:-|=.{{0,1000}})", "a name or KEY=VALUE"
        ),
        "PATCH": without(BUILT_IN["TEXT"], (_RIGHTS, "changes what a pod may do")),
        "PATCHKIND": matching(_PATCHED, "a kind of which patches are allowed"),
        "PODREF": matching(r"(?:pods?|po|jobs?|job\.batch)/[a-z0-9][a-z0-9.-]{0,250}", "pod/NAME"),
    },
    harden=Hardening(
        env={
            "KUBECTL_EXTERNAL_DIFF": "diff -u -N",
            "KUBECTL_COMMAND_HEADERS": "false",
            "KUBERC": "off",
            "KUBE_EDITOR": "/bin/true",
        },
    ),
    delivery="file",
    credentials=("KUBECONFIG",),
    source="kubectl CMD --help, 1.32",
)
