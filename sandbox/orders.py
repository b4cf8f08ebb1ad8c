"""A specification as pid 1 needs it: translated to a message, and back.

Guarantees: what arrives is validated by the same constructors as what was sent. Never: host paths. Mounts travel as
descriptors that are already open, so that nothing is looked up by name after it was checked.
"""

import os
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox import wire
from sandbox.spec import ANY_NAME, HOME_DIR, FileIdentity, HostEntry, Level, Limits, Mount, PrivateFile, SandboxSpec


@dataclass(frozen=True, slots=True)
class Target:
    """Where a mount goes; `is_writable` decides its Landlock rule."""

    path: str
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Orders:
    """What pid 1 does. See `SandboxSpec` for the fields; descriptors travel beside it: stdin, stdout, stderr, then the
    mounts in order."""

    argv: tuple[bytes, ...]
    env: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    cwd: str
    executable: str | None
    identity: FileIdentity | None
    targets: tuple[Target, ...]
    hosts: tuple[HostEntry, ...]
    files: tuple[PrivateFile, ...]
    limits: Limits
    loopback: bool
    programs: tuple[str, ...] | None = None
    trust: bytes = b""

    @property
    def listener_count(self) -> int:
        """One for each of the hosts, and the resolver's."""
        return len(self.hosts) + any(host.name == ANY_NAME for host in self.hosts)

    @classmethod
    def of(cls, spec: SandboxSpec, default_cwd: str = HOME_DIR) -> "Orders":
        """The orders for `spec`."""
        return cls(
            argv=tuple(os.fsencode(word) for word in spec.argv),
            env=tuple((os.fsencode(name), os.fsencode(value)) for name, value in spec.env.items()),
            cwd=spec.cwd or default_cwd,
            executable=spec.executable,
            identity=spec.executable_identity,
            targets=tuple(Target(mount.target, mount.writable) for mount in spec.mounts),
            hosts=spec.hosts,
            files=spec.files,
            limits=spec.limits,
            loopback=spec.loopback,
            programs=spec.programs,
            trust=spec.trust,
        )

    def to_message(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "argv": [wire.text_of(word) for word in self.argv],
            "env": [[wire.text_of(name), wire.text_of(value)] for name, value in self.env],
            "cwd": self.cwd,
            "executable": self.executable,
            "identity": asdict(self.identity) if self.identity else None,
            "targets": [[target.path, target.is_writable] for target in self.targets],
            "hosts": [[host.name, host.address, host.port] for host in self.hosts],
            "files": [[file.path, wire.text_of(file.content), file.mode] for file in self.files],
            "limits": asdict(self.limits),
            "loopback": self.loopback,
            "programs": None if self.programs is None else list(self.programs),
            "trust": wire.text_of(self.trust),
        }

    @classmethod
    def from_message(cls, body: dict[str, Any]) -> "Orders":
        """The inverse of `to_message`. Raises `KeyError`, `TypeError`, `ValueError` or `SandboxError` for anything
        else."""
        return cls(
            argv=tuple(wire.bytes_of(word) for word in body["argv"]),
            env=tuple((wire.bytes_of(name), wire.bytes_of(value)) for name, value in body["env"]),
            cwd=body["cwd"],
            executable=body["executable"],
            identity=FileIdentity(**body["identity"]) if body["identity"] else None,
            targets=tuple(Target(path, is_writable) for path, is_writable in body["targets"]),
            hosts=tuple(HostEntry(*host) for host in body["hosts"]),
            files=tuple(PrivateFile(path, wire.bytes_of(content), mode) for path, content, mode in body["files"]),
            limits=Limits(**body["limits"]),
            loopback=body["loopback"],
            programs=None if body["programs"] is None else tuple(str(path) for path in body["programs"]),
            trust=wire.bytes_of(body["trust"]),
        )


def spec_to_message(spec: SandboxSpec) -> dict[str, Any]:
    """A whole specification as JSON types, for a process that will open the mounts itself."""
    return Orders.of(spec).to_message() | {
        "cwd": spec.cwd,
        "level": spec.level.value,
        "mounts": [[mount.source, mount.target, mount.writable] for mount in spec.mounts],
        "protected": list(spec.protected),
        "explain": spec.explain,
    }


def spec_from_message(body: dict[str, Any]) -> SandboxSpec:
    """The inverse of `spec_to_message`, up to words that were str and are bytes now."""
    orders = Orders.from_message(body)
    return SandboxSpec(
        argv=orders.argv,
        env={os.fsdecode(name): os.fsdecode(value) for name, value in orders.env},
        cwd=orders.cwd,
        executable=orders.executable,
        executable_identity=orders.identity,
        level=Level(body["level"]),
        mounts=tuple(Mount(*mount) for mount in body["mounts"]),
        hosts=orders.hosts,
        files=orders.files,
        limits=orders.limits,
        protected=tuple(body["protected"]),
        loopback=orders.loopback,
        programs=orders.programs,
        trust=orders.trust,
        explain=body["explain"],
    )
