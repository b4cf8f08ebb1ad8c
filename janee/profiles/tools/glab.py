"""glab: issues, merge requests, pipelines, releases and the API of GitLab, on the service's hosts.

Denied throughout: what shows or makes credentials (`auth`, `token`, CI variables, `config get token`, deploy keys), aliases and the
configuration (they name programs), editors and browsers, git's flags behind `--`, agents of clusters, servers, and other hosts.
Facts: glab's own help and manual pages, 1.22 to 1.70.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Kind, Profile, ValueType
from janee.profiles.syntaxes import COBRA
from janee.profiles.types import BUILT_IN, either, matching, ordinary, parts, without

GRAMMAR: Final = r"""
[] read
-v --version
[]
-h --help

%repo
-R --repo REPO

%page
-p --page INT
-P --per-page INT

%out
-F --output {text|json|details|ids|urls}
--output-format {text|json|details|ids|urls}
--jq JQ

%web
-w --web ! opens a browser

%scope
-g --group GROUP

[mr]
use: repo
[mr list|ls] read
use: page out web scope
-A --all
--approver WORD
-a --assignee WORD
--author WORD
-c --closed
-d --draft
--deployed-after WORD
--deployed-before WORD
--created-after WORD
--created-before WORD
--environment WORD
-l --label WORD
-M --merged
-m --milestone WORD
--not-draft
--not-label WORD
-o --order WORD
-r --reviewer WORD
--search TEXT
-S --sort {asc|desc}
-s --source-branch REF
-t --target-branch REF
-O --opened
--mine
[mr view|show] read
use: page out web
-c --comments
-s --system-logs
--resolved
--unresolved
args: [MRREF]
[mr diff] read
--color {always|never|auto}
--raw
args: [MRREF]
[mr issues|issue] read
args: [MRREF]
[mr approvers] read
args: [MRREF]
[mr create|new] write
use: web
-a --assignee WORD
--allow-collaboration
--auto-merge
--copy-issue-labels
--create-source-branch
-d --description BODY
--draft
-f --fill
--fill-commit-body
-H --head REPO
-l --label WORD
-m --milestone WORD
--no-editor
--push
--recover
-i --related-issue ITEM
--remove-source-branch
--reviewer WORD
--signoff
-s --source-branch REF
--squash-before-merge
-b --target-branch REF
-T --template NAME
-t --title TEXT
--wip
-y --yes
[mr for|new-for|create-for|for-issue] write
-a --assignee WORD
--allow-collaboration
--draft
-l --label WORD
-m --milestone WORD
-b --target-branch REF
--wip
--with-labels
args: ITEM
[mr update] write
-a --assignee WORD
-d --description BODY
--draft
-l --label WORD
--lock-discussion
-m --milestone WORD
-r --ready
--remove-source-branch
--reviewer WORD
--squash-before-merge
--target-branch REF
-t --title TEXT
--unassign
-u --unlabel WORD
--unlock-discussion
--wip
-y --yes
args: [MRREF]
[mr note|comment] write
-m --message TEXT
--unique
--resolve WORD
--unresolve WORD
args: [MRREF]
needs: -m --message --resolve --unresolve
[mr checkout] write
-b --branch REF
-t --track
-u --set-upstream-to REF
args: MRREF
[mr approve] write
-s --sha NAME
args: [MRREF...]
[mr revoke|unapprove] write
args: [MRREF...]
[mr close] write
args: MRREF...
[mr reopen|open] write
args: MRREF...
[mr merge|accept] write
--auto-merge
--when-pipeline-succeeds
-m --message TEXT
-r --rebase
-d --remove-source-branch
--sha NAME
-s --squash
--squash-message TEXT
-y --yes
args: [MRREF]
[mr rebase] write
--skip-ci
args: [MRREF]
[mr todo|add-todo] write
args: [MRREF]
[mr subscribe|sub] write
args: [MRREF]
[mr unsubscribe|unsub] write
args: [MRREF]
[mr delete|del] admin
args: MRREF...

[issue]
use: repo
[issue list|ls] read
use: page out web scope
-A --all
-a --assignee WORD
--author WORD
-c --closed
-C --confidential
-e --epic INT
--in {title|description|title,description}
-t --issue-type {issue|incident|test_case}
-i --iteration INT
-l --label WORD
-m --milestone WORD
--mine
--not-assignee WORD
--not-author WORD
--not-label WORD
-o --opened
--order WORD
--search TEXT
--sort {asc|desc}
-O
[issue view|show] read
use: page out web
-c --comments
-s --system-logs
args: ITEM
[issue create|new] write
use: web
-a --assignee WORD
-c --confidential
-d --description BODY
--due-date NAME
--epic INT
-l --label WORD
--link-type {relates_to|blocks|is_blocked_by}
--linked-issues WORD
--linked-mr INT
-m --milestone WORD
--no-editor
--recover
-e --time-estimate WORD
-s --time-spent WORD
-t --title TEXT
-w --weight INT
-y --yes
[issue update] write
-a --assignee WORD
-c --confidential
-d --description BODY
--due-date NAME
-l --label WORD
--lock-discussion
-m --milestone WORD
-p --public
-t --title TEXT
--unassign
-u --unlabel WORD
--unlock-discussion
-w --weight INT
args: ITEM
[issue note|comment] write
-m --message TEXT
args: ITEM
needs: -m --message
[issue close] write
args: ITEM...
[issue reopen|open] write
args: ITEM...
[issue subscribe|sub] write
args: ITEM
[issue unsubscribe|unsub] write
args: ITEM
[issue delete|del] admin
args: ITEM...
[issue board] ! is no everyday work

[incident]
use: repo
[incident list|ls] read
use: page out web scope
-A --all
-a --assignee WORD
-c --closed
-l --label WORD
-m --milestone WORD
--search TEXT
[incident view|show] read
use: page out web
-c --comments
args: ITEM
[incident note|comment] write
-m --message TEXT
args: ITEM
needs: -m --message
[incident close] write
args: ITEM
[incident reopen|open] write
args: ITEM

[ci|pipe|pipeline]
use: repo
[ci list|ls] read
use: page out
-n --name WORD
-o --orderBy --orderby WORD
-r --ref REF
--scope WORD
--sha NAME
--sort {asc|desc}
--source WORD
-s --status WORD
-a --updated-after WORD
-b --updated-before WORD
-u --username WORD
-y --yaml-errors
[ci status] read
-b --branch REF
-c --compact
-l --live
[ci get] read
use: out
-b --branch REF
-m --merge-request INT
-p --pipeline-id INT
-d --with-job-details
--with-variables ! prints the credential
[ci trace] read
-b --branch REF
-p --pipeline-id INT
args: [JOB]
[ci view] ! waits for a person
[ci lint] read
--dry-run
--include-jobs
--ref REF
args: [PATH]
[ci config compile] read
args: [PATH]
[ci run|create] write
use: web
-b --branch REF
--mr
-i --input PAIR
--variables PAIR
--variables-env PAIR
-f --variables-from PATH
[ci retry] write
-b --branch REF
-p --pipeline-id INT
args: JOB
[ci trigger] write
-b --branch REF
-p --pipeline-id INT
args: JOB
[ci cancel pipeline] write
--dry-run
args: WORD...
[ci cancel job] write
--dry-run
args: WORD...
[ci artifact] read
-p --path PATH
-l --list-paths
args: REF JOB
[ci delete|del] admin
--dry-run
--older-than DURATION
--page INT
--paginate
--per-page INT
--source WORD
-s --status WORD
args: [WORD]
[ci run-trig] ! puts a secret on the command line

[job]
use: repo
[job artifact] read
-p --path PATH
-l --list-paths
args: REF JOB

[repo|project]
[repo view|show] read
use: out web
-b --branch REF
args: [REPONAME]
[repo list|ls] read
use: page out
-a --all
--archived
-g --group GROUP
-G --include-subgroups
-m --member
--mine
-o --order WORD
-s --sort {asc|desc}
--starred
-u --user NAME
[repo search|find|lookup] read
use: page out
-s --search TEXT
[repo contributors|users] read
use: repo page
-o --order WORD
-s --sort {asc|desc}
[repo clone] write
-a --archived[=BOOL]
-g --group GROUP
-m --mine
-p --preserve-namespace
--paginate
--page INT
--per-page INT
--active
--visibility NAME
-G --include-subgroups
-S --with-shared
args: REPONAME [PATH] --
[repo fork] write
-c --clone[=BOOL]
-n --name TEXT
-p --path NAME
--remote[=BOOL]
args: REPONAME
[repo create|new] write
--defaultBranch REF
-d --description TEXT
-g --group GROUP
--internal
-n --name TEXT
-p --private
-P --public @admin
--readme
--remoteName NAME
-s --skipGitInit
-t --tag WORD
args: [REPONAME]
[repo archive] read
-f --format {tar.gz|tar.bz2|tbz|tbz2|tb2|bz2|tar|zip}
-s --sha REV
args: REPONAME [PATH]
[repo delete] admin
-y --yes
args: [REPONAME]
[repo transfer] admin
-t --target-namespace GROUP
-y --yes
args: [REPONAME]
[repo mirror] ! moves the credential
[repo members] ! gives others access
[repo publish] ! publishes to everybody
[repo update] admin
--defaultBranch REF
--description TEXT
--archive
args: [REPONAME]

[release]
use: repo
[release list|ls] read
use: page out
-t --tag WORD
[release view] read
use: out web
args: [REF]
[release create] write
-a --assets-links JSON
-m --milestone WORD
-n --name TEXT
-N --notes TEXT
-F --notes-file PATH
--no-close-milestone
--no-update
--experimental-notes-text-or-file TEXT ! reads files outside the workspace
--publish-to-catalog @admin
-r --ref REF
-D --released-at WORD
-T --tag-message TEXT
--use-package-registry
--package-name NAME
args: REF [ASSET...]
[release upload] write
-a --assets-links JSON
--use-package-registry
--package-name NAME
args: REF [ASSET...]
[release download] read
-n --asset-name WORD
-D --dir PATH
args: [REF]
[release delete] admin
-t --with-tag
-y --yes
args: REF

[label]
use: repo
[label list|ls] read
use: page out
-g --group GROUP
[label get] read
args: INT
[label create|new] write
-c --color WORD
-d --description TEXT
-n --name TEXT
-p --priority INT
[label edit] write
-c --color WORD
-d --description TEXT
-l --label-id INT
-n --new-name TEXT
-p --priority INT
[label delete|del] admin
args: WORD

[milestone]
[milestone list|ls] read
use: repo page out
--group GROUP
--project REPONAME
--include-ancestors
--search TEXT
--show-id
--state {active|closed}
--title TEXT
[milestone get] read
--group GROUP
--project REPONAME
args: INT
[milestone create] write
--description TEXT
--due-date NAME
--group GROUP
--project REPONAME
--start-date NAME
--title TEXT
[milestone edit] write
--description TEXT
--due-date NAME
--group GROUP
--project REPONAME
--start-date NAME
--state {activate|close}
--title TEXT
args: INT
[milestone delete] admin
--group GROUP
--project REPONAME
args: INT

[schedule|sched|skd]
use: repo
[schedule list|ls] read
use: page
[schedule run] write
args: INT
[schedule create|new] write
--active[=BOOL]
--cron TEXT
--cronTimeZone WORD
--description TEXT
--ref REF
--variable PAIR
[schedule update] write
--active[=BOOL]
--cron TEXT
--cronTimeZone WORD
--description TEXT
--ref REF
args: INT
[schedule delete] admin
args: INT

[iteration list|ls] read
use: page out repo
-g --group GROUP
[snippet create|new] write
use: repo
-d --description TEXT
-f --filename NAME
-p --personal
-t --title TEXT
-v --visibility {private|internal@admin|public@admin}
args: SECRETLESS...
[changelog generate] read
--config-file PATH
--date WORD
--from REV
--to REV
--trailer NAME
-v --version NAME
[user events] read
use: page out
-a --all
[todo list|ls] read
use: page out
-a --action WORD
-s --state WORD
-t --type WORD
[todo done] write
--all
args: [INT]
[runner list|ls] read
use: page out repo
[check-update] read
[version] read
[completion] read
-s --shell {bash|zsh|fish|powershell}
--no-desc
[help] read
args: [NAME...]

[api] read
-X --method {GET|HEAD|POST@write|PATCH@write|PUT@write|DELETE@admin}
-f --raw-field RAW @write
-F --field FIELD @write
--form FORM @write
--input PATH @write
-H --header HEADER
-i --include
--output {json|ndjson}
--paginate
--silent
--hostname HOST
args: ENDPOINT

[config get] read
-g --global
-h --host HOST
args: {git_protocol|check_update|display_hyperlinks|glamour_style|api_protocol|no_prompt|telemetry}
[config] ! reconfigures the tool (editor, browser and host), or prints the credential
[auth] ! prints or changes the credential
[token] ! makes or shows credentials

[variable|var] ! prints or changes secrets
[securefile] ! prints secrets
[alias] ! runs a program
[ssh-key,gpg-key,deploy-key] ! gives others access
[cluster] ! gives others access
[duo,mcp,stack,opentofu,work-items,container-registry,packages,attestation] ! is no everyday work
"""

_ENVIRONMENT: Final = r"\benv\b|\$__prog|\$ENV|\b(?:include|import|modulemeta|debug|stderr|input|inputs|get_search_list)\b"

_PUBLIC: Final = (r"^\w*(?:visibility|access_level)\w*=", "publishes to everybody")

PROFILE: Final = Profile(
    tool="glab",
    about="GitLab's command line",
    syntax=COBRA,
    grammar=GRAMMAR,
    types={
        # `-` opens the editor
        "BODY": without(BUILT_IN["TEXT"], (r"^-$", "it opens the editor")),
        "JQ": without(BUILT_IN["TEXT"], (_ENVIRONMENT, "a jq expression that could read the environment")),
        "ITEM": either(matching(r"#?[0-9]{1,12}", "a number"), BUILT_IN["URL"]),
        "MRREF": either(matching(r"!?[0-9]{1,12}|[A-Za-z0-9_][\w./+-]{0,200}", "a number or branch"), BUILT_IN["URL"]),
        "JOB": matching(r"[\w][\w .:/()\[\],+-]{0,200}", "a job's number or name"),
        "GROUP": matching(r"[A-Za-z0-9_][\w.-]*(?:/[A-Za-z0-9_][\w.-]*){0,8}|[0-9]{1,12}", "a group"),
        "REPONAME": ValueType(Kind.REPO, pattern=r"[A-Za-z0-9_][\w.-]{0,100}"),
        "PAIR": matching(r"[A-Za-z_][\w.-]{0,100}[:=][^\x00-\x1f]{0,3000}", "KEY:VALUE"),
        "FIELD": without(BUILT_IN["KV"], _PUBLIC),
        "RAW": without(BUILT_IN["KV"], _PUBLIC, (r"^[^=]*=@", "it looks like a file")),
        "FORM": matching(r"[A-Za-z0-9_.\[\]-]{1,200}=[^@\x00-\x1f][^\x00-\x1f]{0,3000}", "KEY=VALUE"),
        "SECRETLESS": ordinary(BUILT_IN["PATH"]),
        # FILE#NAME#TYPE
        "ASSET": parts(r"([^#]{1,400})(?:#[\w .()-]{0,200}){0,2}", "a file in the workspace", ordinary(BUILT_IN["PATH"])),
        "ENDPOINT": without(
            either(
                BUILT_IN["ENDPOINT"],
                matching(
                    r"/?(?:projects|groups)/(?::id|:fullpath|:group|[\w.-]+(?:%2[fF][\w.-]+){1,8})(?:/[\w.~%?&=,:\[\]/-]{0,2000})?(?:\?[\w.~%&=,:\[\]+-]{0,2000})?",
                    "a path of the API",
                ),
            ),
            (r"(?:^|/)\.\.(?:/|$)|%2e|//", "another reading of the path"),
            (
                r"/(?:variables|triggers?|deploy_tokens|access_tokens|deploy_keys|hooks|integrations|services|members|invitations|"
                r"share|runners|remote_mirrors|secure_files|protected_branches|protected_tags|export|import)(?:$|[/?])",
                "gives others access, or shows secrets",
            ),
            (
                r"^/?(?:user/(?:keys|gpg_keys|emails|personal_access_tokens|runners)|personal_access_tokens|users|admin|application|"
                r"applications|hooks|runners|features|broadcast_messages|license|usage_data|group_members)(?:$|[/?])",
                "gives others access, or shows secrets",
            ),
        ),
        "HEADER": without(
            matching(r"[A-Za-z][A-Za-z0-9-]{0,80}:[^\x00-\x1f\x7f]{0,2000}", "a header `Name: value`"),
            (
                r"^\s*(?:host|authorization|private-token|job-token|deploy-token|sudo|proxy-[\w-]*|cookie|x-http-method[\w-]*|"
                r"x-forwarded-[\w-]+|forwarded|connection|transfer-encoding|content-length)\s*:",
                "this header moves, replaces or frames the request",
            ),
        ),
    },
    harden=Hardening(
        env={
            "NO_PROMPT": "true",
            "GLAB_CHECK_UPDATE": "false",
            "GLAB_SEND_TELEMETRY": "false",
            "GLAB_PAGER": "cat",
            "PAGER": "cat",
            "VISUAL": "/bin/true",
            "EDITOR": "/bin/true",
            "BROWSER": "/bin/true",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "https",
        },
    ),
    credentials=("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "OAUTH_TOKEN"),
    source="glab help, 1.22–1.70",
)
