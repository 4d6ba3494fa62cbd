"""A job's scratch folder, which hostile code has written: nothing in it is followed, and depth costs no stack."""

import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

MOST_FILES = 10_000


def empty(folder: Path) -> None:
    """Removes all that is in ``folder``; OSError when something was changed meanwhile."""
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        while entries := _names(top):
            for name in entries:
                if _is_folder(name, top):
                    _flatten(name, top)
                else:
                    os.unlink(name, dir_fd=top)
    finally:
        os.close(top)


def holds_something(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is not None


def is_ready(folder: Path) -> bool:
    """Whether a job may start in it: a folder that somebody has removed (a cleaner of /tmp) is no place to work in."""
    try:
        return not holds_something(folder)
    except OSError:
        return False


def lacks_space(places: Iterable[Path | int], *, wanted: int) -> bool:
    """Whether a disk could not take ``wanted`` bytes: then it is full, whatever a job wrote there."""
    for place in places:
        try:
            disk = os.statvfs(place)
        except OSError:
            return True
        if disk.f_bavail * disk.f_frsize < wanted or (disk.f_files and disk.f_favail < MOST_FILES):
            return True
    return False


def measure(folder: Path, *, enough: int) -> tuple[int, int]:
    """Bytes on disk and number of entries; stops counting once either is beyond its limit."""
    size = count = 0
    open_folders = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)]
    try:
        while open_folders and size <= enough and count <= MOST_FILES:
            current = open_folders.pop()
            try:
                for name in _names(current):
                    count += 1
                    try:
                        found = os.stat(name, dir_fd=current, follow_symlinks=False)
                        size += found.st_blocks * 512
                        if stat.S_ISDIR(found.st_mode) and len(open_folders) < 200:
                            open_folders.append(_open_inside(name, current))
                    except OSError:  # gone or renamed since the listing
                        continue
            finally:
                os.close(current)
    finally:
        for left in open_folders:
            os.close(left)
    return size, count


def deleted_bytes(pid: int) -> int:
    """Bytes on disk of files that a process holds open after their removal; 0 where /proc doesn't tell."""
    size = 0
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                found = entry.stat()
                if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                    size += found.st_blocks * 512
    except OSError:  # closed meanwhile, or hidden: only root with CAP_SYS_PTRACE may look
        return size
    return size


def _flatten(name: str, top: int) -> None:
    """Removes one folder, after moving the folders in it up to ``top``."""
    try:
        os.rmdir(name, dir_fd=top)
    except OSError:
        pass
    else:
        return
    inside = _open_inside(name, top)
    try:
        for entry in _names(inside):
            if _is_folder(entry, inside):
                os.rename(entry, secrets.token_hex(16), src_dir_fd=inside, dst_dir_fd=top)
            else:
                os.unlink(entry, dir_fd=inside)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=top)


def _is_folder(name: str, parent: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _open_inside(name: str, parent: int) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _names(folder: int) -> list[str]:
    return os.listdir(folder)
