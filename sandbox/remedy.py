"""Why a layer is refused on this machine, in words that an operator can act on.

Guarantees: `causes` names what was found set against user namespaces, each with the one command or field that changes it.
Never: a verdict. Whether a layer can be had is found by trying (`check`); this only explains a failure.
"""

import os
import sys
from dataclasses import dataclass
from typing import Final

from sandbox import kernel

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
_CAP_SETFCAP: Final = 31
_CONTAINERS: Final = (  # (file or variable that tells, cause, remedy)
    (
        "KUBERNETES_SERVICE_HOST",
        "a Kubernetes pod: its seccomp and AppArmor profiles decide",
        "in the pod: hostUsers: false; in the container's securityContext: procMount: Unmasked, "
        "appArmorProfile.type: Unconfined, seccompProfile.type: Localhost with Janee's packaging/seccomp.json (or Unconfined)",
    ),
    (
        "/.dockerenv",
        "a Docker container: its seccomp and AppArmor profiles decide",
        "docker run --security-opt seccomp=packaging/seccomp.json --security-opt systempaths=unconfined, and where the host "
        "has AppArmor --security-opt apparmor=unconfined (the profile is Janee's; seccomp=unconfined works too)",
    ),
    (
        "/run/.containerenv",
        "a Podman container: its seccomp profile decides",
        "podman run --security-opt seccomp=packaging/seccomp.json --security-opt unmask=ALL",
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
    if os.geteuid() == 0 and not kernel.effective_capabilities() & 1 << _CAP_SETFCAP:
        found.append(
            Cause(
                "root without CAP_SETFCAP cannot map itself into a user namespace (user_namespaces(7))",
                "run it as an ordinary user: Docker --user 1000, Kubernetes runAsUser",
            )
        )
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
