"""rsync: copies within the workspace, and between it and the service's hosts over ssh.

Denied throughout: other remote shells (`-e`), other programs on the far side, daemons, filters that read files, batches, following
links, files outside the workspace or named like secrets, and remote paths by which a host is taken over. Deletion on the receiving side
needs admin. Facts: rsync(1), 3.2 to 3.5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import GNU
from janee.profiles.tools import scp, ssh
from janee.profiles.types import BUILT_IN, either, matching, ordinary, without

GRAMMAR: Final = r"""
%all
-v --verbose
--info WORD
--debug WORD
--stderr NAME
-q --quiet
--no-motd
-c --checksum
-a --archive
-r --recursive
--inc-recursive --i-r
--no-inc-recursive --no-i-r
-R --relative
--no-implied-dirs
--no-relative --no-R
-b --backup
--backup-dir PATH
--suffix WORD
-u --update
--inplace
--append
--append-verify
-d --dirs
--old-dirs --old-d
--mkpath
-l --links
--no-links --no-l
-L --copy-links ! reads files outside the workspace
--copy-unsafe-links ! reads files outside the workspace
--insecure-links ! reads files outside the workspace
--safe-links
--munge-links
-k --copy-dirlinks ! reads files outside the workspace
-K --keep-dirlinks ! writes files outside the tree
--confine-root PATH
-H --hard-links
-p --perms
--no-perms --no-p
-E --executability
--chmod WORD
-A --acls
-X --xattrs
-o --owner
--no-owner --no-o
-g --group
--no-group --no-g
--devices
--copy-devices ! reads files outside the workspace
--write-devices ! writes files outside the tree
--specials
--drop-D
-D
--no-D --no-devices --no-specials
-t --times
--no-times --no-t
-U --atimes
--open-noatime
-N --crtimes
-O --omit-dir-times
-J --omit-link-times
--super ! changes rights of others
--fake-super
-S --sparse
--preallocate
-n --dry-run
-W --whole-file
--no-whole-file --no-W
--checksum-choice --cc NAME
-x --one-file-system
-B --block-size INT
-e --rsh SHELL
--rsync-path TEXT ! runs a program
--existing --ignore-non-existing
--ignore-existing
--remove-source-files @admin
--remove-sent-files @admin
--del @admin
--delete @admin
--delete-before @admin
--delete-during @admin
--delete-delay @admin
--delete-after @admin
--delete-excluded @admin
--delete-missing-args @admin
--ignore-missing-args
--ignore-errors @admin
--force @admin
--max-delete INT
--max-size NAME
--min-size NAME
--max-alloc NAME
--partial
--partial-dir PATH
--delay-updates
-m --prune-empty-dirs
--numeric-ids
--usermap TEXT ! changes rights of others
--groupmap TEXT ! changes rights of others
--chown TEXT ! changes rights of others
--timeout INT
--contimeout INT
-I --ignore-times
--size-only
-@ --modify-window INT
-T --temp-dir PATH
-y --fuzzy
--compare-dest PATH
--copy-dest PATH
--link-dest PATH
-z --compress
--no-compress --no-z
--compress-choice --zc NAME
--compress-level --zl INT
--compress-threads --zt INT
--old-compress
--new-compress
--skip-compress WORD
-C --cvs-exclude
-f --filter RULE
-F ! reads rules that the agent wrote
--exclude GLOB
--exclude-from LOCAL
--include GLOB
--include-from LOCAL
--files-from LOCAL
-0 --from0
--old-args ! lets the other host's shell read the names
-s --secluded-args --protect-args
--trust-sender ! lets the other host choose the names
--copy-as TEXT ! changes rights of others
--address TEXT ! moves the credential
--port INT
--sockopts TEXT ! moves the credential
--blocking-io
--outbuf {N|L|B|None|Line|Block}
--stats
-8 --8-bit-output
-h --human-readable
--no-human-readable --no-h
--progress
--no-progress
-P
-i --itemize-changes
-M --remote-option TEXT ! runs a program
--out-format TEXT
--log-format TEXT
--log-file LOCAL
--log-file-format TEXT
--password-file TEXT ! reads files outside the workspace
--early-input TEXT ! reads files outside the workspace
--list-only
--bwlimit NAME
--stop-after INT
--time-limit INT
--stop-at WORD
--fsync
--write-batch TEXT ! writes a program
--only-write-batch TEXT ! writes a program
--read-batch TEXT ! reads files outside the workspace
--protocol INT
--iconv TEXT ! is no everyday work
--checksum-seed INT
-4 --ipv4
-6 --ipv6
-V --version
--help
--no-verbose --no-v
--no-recursive --no-r
--no-checksum --no-c
--daemon ! listens for connections
--server ! is rsync's own protocol
--sender ! is rsync's own protocol
--config TEXT ! listens for connections
--dparam TEXT ! listens for connections
--no-detach ! listens for connections

[] write
use: all
args: PLACE... PLACE

[] read
use: all
args: PLACE
needs: --list-only

[] read
-V --version
--help
needs: -V --version --help
"""

_LOCAL: Final = without(BUILT_IN["PATH"], (r":", "it would name a host"))

PROFILE: Final = Profile(
    tool="rsync",
    about="copies within the workspace, and to and from the service's hosts",
    syntax=replace(GNU, short_equals=True),
    grammar=GRAMMAR,
    types={
        "PLACE": either(
            without(scp.PLACE.items[0], (r"::|^scp:", "a daemon, without encryption")),
            ordinary(without(BUILT_IN["PATH"], (r":", "it would name a host"), (r"^-$|^/dev/", "no file of the workspace"))),
        ),
        "LOCAL": _LOCAL,
        "SHELL": matching(
            r"ssh(?: -p ?\d{1,5}| -[qTxC46]| -l [\w.-]{1,64}| -o ?(?:BatchMode=yes|ConnectTimeout=\d{1,4}|"
            r"StrictHostKeyChecking=(?:yes|accept-new))){0,6}",
            "ssh with harmless options",
        ),
        # `merge` and `dir-merge` read files; so do their letters `.` and `:`
        "RULE": matching(
            r"(?:[-+PRHS!]|exclude|include|protect|risk|hide|show|clear)(?:,[/!srpx]{1,6})?[ _][^\x00-\x1f]{1,300}",
            "a rule with a pattern",
        ),
        "GLOB": matching(r"[^\x00-\x1f]{1,400}", "a pattern"),
    },
    harden=Hardening(
        env={"RSYNC_RSH": " ".join(("ssh", *ssh.HARDENED)), "RSYNC_PROXY": "", "RSYNC_CONNECT_PROG": "/bin/false"},
    ),
    delivery="file",
    source="rsync(1), 3.2–3.5",
)
