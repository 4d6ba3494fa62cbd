"""Writes ``.msg`` files: an OLE container of folders (dicts) and streams (bytes), whole or harmed."""

import struct
from typing import Any

FREE, END, FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
Folder = dict[str, Any]
SECTOR, MINI, CUTOFF = 512, 64, 4096


def text(number: int, value: str) -> Folder:
    return {f"__substg1.0_{number:04X}001F": value.encode("utf-16-le")}


def binary(number: int, value: bytes) -> Folder:
    return {f"__substg1.0_{number:04X}0102": value}


def fixed(header: int, *entries: tuple[int, int, int]) -> Folder:
    """Type, number, value."""
    body = b"".join(struct.pack("<HHIQ", kind, number, 6, value) for kind, number, value in entries)
    return {"__properties_version1.0": b"\0" * header + body}


def attachment(number: int, name: str, content: bytes) -> Folder:
    inside = text(0x3707, name) | binary(0x3701, content) | fixed(8, (3, 0x3705, 1))
    return {f"__attach_version1.0_#{number:08X}": inside}


def embedded(number: int, mail: Folder) -> Folder:
    inside = text(0x3001, "inner") | {"__substg1.0_3701000D": mail} | fixed(8, (3, 0x3705, 5))
    return {f"__attach_version1.0_#{number:08X}": inside}


def recipient(number: int, name: str, address: str) -> Folder:
    inside = text(0x3001, name) | text(0x39FE, address) | fixed(8)
    return {f"__recip_version1.0_#{number:08X}": inside}


def mail(subject: str = "subject", *pieces: Folder, body: str = "hello", top: bool = True) -> Folder:
    made: Folder = text(0x0037, subject) | text(0x1000, body) | fixed(32 if top else 24)
    for piece in pieces:
        made |= piece
    return made


class _Writer:
    def __init__(self) -> None:
        self.entries: list[list[Any]] = []
        self.sectors: list[bytes] = []
        self.fat: list[int] = []
        self.mini = bytearray()
        self.mini_fat: list[int] = []

    def add(self, name: str, kind: int, content: bytes = b"", folder: Folder | None = None) -> int:
        number = len(self.entries)
        entry = [name, kind, FREE, FREE, FREE, 0, 0]  # name, kind, left, right, child, start, size
        self.entries.append(entry)
        if folder is not None:
            children = [
                self.add(each, 1, folder=inner) if isinstance(inner, dict) else self.add(each, 2, inner)
                for each, inner in sorted(folder.items(), key=lambda item: (len(item[0]), item[0].upper()))
            ]
            entry[4] = self._balance(children)
        elif content:
            entry[5], entry[6] = self._store(content), len(content)
        return number

    def _balance(self, children: list[int]) -> int:
        if not children:
            return FREE
        middle = len(children) // 2
        self.entries[children[middle]][2] = self._balance(children[:middle])
        self.entries[children[middle]][3] = self._balance(children[middle + 1 :])
        return children[middle]

    def _store(self, content: bytes) -> int:
        if len(content) >= CUTOFF:
            return self.chain(content)
        start = len(self.mini_fat)
        count = -(-len(content) // MINI)
        self.mini += content.ljust(count * MINI, b"\0")
        self.mini_fat += [*range(start + 1, start + count), END]
        return start

    def chain(self, content: bytes) -> int:
        start = len(self.sectors)
        pieces = [content[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(content), SECTOR)]
        self.sectors += pieces
        self.fat += [*range(start + 1, start + len(pieces)), END]
        return start

    def finish(self) -> bytes:
        self.entries[0][5], self.entries[0][6] = (self.chain(bytes(self.mini)) if self.mini else END), len(self.mini)
        listing = b"".join(_entry(*entry) for entry in self.entries)
        directory = self.chain(listing)
        numbers = struct.pack(f"<{len(self.mini_fat)}I", *self.mini_fat)
        mini_start, mini_count = (self.chain(numbers), -(-len(numbers) // SECTOR)) if numbers else (END, 0)
        fat_count = 1
        while fat_count * 128 < len(self.fat) + fat_count + -(-max(0, fat_count - 109) // 127):
            fat_count += 1
        fat_start = len(self.sectors)
        extra_count = -(-max(0, fat_count - 109) // 127)
        self.fat += [FAT_SECTOR] * fat_count + [0xFFFFFFFC] * extra_count
        self.fat += [FREE] * (fat_count * 128 - len(self.fat))
        places = list(range(fat_start, fat_start + fat_count))
        extra_start = fat_start + fat_count
        header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
        header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
        header += struct.pack(
            "<IIIIIIIII",
            0,
            fat_count,
            directory,
            0,
            CUTOFF,
            mini_start,
            mini_count,
            extra_start if extra_count else END,
            extra_count,
        )
        header += struct.pack("<109I", *(places[:109] + [FREE] * (109 - len(places[:109]))))
        body = b"".join(self.sectors) + struct.pack(f"<{len(self.fat)}I", *self.fat)
        rest = places[109:]
        for number in range(extra_count):
            piece = rest[number * 127 : number * 127 + 127]
            following = extra_start + number + 1 if number + 1 < extra_count else END
            body += struct.pack("<128I", *(piece + [FREE] * (127 - len(piece)) + [following]))
        return header + body


def _entry(name: str, kind: int, left: int, right: int, child: int, start: int, size: int) -> bytes:
    coded = name.encode("utf-16-le")[:62]
    head = coded.ljust(64, b"\0") + struct.pack("<HBBIII", len(coded) + 2, kind, 1, left, right, child)
    return head + b"\0" * 36 + struct.pack("<IQ", start, size)


def build(root: Folder) -> bytes:
    writer = _Writer()
    writer.add("Root Entry", 5, folder=root)
    return writer.finish()


def fat_offset(data: bytes) -> int:
    """Where the first sector of the allocation table lies."""
    return SECTOR * (1 + int(struct.unpack_from("<I", data, 76)[0]))
