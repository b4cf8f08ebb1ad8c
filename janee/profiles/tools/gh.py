"""gh: issues, pull requests, releases, runs and the API of GitHub, on the service's hosts.

Denied throughout: everything that shows or sets credentials (`auth token`, `auth status --show-token`, `auth setup-git`), aliases and
extensions (they run programs), editors and browsers, codespaces (remote shells), git flags behind `--`, jq expressions that read the
environment (gh's jq has `env` and `$ENV`), and other hosts. Facts: `gh help reference`, 2.83.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Kind, Profile, ValueType
from janee.profiles.syntaxes import COBRA
from janee.profiles.types import BUILT_IN, either, matching, without

GRAMMAR: Final = r"""
[] read
--version
[]
-h --help
-R --repo REPO

%repo
-R --repo REPO

%json
--json FIELDS
-q --jq JQ
-t --template TEMPLATE

%web
-w --web ! opens a browser

%editor
-e --editor ! runs a program (the editor)

%page
-L --limit INT

[issue]
use: repo
[issue list|ls] read
use: json web page
-a --assignee WORD
-A --author WORD
--app WORD
-l --label LABELS
--mention WORD
-m --milestone WORD
-S --search TEXT
-s --state {open|closed|all}
[issue view] read
use: json web
-c --comments
args: ITEM
[issue status] read
use: json
[issue create|new] write
use: web editor
-t --title TEXT
-b --body TEXT
-F --body-file PATH
-a --assignee WORD
-l --label LABELS
-m --milestone WORD
-p --project WORD
-T --template WORD
--recover PATH
[issue comment] write
use: web editor
-b --body TEXT
-F --body-file PATH
--edit-last
--create-if-none
--delete-last
--yes
args: ITEM
[issue edit] write
-t --title TEXT
-b --body TEXT
-F --body-file PATH
--add-assignee WORD
--remove-assignee WORD
--add-label LABELS
--remove-label LABELS
--add-project WORD
--remove-project WORD
-m --milestone WORD
--remove-milestone
args: ITEM...
[issue close] write
-c --comment TEXT
-r --reason WORD
--duplicate-of ITEM
args: ITEM
[issue reopen] write
-c --comment TEXT
args: ITEM
[issue develop] write
-b --base REF
--branch-repo REPO
-c --checkout
-l --list
-n --name REF
args: ITEM
[issue lock] write
-r --reason {off_topic|resolved|spam|too_heated}
args: ITEM
[issue unlock] write
args: ITEM
[issue pin|unpin] write
args: ITEM
[issue transfer] admin
args: ITEM REPO
[issue delete] admin
--yes
--confirm
args: ITEM

[pr]
use: repo
[pr list|ls] read
use: json web page
--app WORD
-a --assignee WORD
-A --author WORD
-B --base REF
-d --draft
-H --head WORD
-l --label LABELS
-S --search TEXT
-s --state {open|closed|merged|all}
[pr view] read
use: json web
-c --comments
args: [PRREF]
[pr status] read
use: json
-c --conflict-status
[pr checks] read
use: json web
--required
--fail-fast
--watch
-i --interval INT
args: [PRREF]
[pr diff] read
use: web
--color {always|never|auto}
--name-only
--patch
-e --exclude GLOB
args: [PRREF]
[pr create|new] write
use: web editor
-t --title TEXT
-b --body TEXT
-F --body-file PATH
-B --base REF
-H --head HEADREF
-d --draft
-f --fill
--fill-first
--fill-verbose
-a --assignee WORD
-r --reviewer WORD
-l --label LABELS
-m --milestone WORD
-p --project WORD
-T --template PATH
--no-maintainer-edit
--dry-run
--recover PATH
[pr edit] write
-t --title TEXT
-b --body TEXT
-F --body-file PATH
-B --base REF
--add-assignee WORD
--remove-assignee WORD
--add-label LABELS
--remove-label LABELS
--add-reviewer WORD
--remove-reviewer WORD
--add-project WORD
--remove-project WORD
-m --milestone WORD
--remove-milestone
args: [PRREF]
[pr comment] write
use: web editor
-b --body TEXT
-F --body-file PATH
--edit-last
--create-if-none
--delete-last
--yes
args: [PRREF]
[pr review] write
-a --approve
-c --comment
-r --request-changes
-b --body TEXT
-F --body-file PATH
args: [PRREF]
[pr ready] write
--undo
args: [PRREF]
[pr checkout|co] write
-b --branch REF
--detach
-f --force
--recurse-submodules ! fetches from hosts that the repository names
args: PRREF
[pr merge] write
-m --merge
-s --squash
-r --rebase
-d --delete-branch
--auto
--disable-auto
-t --subject TEXT
-b --body TEXT
-F --body-file PATH
--match-head-commit NAME
-A --author-email WORD
--admin @admin
args: [PRREF]
[pr close] write
-c --comment TEXT
-d --delete-branch
args: PRREF
[pr reopen] write
-c --comment TEXT
args: PRREF
[pr update-branch] write
--rebase
args: [PRREF]
[pr lock] write
-r --reason {off_topic|resolved|spam|too_heated}
args: PRREF
[pr unlock] write
args: PRREF
[pr revert] write
-t --title TEXT
-b --body TEXT
-F --body-file PATH
-d --draft
args: PRREF

[repo]
[repo list|ls] read
use: json page
--archived
--no-archived
--fork
--source
-l --language WORD
--topic WORD
--visibility {public|private|internal}
args: [NAME]
[repo view] read
use: json web
-b --branch REF
args: [REPONAME]
[repo clone] write
-u --upstream-remote-name NAME
--no-upstream
args: REPONAME [PATH] --
[repo fork] write
--clone
--default-branch-only
--fork-name NAME
--org NAME
--remote
--remote-name NAME
args: [REPONAME] --
[repo sync] write
-b --branch REF
-s --source REPO
--force @admin
args: [REPONAME]
[repo set-default] write
-u --unset
-v --view
args: [REPONAME]
[repo create|new] write
-d --description TEXT
-h --homepage WORD
-g --gitignore NAME
-l --license NAME
--private
--internal
--public @admin
--add-readme
-c --clone
--disable-issues
--disable-wiki
-p --template REPONAME
-t --team NAME
-r --remote NAME
-s --source PATH
--push
--include-all-branches
args: [REPONAME]
[repo edit] admin
-d --description TEXT
-h --homepage WORD
--add-topic WORD
--remove-topic WORD
--default-branch REF
--enable-issues
--enable-wiki
--enable-projects
--enable-discussions
--enable-merge-commit
--enable-squash-merge
--enable-rebase-merge
--enable-auto-merge
--delete-branch-on-merge
--template
--allow-update-branch
--allow-forking ! changes who can see it
--visibility TEXT ! changes who can see it
--accept-visibility-change-consequences ! changes who can see it
args: [REPONAME]
[repo rename] admin
-y --yes
use: repo
args: [NAME]
[repo archive|unarchive] admin
-y --yes
args: [REPONAME]
[repo delete] admin
--yes
args: [REPONAME]
[repo license,gitignore,autolink] ! is no everyday work
[repo deploy-key] ! gives others access
[repo read-file,read-dir] ! is no everyday work

[release]
use: repo
[release list|ls] read
use: json page
--exclude-drafts
--exclude-pre-releases
-O --order {asc|desc}
[release view] read
use: json web
args: [REF]
[release download] read
-A --archive {zip|tar.gz}
--clobber
-D --dir PATH
-O --output PATH
-p --pattern GLOB
--skip-existing
args: [REF]
[release create|new] write
-t --title TEXT
-n --notes TEXT
-F --notes-file PATH
--generate-notes
--notes-from-tag
--notes-start-tag REF
-d --draft
-p --prerelease
--latest
--target REF
--verify-tag
--fail-on-no-commits
--discussion-category WORD
args: REF [PATH...]
[release edit] write
-t --title TEXT
-n --notes TEXT
-F --notes-file PATH
--draft
--prerelease
--latest
--tag REF
--target REF
--verify-tag
args: REF
[release upload] write
--clobber
args: REF PATH...
[release delete] admin
-y --yes
--cleanup-tag
args: REF
[release delete-asset] admin
-y --yes
args: REF NAME
[release verify] read
use: json
args: [REF]

[run]
use: repo
[run list|ls] read
use: json page
-a --all
-b --branch REF
-c --commit NAME
--created WORD
-e --event NAME
-s --status {queued|completed|in_progress|requested|waiting|pending|action_required|cancelled|failure|neutral|skipped|stale|startup_failure|success|timed_out}
-u --user WORD
-w --workflow WORD
[run view] read
use: json
-w --web ! opens a browser
-a --attempt INT
--exit-status
-j --job INT
--log
--log-failed
-v --verbose
args: [INT]
[run watch] read
--compact
--exit-status
-i --interval INT
args: [INT]
[run download] read
-D --dir PATH
-n --name WORD
-p --pattern GLOB
args: [INT]
[run rerun] write
-d --debug
--failed
-j --job INT
args: [INT]
[run cancel] write
--force
args: [INT]
[run delete] admin
args: [INT]

[workflow]
use: repo
[workflow list|ls] read
use: json page
-a --all
[workflow view] read
use: web
-r --ref REF
-y --yaml
args: [WORD]
[workflow run] write
-f --raw-field KV
-F --field KV
-r --ref REF
--json
args: [WORD]
[workflow enable|disable] admin
args: [WORD]

[search]
use: json web page
--order {asc|desc}
[search issues|prs] read
--sort WORD
--repo REPO
-R REPO
--owner NAME
--author WORD
--assignee WORD
--mentions WORD
--commenter WORD
--involves WORD
--label LABELS
--language WORD
--milestone WORD
--state {open|closed}
--created WORD
--updated WORD
--closed WORD
--merged-at WORD
--merged
--draft
--checks {pending|success|failure}
--review {none|required|approved|changes_requested}
--review-requested WORD
--reviewed-by WORD
--base REF
-B REF
-H REF
--head REF
--comments WORD
--reactions WORD
--interactions WORD
--visibility {public|private|internal}
--archived
--locked
--include-prs
--no-assignee
--no-label
--no-milestone
--no-project
--project WORD
--match {title|body|comments}
--team-mentions WORD
--app WORD
args: [TEXT...]
[search code] read
--extension WORD
--filename WORD
--language WORD
--match {file|path}
--owner NAME
-R --repo REPO
--size WORD
args: [TEXT...]
[search repos] read
--sort WORD
--archived
--created WORD
--followers WORD
--forks WORD
--good-first-issues WORD
--help-wanted-issues WORD
--include-forks {false|true|only}
--language WORD
--license WORD
--match {name|description|readme}
--number-topics WORD
--owner NAME
--size WORD
--stars WORD
--topic WORD
--updated WORD
--visibility {public|private|internal}
args: [TEXT...]
[search commits] read
--sort WORD
--author WORD
--author-date WORD
--author-email WORD
--author-name WORD
--committer WORD
--committer-date WORD
--hash WORD
--merge
--owner NAME
--parent WORD
-R --repo REPO
--tree WORD
--visibility {public|private|internal}
args: [TEXT...]

[label]
use: repo
[label list|ls] read
use: json web page
-S --search TEXT
--order {asc|desc}
--sort {created|name}
[label create] write
-c --color WORD
-d --description TEXT
-f --force
args: WORD
[label edit] write
-c --color WORD
-d --description TEXT
-n --name WORD
args: WORD
[label clone] write
-f --force
args: REPONAME
[label delete] admin
--yes
args: WORD

[gist list|ls] read
use: page
--public
--secret
--filter TEXT
--include-content
[gist view] read
use: web
-f --filename WORD
--files
-r --raw
args: NAME
[gist] ! publishes files outside the repository

[project]
--owner WORD
--format {json}
use: page
-q --jq JQ
-t --template TEMPLATE
-w --web ! opens a browser
[project list|ls] read
--closed
[project view] read
args: [INT]
[project item-list] read
--query TEXT
args: [INT]
[project field-list] read
args: [INT]
[project item-add] write
--url URL
args: [INT]
[project item-create] write
--title TEXT
--body TEXT
args: [INT]
[project item-edit] write
--id NAME
--field-id NAME
--project-id NAME
--text TEXT
--title TEXT
--body TEXT
--date WORD
--number NUMBER
--iteration-id NAME
--single-select-option-id NAME
--clear
[project item-archive] write
--id NAME
--undo
args: [INT]
[project create] admin
--title TEXT
[project edit] admin
--title TEXT
-d --description TEXT
--readme TEXT
args: [INT]
[project close] admin
--undo
args: [INT]
[project delete,item-delete,copy,link,unlink,mark-template,field-create,field-delete] ! changes rights or destroys

[cache]
use: repo
[cache list|ls] read
use: json page
-k --key WORD
-O --order {asc|desc}
-r --ref WORD
-S --sort {created_at|last_accessed_at|size_in_bytes}
[cache delete] admin
-a --all
--succeed-on-no-caches
-r --ref WORD
args: [WORD]

[variable]
use: repo
-e --env NAME
-o --org NAME
[variable list|ls] read
use: json
[variable get] read
use: json
args: NAME
[variable set] admin
-b --body TEXT
args: NAME
[variable delete|remove] admin
args: NAME
[secret]
use: repo
-e --env NAME
-o --org NAME
-u --user
-a --app {actions|codespaces|dependabot}
[secret list|ls] read
use: json
[secret set,delete,remove] ! changes credentials of others

[ruleset]
use: repo
[ruleset list|ls] read
use: web page
-o --org NAME
-p --parents
[ruleset view] read
use: web
-o --org NAME
-p --parents
args: [INT]
[ruleset check] read
use: web
--default
args: [REF]
[org list|ls] read
use: page
[status] read
-e --exclude WORD
-o --org NAME
[auth status] read
-a --active
-h --hostname HOST
-t --show-token ! prints the credential
--json FIELDS
-q --jq JQ
--template TEMPLATE
[auth] ! prints or changes the credential
[browse] read
use: repo
-n --no-browser
-b --branch REF
-c --commit[=NAME]
-p --projects
-r --releases
-s --settings
-w --wiki
needs: -n --no-browser
args: [WORD]

[api] read
-X --method {GET|HEAD|POST@write|PATCH@write|PUT@write|DELETE@admin}
-f --raw-field KV @write
-F --field KV @write
--input PATH @write
-H --header HEADER
-i --include
-q --jq JQ
-t --template TEMPLATE
-p --preview WORD
--paginate
--slurp
--silent
--cache DURATION
--hostname HOST
--verbose ! prints the credential
args: ENDPOINT

[config get] read
-h --host HOST
args: {git_protocol|prompt|prefer_editor_prompt|spinner|color_labels|accessible_colors|accessible_prompter}
[config] ! reconfigures the tool (editor, pager and browser are programs)
[alias,extension,ext,extensions] ! runs a program
[codespace,cs] ! runs programs elsewhere
[copilot,models,agent-task,preview,attestation,skill] ! is no everyday work
[ssh-key,gpg-key] ! gives others access
[completion] read
-s --shell {bash|zsh|fish|powershell}
[help] read
args: [NAME...]
[licenses] read
"""

_ENVIRONMENT: Final = (
    r"\benv\b|\$__prog|\$ENV|\binput_filename\b|\b(?:include|import|modulemeta|debug|stderr|input|inputs|get_search_list)\b"
)

PROFILE: Final = Profile(
    tool="gh",
    about="GitHub's command line",
    syntax=COBRA,
    grammar=GRAMMAR,
    types={
        "FIELDS": matching(r"[A-Za-z]+(?:,[A-Za-z]+)*", "names of fields"),
        "LABELS": BUILT_IN["WORD"],
        # pkg/cmd/api and go-gh's jq.Evaluate hand the environment to the expression
        "JQ": without(BUILT_IN["TEXT"], (_ENVIRONMENT, "a jq expression that could read the environment")),
        "TEMPLATE": without(
            BUILT_IN["TEXT"], (r"\b(?:call|env|expandenv)\b", "a template that could read more than the answer")
        ),
        "ITEM": either(matching(r"#?[0-9]{1,12}", "a number"), BUILT_IN["URL"]),
        "PRREF": either(
            matching(r"#?[0-9]{1,12}|(?:[A-Za-z0-9-]+:)?[A-Za-z0-9_][\w./#+-]{0,200}", "a number or branch"), BUILT_IN["URL"]
        ),
        "HEADREF": matching(r"(?:[A-Za-z0-9-]+:)?[A-Za-z0-9_][\w./#+-]{0,200}", "a branch or OWNER:BRANCH"),
        "REPONAME": ValueType(Kind.REPO, pattern=r"[A-Za-z0-9][\w.-]{0,100}"),
        "GLOB": BUILT_IN["WORD"],
        "ENDPOINT": without(
            BUILT_IN["ENDPOINT"],
            (r"^/?user/emails(?:$|[/?])", "changes or shows who has access"),
            (
                r"(?:^|/)(?:hooks|keys|gpg_keys|ssh_signing_keys|secrets|collaborators|memberships|invitations|runners|installations)(?:$|[/?])",
                "gives others access",
            ),
            (r"^/?(?:app|applications|authorizations|installation)(?:$|[/?])|/access_tokens", "makes or shows credentials"),
        ),
        "HEADER": without(
            matching(r"[A-Za-z][A-Za-z0-9-]{0,80}:[^\x00-\x1f\x7f]{0,2000}", "a header `Name: value`"),
            (
                r"^\s*(?:host|authorization|proxy-[\w-]*|cookie|x-http-method[\w-]*|x-forwarded-[\w-]+|forwarded|connection|transfer-encoding|content-length)\s*:",
                "this header moves, replaces or frames the request",
            ),
        ),
    },
    harden=Hardening(
        env={
            "GH_PROMPT_DISABLED": "1",
            "GH_NO_UPDATE_NOTIFIER": "1",
            "GH_NO_EXTENSION_UPDATE_NOTIFIER": "1",
            "GH_PAGER": "cat",
            "GH_EDITOR": "/bin/true",
            "GH_BROWSER": "/bin/true",
            "GH_TELEMETRY": "false",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "https",
        },
        programs=("/usr/bin/git", "/usr/lib/git-core", "/usr/libexec/git-core"),
    ),
    companions={"api.github.com": ("github.com", "uploads.github.com")},
    credentials=("GH_TOKEN", "GITHUB_TOKEN"),
    source="gh help reference, 2.83; go-gh pkg/jq",
)
