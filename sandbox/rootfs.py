"""The private root: built from nothing, so that what is not named here does not exist inside.

Guarantees: after `build` the process stands in a new root with a read-only /usr, a few files of /etc, an own /proc,
/dev and size-limited /tmp and home, and the host's tree is unmounted; after `seal` the root itself is read-only too.
Never: a path of the host that is not in `_USR_LIKE`, `_ETC_BINDS`, `_DEVICES` or the specification's mounts.

Everything is mounted nosuid and nodev (devices excepted); noexec wherever no honest tool executes.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final

from sandbox import kernel
from sandbox.errors import ErrorCode, SandboxError
from sandbox.spec import ANY_NAME, HOME_DIR, INSIDE_ID, RESOLVER, TRUST_BUNDLE, USER_NAME, HostEntry, PrivateFile

# Where the old root still stands while the new one is built; any directory that exists everywhere will do.
_STAGE: Final = "/proc"
_READ_ONLY: Final = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
_NO_FILES: Final = kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV | kernel.MOUNT_ATTR_NOEXEC
_USR_LIKE: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # links into /usr on a merged system
_ETC_BINDS: Final = (
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "java-17-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "pki",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
)
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS: Final = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
)
# What programs read for the certificates of the system: Debian and Arch, Fedora, SUSE, Alpine.
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_DIRECTORIES: Final = (
    "usr",
    "etc",
    "etc/ssl",
    "proc",
    "dev",
    "dev/shm",
    "tmp",
    "run",
    "var",
    "var/tmp",
    "home",
    HOME_DIR[1:],
    "opt",
)
_TEMPLATE_DIRECTORIES: Final = ("usr", "etc", "dev")
_SCRATCH: Final = (
    ("tmp", "tmp", 0),
    ("var/tmp", "vartmp", 0),
    (HOME_DIR[1:], "home", 0),
    ("dev/shm", "shm", kernel.MOUNT_ATTR_NOEXEC),
)
_UNCOVERED_SCRATCH: Final = "/dev/shm"  # noqa: S108  # private; `spec` lets nobody mount below /dev
_ROOT_SIZE: Final = "8m"  # directories, generated files and `PrivateFile`s
_ROOT_INODES: Final = "4096"


@dataclass(frozen=True, slots=True)
class Scratch:
    """The file system behind every private writable path: one quota for all of them. context: descriptor for
    `resize`."""

    context: int


_NSSWITCH: Final = "passwd: files\ngroup: files\nshadow: files\nhosts: {hosts}\nservices: files\nprotocols: files\n"


def _generated_files(host_name: str) -> tuple[tuple[str, str], ...]:
    user = f"{USER_NAME}:x:{INSIDE_ID}:{INSIDE_ID}:{USER_NAME}:{HOME_DIR}:/bin/sh\n"
    user += "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    return (
        ("etc/passwd", user),
        ("etc/group", f"{USER_NAME}:x:{INSIDE_ID}:\nnogroup:x:65534:\n"),
        ("etc/hostname", f"{host_name}\n"),
        ("etc/hosts", f"127.0.0.1 localhost {host_name}\n"),
        ("etc/resolv.conf", ""),
        ("etc/nsswitch.conf", _NSSWITCH.format(hosts="files")),
        ("etc/host.conf", "multi on\n"),
        ("etc/gitconfig", ""),
    )


def build(scratch_mib: int, scratch_inodes: int, host_name: str, *, from_template: bool = False) -> Scratch:
    """Build the root and enter it. Needs a mount namespace of its own; raises `OSError` with the failing call.

    from_template: the process stands in what `build_template` made, not in the host's tree; a fifth of the work is left.
    """
    with ExitStack() as stack:
        proc = _fresh(stack, "proc", (("hidepid", "invisible"), ("subset", "pid")), _NO_FILES | kernel.MOUNT_ATTR_RDONLY)
        root = _fresh_root(stack)
        if from_template:
            _enter_new(stack, root, _template_binds(root), proc)
        else:
            _make_private()
            _make_tree(root, host_name)
            _enter_new(stack, root, _system_binds(root), proc)
        scratch = _mount_scratch(stack, root, scratch_mib, scratch_inodes)
        os.fchdir(root)
        kernel.pivot_into_cwd()
    return scratch


def build_template(host_name: str) -> None:
    """Build the part of the root that all sandboxes share, read-only, and enter it. Raises `OSError`.

    Its /proc is a complete one and writable: a sandbox needs one to be in sight to mount its own (mount_too_revealing in
    the kernel's fs/namespace.c), and to forbid user namespaces.
    """
    with ExitStack() as stack:
        proc = _fresh(stack, "proc", (), _NO_FILES)
        root = _fresh_root(stack)
        _make_private()
        _make_tree(root, host_name)
        _enter_new(stack, root, _system_binds(root), proc)
        kernel.set_mount_attributes(root, add=kernel.MOUNT_ATTR_RDONLY, recursive=False)
        os.fchdir(root)
        kernel.pivot_into_cwd()


def _make_private() -> None:
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        kernel.set_mount_attributes(root, propagation=kernel.MS_PRIVATE)
    finally:
        os.close(root)


def _fresh_root(stack: ExitStack) -> int:
    return _fresh(stack, "tmpfs", (("size", _ROOT_SIZE), ("nr_inodes", _ROOT_INODES), ("mode", "0755")), _NO_FILES)


def _enter_new(stack: ExitStack, root: int, sources: Iterable[tuple[int, str]], proc: int) -> None:
    """Attach the new root on the stage, with the binds and /proc in it."""
    # The sources must be taken before the stage hides the old /proc, and before the old root goes.
    stage = _keep(stack, os.open(_STAGE, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    binds = [(_keep(stack, source), target) for source, target in sources]
    kernel.move_mount(root, stage)
    for source, target in binds:
        kernel.move_mount(source, root, target)
    kernel.move_mount(proc, root, "proc")


def _keep(stack: ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _fresh(stack: ExitStack, kind: str, options: tuple[tuple[str, str], ...], attributes: int) -> int:
    context, mount = kernel.new_filesystem(kind, options, attributes)
    _keep(stack, context)
    return _keep(stack, mount)


def _template_binds(root: int) -> Iterable[tuple[int, str]]:
    """Recursive copies of the template's system directories; the rest of the tree is made anew, and stays ours."""
    for name in _DIRECTORIES:
        if name.partition("/")[0] not in _TEMPLATE_DIRECTORIES or name in _TEMPLATE_DIRECTORIES:
            os.mkdir(name, 0o755, dir_fd=root)
    os.symlink("/run", "var/run", dir_fd=root)
    for name in _TEMPLATE_DIRECTORIES:
        yield kernel.open_tree_clone(f"/{name}"), name
    for name in _USR_LIKE:
        try:
            os.symlink(os.readlink(f"/{name}"), name, dir_fd=root)
        except FileNotFoundError:
            continue
        except OSError:  # EINVAL: a directory, where /usr is not merged
            os.mkdir(name, 0o755, dir_fd=root)
            yield kernel.open_tree_clone(f"/{name}"), name


def _make_tree(root: int, host_name: str) -> None:
    for name in _DIRECTORIES:
        os.mkdir(name, 0o755, dir_fd=root)
    os.symlink("/run", "var/run", dir_fd=root)
    os.symlink("/proc/self/mounts", "etc/mtab", dir_fd=root)
    for name, text in _generated_files(host_name):
        _write_new(root, name, text.encode(), 0o644)
    for name, target in _DEVICE_LINKS:
        os.symlink(target, f"dev/{name}", dir_fd=root)


def _write_new(directory: int, name: str, content: bytes, mode: int) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=directory)
    with open(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(descriptor, mode)


def _system_binds(root: int) -> Iterable[tuple[int, str]]:
    """Detached read-only copies of the host paths that every sandbox has, with mount points made for them."""
    yield _read_only("/usr", _READ_ONLY), "usr"
    for name in _USR_LIKE:
        path = f"/{name}"
        if os.path.islink(path):
            os.symlink(os.readlink(path), name, dir_fd=root)
        elif os.path.isdir(path):
            os.mkdir(name, 0o755, dir_fd=root)
            yield _read_only(path, _READ_ONLY), name
    for name in _ETC_BINDS:
        path, target = f"/etc/{name}", f"etc/{name}"
        if os.path.islink(path) and name == "localtime":
            os.symlink(os.readlink(path), target, dir_fd=root)
        elif os.path.exists(path):
            _make_mount_point(root, target, is_directory=os.path.isdir(path))
            yield _read_only(path, _READ_ONLY | kernel.MOUNT_ATTR_NOEXEC), target
    for name in _DEVICES:
        _make_mount_point(root, f"dev/{name}", is_directory=False)
        device = kernel.open_tree_clone(f"/dev/{name}")
        # Read-only concerns the node (times, mode), not what is written to the device.
        kernel.set_mount_attributes(device, add=kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NOEXEC | kernel.MOUNT_ATTR_RDONLY)
        yield device, f"dev/{name}"


def _read_only(path: str, attributes: int) -> int:
    mount = kernel.open_tree_clone(path)
    kernel.set_mount_attributes(mount, add=attributes)
    return mount


def _make_mount_point(root: int, target: str, *, is_directory: bool) -> None:
    if is_directory:
        os.mkdir(target, 0o755, dir_fd=root)
    else:
        _write_new(root, target, b"", 0o444)


def _mount_scratch(stack: ExitStack, root: int, mib: int, inodes: int) -> Scratch:
    """One tmpfs for /tmp, /var/tmp, home and /dev/shm, so that one quota holds for all.

    Its root is mounted on /tmp first, only because a detached tree cannot be copied; the copy of its `tmp` then covers
    it.
    """
    options = (("size", f"{mib}m"), ("nr_inodes", str(inodes)), ("mode", "0700"))
    context, mount = kernel.new_filesystem("tmpfs", options, kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV)
    _keep(stack, mount)
    mask = os.umask(0)
    for _, name, _ in _SCRATCH:
        os.mkdir(name, 0o700 if name == "home" else 0o1777, dir_fd=mount)  # as every /tmp is; nobody else is inside
    os.umask(mask)
    kernel.move_mount(mount, root, "tmp")
    copies = []
    for target, name, attributes in _SCRATCH:
        copy = _keep(stack, kernel.open_tree_clone(name, dir_fd=mount))
        if attributes:
            kernel.set_mount_attributes(copy, add=attributes)
        copies.append((copy, target))
    for copy, target in copies:
        kernel.move_mount(copy, mount if target == "tmp" else root, "" if target == "tmp" else target)
    return Scratch(context)


# ---- for one specification, inside the new root


def resize(scratch: Scratch, mib: int, inodes: int) -> None:
    """Give the private writable paths another quota."""
    kernel.reconfigure_filesystem(scratch.context, (("size", f"{mib}m"), ("nr_inodes", str(inodes))))


def attach(mounts: Iterable[tuple[int, str]]) -> None:
    """Attach detached mounts at their targets, outer ones first. Mount points are created where the root is ours.

    Raises `SandboxError`: a target that leads through a symbolic link, or does not exist in a tree that is not ours to
    change.
    """
    for mount, target in sorted(mounts, key=lambda pair: pair[1].count("/")):
        is_directory = stat.S_ISDIR(os.fstat(mount).st_mode)
        try:
            point = _open_mount_point(target, is_directory=is_directory)
        except OSError as error:
            hint = "choose a target whose path has no symbolic link and lies in no read-only mount"
            raise SandboxError(ErrorCode.BAD_SPEC, f"cannot mount at {target!r}: {error.strerror}", hint) from None
        try:
            kernel.move_mount(mount, point)
        except OSError as error:
            raise SandboxError(ErrorCode.SETUP_FAILED, f"cannot mount at {target!r}: {error.strerror}") from None
        finally:
            os.close(point)


def _open_mount_point(target: str, *, is_directory: bool) -> int:
    """Open `target`, made if missing, without following a link anywhere: a workspace's owner may have planted one."""
    parent, _, name = target.rpartition("/")
    directory = _make_directories(parent)
    try:
        if _is_ours(directory):
            with suppress(FileExistsError):
                if is_directory:
                    os.mkdir(name, 0o755, dir_fd=directory)
                else:
                    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=directory))
        return kernel.open_beneath(name, os.O_PATH, dir_fd=directory)
    finally:
        os.close(directory)


def _is_ours(directory: int) -> bool:
    """Does `directory` lie in a private tmpfs? Nothing is ever created in a mount of the host for want of a mount
    point, nor a private file.

    Known by two places that no mount of a specification can cover, as it can /tmp and home."""
    return os.fstat(directory).st_dev in (os.stat("/").st_dev, os.stat(_UNCOVERED_SCRATCH).st_dev)


def _make_directories(path: str) -> int:
    """Open directory `path` from the root, making what is missing, following no link."""
    current = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in path.split("/")[1:]:
        try:
            try:
                following = kernel.open_beneath(name, os.O_PATH | os.O_DIRECTORY, dir_fd=current)
            except FileNotFoundError:
                if not _is_ours(current):
                    raise
                os.mkdir(name, 0o755, dir_fd=current)
                following = kernel.open_beneath(name, os.O_PATH | os.O_DIRECTORY, dir_fd=current)
        finally:
            os.close(current)
        current = following
    return current


def write_files(files: Iterable[PrivateFile]) -> None:
    """Create the private files, in memory only. Raises `SandboxError` when one cannot be; never with its content."""
    for file in files:
        parent, _, name = file.path.rpartition("/")
        try:
            directory = _make_directories(parent)
            try:
                if not _is_ours(directory):
                    hint = "choose a path outside of every mount"
                    raise SandboxError(ErrorCode.BAD_SPEC, f"private file {file.path!r} would lie in a mount of the host", hint)
                _write_new(directory, name, file.content, file.mode)
            finally:
                os.close(directory)
        except OSError as error:
            raise SandboxError(ErrorCode.SETUP_FAILED, f"cannot write private file {file.path!r}: {error.strerror}") from None


def write_hosts(entries: Iterable[HostEntry], host_name: str) -> None:
    """/etc/hosts with the given names, and nothing else that resolves beside localhost, unless one is ANY_NAME: then RESOLVER
    is asked for all others."""
    named = [entry for entry in entries if entry.name != ANY_NAME]
    lines = [f"127.0.0.1 localhost {host_name}", *(f"{entry.address} {entry.name}" for entry in named)]
    _replace("hosts", "\n".join(lines) + "\n")
    if len(named) < len(tuple(entries)):
        _replace("resolv.conf", f"nameserver {RESOLVER[0]}\noptions timeout:5 attempts:1\n")
        _replace("nsswitch.conf", _NSSWITCH.format(hosts="files dns"))


def _replace(name: str, content: str) -> None:
    """A new file over /etc/NAME, because the old one may be the template's."""
    root = os.open("/run", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _write_new(root, name, content.encode(), 0o644)
        copy = kernel.open_tree_clone(name, dir_fd=root)
        try:
            kernel.set_mount_attributes(copy, add=_NO_FILES | kernel.MOUNT_ATTR_RDONLY)
            kernel.move_mount(copy, kernel.AT_FDCWD, f"/etc/{name}")
        finally:
            os.close(copy)
        os.unlink(name, dir_fd=root)
    finally:
        os.close(root)


def write_trust(certificates: bytes) -> None:
    """The system's certificates and these, in TRUST_BUNDLE and in the place of every bundle of the system."""
    bundles = sorted({os.path.realpath(path) for path in _BUNDLES if os.path.isfile(path)})
    system = b""
    if bundles:
        with open(bundles[0], "rb") as file:
            system = file.read()
    root = os.open(os.path.dirname(TRUST_BUNDLE), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        name = os.path.basename(TRUST_BUNDLE)
        _write_new(root, name, system.rstrip(b"\n") + b"\n" + certificates, 0o444)
        for bundle in bundles:
            copy = kernel.open_tree_clone(name, dir_fd=root)
            try:
                kernel.set_mount_attributes(copy, add=_NO_FILES | kernel.MOUNT_ATTR_RDONLY)
                kernel.move_mount(copy, kernel.AT_FDCWD, bundle)
            finally:
                os.close(copy)
    finally:
        os.close(root)


def pin_executable(path: str, opened: int) -> None:
    """Mount the file that was checked over its own name: whoever can rename files on the host can no longer swap it."""
    copy = kernel.open_tree_clone("", dir_fd=opened, recursive=False)
    try:
        kernel.set_mount_attributes(copy, add=_READ_ONLY, recursive=False)
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            kernel.move_mount(copy, target)
        finally:
            os.close(target)
    finally:
        os.close(copy)


def seal() -> None:
    """Make the root itself read-only: the last change of the tree."""
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        kernel.set_mount_attributes(root, add=kernel.MOUNT_ATTR_RDONLY, recursive=False)
    finally:
        os.close(root)
