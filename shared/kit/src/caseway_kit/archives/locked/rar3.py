"""RAR 3 and 4: files, or all headers and files, are encrypted with a key that is made from a salt beside them."""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

from caseway_kit.archives.budget import Budget
from caseway_kit.archives.content import Content
from caseway_kit.archives.locked.parts import NotOpened, cut, decrypted, gathered, stream, stream_decrypted

_SIGNATURE = b"Rar!\x1a\x07\x00"
_MAIN, _FILE, _SERVICE, _END = 0x73, 0x74, 0x7A, 0x7B
_HEADERS_ENCRYPTED = 0x80
_ENCRYPTED, _WIDE, _SALTED, _HAS_DATA = 0x04, 0x100, 0x400, 0x8000
_FILE_HEADER = 32
_STORED = 0x30
_OLDEST = 29
_ROUNDS = 0x40000
_STEP = 0x4000


class LockedRar3:
    encoding = "utf-16-le"
    longest = 127
    certain = False

    def __init__(self, content: Content, budget: Budget) -> None:
        self._content = content
        self._budget = budget

    def opened(self, typed: bytes) -> Content:
        return gathered(self._written(typed))

    def _written(self, typed: bytes) -> Iterator[bytes]:
        yield _SIGNATURE
        at, encrypted = len(_SIGNATURE), False
        while at + 7 <= self._content.size:
            header, at = self._header(at, typed if encrypted else None)
            kind, flags = header[2], struct.unpack_from("<H", header, 3)[0]
            size = _data_size(header, kind, flags)
            if kind == _MAIN:
                encrypted = bool(flags & _HEADERS_ENCRYPTED)
                yield _framed(header, flags & ~_HEADERS_ENCRYPTED)
            elif kind == _FILE and flags & _ENCRYPTED:
                yield from self._file(header, flags, at, size, typed)
            elif kind != _SERVICE:
                yield header
                yield from stream(self._content, at, size)
            at += size
            if kind == _END:
                return

    def _header(self, at: int, typed: bytes | None) -> tuple[bytes, int]:
        if typed is None:
            (size,) = struct.unpack("<H", self._content.read(at + 5, 2))
            header, ends = self._content.read(at, size), at + size
        else:
            key, iv = self._key(typed, self._content.read(at, 8))
            first = self._content.read(at + 8, 16)
            if len(first) < 16:
                raise NotOpened("it ends too early")
            (size,) = struct.unpack_from("<H", decrypted(key, iv, first), 5)
            padded = (size + 15) & ~15
            header = decrypted(key, iv, self._content.read(at + 8, padded))[:size]
            ends = at + 8 + padded
        if size < 7 or len(header) < size or zlib.crc32(header[2:]) & 0xFFFF != struct.unpack_from("<H", header)[0]:
            raise NotOpened("a header is damaged, or the password is wrong")
        return header, ends

    def _file(self, header: bytes, flags: int, at: int, size: int, typed: bytes) -> Iterator[bytes]:
        if len(header) < _FILE_HEADER:
            raise NotOpened("a header is damaged")
        unpacked, version, method, name = struct.unpack_from("<I9xBBH", header, 11)
        if version < _OLDEST:
            raise NotOpened("of before version 3")
        salt_at = 32 + name + (8 if flags & _WIDE else 0)
        salt = header[salt_at : salt_at + 8] if flags & _SALTED else b""
        key, iv = self._key(typed, salt)
        length = min(size, unpacked) if method == _STORED and not flags & _WIDE else size
        plain = header[:7] + struct.pack("<I", length & 0xFFFFFFFF) + header[11:salt_at] + header[salt_at + len(salt) :]
        yield _framed(plain, flags & ~(_ENCRYPTED | _SALTED))
        yield from cut(stream_decrypted(key, iv, self._content, at, size), length)

    def _key(self, typed: bytes, salt: bytes) -> tuple[bytes, bytes]:
        """Each header and each file may ask for a key of its own, and each of them takes its time."""
        self._budget.check_time()
        return _derived(typed, salt)


def _data_size(header: bytes, kind: int, flags: int) -> int:
    if kind not in (_FILE, _SERVICE) and not flags & _HAS_DATA:
        return 0
    if len(header) < 11:
        raise NotOpened("a header is damaged")
    (size,) = struct.unpack_from("<I", header, 7)
    if kind in (_FILE, _SERVICE) and flags & _WIDE and len(header) >= 36:
        size += struct.unpack_from("<I", header, 32)[0] << 32
    return int(size)


def _framed(header: bytes, flags: int) -> bytes:
    rest = header[2:3] + struct.pack("<HH", flags, len(header)) + header[7:]
    return struct.pack("<H", zlib.crc32(rest) & 0xFFFF) + rest


@lru_cache(maxsize=64)
def _derived(typed: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Key and first block: a hash of the password many times over, each time with a number behind it."""
    one = typed + salt + bytes(3)
    length = len(one)
    digest, iv = hashlib.sha1(usedforsecurity=False), bytearray()
    for first in range(0, _ROUNDS, _STEP):
        rounds = bytearray(one * _STEP)
        rounds[length - 3 :: length] = bytes(range(256)) * (_STEP // 256)
        rounds[length - 2 :: length] = bytes(
            (first >> 8) + high & 0xFF for high in range(_STEP >> 8) for _ in range(256)
        )
        rounds[length - 1 :: length] = bytes([first >> 16]) * _STEP
        digest.update(rounds[:length])
        iv.append(digest.copy().digest()[19])
        digest.update(rounds[length:])
    words = struct.unpack(">4I", digest.digest()[:16])
    return struct.pack("<4I", *words), bytes(iv)
