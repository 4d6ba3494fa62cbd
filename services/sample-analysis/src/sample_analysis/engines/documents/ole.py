"""Documents in OLE storages: Word, Excel and PowerPoint up to 2003, macro projects, embedded objects."""

import io
from collections.abc import Iterator

import olefile

from caseway_kit.archives import LimitReached
from sample_analysis.engines.documents import biff, embedded, encrypted, fields, macros, vba
from sample_analysis.engines.inspection import Inspection, surviving
from sample_analysis.engines.ole_entries import ENTRIES, LimitedOle, TooMany

DOCUMENT_BYTES = 96 * 1024 * 1024
STREAM_BYTES = 32 * 1024 * 1024
READ_BYTES = 192 * 1024 * 1024
STREAMS = 5000


class Storage:
    """The streams of an OLE file, read under one limit: many names can share the same bytes."""

    def __init__(self, data: bytes) -> None:
        self._file = LimitedOle(io.BytesIO(data), raise_defects=olefile.DEFECT_FATAL)
        self._read = 0
        self._paths = {"/".join(path).lower(): path for path in self._file.listdir()[:STREAMS]}

    def paths(self) -> Iterator[str]:
        yield from ("/".join(path) for path in self._paths.values())

    def read(self, path: str) -> bytes | None:
        """None where there is no such stream or it is damaged."""
        parts = self._paths.get(path.lower())
        if parts is None:
            return None
        try:
            data: bytes = self._file.openstream(parts).read(STREAM_BYTES)
        except (OSError, ValueError, IndexError, TypeError):
            return None
        self._read += len(data)
        if self._read > READ_BYTES:
            raise LimitReached("document-bytes", "Its streams share the same bytes: not all of them were read.")
        return data

    def has(self, path: str) -> bool:
        return path.lower() in self._paths


def inspect(inspection: Inspection) -> None:
    data = inspection.content.head(DOCUMENT_BYTES)
    try:
        storage = Storage(data)
    except LimitReached:
        raise
    except TooMany:
        inspection.node.cut_short("document-entries", f"Not read: it holds more than {ENTRIES:,} entries.")
        return
    except Exception:
        # The library raises anything on a broken storage; macros in it may still lie in one piece.
        inspection.node.cut_short("damaged", "Its storage is broken: only what lies in it in one piece was looked at.")
        if (module := vba.stray("storage", data)) is not None:
            macros.judge(inspection, [module])
        return
    if inspection.content.size > DOCUMENT_BYTES:
        inspection.node.cut_short("document-bytes", f"Only the first {DOCUMENT_BYTES // 1024 // 1024} MiB were read.")
    for look in (_macros, _workbook, _text, _objects, _slides, _drawing):
        with surviving(inspection.node):
            look(inspection, storage)
    encrypted.decrypt(inspection)


def _workbook(inspection: Inspection, storage: Storage) -> None:
    for name in ("Workbook", "Book"):
        if (book := storage.read(name)) is not None:
            biff.inspect(inspection, book)


def _text(inspection: Inspection, storage: Storage) -> None:
    if (text := storage.read("WordDocument")) is not None:
        fields.in_word(inspection, text)


def _objects(inspection: Inspection, storage: Storage) -> None:
    embedded.in_storage(inspection, storage.paths(), storage.read)


def _slides(inspection: Inspection, storage: Storage) -> None:
    if (slides := storage.read("PowerPoint Document")) is not None:
        embedded.in_slides(inspection, slides)


def _drawing(inspection: Inspection, storage: Storage) -> None:
    if (drawing := storage.read("VisioDocument")) is not None:
        embedded.raw_storage(inspection, drawing)


def _macros(inspection: Inspection, storage: Storage) -> None:
    found: list[vba.Module] = []
    listed: set[str] = set()
    for path in storage.paths():
        if path.lower() == "vba/dir" or path.lower().endswith("/vba/dir"):
            try:
                found += vba.modules(path[: -len("/dir")], storage.read)
            except ValueError:
                inspection.node.cut_short("damaged", "The directory of its macros is damaged.")
    listed = {module.stream.lower() for module in found}
    for path in storage.paths():
        if path.lower() in listed or path.lower().endswith(("/dir", "/_vba_project")):
            continue
        if "vba" in path.lower().split("/") and (data := storage.read(path)) and (module := vba.stray(path, data)):
            found.append(module)
    macros.judge(inspection, found)
