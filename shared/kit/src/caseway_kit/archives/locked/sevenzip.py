"""7z: folders of coders of which one is the cipher; the header can be in such a folder too."""

import hashlib
import lzma
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from caseway_kit.archives.budget import Budget
from caseway_kit.archives.content import Content
from caseway_kit.archives.locked.parts import (
    LARGEST_HEADER,
    Input,
    NotOpened,
    cut,
    decrypted,
    gathered,
    stream,
    stream_decrypted,
)
from caseway_kit.archives.locked.sevenzip_streams import AES, LZMA, LZMA2, Coder, Folder, Streams, first_checksum
from caseway_kit.archives.reader import Reader, Unreadable

_SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_START = 32
_HEADER, _ENCODED = 1, 0x17
_PROPERTIES, _MAIN_STREAMS = 2, 4
# 2^19 rounds are usual; an archive that asks for far more wants to cost.
_MOST_ROUNDS = 22
_UNHASHED = 0x3F
_UNPACKED_TO_CHECK = 32 * 1024 * 1024


class LockedSevenZip:
    encoding = "utf-16-le"
    longest = 512

    def __init__(self, content: Content, budget: Budget) -> None:
        self._content = content
        self._budget = budget
        self.certain = False

    def opened(self, typed: bytes) -> Content:
        self.certain = False
        header = self._header(typed)
        taken = Input(header)
        if taken.byte() != _HEADER or taken.byte() != _MAIN_STREAMS:
            raise NotOpened("its header begins in an unknown way")
        streams = Streams.read(taken)
        rest = taken.rest()
        keys: dict[int, bytes] = {}
        sizes = list(streams.sizes)
        for folder, first in streams.folders_with_place():
            for place, props, size in folder.without(AES):
                keys[first + place] = props
                sizes[first + place] = size
            self._check(folder, first, streams, keys, typed)
        packed = gathered(self._packed(streams, sizes, keys, typed))
        # The library asks for a part that a writer may leave out where it says nothing.
        rest = b"\x08\x00" + rest if rest[:1] == b"\x00" else rest
        header = bytes([_HEADER, _MAIN_STREAMS]) + streams.written(sizes) + rest
        start = struct.pack("<QQI", packed.size, len(header), zlib.crc32(header))
        begins = _SIGNATURE + b"\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start
        with packed:
            plain = gathered(chain((begins,), stream(packed, 0, packed.size), (header,)))
        self._check_whole(plain, first_checksum(streams.folders, rest))
        return plain

    def _check_whole(self, plain: Content, checksum: int | None) -> None:
        """The library compares no checksums; without this, every password would open what is only stored."""
        if checksum is None:
            return
        crc = total = 0
        try:
            with Reader(plain, ("7zip",)) as reader:
                for entry in reader.entries():
                    if entry.kind == "file" and entry.size:
                        while chunk := reader.read():
                            crc = zlib.crc32(chunk, crc)
                            total += len(chunk)
                            if total > _UNPACKED_TO_CHECK:
                                # What a wrong password gives does not unpack to so much.
                                self.certain = True
                                return
                        break
        except Unreadable as error:
            raise NotOpened("the password is wrong") from error
        if crc != checksum:
            plain.close()
            raise NotOpened("the password is wrong")
        self.certain = True

    def _header(self, typed: bytes) -> bytes:
        """The header itself, taken out of as many folders as it is packed in."""
        at, size = struct.unpack("<QQ", self._content.read(12, 16).ljust(16, b"\x00"))
        header = self._content.read(_START + at, min(size, LARGEST_HEADER))
        for _ in range(4):
            if header[:1] != bytes([_ENCODED]):
                return header
            header = self._unpacked(Streams.read(Input(header[1:])), typed)
        raise NotOpened("its header is packed too often")

    def _unpacked(self, streams: Streams, typed: bytes) -> bytes:
        if len(streams.folders) != 1 or len(streams.sizes) != 1:
            raise NotOpened("its header is packed in an unknown way")
        folder = streams.folders[0]
        data = self._content.read(_START + streams.at, min(streams.sizes[0], LARGEST_HEADER))
        length, checksum = folder.unpacked_size, folder.checksum
        for _, props, size in folder.without(AES):
            key, iv = self._key(props, typed)
            data = decrypted(key, iv, data)[:size]
            self.certain = checksum is not None
        for coder in folder.coders:
            data = _decoded(coder, data, min(length, LARGEST_HEADER))
        if checksum is not None and zlib.crc32(data[:length]) != checksum:
            raise NotOpened("the password is wrong")
        return data[:length]

    def _check(self, folder: Folder, first: int, streams: Streams, keys: dict[int, bytes], typed: bytes) -> None:
        """The first bytes tell most wrong passwords, before all is decrypted."""
        if first not in keys or len(folder.coders) != 1:
            return
        key, iv = self._key(keys[first], typed)
        start = decrypted(key, iv, self._content.read(_START + streams.at + sum(streams.sizes[:first]), 16))
        method = folder.coders[0].method
        if not start or (method == LZMA and start[0] != 0) or (method == LZMA2 and 2 < start[0] < 0x80):
            raise NotOpened("the password is wrong")

    def _packed(self, streams: Streams, sizes: list[int], keys: dict[int, bytes], typed: bytes) -> Iterator[bytes]:
        at = _START + streams.at
        for place, size in enumerate(streams.sizes):
            if place in keys:
                key, iv = self._key(keys[place], typed)
                yield from cut(stream_decrypted(key, iv, self._content, at, size), sizes[place])
            else:
                yield from stream(self._content, at, size)
            at += size

    def _key(self, props: bytes, typed: bytes) -> tuple[bytes, bytes]:
        """Each folder may ask for a key of its own, and each of them takes its time."""
        self._budget.check_time()
        return _key(props, typed)


def _decoded(coder: Coder, data: bytes, length: int) -> bytes:
    if coder.method == LZMA and coder.props is not None and len(coder.props) == 5:
        size = struct.unpack_from("<I", coder.props, 1)[0]
        packed, rest = divmod(coder.props[0], 9)
        filters = {
            "id": lzma.FILTER_LZMA1,
            "dict_size": max(4096, min(size, LARGEST_HEADER)),
            "lc": rest,
            "lp": packed % 5,
            "pb": packed // 5,
        }
    elif coder.method == LZMA2:
        filters = {"id": lzma.FILTER_LZMA2, "dict_size": LARGEST_HEADER}
    elif coder.method == b"\x00":
        return data
    else:
        raise NotOpened("its header is packed in an unknown way")
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters]).decompress(data, length)
    except lzma.LZMAError as error:
        raise NotOpened("the password is wrong") from error


def _key(props: bytes, typed: bytes) -> tuple[bytes, bytes]:
    taken = Input(props)
    first = taken.byte()
    salt = iv = b""
    if first & 0xC0:
        second = taken.byte()
        salt = taken.take((first >> 7 & 1) + (second >> 4))
        iv = taken.take((first >> 6 & 1) + (second & 15))
    return _derived(typed, salt, first & 0x3F), iv.ljust(16, b"\x00")


@lru_cache(maxsize=64)
def _derived(typed: bytes, salt: bytes, rounds: int) -> bytes:
    """A hash of salt and password many times over, each time with a number behind it."""
    if rounds == _UNHASHED:
        return (salt + typed)[:32].ljust(32, b"\x00")
    if rounds > _MOST_ROUNDS:
        raise NotOpened("its key would take too long")
    one = salt + typed + bytes(8)
    step = min(1 << rounds, 1 << 12)
    block, length = bytearray(one * step), len(one)
    block[length - 8 :: length] = bytes(place & 0xFF for place in range(step))
    digest = hashlib.sha256()
    for first in range(0, 1 << rounds, step):
        second = b"".join(bytes([first + place >> 8 & 0xFF]) * 256 for place in range(0, step, 256))
        block[length - 7 :: length] = second[:step]
        block[length - 6 :: length] = bytes([first >> 16]) * step
        digest.update(block)
    return digest.digest()
