"""git: status, history, commits, branches, and transport to the service's hosts.

Denied throughout: what names a program (aliases, hooks, pagers, editors, diff and merge tools, upload-pack and its like, filters,
transport helpers), what asks for or shows a credential, and what changes the configuration. `-c` is denied as a whole: nearly
every key of git's configuration is a way to one of them. Facts: git(1) and the pages of its commands, 2.39 to 2.52.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import GIT
from janee.profiles.types import BUILT_IN, either, matching, one_of, without

GRAMMAR: Final = r"""
[] read
-v --version
needs: -v --version
[]
-h --help ! starts a program (man, a browser)
-p --paginate ! runs a program (core.pager)
-P --no-pager
--no-replace-objects
--no-optional-locks
--no-lazy-fetch
--literal-pathspecs
--glob-pathspecs
--noglob-pathspecs
--icase-pathspecs
--no-advice
-C PATH
-c TEXT ! sets configuration, which runs programs
--config-env TEXT ! sets configuration, which runs programs
--exec-path[=TEXT] ! runs a program
--html-path
--man-path
--git-dir TEXT ! reads another repository's configuration
--work-tree TEXT ! reaches outside the workspace
--namespace TEXT ! is no everyday work
--super-prefix TEXT ! is no everyday work
--bare ! reads another repository's configuration
--attr-source TEXT ! is no everyday work
--list-cmds TEXT ! is no everyday work

%commitish
--author TEXT
--date WORD

%format
--oneline
--pretty[=FORMAT]
--format FORMAT
--abbrev-commit
--no-abbrev-commit
--abbrev[=INT]
--encoding NAME
--notes[=REF]
--no-notes
--show-signature ! runs a program (gpg)
--date WORD
--relative-date
--parents
--children
--left-right
--graph
--no-graph
--decorate[={short|full|auto|no}]
--no-decorate
--decorate-refs GLOB
--source
--color[={always|never|auto}]
--no-color

%diff
-p -u --patch
-s --no-patch
-U --unified[=INT]
--raw
--patch-with-raw
--minimal
--patience
--histogram
--diff-algorithm {patience|minimal|histogram|myers|default}
--anchored TEXT
--stat[=WORD]
--stat-width INT
--stat-count INT
--compact-summary
--numstat
--shortstat
--dirstat[=WORD]
--cumulative
--summary
--patch-with-stat
-z
--name-only
--name-status
--submodule[={short|log|diff}]
--color-moved[=WORD]
--no-color-moved
--word-diff[={color|plain|porcelain|none}]
--word-diff-regex TEXT
--color-words[=TEXT]
--no-renames
--[no-]rename-empty
--check
--ws-error-highlight WORD
--full-index
--binary
-B --break-rewrites[=WORD]
-M --find-renames[=WORD]
-C --find-copies[=WORD]
--find-copies-harder
-D --irreversible-delete
--diff-filter WORD
-S TEXT
-G TEXT
--find-object REV
--pickaxe-all
--pickaxe-regex
-O PATH
-R
--[no-]relative
-a --text
--ignore-cr-at-eol
--ignore-space-at-eol
-b --ignore-space-change
-w --ignore-all-space
--ignore-blank-lines
-I --ignore-matching-lines TEXT
--inter-hunk-context INT
-W --function-context
--exit-code
--quiet
--ext-diff ! runs a program (diff.external)
--no-ext-diff
--textconv ! runs a program (textconv)
--no-textconv
--ignore-submodules[={none|untracked|dirty|all}]
--src-prefix WORD
--dst-prefix WORD
--no-prefix
--default-prefix
--line-prefix WORD
--output TEXT ! writes a file under any name
-t
--full-diff
--merge-base
--no-index ! reads files outside the repository

%walk
-# INT
-n --max-count INT
--skip INT
--since WORD
--after WORD
--until WORD
--before WORD
--since-as-filter WORD
--author TEXT
--committer TEXT
--grep TEXT
--all-match
--invert-grep
-i --regexp-ignore-case
-E --extended-regexp
-F --fixed-strings
-P --perl-regexp
--merges
--no-merges
--first-parent
--all
--branches[=GLOB]
--tags[=GLOB]
--remotes[=GLOB]
--glob GLOB
--exclude GLOB
--reflog
-g --walk-reflogs
--cherry
--cherry-pick
--cherry-mark
--left-only
--right-only
--boundary
--simplify-by-decoration
--full-history
--simplify-merges
--ancestry-path[=REV]
--topo-order
--date-order
--author-date-order
--reverse
--follow
--no-walk[=WORD]
-m
-c
--cc
--diff-merges WORD
--no-diff-merges
--remerge-diff
-L TEXT
--use-mailmap
--no-mailmap
--mailmap
--log-size
--clear-decorations
--min-parents INT
--max-parents INT

%message
-m --message TEXT
-F --file PATH
-e --edit ! runs a program (the editor)
--no-edit
--cleanup {strip|whitespace|verbatim|scissors|default}
-s --signoff
--no-signoff

%sign
-S --gpg-sign[=TEXT] ! runs a program (gpg)
--no-gpg-sign

%merge
--ff
--no-ff
--ff-only
--commit
--no-commit
--squash
--no-squash
--stat
-n --no-stat
--log[=INT]
--no-log
-s --strategy {ort|recursive|resolve|octopus|ours|subtree}
-X --strategy-option {ours|theirs|patience|histogram|minimal|ignore-space-change|ignore-all-space|no-renames|find-renames|renormalize}
--allow-unrelated-histories
--[no-]autostash
--[no-]rerere-autoupdate
--[no-]verify-signatures ! runs a program (gpg)
--no-verify

%quiet
-q --quiet
-v --verbose

%transport
--upload-pack TEXT ! runs a program
--server-option TEXT ! is no everyday work
-4 --ipv4
-6 --ipv6
--[no-]progress
--[no-]recurse-submodules
-j --jobs INT

%fetch
use: transport
-a --append
--all
--atomic
--depth INT
--deepen INT
--shallow-since WORD
--unshallow
--update-shallow
--dry-run
-f --force
-k --keep
-p --prune
-P --prune-tags
-t --tags
-n --no-tags
--refmap TEXT ! is no everyday work
-u --update-head-ok ! overwrites the checked-out branch
--filter {blob:none|tree:0}
--[no-]auto-maintenance
--[no-]auto-gc
--[no-]write-fetch-head
--set-upstream
-m --multiple
--negotiate-only ! is no everyday work

[status] read
-s --short
-b --branch
--[no-]show-stash
--porcelain[={v1|v2}]
--long
-v --verbose
-u --untracked-files[={no|normal|all}]
--ignore-submodules[={none|untracked|dirty|all}]
--ignored[={traditional|no|matching}]
-z
--column[=WORD]
--no-column
--[no-]ahead-behind
--[no-]renames
--find-renames[=WORD]
args: [PATHSPEC...] -- [PATHSPEC...]

[log] read
use: format diff walk
args: [REV|PATHSPEC...] -- [PATHSPEC...]
[show] read
use: format diff walk
args: [REV|PATHSPEC...] -- [PATHSPEC...]
[whatchanged] read
use: format diff walk
args: [REV|PATHSPEC...] -- [PATHSPEC...]
[diff] read
use: format diff
--cached
--staged
-1 --base
-2 --ours
-3 --theirs
-0
args: [REV|PATHSPEC...] -- [PATHSPEC...]
[shortlog] read
use: walk
-s --summary
-n --numbered
-e --email
-c --committer
--group WORD
-w[=WORD]
args: [REV|PATHSPEC...] -- [PATHSPEC...]
[reflog] read
use: format walk diff
args: [REV...]
[reflog show] read
use: format walk diff
args: [REV...]
[reflog list] read
[reflog exists] read
args: REF
[reflog expire,delete] ! destroys history
[blame|annotate] read
-L TEXT
-l
-t
-e --show-email
-w
-s
-M[=INT]
-C[=INT]
-p --porcelain
--line-porcelain
-b
--root
-n --show-number
-f --show-name
--date WORD
--since WORD
--ignore-rev REV
--ignore-revs-file PATH
--reverse
--contents PATH
--abbrev[=INT]
args: [REV] PATH -- PATH
[blame|annotate] read
-L TEXT
-l
-t
-e --show-email
-w
-s
-M[=INT]
-C[=INT]
-p --porcelain
--line-porcelain
-b
--root
-n --show-number
-f --show-name
--date WORD
--since WORD
--ignore-rev REV
--ignore-revs-file PATH
--reverse
--contents PATH
--abbrev[=INT]
args: PATH
[grep] read
-i --ignore-case
-v --invert-match
-w --word-regexp
-E --extended-regexp
-G --basic-regexp
-F --fixed-strings
-P --perl-regexp
-n --line-number
--column
-l --files-with-matches --name-only
-L --files-without-match
-c --count
-o --only-matching
-h
-H
-q --quiet
-z --null
-a --text
-I
-p --show-function
-W --function-context
-A --after-context INT
-B --before-context INT
-C --context INT
-# INT
-e TEXT
-f PATH
--cached
--untracked
--[no-]exclude-standard
--recurse-submodules
--max-depth INT
-m --max-count INT
--threads INT
--heading
--break
--all-match
--and
--or
--not
--color[={always|never|auto}]
--no-color
--full-name
--textconv ! runs a program (textconv)
--no-textconv
--no-index ! reads files outside the repository
-O --open-files-in-pager[=TEXT] ! runs a program (the pager)
args: [PATTERN] [REV|PATHSPEC...] -- [PATHSPEC...]

[ls-files] read
-c --cached
-d --deleted
-m --modified
-o --others
-i --ignored
-s --stage
-u --unmerged
-k --killed
-t
-v
-z
--directory
--no-empty-directory
-x --exclude TEXT
-X --exclude-from PATH
--exclude-standard
--error-unmatch
--full-name
--abbrev[=INT]
--eol
--deduplicate
--recurse-submodules
--format FORMAT
args: [PATHSPEC...] -- [PATHSPEC...]
[ls-tree] read
-d
-r
-t
-l --long
-z
--name-only
--name-status
--object-only
--full-name
--full-tree
--abbrev[=INT]
--format FORMAT
args: REV [PATHSPEC...]
[ls-remote] read
use: transport
-h --heads
-b --branches
-t --tags
--refs
-q --quiet
--exit-code
--get-url
--sort SORTKEY
--symref
-o TEXT ! is no everyday work
args: [REMOTE] [GLOB...]
[cat-file] read
-t
-s
-e
-p
--textconv ! runs a program (textconv)
--filters ! runs a program (filters)
--batch[=TEXT]
--batch-check[=TEXT]
args: [{blob|tree|commit|tag}] REV
[rev-parse] read
--abbrev-ref[=WORD]
--short[=INT]
--verify
-q --quiet
--symbolic
--symbolic-full-name
--all
--branches[=GLOB]
--tags[=GLOB]
--remotes[=GLOB]
--show-toplevel
--show-cdup
--show-prefix
--git-dir
--absolute-git-dir
--git-common-dir
--is-inside-work-tree
--is-inside-git-dir
--is-bare-repository
--is-shallow-repository
--show-superproject-working-tree
--show-object-format[=WORD]
--path-format {absolute|relative}
--revs-only
--no-revs
--flags
--no-flags
--not
--since WORD
--until WORD
args: [REV...]
[rev-list] read
use: walk format
--count
--objects
--disk-usage[=WORD]
--timestamp
--use-bitmap-index
args: REV... -- [PATHSPEC...]
[describe] read
--tags
--all
--always
--long
--abbrev[=INT]
--dirty[=WORD]
--broken[=WORD]
--match GLOB
--exclude GLOB
--exact-match
--contains
--candidates INT
--first-parent
args: [REV...]
[merge-base] read
-a --all
--octopus
--is-ancestor
--fork-point
--independent
args: REV...
[merge-tree] read
--write-tree
--name-only
--[no-]messages
-z
args: REV REV
[name-rev] read
--tags
--all
--name-only
--always
args: [REV...]
[show-ref] read
--head
--heads
--branches
--tags
-d --dereference
-s --hash[=INT]
--verify
-q --quiet
--exists
args: [GLOB...]
[for-each-ref] read
--count INT
--sort SORTKEY
--format FORMAT
--contains REV
--no-contains REV
--merged REV
--no-merged REV
--points-at REV
--ignore-case
args: [GLOB...]
[show-branch] read
-a --all
-r --remotes
--list
--topo-order
args: [REV...]
[cherry] read
-v --verbose
args: [REV...]
[range-diff] read
use: diff format
args: REV...
[count-objects] read
-v --verbose
-H --human-readable
[fsck] read
--full
--[no-]dangling
--[no-]progress
--unreachable
--lost-found ! writes into git's own directory
[check-ignore] read
-v --verbose
-n --non-matching
-q --quiet
--no-index
args: PATHSPEC...
[check-attr] read
-a --all
args: [NAME] PATHSPEC... -- [PATHSPEC...]
[check-ref-format] read
--branch
args: REF
[version] read
--build-options
[diff-tree,diff-index,diff-files] ! is no everyday work (use diff)
[var] read
args: {GIT_AUTHOR_IDENT|GIT_COMMITTER_IDENT|GIT_DEFAULT_BRANCH}
[config] read
--get
--get-all
--get-regexp
-l --list ! shows credentials that are in the configuration
--show-origin
--show-scope
--local
--bool
--int
--path
--type {bool|int|bool-or-int|path}
--default WORD
-z --null
--name-only
--global ! reaches outside the workspace
--system ! reaches outside the workspace
--file TEXT ! reads another file
-f TEXT ! reads another file
--blob TEXT ! reads another file
--add ! changes configuration, which runs programs
--unset ! changes configuration, which runs programs
--unset-all ! changes configuration, which runs programs
--replace-all ! changes configuration, which runs programs
--rename-section ! changes configuration, which runs programs
--remove-section ! changes configuration, which runs programs
-e --edit ! runs a program (the editor)
needs: --get --get-all --get-regexp
args: KEY [KEYVALUE]
[config] read
--local
--bool
--int
--type {bool|int|bool-or-int|path}
args: KEY
[config] write
--local
args: SETKEY WORD

[add|stage] write
-n --dry-run
-v --verbose
-f --force
-i --interactive ! waits for a person
-p --patch ! waits for a person
-e --edit ! runs a program (the editor)
-u --update
-A --all
--no-all
--ignore-removal
-N --intent-to-add
--refresh
--ignore-errors
--ignore-missing
--sparse
--renormalize
--chmod {+x|-x}
--pathspec-from-file PATH
args: [PATHSPEC...] -- [PATHSPEC...]
[commit] write
use: message sign commitish
-a --all
-p --patch ! waits for a person
--interactive ! waits for a person
-C --reuse-message REV
-c --reedit-message REV ! runs a program (the editor)
--fixup FIXUP
--squash REV
--reset-author
--amend
--allow-empty
--allow-empty-message
-n --no-verify
--verify
--short
--branch
--porcelain
--long
-z
-q --quiet
-v --verbose
--dry-run
-o --only
-i --include
-u --untracked-files[={no|normal|all}]
-t --template PATH
--trailer TEXT
--no-post-rewrite
--status
--no-status
--pathspec-from-file PATH
args: [PATHSPEC...] -- [PATHSPEC...]
[branch] write
-a --all
-r --remotes
-v -vv --verbose
-l --list
--show-current
-d --delete
-D
-m --move
-M
-c --copy
-C
-f --force
-q --quiet
-t --track[={direct|inherit}]
--no-track
-u --set-upstream-to TRACKING
--unset-upstream
--contains[=REV]
--no-contains[=REV]
--merged[=REV]
--no-merged[=REV]
--points-at REV
--sort SORTKEY
--format FORMAT
--column[=WORD]
--no-column
--color[={always|never|auto}]
--no-color
--abbrev[=INT]
--no-abbrev
-i --ignore-case
--edit-description ! runs a program (the editor)
--create-reflog
args: [GLOB...]
[branch] read
-a --all
-r --remotes
-v -vv --verbose
--show-current
--contains[=REV]
--no-contains[=REV]
--merged[=REV]
--no-merged[=REV]
--points-at REV
--sort SORTKEY
--format FORMAT
--column[=WORD]
--no-column
--color[={always|never|auto}]
--no-color
[branch] read
-a --all
-r --remotes
-v -vv --verbose
-l --list
--sort SORTKEY
--format FORMAT
args: [GLOB...]
needs: -l --list
[checkout] write
-q --quiet
-f --force
-b REF
-B REF
-t --track[={direct|inherit}]
--no-track
-d --detach
--orphan REF
-m --merge
--ours
--theirs
--conflict {merge|diff3|zdiff3}
-p --patch ! waits for a person
--[no-]guess
--ignore-other-worktrees
--[no-]overlay
--[no-]progress
--[no-]recurse-submodules
--pathspec-from-file PATH
args: [REV|PATHSPEC...] -- [PATHSPEC...]
[switch] write
-c --create REF
-C --force-create REF
-d --detach
--[no-]guess
-f --force
--discard-changes
-m --merge
-q --quiet
-t --track[={direct|inherit}]
--no-track
--orphan REF
--[no-]progress
args: [REV] [REV]
[restore] write
-s --source REV
-S --staged
-W --worktree
-q --quiet
--ours
--theirs
-m --merge
--[no-]overlay
--[no-]progress
--ignore-unmerged
-p --patch ! waits for a person
--pathspec-from-file PATH
args: [PATHSPEC...] -- [PATHSPEC...]
[reset] write
--soft
--mixed
--hard
--merge
--keep
-q --quiet
-N --intent-to-add
-p --patch ! waits for a person
args: [REV|PATHSPEC...] -- [PATHSPEC...]
[rm] write
-f --force
-n --dry-run
-r
--cached
--ignore-unmatch
--sparse
-q --quiet
args: PATHSPEC... -- [PATHSPEC...]
[mv] write
-f --force
-k
-n --dry-run
-v --verbose
args: PATH... PATH
[clean] write
-d
-f --force
-n --dry-run
-q --quiet
-e --exclude TEXT
-x
-X
-i --interactive ! waits for a person
args: [PATHSPEC...] -- [PATHSPEC...]
[stash] write
use: quiet
-u --include-untracked
-a --all
-k --keep-index
--no-keep-index
-S --staged
-m --message TEXT
[stash push|save] write
use: quiet
-u --include-untracked
-a --all
-k --keep-index
--no-keep-index
-S --staged
-m --message TEXT
-p --patch ! waits for a person
args: [PATHSPEC...] -- [PATHSPEC...]
[stash list] read
use: format walk
[stash show] read
use: diff
-u --include-untracked
args: [REV|INT]
[stash apply|pop] write
--index
-q --quiet
args: [REV|INT]
[stash drop] write
-q --quiet
args: [REV|INT]
[stash branch] write
args: REF [REV]
[stash clear] admin
[tag] write
-l --list
-a --annotate
-n[=INT]
-m --message TEXT
-F --file PATH
-f --force
-d --delete
-s --sign ! runs a program (gpg)
-u --local-user TEXT ! runs a program (gpg)
-v --verify ! runs a program (gpg)
-e --edit ! runs a program (the editor)
--sort SORTKEY
--format FORMAT
--contains[=REV]
--no-contains[=REV]
--merged[=REV]
--points-at REV
--column[=WORD]
--color[={always|never|auto}]
--no-sign
-i --ignore-case
args: [GLOB...]
[tag] read
-l --list
-n[=INT]
--sort SORTKEY
--format FORMAT
--contains[=REV]
--merged[=REV]
--points-at REV
--color[={always|never|auto}]
args: [GLOB...]
needs: -l --list
[tag] read
-n[=INT]
--sort SORTKEY
[merge] write
use: merge message sign quiet
--abort
--quit
--continue ! runs a program (the editor)
--into-name REF
--[no-]progress
args: [REV...]
[rebase] write
use: sign quiet
-s --strategy {ort|recursive|resolve|ours|subtree}
-X --strategy-option {ours|theirs|patience|histogram|minimal|ignore-space-change|ignore-all-space|no-renames|find-renames|renormalize}
--onto REV
--keep-base
--root
--abort
--continue
--skip
--quit
--show-current-patch
--autosquash
--no-autosquash
--[no-]autostash
--[no-]fork-point
-f --force-rebase --no-ff
--ignore-date
--committer-date-is-author-date
--signoff
--[no-]stat
-n
--no-verify
--verify
--empty {drop|keep|ask|stop}
--[no-]keep-empty
-r --rebase-merges[=WORD]
--[no-]update-refs
--apply
-m --merge
--whitespace {nowarn|warn|fix|error}
-C INT
-x --exec TEXT ! runs a program
-i --interactive ! runs a program (the editor)
--edit-todo ! runs a program (the editor)
args: [REV] [REV]
[cherry-pick] write
use: sign
-e --edit ! runs a program (the editor)
-x
-m --mainline INT
-n --no-commit
-s --signoff
--ff
--allow-empty
--allow-empty-message
--keep-redundant-commits
-X --strategy-option {ours|theirs|patience|ignore-space-change|ignore-all-space}
--strategy {ort|recursive|resolve}
--continue
--skip
--abort
--quit
args: [REV...]
[revert] write
use: sign
-e --edit ! runs a program (the editor)
--no-edit
-m --mainline INT
-n --no-commit
-s --signoff
--continue
--skip
--abort
--quit
args: [REV...]
[apply] write
--stat
--numstat
--summary
--check
--index
--cached
-N --intent-to-add
-3 --3way
-R --reverse
--reject
-z
-p INT
-C INT
--unidiff-zero
--exclude GLOB
--include GLOB
--whitespace {nowarn|warn|fix|error|error-all}
--ignore-whitespace
--ignore-space-change
--recount
--directory PATH
-q --quiet
-v --verbose
--allow-empty
--unsafe-paths ! writes files outside the workspace
--build-fake-ancestor TEXT ! writes a file under any name
args: [PATH...]
[am] write
-3 --3way
-k --keep
-s --signoff
-q --quiet
-u --utf8
--whitespace {nowarn|warn|fix|error}
--abort
--skip
--quit
--continue
--show-current-patch[={diff|raw}]
-i --interactive ! waits for a person
-S --gpg-sign[=TEXT] ! runs a program (gpg)
args: [PATH...]
[format-patch] write
use: diff
-o --output-directory PATH
-n --numbered
-N --no-numbered
-s --signoff
--stdout
-v --reroll-count INT
--start-number INT
--cover-letter
--root
-# INT
--subject-prefix WORD
--zero-commit
--base REV
args: [REV...] -- [PATHSPEC...]
[archive] write
--format {tar|zip|tar.gz|tgz}
-l --list
--prefix WORD
-o --output PATH
-v --verbose
-0
-9
--remote TEXT ! reads from another repository
--exec TEXT ! runs a program
--add-file PATH
args: REV [PATHSPEC...]
[fetch] read
use: fetch quiet
args: [REMOTE] [REFSPEC...]
[pull] write
use: fetch quiet merge sign
-j --jobs[=INT]
-r --rebase[={false|true|merges}]
--no-rebase
-e --edit ! runs a program (the editor)
--no-edit
args: [REMOTE] [REFSPEC...]
[push] write
use: quiet
--all
--branches
--mirror @admin
--tags
--follow-tags
--no-follow-tags
-d --delete
-n --dry-run
--porcelain
-f --force @admin
--force-with-lease[=WORD]
--no-force-with-lease
--force-if-includes
--no-force-if-includes
-u --set-upstream
--prune @admin
--[no-]thin
--[no-]verify
--[no-]atomic
--[no-]progress
--[no-]signed ! runs a program (gpg)
--recurse-submodules {check|on-demand|only|no}
--no-recurse-submodules
-o --push-option WORD
-4 --ipv4
-6 --ipv6
--repo REMOTE
--receive-pack TEXT ! runs a program
--exec TEXT ! runs a program
args: [REMOTE] [REFSPEC...]
[clone] write
use: quiet
--[no-]progress
-n --no-checkout
--bare
--mirror
-b --branch REF
--revision REF
-o --origin REMOTENAME
--depth INT
--shallow-since WORD
--[no-]single-branch
--[no-]tags
--filter {blob:none|tree:0}
--[no-]sparse
--recurse-submodules ! fetches from hosts that the repository names
--recursive ! fetches from hosts that the repository names
-j --jobs INT
-4 --ipv4
-6 --ipv6
--[no-]reject-shallow
--no-hardlinks
--no-local
-u --upload-pack TEXT ! runs a program
-c --config TEXT ! sets configuration, which runs programs
--template TEXT ! installs hooks
--separate-git-dir TEXT ! writes outside the workspace
--reference TEXT ! reads another repository
--reference-if-able TEXT ! reads another repository
-l --local ! reads another repository
-s --shared ! reads another repository
--bundle-uri TEXT ! fetches from another place
--server-option TEXT ! is no everyday work
args: CLONEURL [PATH]
[init] write
-q --quiet
--bare
-b --initial-branch REF
--template TEXT ! installs hooks
--separate-git-dir TEXT ! writes outside the workspace
--shared[=WORD] ! opens the repository to others
args: [PATH]
[remote] read
-v --verbose
[remote show] read
-n
args: [REMOTENAME]
[remote get-url] read
--all
--push
args: REMOTENAME
[remote add] write
-f
-t REF
-m REF
--tags
--no-tags
--mirror[=WORD] ! overwrites local branches
args: REMOTENAME CLONEURL
[remote remove|rm] write
args: REMOTENAME
[remote rename] write
args: REMOTENAME REMOTENAME
[remote prune] write
-n --dry-run
args: REMOTENAME
[remote update] write
-p --prune
args: [REMOTENAME...]
[remote set-url] write
--push
args: REMOTENAME CLONEURL
[remote set-head] write
-a --auto
-d --delete
args: REMOTENAME [REF]
[worktree list] read
--porcelain
-v
[worktree add] write
-f
-b REF
-B REF
-d --detach
--[no-]checkout
args: PATH [REV]
[worktree remove] write
-f --force
args: PATH
[worktree prune] write
-n --dry-run
-v --verbose
[bisect start] write
args: [REV...] -- [PATHSPEC...]
[bisect good|bad|old|new|skip] write
args: [REV...]
[bisect reset] write
args: [REV]
[bisect log] read
[bisect run] ! runs a program
[bisect view,visualize,replay] ! runs a program
[notes list] read
args: [REV]
[notes show] read
args: [REV]
[notes add] write
-f --force
-m --message TEXT
args: [REV]
[sparse-checkout list] read
[sparse-checkout set] write
--[no-]cone
args: PATH...
[sparse-checkout add] write
args: PATH...
[sparse-checkout disable] write
[gc] write
--auto
-q --quiet
--aggressive
--prune[=WORD]
[prune] write
-n --dry-run
-v --verbose
[update-index] write
--refresh
--really-refresh
-q
--[no-]assume-unchanged
--[no-]skip-worktree
--chmod {+x|-x}
args: [PATHSPEC...] -- [PATHSPEC...]
[rerere] read
[rerere status] read
[rerere diff] read
[submodule] read
[submodule status] read
--cached
--recursive
args: [PATH...]
[submodule summary] read
[submodule foreach] ! runs a program
[submodule add,update,init,sync,set-url,set-branch,deinit,absorbgitdirs] ! fetches from hosts that the repository names
[credential,credential-cache,credential-store,credential-gcloud,credential-manager,credential-osxkeychain,credential-netrc,credential-libsecret] ! prints the credential
[difftool,mergetool,web--browse,instaweb,gui,gitk,citool,help] ! runs a program
# one name only: two would write it
[symbolic-ref] read
--short
-q --quiet
args: REF
[filter-branch,filter-repo,fast-import,fast-export,replace,update-ref,hash-object,mktag,mktree,write-tree,commit-tree,read-tree,unpack-file,unpack-objects,pack-objects,index-pack,pack-refs,repack] ! changes the repository below git's rules
[hook,maintenance,send-email,imap-send,request-pull,p4,svn,cvsimport,cvsserver,cvsexportcommit,archimport,quiltimport,daemon,shell,http-backend,http-fetch,http-push,upload-pack,upload-archive,receive-pack,send-pack,fetch-pack,remote-ext,remote-fd,remote-http,remote-https,remote-ftp,remote-ftps,bundle,scalar,lfs,annex,for-each-repo,diagnose,bugreport,verify-commit,verify-tag,interpret-trailers,mailsplit,mailinfo,merge-file,merge-index,merge-one-file,sh-setup,sh-i18n,multi-pack-index,commit-graph,column,stripspace,subtree,survey,backfill,refs,replay,fsmonitor--daemon,flow,open,absorb] ! runs programs, serves or reaches other places, or is no everyday work
"""

_IDENT: Final = "user.name user.email init.defaultBranch pull.rebase push.default push.autoSetupRemote pull.ff fetch.prune"
_BRANCH_KEY: Final = r"branch\.[A-Za-z0-9._/-]+\.(?:remote|merge|rebase|description)"
_READ_KEY: Final = (
    r"(?i)(?:user\.(?:name|email|signingkey)|core\.(?!sshcommand|gitproxy|askpass)[a-z]+|branch\.[\w./-]+|remote\.[\w./-]+\."
    r"(?:url|fetch|pushurl)|init\.[a-z]+|pull\.[a-z]+|push\.[a-z]+|fetch\.[a-z]+|commit\.[a-z]+|merge\.[a-z]+|rebase\.[a-z]+|"
    r"diff\.[a-z]+|color\.[a-z.]+|gpg\.[a-z]+|tag\.[a-z]+|status\.[a-z]+|log\.[a-z]+|submodule\.[\w./-]+|remote\.[\w./-]+)"
)

PROFILE: Final = Profile(
    tool="git",
    about="version control; transport to the service's hosts only",
    syntax=GIT,
    grammar=GRAMMAR,
    types={
        "SORTKEY": matching(r"-?[a-z*][A-Za-z:*.-]{0,60}", "a sort key"),
        # %(trailers…), %C… and the like only print; no placeholder runs anything or reads a file
        "FORMAT": matching(r"[^\x00-\x08\x0b-\x1f\x7f]{0,1000}", "a format"),
        "GLOB": matching(r"(?!-)[\w@.#+=/*?\[\]!^~{}:,-]{1,255}", "a pattern for refs"),
        "PATTERN": BUILT_IN["TEXT"],
        "FIXUP": either(matching(r"(?:amend|reword):[\w@.~^/{}-]{1,200}", "a commit"), BUILT_IN["REV"]),
        "TRACKING": BUILT_IN["REF"],
        "REMOTENAME": matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}", "a remote's name"),
        "CLONEURL": without(BUILT_IN["REMOTE"], (r"^[^:]*$", "a clone or remote needs the URL of a repository")),
        "KEY": matching(_READ_KEY, "a key that may be read"),
        "KEYVALUE": BUILT_IN["TEXT"],
        "SETKEY": either(
            one_of(_IDENT), matching(_BRANCH_KEY, "a key that may be set (user.name, user.email, pull.rebase, …)")
        ),
    },
    harden=Hardening(
        env={
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_EDITOR": "/bin/true",
            "GIT_SEQUENCE_EDITOR": "/bin/true",
            "GIT_PAGER": "cat",
            "GIT_ALLOW_PROTOCOL": "https:http:ssh",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_PROTOCOL_FROM_USER": "0",
        },
        insert=(
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.sshCommand=ssh",
            "-c",
            "core.attributesFile=/dev/null",
            "-c",
            "credential.helper=",
            "-c",
            "protocol.ext.allow=never",
            "-c",
            "protocol.file.allow=never",
            "-c",
            "http.proxy=",
            "-c",
            "http.followRedirects=false",
            "-c",
            "http.sslVerify=true",
            "-c",
            "commit.gpgSign=false",
            "-c",
            "tag.gpgSign=false",
            "-c",
            "push.gpgSign=false",
            "-c",
            "submodule.recurse=false",
            "-c",
            "gc.auto=0",
            "-c",
            "branch.autoSetupMerge=false",
        ),
        programs=("/usr/bin/git", "/usr/lib/git-core", "/usr/libexec/git-core", "/usr/bin/ssh"),
    ),
    companions={"api.github.com": ("github.com",), "api.bitbucket.org": ("bitbucket.org",)},
    credentials=("GIT_TOKEN", "GIT_PASSWORD"),
    source="git(1) and its commands' pages, 2.39–2.52",
)
