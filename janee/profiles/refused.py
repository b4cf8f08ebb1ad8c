"""Programs for which no profile can be written, because running others or showing the environment is all they do.

A name here only explains a denial: what is not here and has no profile is denied just the same.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

_TABLE: Final = (
    ("prints the environment, and the credential with it", "printenv env export set declare "),
    (
        "is a shell: it runs any program",
        "sh bash dash zsh ksh ksh93 mksh ash fish tcsh csh rbash elvish nu xonsh pwsh powershell busybox toybox ",
    ),
    (
        "is an interpreter: it runs any program",
        "python python2 python3 pypy pypy3 ipython jupyter node nodejs deno bun perl ruby irb php lua luajit tclsh "
        "wish expect awk gawk mawk nawk sed ed ex vi vim nvim view nano emacs pico less more most man R Rscript julia "
        "ghci runghc scala groovy jshell java erl escript elixir iex guile racket sbcl clisp osascript gdb lldb m4 dc "
        "bc tsx ts-node ",
    ),
    (
        "runs other programs",
        "xargs nohup nice ionice timeout stdbuf setsid time watch parallel script scriptreplay unbuffer entr flock "
        "chroot unshare nsenter setpriv runuser su sudo doas pkexec runcon start-stop-daemon systemd-run at batch "
        "crontab strace ltrace perf valgrind taskset chrt numactl prlimit capsh ld.so exec eval command builtin "
        "source find fd make gmake cmake ninja bazel just task rake mage npx pnpx bunx uvx pipx tmux screen dtach "
        "socat ncat nc netcat telnet openssl ssh-agent gpg-agent direnv dotenv envchain aws-vault chamber summon "
        "berglas doppler tox nox pre-commit husky act ",
    ),
    ("moves files off the machine without a service", "ftp sftp tftp rcp lftp croc wormhole magic-wormhole rclone "),
)

_REASONS: Final = MappingProxyType({name: reason for reason, names in _TABLE for name in names.split()})


def reason_for(name: str) -> str:
    """Why a program of this name is refused, or "". A version behind the name (python3.12) makes no difference."""
    plain = name.rpartition("/")[2]
    return _REASONS.get(plain) or _REASONS.get(plain.rstrip("0123456789.-")) or ""
