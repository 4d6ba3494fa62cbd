"""How a 7z describes its packed streams and the coders that unpack them; read, changed and written again."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from caseway_kit.archives.locked.parts import Input, NotOpened

AES = b"\x06\xf1\x07\x01"
LZMA = b"\x03\x01\x01"
LZMA2 = b"\x21"
COPY = b"\x00"

_END, _PACK_INFO, _CODERS_INFO = 0, 6, 7
_SIZES, _CHECKSUMS, _FOLDERS, _UNPACKED_SIZES = 9, 10, 11, 12
_FILES_IN_FOLDERS, _COUNTS = 8, 13
_MOST = 100_000
_MOST_CODERS = 32


@dataclass
class Coder:
    method: bytes
    props: bytes | None
    ins: int = 1
    outs: int = 1

    @property
    def is_copy(self) -> bool:
        return self.method == COPY


@dataclass
class Folder:
    """``pairs``: which in-stream is fed by which out-stream; ``packed``: the in-streams that are fed from outside."""

    coders: list[Coder]
    pairs: list[tuple[int, int]]
    packed: list[int]
    sizes: list[int] = field(default_factory=list)
    checksum: int | None = None

    @property
    def outs(self) -> int:
        return sum(coder.outs for coder in self.coders)

    @property
    def unpacked_size(self) -> int:
        fed = {out for _, out in self.pairs}
        return next((size for out, size in enumerate(self.sizes) if out not in fed), 0)

    def without(self, method: bytes) -> list[tuple[int, bytes, int]]:
        """Take the coders of that method out: of each its packed stream's place, properties and unpacked size."""
        taken: list[tuple[int, bytes, int]] = []
        while (index := next((i for i, coder in enumerate(self.coders) if coder.method == method), None)) is not None:
            coder = self.coders[index]
            in_ = sum(before.ins for before in self.coders[:index])
            out = sum(before.outs for before in self.coders[:index])
            if in_ not in self.packed or (coder.ins, coder.outs) != (1, 1):
                raise NotOpened("what is encrypted is packed once more")
            place = self.packed.index(in_)
            taken.append((place, coder.props or b"", self.sizes[out]))
            if len(self.coders) == 1:
                self.coders = [Coder(COPY, None)]
                break
            fed = next((pair for pair in self.pairs if pair[1] == out), None)
            if fed is None:
                raise NotOpened("its coders are joined in an unknown way")
            self.pairs.remove(fed)
            self.packed[place] = fed[0]
            del self.coders[index], self.sizes[out]
            self.pairs = [(i - (i > in_), o - (o > out)) for i, o in self.pairs]
            self.packed = [i - (i > in_) for i in self.packed]
        return taken

    @classmethod
    def read(cls, taken: Input) -> Self:
        coders: list[Coder] = []
        for _ in range(_limited(read_number(taken), _MOST_CODERS)):
            flags = taken.byte()
            method = taken.take(flags & 15)
            ins, outs = (read_number(taken), read_number(taken)) if flags & 0x10 else (1, 1)
            coders.append(
                Coder(
                    method,
                    taken.take(read_number(taken)) if flags & 0x20 else None,
                    _limited(ins, 32),
                    _limited(outs, 32),
                )
            )
        ins, outs = sum(coder.ins for coder in coders), sum(coder.outs for coder in coders)
        pairs = [(read_number(taken), read_number(taken)) for _ in range(outs - 1)]
        open_ = ins - len(pairs)
        if open_ == 1:
            fed = {pair[0] for pair in pairs}
            packed = [in_ for in_ in range(ins) if in_ not in fed][:1]
        else:
            packed = [read_number(taken) for _ in range(open_)]
        return cls(coders, pairs, packed)

    def written(self) -> bytes:
        out = number(len(self.coders))
        for coder in self.coders:
            wide = (coder.ins, coder.outs) != (1, 1)
            out += bytes([len(coder.method) | (0x10 if wide else 0) | (0x20 if coder.props is not None else 0)])
            out += coder.method + (number(coder.ins) + number(coder.outs) if wide else b"")
            out += number(len(coder.props)) + coder.props if coder.props is not None else b""
        out += b"".join(number(in_) + number(o) for in_, o in self.pairs)
        return out + (b"".join(map(number, self.packed)) if len(self.packed) > 1 else b"")


@dataclass
class Streams:
    at: int
    sizes: list[int]
    folders: list[Folder]

    @classmethod
    def read(cls, taken: Input) -> Self:
        _expect(taken, _PACK_INFO)
        at, count = read_number(taken), _limited(read_number(taken), _MOST)
        sizes: list[int] = []
        while (kind := taken.byte()) != _END:
            if kind == _SIZES:
                sizes = [read_number(taken) for _ in range(count)]
            elif kind == _CHECKSUMS:
                _read_checksums(taken, count)
            else:
                raise NotOpened("its packed streams are described in an unknown way")
        _expect(taken, _CODERS_INFO)
        _expect(taken, _FOLDERS)
        count = _limited(read_number(taken), _MOST)
        _expect(taken, 0)
        folders = [Folder.read(taken) for _ in range(count)]
        _expect(taken, _UNPACKED_SIZES)
        for folder in folders:
            folder.sizes = [read_number(taken) for _ in range(folder.outs)]
        while (kind := taken.byte()) != _END:
            if kind != _CHECKSUMS:
                raise NotOpened("its folders are described in an unknown way")
            for folder, checksum in zip(folders, _read_checksums(taken, count), strict=True):
                folder.checksum = checksum
        return cls(at, sizes, folders)

    def folders_with_place(self) -> Iterator[tuple[Folder, int]]:
        """Each with the number of its first packed stream."""
        first = 0
        for folder in self.folders:
            count = len(folder.packed)
            if first + count > len(self.sizes):
                raise NotOpened("packed streams are missing")
            yield folder, first
            first += count

    def written(self, sizes: list[int]) -> bytes:
        """With the packed data at the very beginning, in streams of ``sizes``."""
        out = bytes([_PACK_INFO]) + number(0) + number(len(sizes)) + bytes([_SIZES]) + b"".join(map(number, sizes))
        out += bytes([_END, _CODERS_INFO, _FOLDERS]) + number(len(self.folders)) + b"\x00"
        out += b"".join(folder.written() for folder in self.folders) + bytes([_UNPACKED_SIZES])
        out += b"".join(number(size) for folder in self.folders for size in folder.sizes)
        if any(folder.checksum is not None for folder in self.folders):
            out += bytes([_CHECKSUMS]) + _bits([folder.checksum is not None for folder in self.folders])
            out += b"".join(struct.pack("<I", f.checksum) for f in self.folders if f.checksum is not None)
        return out + bytes([_END])


def first_checksum(folders: list[Folder], rest: bytes) -> int | None:
    """Of the first file that has data, as the part behind the coders states it, or its folder."""
    taken = Input(rest)
    counts = [1] * len(folders)
    kind = taken.byte()
    if kind == _FILES_IN_FOLDERS:
        while (kind := taken.byte()) not in (_END, _CHECKSUMS):
            if kind == _COUNTS:
                counts = [_limited(read_number(taken), _MOST * 10) for _ in folders]
            elif kind == _SIZES:
                for _ in range(sum(max(count - 1, 0) for count in counts)):
                    read_number(taken)
    first = next((place for place, count in enumerate(counts) if count), None)
    if first is None:
        return None
    if counts[first] == 1 and folders[first].checksum is not None:
        return folders[first].checksum
    if kind != _CHECKSUMS:
        return None
    unknown = [c for c, folder in zip(counts, folders, strict=True) if not (c == 1 and folder.checksum is not None)]
    return _read_checksums(taken, sum(unknown))[0]


def read_number(taken: Input) -> int:
    first, value = taken.byte(), 0
    for place in range(8):
        mask = 0x80 >> place
        if not first & mask:
            return value | (first & (mask - 1)) << 8 * place
        value |= taken.byte() << 8 * place
    return value


def number(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else b"\xff" + struct.pack("<Q", value)


def _read_checksums(taken: Input, count: int) -> list[int | None]:
    known = [True] * _limited(count, _MOST * 10)
    if not taken.byte():
        bits = taken.take((count + 7) // 8)
        known = [bool(bits[place // 8] & 0x80 >> place % 8) for place in range(count)]
    return [struct.unpack("<I", taken.take(4))[0] if one else None for one in known]


def _bits(known: list[bool]) -> bytes:
    if all(known):
        return b"\x01"
    out = bytearray((len(known) + 7) // 8)
    for place, one in enumerate(known):
        if one:
            out[place // 8] |= 0x80 >> place % 8
    return b"\x00" + bytes(out)


def _expect(taken: Input, kind: int) -> None:
    if taken.byte() != kind:
        raise NotOpened("its header is built in an unknown way")


def _limited(value: int, most: int) -> int:
    if value > most:
        raise NotOpened("its header states too much")
    return value
