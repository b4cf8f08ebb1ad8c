"""docker: images and what runs already; images of the service's registry or of none that is named.

Denied throughout: starting a container or a program in one (`run`, `exec`, `compose up`), another daemon, logging in and out, building from
the net, secrets and agents' sockets in a build, files of containers, swarm, plugins. Pushing to another registry is refused, pulling from
another one too. Facts: `docker CMD --help`, 28.2; buildx and compose from their reference.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import DOCKER
from janee.profiles.types import BUILT_IN, either, matching, ordinary, without

GRAMMAR: Final = r"""
[] read
-v --version
--help
[]
-l --log-level {info|warn|error|fatal}
--help
-D --debug ! prints the credential
--config TEXT ! reads configuration, which runs programs
-c --context TEXT ! moves the credential
-H --host TEXT ! moves the credential
--tls ! moves the credential
--tlscacert TEXT ! moves the credential
--tlscert TEXT ! moves the credential
--tlskey TEXT ! moves the credential
--tlsverify ! moves the credential

%shown
--format FORMAT
-f --filter FILTER
-q --quiet
--no-trunc
--help

%build
-f --file PATH
-t --tag IMAGE
--target NAME
--build-arg ARGUMENT
--label LABEL
--annotation LABEL
--platform PLATFORM
--no-cache
--no-cache-filter NAME+
--pull
-q --quiet
--rm
--force-rm
--compress
--progress {auto|plain|tty|quiet|rawjson}
--iidfile PATH
--metadata-file PATH
--cache-from CACHE
--cache-to CACHE
--shm-size NAME
-m --memory NAME
--memory-swap NAME
--ulimit WORD
--cpu-period INT
--cpu-quota INT
-c --cpu-shares INT
--cpuset-cpus WORD
--cpuset-mems WORD
--load
--push
--provenance[={true|false|mode=max|mode=min}]
--sbom[={true|false}]
--check
--help
--disable-content-trust ! moves the credential
--network {default|none}
--add-host TEXT ! moves requests to another host
--allow TEXT ! gives the build more rights
--attest TEXT ! is no everyday work
--build-context TEXT ! reads files outside the workspace
--builder TEXT ! moves the credential
--call TEXT ! is no everyday work
--cgroup-parent TEXT ! is no everyday work
-o --output TEXT ! writes a file under any name
--secret TEXT ! moves secrets
--ssh TEXT ! moves secrets
--security-opt TEXT ! gives the build more rights
--isolation TEXT ! is no everyday work
--squash ! is no everyday work

[build] write
use: build
args: CONTEXT
[builder build] write
use: build
args: CONTEXT
[image build] write
use: build
args: CONTEXT
[buildx build|b] write
use: build
args: CONTEXT
[buildx ls] read
--format FORMAT
[buildx version] read
[buildx du] read
--verbose
[buildx inspect] read
args: [NAME]
[buildx imagetools inspect] read
--raw
--format FORMAT
args: IMAGE
[buildx imagetools create] write
-t --tag IMAGE
--dry-run
args: IMAGE...
[buildx bake,create,use,rm,prune,stop,install,uninstall,debug,history,dial-stdio] ! runs a program, or is no everyday work
[builder prune] admin
-a --all
-f --force
--filter FILTER

%pull
-a --all-tags
-q --quiet
--platform PLATFORM
--help
--disable-content-trust ! moves the credential
[pull] read
use: pull
args: IMAGE
[image pull] read
use: pull
args: IMAGE
[push] write
use: pull
-a --all-tags @admin
args: IMAGE
[image push] write
use: pull
-a --all-tags @admin
args: IMAGE
[images] read
use: shown
-a --all
--digests
--tree
args: [LOCAL]
[image ls|list] read
use: shown
-a --all
--digests
--tree
args: [LOCAL]
[image inspect] read
use: shown
--platform PLATFORM
args: LOCAL...
[image history] read
use: shown
-H --human
args: LOCAL
[history] read
use: shown
-H --human
args: LOCAL
[tag] write
args: LOCAL IMAGE
[image tag] write
args: LOCAL IMAGE
[rmi] write
-f --force
--no-prune
args: LOCAL...
[image rm|remove] write
-f --force
--no-prune
args: LOCAL...
[image prune] write
-f --force
-a --all @admin
--filter FILTER
[image save,load,import] ! is no everyday work
[save] write
-o --output PATH
--platform PLATFORM
args: LOCAL...
[load] write
-i --input PATH
-q --quiet
--platform PLATFORM
[search] read
-f --filter FILTER
--format FORMAT
--limit INT
--no-trunc
args: TERM
[manifest inspect] read
-v --verbose
--insecure ! moves the credential
args: IMAGE
[manifest create,push,annotate,rm] ! is no everyday work

%ps
use: shown
-a --all
-n --last INT
-l --latest
-s --size
[ps] read
use: ps
[container ls|ps|list] read
use: ps
%logs
--details
-f --follow
--since WORD
-n --tail TAIL
-t --timestamps
--until WORD
--help
[logs] read
use: logs
args: OBJECT
[container logs] read
use: logs
args: OBJECT
[inspect] read
-f --format FORMAT
-s --size
--type {container|image|network|volume|task}
args: LOCAL...
[container inspect] read
-f --format FORMAT
-s --size
args: OBJECT...
[top] read
args: OBJECT
[port] read
args: OBJECT [NAME|PORT]
[diff] read
args: OBJECT
[stats] read
use: shown
-a --all
--no-stream
args: [OBJECT...]
[container stats] read
use: shown
-a --all
--no-stream
args: [OBJECT...]
[wait] read
args: OBJECT...
[stop] write
-t --time --timeout INT
-s --signal NAME
args: OBJECT...
[container stop] write
-t --time --timeout INT
-s --signal NAME
args: OBJECT...
[restart] write
-t --time --timeout INT
-s --signal NAME
args: OBJECT...
[container restart] write
-t --time --timeout INT
-s --signal NAME
args: OBJECT...
[start] write
args: OBJECT...
[container start] write
args: OBJECT...
[pause] write
args: OBJECT...
[unpause] write
args: OBJECT...
[kill] write
-s --signal NAME
args: OBJECT...
[rename] write
args: OBJECT OBJECT
[rm] write
-f --force
-v --volumes @admin
-l --link
args: OBJECT...
[container rm|remove] write
-f --force
-v --volumes @admin
-l --link
args: OBJECT...
[container prune] admin
-f --force
--filter FILTER
[container run,exec,create,attach,cp,commit,export,update,kill,rename,pause,unpause,top,port,diff,wait] ! runs a program, or is no everyday work
[network ls|list] read
use: shown
[network inspect] read
-f --format FORMAT
-v --verbose
args: OBJECT...
[network create] write
--label LABEL
-d --driver {bridge}
--internal
--subnet WORD
--gateway WORD
args: OBJECT
[network rm|remove] write
-f --force
args: OBJECT...
[network connect,disconnect,prune] ! is no everyday work
[volume ls|list] read
use: shown
[volume inspect] read
-f --format FORMAT
args: OBJECT...
[volume create] write
--label LABEL
--name OBJECT
-d --driver {local}
-o --opt TEXT ! mounts any directory
args: [OBJECT]
[volume rm|remove] admin
-f --force
args: OBJECT...
[volume prune] admin
-a --all
-f --force
--filter FILTER
[volume update] ! is no everyday work
[system df] read
-v --verbose
--format FORMAT
[system info] read
-f --format FORMAT
[system prune] admin
-a --all
-f --force
--volumes
--filter FILTER
[system events] read
use: shown
--since WORD
--until WORD
[system dial-stdio] ! opens the daemon
[events] read
use: shown
--since WORD
--until WORD
[info] read
-f --format FORMAT
[version] read
-f --format FORMAT
[context ls|list] read
use: shown
[context show] read
[context] ! moves the credential
[scout] ! sends what is in the workspace to another place
[compose]
-p --project-name NAME
-f --file COMPOSEFILE
--profile NAME
--progress {auto|tty|plain|json|quiet}
--ansi {never|always|auto}
--all-resources
--compatibility
--dry-run
--parallel INT
--env-file TEXT ! reads files of secrets
--project-directory TEXT ! reads files outside the workspace
--verbose ! prints the credential
[compose ps] read
-a --all
--format {table|json}
--filter FILTER
--no-trunc
-q --quiet
--services
--status NAME
args: [NAME...]
[compose logs] read
-f --follow
--since WORD
--until WORD
-n --tail TAIL
-t --timestamps
--no-color
--no-log-prefix
--index INT
args: [NAME...]
[compose images] read
--format {table|json}
-q --quiet
args: [NAME...]
[compose top] read
args: [NAME...]
[compose port] read
--index INT
--protocol {tcp|udp}
args: NAME PORT
[compose ls] read
use: shown
-a --all
[compose version] read
-f --format {pretty|json}
--short
[compose stop] write
-t --timeout INT
args: [NAME...]
[compose restart] write
-t --timeout INT
--no-deps
args: [NAME...]
[compose start] write
args: [NAME...]
[compose pause] write
args: [NAME...]
[compose unpause] write
args: [NAME...]
[compose kill] write
-s --signal NAME
args: [NAME...]
[compose config] read
-q --quiet
--services
--images
--profiles
--volumes
--hash NAME
needs: -q --quiet --services --images --profiles --volumes
[compose down] write
--remove-orphans
-t --timeout INT
-v --volumes @admin
--rmi {local@admin|all@admin}
[compose up,run,exec,create,cp,attach,build,push,pull,publish,rm,watch,wait,alpha,bridge,commit,export,convert,scale,events,stats,volumes] ! runs a program with rights that the workspace names
[run,exec,create,attach] ! runs a program
[cp,export,commit,import,update] ! moves files of containers
[login,logout] ! prints or changes the credential
[plugin,trust,checkpoint] ! runs a program
[swarm,stack,service,node,secret,config] ! is no everyday work
[help] read
args: [NAME...]
[init,debug,desktop,extension,dev,feedback,sandbox,mcp,model,ai,cloud,offload,pass,sbom,harmonia] ! is no everyday work
"""

_OBJECT: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"

PROFILE: Final = Profile(
    tool="docker",
    about="images of containers, and what runs already",
    syntax=DOCKER,
    grammar=GRAMMAR,
    types={
        "TERM": without(BUILT_IN["WORD"], (r"^[^/]*[.:][^/]*/|^localhost/", "asks another registry")),
        "OBJECT": matching(_OBJECT, "a container, network or volume"),
        # of this machine: nothing is fetched or sent
        "LOCAL": matching(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,300}", "an image or object"),
        "CONTEXT": without(BUILT_IN["PATH"], (r"^(?:git@|github\.com/|[^/]+\.[^/]+/.+\.git)|#", "builds from the net")),
        "COMPOSEFILE": ordinary(BUILT_IN["PATH"]),
        # without a value the builder takes the variable from the environment, credential included
        "ARGUMENT": without(
            matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,100}=[^\x00-\x1f\x7f]{0,2000}", "NAME=VALUE"),
            (r"^(?:[a-z]*_proxy|BUILDKIT_SYNTAX)=", "moves requests to another host, or runs a program"),
        ),
        "LABEL": matching(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}(?:=[^\x00-\x1f\x7f]{0,1000})?", "KEY=VALUE"),
        "PLATFORM": matching(
            r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?(?:,[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?){0,10}", "a platform"
        ),
        "CACHE": either(BUILT_IN["IMAGE"], matching(r"type=(?:inline|gha)(?:,(?:mode|scope)=[\w.-]+){0,2}", "a cache")),
        "FILTER": matching(r"[a-z][a-z.-]{0,40}!?=[^\x00-\x1f\x7f]{1,300}", "KEY=VALUE"),
        "FORMAT": without(BUILT_IN["TEXT"], (r"\.Env\b|\.Secrets\b|\.IdentityToken|RegistryAuth", "prints secrets")),
        "TAIL": matching(r"[0-9]{1,9}|all", "a number of lines"),
        "PORT": matching(r"[0-9]{1,5}(?:/(?:tcp|udp|sctp))?", "a port"),
    },
    harden=Hardening(
        env={
            "DOCKER_CLI_HINTS": "false",
            "DOCKER_SCAN_SUGGEST": "false",
            "BUILDX_GIT_INFO": "0",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            "COMPOSE_DISABLE_ENV_FILE": "1",
            "DOCKER_CLI_PLUGIN_EXTRA_DIRS": "",
        },
    ),
    companions={
        "registry-1.docker.io": ("docker.io", "index.docker.io"),
        "hub.docker.com": ("docker.io", "index.docker.io", "registry-1.docker.io"),
        "index.docker.io": ("docker.io", "registry-1.docker.io"),
        "docker.io": ("index.docker.io", "registry-1.docker.io"),
    },
    delivery="file",
    credentials=("DOCKER_AUTH_CONFIG",),
    source="docker CMD --help, 28.2; the references of buildx 0.23 and compose 2.36",
)
