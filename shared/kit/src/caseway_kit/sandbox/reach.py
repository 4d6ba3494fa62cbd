"""Keeps Python's modules within reach of a user who may not walk the path to them.

An interpreter under /root, say, is closed to the children's own user id where no root of their own can be built.
Descriptors that were opened before reach the folders all the same, so the import system is pointed to these.
"""

import fcntl
import os
import stat
import sys
from pathlib import Path

_FIRST = 100  # above the numbers that a child uses itself


def keep_modules_in_reach() -> list[int]:
    """The descriptors that must stay open for imports to work."""
    closed = [path for path in dict.fromkeys(sys.path) if os.path.isdir(path) and not _is_open_to_all(Path(path))]  # noqa: PTH112 - an entry of sys.path is a string
    kept: list[int] = []
    moved: dict[str, str] = {}
    for path in closed:
        opened = os.open(path, os.O_PATH | os.O_DIRECTORY)
        kept.append(fcntl.fcntl(opened, fcntl.F_DUPFD, _FIRST))
        os.close(opened)
        moved[path] = f"/proc/self/fd/{kept[-1]}"
    if moved:
        sys.path[:] = [moved.get(path, path) for path in sys.path]
        for module in list(sys.modules.values()):
            _move(module, moved)
        sys.path_importer_cache.clear()
    return kept


def _move(module: object, moved: dict[str, str]) -> None:
    places = getattr(module, "__path__", None)
    if isinstance(places, list):
        places[:] = [_moved(place, moved) for place in places]
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        module.__file__ = _moved(file, moved)  # type: ignore[attr-defined]  # a module, or what stands for one


def _moved(path: str, moved: dict[str, str]) -> str:
    # The longest first: site-packages lies in the library's folder.
    for folder in sorted(moved, key=len, reverse=True):
        if path == folder or path.startswith(folder + "/"):
            return moved[folder] + path.removeprefix(folder)
    return path


def _is_open_to_all(folder: Path) -> bool:
    needed = stat.S_IROTH | stat.S_IXOTH
    passable = all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.resolve().parents)
    return passable and folder.stat().st_mode & needed == needed
