"""RAR 5: each file has a record that says how it is encrypted; the headers can be encrypted too."""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from caseway_kit.archives.budget import Budget
from caseway_kit.archives.content import Content
from caseway_kit.archives.locked.parts import (
    LARGEST_HEADER,
    Input,
    NotOpened,
    decrypted,
    gathered,
    stream,
    stream_decrypted,
    vint,
)

_SIGNATURE = b"Rar!\x1a\x07\x01\x00"
_MAIN, _FILE, _ENCRYPTION, _END = 1, 2, 4, 5
_HAS_EXTRA, _HAS_DATA = 1, 2
_HAS_TIME, _HAS_CRC = 2, 4
_ENCRYPTION_RECORD, _HASH_RECORD = 1, 2
_TWEAKED = 2
# 2^15 rounds are usual; an archive that asks for far more wants to cost.
_MOST_ROUNDS = 20


@dataclass(frozen=True)
class _Encryption:
    rounds: int
    salt: bytes
    check: bytes
    iv: bytes = b""
    tweaked: bool = False

    def key(self, typed: bytes) -> bytes:
        key, check = _derived(typed, self.salt, self.rounds)
        if self.check and self.check != check:
            raise NotOpened("the password is wrong")
        return key


class LockedRar5:
    encoding = "utf-8"
    longest = 127

    def __init__(self, content: Content, budget: Budget) -> None:
        self._content = content
        self._budget = budget
        self._others = 0
        self.certain = False

    def opened(self, typed: bytes) -> Content:
        """Files with passwords of their own stay as they are, if others open."""
        self.certain = False
        return gathered(self._written(typed))

    def _written(self, typed: bytes) -> Iterator[bytes]:
        yield _SIGNATURE
        at = len(_SIGNATURE)
        headers: _Encryption | None = None
        self._others = 0
        while at < self._content.size:
            body, at = self._header(at, headers, typed)
            kind = Input(body).vint()
            if kind == _ENCRYPTION:
                headers = _whole_encryption(Input(body))
                self._key(headers, typed)
                self.certain = bool(headers.check)
                continue
            size = _data_size(body)
            if kind in (_MAIN, _END):
                yield _framed(body)
                yield from stream(self._content, at, size)
            elif kind == _FILE:
                yield from self._file(body, at, size, typed)
            at += size
            if kind == _END:
                break
        if self._others and not self.certain:
            raise NotOpened("the password is wrong")

    def _header(self, at: int, headers: _Encryption | None, typed: bytes) -> tuple[bytes, int]:
        if headers is None:
            start = Input(self._content.read(at, 16))
            stated, size = start.take(4), start.vint()
            length = start.at + size
            whole = self._content.read(at, min(length, LARGEST_HEADER))
            ends = at + length
        else:
            iv = self._content.read(at, 16)
            first = self._content.read(at + 16, 16)
            if len(first) < 16:
                raise NotOpened("it ends too early")
            key = self._key(headers, typed)
            start = Input(decrypted(key, iv, first))
            stated, size = start.take(4), start.vint()
            length = start.at + size
            padded = (length + 15) & ~15
            whole = decrypted(key, iv, self._content.read(at + 16, min(padded, LARGEST_HEADER)))
            ends = at + 16 + padded
        if zlib.crc32(whole[4:length]).to_bytes(4, "little") != stated:
            raise NotOpened("a header is damaged, or the password is wrong")
        return whole[start.at : length], ends

    def _file(self, body: bytes, at: int, size: int, typed: bytes) -> Iterator[bytes]:
        header = _FileHeader(body)
        encryption = header.encryption
        if encryption is None:
            yield _framed(body)
            yield from stream(self._content, at, size)
            return
        try:
            key = self._key(encryption, typed)
        except NotOpened:
            self._others += 1
            yield _framed(body)
            yield from stream(self._content, at, size)
            return
        self.certain = self.certain or bool(encryption.check)
        with gathered(stream_decrypted(key, encryption.iv, self._content, at, size)) as plain:
            length = min(plain.size, header.unpacked) if header.stored else _packed_length(plain)
            yield _framed(header.without_encryption(length))
            yield from stream(plain, 0, length)

    def _key(self, encryption: _Encryption, typed: bytes) -> bytes:
        """Each file may ask for a key of its own, and each of them takes its time."""
        self._budget.check_time()
        return encryption.key(typed)


class _FileHeader:
    def __init__(self, body: bytes) -> None:
        taken = Input(body)
        self._kind, self._flags = taken.vint(), taken.vint()
        extra_size = taken.vint() if self._flags & _HAS_EXTRA else 0
        if self._flags & _HAS_DATA:
            taken.vint()
        fields = Input(taken.take(len(body) - taken.at - extra_size))
        self._file_flags, self.unpacked, self._attributes = fields.vint(), fields.vint(), fields.vint()
        self._time = fields.take(4) if self._file_flags & _HAS_TIME else b""
        self._crc = fields.take(4) if self._file_flags & _HAS_CRC else b""
        self._rest = fields.rest()
        self.stored = Input(self._rest).vint() >> 7 & 7 == 0
        self._records = list(_records(Input(taken.rest())))
        self.encryption = next(
            (_encryption_of(data) for kind, data in self._records if kind == _ENCRYPTION_RECORD), None
        )

    def without_encryption(self, length: int) -> bytes:
        # A checksum that is tied to the key says nothing without it.
        tweaked = self.encryption is not None and self.encryption.tweaked
        left_out = (_ENCRYPTION_RECORD, _HASH_RECORD) if tweaked else (_ENCRYPTION_RECORD,)
        extra = b"".join(_record(kind, data) for kind, data in self._records if kind not in left_out)
        flags = self._flags | _HAS_EXTRA if extra else self._flags & ~_HAS_EXTRA
        file_flags = self._file_flags & ~_HAS_CRC if tweaked else self._file_flags
        numbers = [self._kind, flags, *([len(extra)] if extra else []), length]
        fields = vint(file_flags) + vint(self.unpacked) + vint(self._attributes) + self._time
        fields += self._rest if tweaked else self._crc + self._rest
        return b"".join(map(vint, numbers)) + fields + extra


def _records(extra: Input) -> Iterator[tuple[int, bytes]]:
    while extra.at < len(extra.data):
        record = Input(extra.take(extra.vint()))
        yield record.vint(), record.rest()


def _record(kind: int, data: bytes) -> bytes:
    return vint(len(vint(kind)) + len(data)) + vint(kind) + data


def _encryption_of(data: bytes) -> _Encryption:
    taken = Input(data)
    _version, flags, rounds = taken.vint(), taken.vint(), taken.byte()
    salt, iv = taken.take(16), taken.take(16)
    return _Encryption(rounds, salt, taken.take(8) if flags & 1 else b"", iv, bool(flags & _TWEAKED))


def _whole_encryption(taken: Input) -> _Encryption:
    _kind, _flags, _version, flags, rounds = taken.vint(), taken.vint(), taken.vint(), taken.vint(), taken.byte()
    return _Encryption(rounds, taken.take(16), taken.take(8) if flags & 1 else b"")


def _packed_length(plain: Content) -> int:
    """Up to the block that says that it is the last: what fills up the cipher's own block behind it is none."""
    at = 0
    while True:
        start = plain.read(at, 5)
        if len(start) < 5:
            return plain.size
        flags, check, count = start[0], start[1], (start[0] >> 3 & 3) + 1
        size = start[2 : 2 + count]
        if count > 3 or 0x5A ^ flags ^ size[0] ^ (size[1] if count > 1 else 0) ^ (size[2] if count > 2 else 0) != check:
            raise NotOpened("a block is damaged, or the password is wrong")
        at += 2 + count + int.from_bytes(size, "little")
        if flags & 0x40:
            return min(at, plain.size)


def _data_size(body: bytes) -> int:
    taken = Input(body)
    _kind, flags = taken.vint(), taken.vint()
    if flags & _HAS_EXTRA:
        taken.vint()
    return taken.vint() if flags & _HAS_DATA else 0


def _framed(body: bytes) -> bytes:
    sized = vint(len(body)) + body
    return zlib.crc32(sized).to_bytes(4, "little") + sized


@lru_cache(maxsize=64)
def _derived(typed: bytes, salt: bytes, rounds: int) -> tuple[bytes, bytes]:
    """The key, and what the archive keeps to know the password by."""
    if rounds > _MOST_ROUNDS:
        raise NotOpened("its key would take too long")
    key = hashlib.pbkdf2_hmac("sha256", typed, salt, 1 << rounds)
    folded = bytearray(8)
    for place, byte in enumerate(hashlib.pbkdf2_hmac("sha256", typed, salt, (1 << rounds) + 32)):
        folded[place % 8] ^= byte
    return key, bytes(folded)
