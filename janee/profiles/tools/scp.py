"""scp: copies between the workspace and the service's hosts.

Denied throughout: what ssh's profile denies (programs, configuration, jumps, keys), files outside the workspace or named like secrets,
and remote paths by which a host is taken over. Facts: scp(1), 9.2 to 10.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import POSIX
from janee.profiles.tools import ssh
from janee.profiles.types import BUILT_IN, either, ordinary, parts, without

GRAMMAR: Final = r"""
[] write
-3
-4
-6
-A ! lends the credential to another host
-B
-C
-c TEXT ! weakens the encryption
-D TEXT ! runs a program
-F TEXT ! reads configuration, which runs programs
-i TEXT ! reads files outside the workspace
-J TEXT ! moves the credential
-l INT
-O ! lets the other host's shell read the names
-o SETTING
-P INT
-p
-q
-R ! moves the credential
-r
-S TEXT ! runs a program
-s
-T ! lets the other host choose the names
-v
-X TEXT ! is no everyday work
-f ! is scp's own protocol
-t ! is scp's own protocol
-d ! is scp's own protocol
args: PLACE... PLACE
"""

# Where a file on a host becomes a program, a key or somebody's secret.
TAKEOVER: Final = (
    r":(?:/|/root|/etc|/boot|/dev|/proc|/sys|/usr|/bin|/sbin|/lib|/home)/?$|:/(?:etc|root|proc|sys|dev|boot|usr/s?bin|s?bin|lib\w*)(?:/|$)|"
    r"(?:^|[/:])\.(?:ssh|aws|kube|gnupg|docker|config|env|netrc|pgpass|bash\w*|profile|zsh\w*|git-credentials|vault-token)(?:$|[/.])|"
    r"\.git(?:/|$)|cron|authorized_keys|id_(?:rsa|ed25519|ecdsa|dsa)|shadow|sudoers|(?:^|/)\.\.(?:/|$)|:\.\.",
    "a path by which the host is taken over or its secrets are read",
)
PLACE: Final = either(
    without(
        parts(
            rf"(?:{ssh.USER}([A-Za-z0-9.-]+):[\w./~*+@%,=-]{{0,1000}}|scp://{ssh.USER}([A-Za-z0-9.-]+)(?::\d{{1,5}})?/[\w./~*+@%,=-]{{0,1000}})",
            "[USER@]HOST:PATH",
            BUILT_IN["HOST"],
            BUILT_IN["HOST"],
        ),
        TAKEOVER,
    ),
    # A colon makes the words before it a host.
    ordinary(without(BUILT_IN["PATH"], (r":", "it would name a host"), (r"^-$|^/dev/", "no file of the workspace"))),
)

PROFILE: Final = Profile(
    tool="scp",
    about="copies between the workspace and the service's hosts",
    syntax=replace(POSIX, equals=False),
    grammar=GRAMMAR,
    types={"SETTING": ssh.SETTING, "PLACE": PLACE},
    harden=Hardening(
        env={"SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "never"},
        insert=(
            "-F",
            "/dev/null",
            "-B",
            "-o",
            "ForwardAgent=no",
            "-o",
            "ClearAllForwardings=yes",
            "-o",
            "PermitLocalCommand=no",
        ),
    ),
    delivery="file",
    source="scp(1), 9.2–10",
)
