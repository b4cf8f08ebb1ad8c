"""Why a layer is refused on this machine, in words that an operator can act on.

Guarantees: `causes` names what was found set against user namespaces, each with the one command or field that changes it.
Never: a verdict. Whether a layer can be had is found by trying (`check`); this only explains a failure.
"""

import os
import sys
from dataclasses import dataclass
from typing import Final

_SYSCTLS: Final = (  # (file, the value that forbids, cause, remedy)
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "sysctl user.max_user_namespaces is 0",
        "sysctl -w user.max_user_namespaces=15000 (and a file in /etc/sysctl.d)",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sysctl kernel.unprivileged_userns_clone is 0 (Debian)",
        "sysctl -w kernel.unprivileged_userns_clone=1 (and a file in /etc/sysctl.d)",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns is 1 (Ubuntu 23.10 and newer)",
        "an AppArmor profile for {python} with the line `userns,`, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
_CONTAINERS: Final = (  # (file or variable that tells, cause, remedy)
    (
        "KUBERNETES_SERVICE_HOST",
        "a Kubernetes pod: its seccomp and AppArmor profiles decide",
        "in the pod: hostUsers: false; in the container's securityContext: seccompProfile.type: Unconfined (or Localhost with "
        "clone, unshare and the mount calls allowed), appArmorProfile.type: Unconfined, procMount: Unmasked",
    ),
    (
        "/.dockerenv",
        "a Docker container: its seccomp and AppArmor profiles decide",
        "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined "
        "(or a seccomp profile that also allows clone, unshare, setns and the mount calls)",
    ),
    (
        "/run/.containerenv",
        "a Podman container: its seccomp profile decides",
        "podman run --security-opt seccomp=unconfined --security-opt unmask=ALL",
    ),
)


@dataclass(frozen=True, slots=True)
class Cause:
    """What stands in the way, and the operator's next step."""

    cause: str
    remedy: str


def causes() -> tuple[Cause, ...]:
    """What on this machine is known to refuse namespaces; empty when nothing is."""
    found = [
        Cause(cause, remedy.format(python=sys.executable))
        for path, forbidding, cause, remedy in _SYSCTLS
        if _read(path) == forbidding
    ]
    found += [Cause(cause, remedy) for mark, cause, remedy in _CONTAINERS if mark in os.environ or os.path.exists(mark)][:1]
    if _read("/sys/fs/selinux/enforce") == "1":
        found.append(
            Cause("SELinux enforces", "setsebool -P user_namespaces 1, or look for denials: ausearch -m avc -ts recent")
        )
    if not _is_real_root():
        found.append(Cause("this process is in a chroot, where user namespaces are refused", "start it outside the chroot"))
    return tuple(found)


def subordinate_ids(user: str, uid: int) -> tuple[str, ...]:
    """The ranges of /etc/subuid for a user, as `first:count`. subuid(5)."""
    return tuple(
        ":".join(fields[1:3])
        for fields in (line.split(":") for line in _read("/etc/subuid").splitlines())
        if len(fields) == 3 and fields[0] in (user, str(uid))
    )


def _is_real_root() -> bool:
    """False in a chroot: then the root directory is no mount point. proc_pid_mountinfo(5)."""
    return any(line.split()[4] == "/" for line in _read("/proc/self/mountinfo").splitlines())


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""
