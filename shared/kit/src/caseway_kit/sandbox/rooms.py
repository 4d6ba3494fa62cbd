"""The zygote's walls, which its children inherit: namespaces, and a root with nothing in it but what Python needs.

Each is tried by itself, since containers forbid some and not others. What fails is written down, not fatal.
"""

import os
import sys
from pathlib import Path

from caseway_kit.sandbox import kernel
from caseway_kit.sandbox.isolation import Isolation

_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom")


def readable_paths() -> list[str]:
    """What a parser may read: the interpreter with its libraries, and the folders that modules come from."""
    wanted = [*_SYSTEM, sys.prefix, sys.base_prefix, *sys.path]
    kept: list[str] = []
    for path in sorted({os.path.normpath(path) for path in wanted if path.startswith("/") and path != "/"}):
        if Path(path).exists() and not any(Path(path).is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def enter_namespaces(isolation: Isolation, *, skip: frozenset[str]) -> bool:
    """Leaves the network and the mounts of this machine; True when a root of its own may be built."""
    if "namespaces" in skip:
        isolation.missing["namespaces"] = "switched off"
        return False
    if os.geteuid() != 0:
        try:
            _enter_user_namespace()
        except OSError as error:
            isolation.missing["namespaces"] = f"user namespace: {error.strerror}"
            return False
    for flag in (kernel.CLONE_NEWIPC, kernel.CLONE_NEWUTS):
        _try_unshare(flag)
    if reason := _try_unshare(kernel.CLONE_NEWNET):
        isolation.missing["network namespace"] = reason
    isolation.network_namespace = not reason
    if reason := _try_unshare(kernel.CLONE_NEWNS):
        isolation.missing["own root"] = reason
    return not reason


def enter_own_root(isolation: Isolation, *, folder: Path, writable: Path) -> None:
    try:
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("tmpfs", str(folder), "tmpfs", kernel.MS_NOSUID, "mode=755,size=1m")
        for path in readable_paths():
            _show(path, folder, kernel.MS_RDONLY | kernel.MS_NOSUID)
        _show(str(writable), folder, kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
        kernel.mount("none", str(folder), None, kernel.MS_REMOUNT | kernel.MS_RDONLY | kernel.MS_NOSUID)
        kernel.pivot_into(str(folder))
    except OSError as error:
        isolation.missing["own root"] = str(error.strerror)
    else:
        isolation.own_root = True


def _show(path: str, root: Path, flags: int) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if Path(path).is_symlink() and Path(path).is_dir():  # /lib → usr/lib
        target.symlink_to(Path(path).resolve())
        _show_once(str(Path(path).resolve()), root, flags)
        return
    _bind(path, target, flags)


def _show_once(path: str, root: Path, flags: int) -> None:
    if not (root / path.lstrip("/")).exists():
        _show(path, root, flags)


def _bind(path: str, target: Path, flags: int) -> None:
    if Path(path).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.touch()
    kernel.mount(path, str(target), None, kernel.MS_BIND)
    # A user namespace may not lose the flags that the mount had before.
    flags |= os.statvfs(path).f_flag & (kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC | kernel.MS_RDONLY)
    kernel.mount("none", str(target), None, kernel.MS_REMOUNT | kernel.MS_BIND | flags)


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _try_unshare(flag: int) -> str:
    try:
        kernel.unshare(flag)
    except OSError as error:
        return str(error.strerror)
    return ""
