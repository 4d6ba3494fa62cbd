"""Outlook's ``.msg``: the OLE file around it, and its items (mails, recipients, attachments) by their properties."""

import io
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from caseway_kit.archives import Content
from sample_analysis.engines.mailing import mapi
from sample_analysis.engines.ole_entries import ENTRIES, LimitedOle

TEXT_BYTES = 16 * 1024 * 1024
DATA_BYTES = 64 * 1024 * 1024
RECIPIENTS = "__recip_version1.0_#"
ATTACHMENTS = "__attach_version1.0_#"
_PROPERTIES = "__properties_version1.0"
_HEADERS = {"": 32, RECIPIENTS: 8, ATTACHMENTS: 8}
_EMBEDDED_HEADER = 24
_KINDS = (mapi.TEXT16, mapi.TEXT8, mapi.BINARY)


class TooLarge(ValueError):
    """A property that is larger than what is read of one."""


class _File(io.RawIOBase):
    """Content as the file that the library wants; nothing of it is copied."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + {0: 0, 1: self._at, 2: self._content.size}[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._content.size - self._at)
        data = self._content.read(self._at, left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data


class Store:
    """An opened file, listed once."""

    def __init__(self, content: Content) -> None:
        self._ole = LimitedOle(_File(content))
        self._under: dict[tuple[str, ...], list[str]] = {}
        for path in self._ole.listdir(streams=True, storages=True):
            self._under.setdefault(tuple(path[:-1]), []).append(path[-1])

    def under(self, path: tuple[str, ...]) -> list[str]:
        return self._under.get(path, [])

    def is_folder(self, path: tuple[str, ...]) -> bool:
        return path in self._under

    def stream(self, path: tuple[str, ...], limit: int) -> bytes:
        if self._ole.get_size(list(path)) > limit:
            raise TooLarge
        data = self._ole.openstream(list(path)).read()
        return data if isinstance(data, bytes) else b""


class Item:
    """A folder of the file and the properties in it."""

    def __init__(self, store: Store, path: tuple[str, ...] = (), charset: str = "cp1252") -> None:
        self.path = path
        self._store = store
        self._names = {name.lower(): name for name in store.under(path)}
        self._fixed = self._read_fixed()
        self._charset = self._codepage(charset)

    def _read_fixed(self) -> dict[int, tuple[int, bytes]]:
        name = self._names.get(_PROPERTIES)
        if name is None:
            return {}
        own = self.path[-1] if self.path else ""
        header = next((size for start, size in _HEADERS.items() if start and own.startswith(start)), None)
        skipped = header if header is not None else (_EMBEDDED_HEADER if self.path else _HEADERS[""])
        data = self._store.stream((*self.path, name), TEXT_BYTES)
        found = {}
        for at in range(skipped, min(len(data), ENTRIES * 16) - 15, 16):
            kind, number = struct.unpack_from("<HH", data, at)
            found[number] = (kind, data[at + 8 : at + 16])
        return found

    def _codepage(self, around: str) -> str:
        for number in (mapi.INTERNET_CODEPAGE, mapi.MESSAGE_CODEPAGE):
            if (page := self.number(number)) is not None:
                charset = {65001: "utf-8", 20127: "cp1252", 1200: "utf-16-le", 28591: "cp1252"}.get(page, f"cp{page}")
                try:
                    "".encode(charset)
                except LookupError:
                    continue
                return charset
        return around

    def number(self, number: int) -> int | None:
        if number not in self._fixed:
            return None
        return int(struct.unpack("<I", self._fixed[number][1][:4])[0])

    def time(self, number: int) -> str | None:
        if number not in self._fixed or self._fixed[number][0] != 0x40:
            return None
        (ticks,) = struct.unpack("<Q", self._fixed[number][1])
        try:
            return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)).isoformat()
        except OverflowError:
            return None

    def value(self, number: int, limit: int = TEXT_BYTES) -> tuple[int, bytes] | None:
        for kind in _KINDS:
            if (name := self._names.get(f"__substg1.0_{number:04x}{kind:04x}")) is not None:
                path = (*self.path, name)
                return None if self._store.is_folder(path) else (kind, self._store.stream(path, limit))
        return None

    def text(self, number: int, charset: str = "") -> str:
        found = self.value(number)
        return mapi.text(*found, charset or self._charset) if found is not None else ""

    def data(self, number: int) -> bytes:
        found = self.value(number, DATA_BYTES)
        return found[1] if found is not None else b""

    def embedded(self) -> tuple[str, ...] | None:
        """Where a mail or an object lies that is attached as a folder of its own."""
        name = self._names.get(f"__substg1.0_{mapi.ATTACH_DATA:04x}{mapi.OBJECT:04x}")
        return (*self.path, name) if name is not None and self._store.is_folder((*self.path, name)) else None

    def inside(self, start: str) -> Iterator["Item"]:
        for name in sorted(self._names.values()):
            if name.startswith(start) and self._store.is_folder((*self.path, name)):
                yield Item(self._store, (*self.path, name), self._charset)
