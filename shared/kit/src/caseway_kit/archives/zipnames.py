"""Names that one system takes for two members and another for one."""

from collections.abc import Iterator, Sequence

from caseway_kit.archives.zipentries import Entry

LEVELS = 200
_FOLDERS_BYTES = 64 * 1024 * 1024


def clashing(entries: Sequence[Entry]) -> Iterator[str]:
    seen: set[bytes] = set()
    files: set[bytes] = set()
    folders: set[bytes] = set()
    room = _FOLDERS_BYTES
    for entry in entries:
        path = _plain(entry.name)
        if path in seen:
            yield "duplicate-names"
        seen.add(path)
        if not entry.called_a_directory:
            files.add(path)
        else:
            folders.add(path)
        if path.count(b"/") > LEVELS or room < 0:
            # No system makes such folders, and each of them would be kept with all of the name before it.
            yield "too-many-folders"
            continue
        folder = path
        while (cut := folder.rfind(b"/")) > 0 and (folder := folder[:cut]) not in folders:
            folders.add(folder)
            room -= len(folder)
    if not files.isdisjoint(folders):
        yield "file-and-folder"


def _plain(name: bytes) -> bytes:
    """As the least particular system reads it: its own case, separators and dots have no meaning."""
    steps: list[bytes] = []
    for step in name.replace(b"\\", b"/").lower().split(b"/"):
        step = step.rstrip(b". ") if step != b".." else step
        if step == b"..":
            del steps[-1:]
        elif step:
            steps.append(step)
    return b"/".join(steps)
