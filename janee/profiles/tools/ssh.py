"""ssh: single commands on the service's hosts.

Denied throughout: shells (no command), terminals, forwardings of ports, agents, sockets and displays, jumps over other hosts, options
that name programs or files (ProxyCommand, LocalCommand, KnownHostsCommand, IdentityFile, Include, …), configuration files, and unknown
host keys. Of remote commands only plain ones of a list are allowed: what looks at a machine, and git's and systemd's everyday ones.
Options end at the destination; ssh would take more behind it, they are denied. Facts: ssh(1), ssh_config(5), 9.2 to 10.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import POSIX
from janee.profiles.types import BUILT_IN, matching, one_of, parts, without

GRAMMAR: Final = r"""
%all
-4
-6
-A ! lends the credential to another host
-a
-B TEXT ! moves the credential
-b TEXT ! moves the credential
-C
-c TEXT ! weakens the encryption
-D TEXT ! opens a tunnel
-E TEXT ! writes a file under any name
-e TEXT ! is no everyday work
-F TEXT ! reads configuration, which runs programs
-f ! outlives the command
-G ! is no everyday work
-g ! listens for connections
-I TEXT ! runs a program (a library)
-i TEXT ! reads files outside the workspace
-J TEXT ! moves the credential
-K ! lends the credential to another host
-k
-L TEXT ! opens a tunnel
-l NAME
-M ! outlives the command
-m TEXT ! weakens the encryption
-N ! opens a tunnel
-n
-O TEXT ! outlives the command
-o SETTING
-P TEXT ! is no everyday work
-p INT
-q
-R TEXT ! opens a tunnel
-S TEXT ! moves the credential
-s ! is no everyday work
-T
-t ! opens a shell
-v
-W TEXT ! opens a tunnel
-w TEXT ! opens a tunnel
-X ! opens a tunnel
-x
-Y ! opens a tunnel
-y ! is no everyday work

[] read
use: all
-V
needs: -V

[] read
use: all
-Q {cipher|cipher-auth|mac|kex|key|key-cert|key-plain|key-sig|sig|protocol-version|compression|help}
needs: -Q

[] read
use: all
args: GITHOST
needs: -T

[] read
use: all
args: DESTINATION LOOK

[] read
use: all
args: DESTINATION PLAIN [WORDS...]

[] read
use: all
args: DESTINATION {systemctl} {status|is-active|is-enabled|is-failed|list-units|list-timers|show} [WORDS...]

[] read
use: all
args: DESTINATION {docker} {ps|logs|images|version|info} [WORDS...]

[] read
use: all
args: DESTINATION {cat|tail|head|zcat|grep} LOGWORD...

[] write
use: all
args: DESTINATION CHANGE

[] write
use: all
args: DESTINATION {systemctl} {restart|reload|start|stop} NAME

[] write
use: all
args: DESTINATION {docker} {restart|start|stop} NAME

"""

# A word of a remote command: nothing that a shell would act on, but `~`, `*` and `{}`-less paths.
_WORD: Final = r"[\w./:=@%+,~*-]{1,200}"
_WORDS: Final = rf"(?: {_WORD}){{0,24}}"
_LOGS: Final = (
    r"(?:/var/log|/var/www|/srv|/opt|logs?|\./logs?|~/logs?)(?:/[\w.-]{1,100}){0,8}|/etc/(?:os-release|hostname|issue)"
)
_LOOKS: Final = (
    r"(?:hostname|date)(?: -[fIuR]| \+[\w%:/.-]{1,40})?|"
    rf"(?:uptime|whoami|uname|df|du|free|ls|pwd|ps|wc|vmstat|lscpu|lsblk|nproc|last|w|arch|stat|true)\b{_WORDS}|"
    rf"(?:cat|tail|head|zcat|grep)(?: -[\w-]{{1,20}}| \d{{1,6}}| (?![/.~-])[\w:=-]{{1,60}}){{0,6}} (?:{_LOGS})|"
    rf"systemctl (?:status|is-active|is-enabled|is-failed|list-units|list-timers|show){_WORDS}|journalctl{_WORDS}|"
    rf"docker (?:ps|logs|images|stats --no-stream|version|info|compose (?:ps|logs)){_WORDS}|"
    rf"git (?:-C [\w./~-]{{1,200}} )?(?:status|log|rev-parse|branch|describe|show|diff){_WORDS}|"
    rf"pm2 (?:list|ls|status|logs --nostream){_WORDS}|nginx -[tvV]"
)
_CHANGES: Final = (
    r"systemctl (?:restart|reload|start|stop) [\w.@-]{1,80}|git (?:-C [\w./~-]{1,200} )?(?:pull|fetch|checkout|switch)(?: --ff-only)?"
    r"(?: --[a-z-]{1,20}| [\w][\w./-]{0,100}){0,3}|docker (?:restart|start|stop) [\w.-]{1,80}|docker compose (?:up -d|pull|restart)(?: [\w.-]{1,80})?|"
    r"pm2 (?:restart|reload) [\w.-]{1,80}|mkdir(?: -p)? [\w./~-]{1,200}|touch [\w./~-]{1,200}"
)
_DANGER: Final = (
    r"(?:^|[\s/])(?:\.ssh|\.aws|\.kube|\.gnupg|\.env|\.netrc|\.git-credentials|shadow|sudoers|environ|id_rsa|id_ed25519|authorized_keys)(?:$|[\s/.])|"
    r"/proc/|/etc/cron|--upload-pack|--output|--ext-diff|--exec|--textconv|--no-index|\.\./|-delete",
    "secrets of the host, or a program on it",
)
USER: Final = r"(?:[A-Za-z0-9_][\w.-]{0,63}@)?"
SETTING: Final = matching(
    r"(?i:batchmode[= ]yes|connecttimeout[= ]\d{1,4}|connectionattempts[= ]\d{1,3}|stricthostkeychecking[= ](?:yes|accept-new)|"
    r"serveraliveinterval[= ]\d{1,5}|serveralivecountmax[= ]\d{1,4}|loglevel[= ](?:quiet|fatal|error|info|verbose)|"
    r"identitiesonly[= ]yes|requesttty[= ]no|passwordauthentication[= ]no|kbdinteractiveauthentication[= ]no|"
    r"preferredauthentications[= ]publickey|tcpkeepalive[= ](?:yes|no)|compression[= ](?:yes|no)|addressfamily[= ](?:inet6?|any)|"
    r"port[= ]\d{1,5}|user[= ][\w.-]{1,64}|forwardagent[= ]no|forwardx11[= ]no|clearallforwardings[= ]yes|permitlocalcommand[= ]no|"
    r"updatehostkeys[= ]no|checkhostip[= ](?:yes|no)|controlmaster[= ]no|controlpath[= ]none|proxycommand[= ]none|proxyjump[= ]none)",
    "a harmless setting (BatchMode=yes, ConnectTimeout=N, StrictHostKeyChecking=accept-new, …)",
)
# ssh's own configuration and everything that it would ask a person or the agent's files for.
HARDENED: Final = (
    "-F",
    "/dev/null",
    "-o",
    "BatchMode=yes",
    "-o",
    "ForwardAgent=no",
    "-o",
    "ClearAllForwardings=yes",
    "-o",
    "PermitLocalCommand=no",
    "-o",
    "ControlMaster=no",
    "-o",
    "UpdateHostKeys=no",
)

PROFILE: Final = Profile(
    tool="ssh",
    about="single commands on the service's hosts",
    syntax=replace(POSIX, equals=False),
    grammar=GRAMMAR,
    types={
        "SETTING": SETTING,
        "DESTINATION": parts(
            rf"(?:{USER}([A-Za-z0-9.-]+)|ssh://{USER}([A-Za-z0-9.-]+)(?::\d{{1,5}})?/?)",
            "[USER@]HOST",
            BUILT_IN["HOST"],
            BUILT_IN["HOST"],
        ),
        "GITHOST": parts(r"git@([A-Za-z0-9.-]+)", "git@HOST", BUILT_IN["HOST"]),
        "LOOK": without(
            matching(
                rf"(?:cd [\w./~-]{{1,200}} && )?(?:{_LOOKS})(?: \| (?:tail|head|wc|sort|uniq|grep)(?: [\w:=.-]{{1,60}}){{0,4}}){{0,3}}"
                rf"(?: && (?:{_LOOKS}))?",
                "a command that only looks (uptime, df, systemctl status, tail of a log, …)",
            ),
            _DANGER,
        ),
        "PLAIN": one_of("uptime whoami uname df du free ls pwd ps vmstat lscpu lsblk nproc stat journalctl true"),
        "LOGWORD": without(
            matching(rf"{_LOGS}|-[\w-]{{1,20}}|[A-Za-z0-9_][\w:=-]{{0,60}}", "an option, a word or a file of logs"), _DANGER
        ),
        "CHANGE": without(
            matching(
                rf"(?:cd [\w./~-]{{1,200}} && )?(?:{_CHANGES})(?: && (?:{_CHANGES}|{_LOOKS}))?",
                "an everyday command (git pull, systemctl restart NAME, …)",
            ),
            _DANGER,
        ),
        "WORDS": without(matching(_WORD, "a plain word"), _DANGER),
    },
    harden=Hardening(env={"SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "never"}, insert=HARDENED),
    companions={"api.github.com": ("github.com",), "api.bitbucket.org": ("bitbucket.org",)},
    delivery="file",
    source="ssh(1), ssh_config(5), 9.2–10",
)
