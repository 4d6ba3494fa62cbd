"""Archives that unpack to far more than they are, made without packing what they unpack to."""

import bz2
import lzma
import math
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache

MIB = 1024 * 1024


def deflated_zeros(mebibytes: int, piece: bytes = bytes(MIB)) -> bytes:
    """A flushed block stands by itself, so that it can be repeated."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * mebibytes + deflate.flush(zlib.Z_FINISH)


def gzip_of(mebibytes: int, piece: bytes = bytes(MIB)) -> bytes:
    return b"\x1f\x8b\x08" + bytes(6) + b"\x03" + deflated_zeros(mebibytes, piece) + bytes(8)


def zip_of(mebibytes: int, method: int = 8, data: bytes = b"") -> bytes:
    data, name, size = data or deflated_zeros(mebibytes), b"zeros", min(mebibytes * MIB, 0xFFFFFFFE)
    fields = struct.pack("<HHHHIIIHH", 0, method, 0, 0, 0, len(data), size, len(name), 0)
    local = b"PK\x03\x04\x14\x00" + fields + name + data
    central = b"PK\x01\x02\x14\x00\x14\x00" + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + central + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)


def zstd_of(mebibytes: int) -> bytes:
    """A frame of blocks that each say "one zero, 128 KiB of them"."""
    repeated = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"\x00"
    return b"\x28\xb5\x2f\xfd\x00\x58" + repeated * (8 * mebibytes) + b"\x01\x00\x00"


def bzip2_of(mebibytes: int) -> bytes:
    return bz2.compress(bytes(8 * MIB)) * (mebibytes // 8)


def xz_of(mebibytes: int) -> bytes:
    return lzma.compress(bytes(8 * MIB), preset=0) * (mebibytes // 8)


@cache
def lzma_of(mebibytes: int) -> bytes:
    return lzma.compress(bytes(mebibytes * MIB), lzma.FORMAT_ALONE, preset=0)


def lzma_in_zip(alone: bytes) -> bytes:
    return b"\x10\x02\x05\x00" + alone[:5] + alone[13:]


def lzip_of(mebibytes: int) -> bytes:
    zeros = bytes(8 * MIB)
    packed = lzma.compress(zeros, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": MIB}])
    sizes = struct.pack("<IQQ", zlib.crc32(zeros), len(zeros), len(packed) + 26)
    return (b"LZIP\x01\x14" + packed + sizes) * (mebibytes // 8)


def lz4_of(mebibytes: int) -> bytes:
    """Blocks of 4 MiB that each say "one zero, and all the same but for the last five"."""
    more, rest = divmod(4 * MIB - 1 - 4 - 15 - 5, 255)
    block = b"\x1f\x00\x01\x00" + b"\xff" * more + bytes([rest]) + b"\x50" + bytes(5)
    block = struct.pack("<I", len(block)) + block
    return b"\x04\x22\x4d\x18\x60\x70\x73" + block * (mebibytes // 4) + bytes(4)


def compress_of(mebibytes: int) -> bytes:
    """Every code is the one that is being defined: each stands for one zero more than the one before."""
    codes = [0, *range(257, 257 + math.isqrt(2 * mebibytes * MIB))]
    bits = "".join(f"{code:09b}" for code in reversed(codes))
    return b"\x1f\x9d\x90" + int(bits, 2).to_bytes(len(bits) // 8 + 1, "little")


def lzma2_of(mebibytes: int) -> bytes:
    chunks = lzma.compress(bytes(MIB), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": MIB}])
    return chunks[:-1] * mebibytes + b"\x00"


def seven_zip(packed: bytes, unpacked: int, coder: bytes = b"\x21\x21\x01\x14") -> bytes:
    """One file ``zeros`` in one folder of one coder (LZMA2, unless another is given)."""
    name = "zeros".encode("utf-16-le") + b"\x00\x00"
    streams = b"\x06\x00\x01\x09" + _number(len(packed)) + b"\x00"
    streams += b"\x07\x0b\x01\x00\x01" + coder + b"\x0c" + _number(unpacked) + b"\x00\x08\x00\x00"
    files = b"\x05\x01\x11" + _number(len(name) + 1) + b"\x00" + name + b"\x00"
    header = b"\x01\x04" + streams + files + b"\x00"
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


def _number(value: int) -> bytes:
    return b"\xff" + struct.pack("<Q", value)


def tar_gz_of(mebibytes: int) -> bytes:
    header = bytearray(next(tar_headers(1)))
    header[:9], header[124:136], header[148:157] = (
        b"zeros".ljust(9, b"\x00"),
        b"%011o\x00" % (mebibytes * MIB),
        b" " * 8 + b"0",
    )
    header[148:156] = b"%06o\x00 " % sum(header)
    return gzip_of(1, bytes(header)) + gzip_of(mebibytes)


FLAT: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zip_of(1024),
    "bzip2.zip": lambda: zip_of(96, 12, bz2.compress(bytes(96 * MIB))),
    "lzma.zip": lambda: zip_of(96, 14, lzma_in_zip(lzma_of(96))),
    "zstd.zip": lambda: zip_of(1024, 93, zstd_of(1024)),
    "gz": lambda: gzip_of(1024),
    "tar.gz": lambda: tar_gz_of(1024),
    "bz2": lambda: bzip2_of(1024),
    "xz": lambda: xz_of(1024),
    "lzma": lambda: lzma_of(96),
    "lz": lambda: lzip_of(1024),
    "zst": lambda: zstd_of(1024),
    "lz4": lambda: lz4_of(256),
    "Z": lambda: compress_of(1024),
    "7z": lambda: seven_zip(lzma2_of(2048), 2048 * MIB),
}


def nested(levels: int, make: Callable[[dict[str, bytes]], bytes], wide: int = 1, core: bytes = b"core") -> bytes:
    packed = core
    for level in range(levels):
        packed = make({f"{level}-{number}.zip": packed for number in range(wide)})
    return packed


def stored_zip(members: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Of so many members, and with so long names, that the usual way would take long."""
    body, directory, count = bytearray(), bytearray(), 0
    for name, data in members:
        fields = struct.pack("<HHHHIIIHH", 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0)
        directory += b"PK\x01\x02\x14\x00\x14\x00" + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04\x14\x00" + fields + name + data
        count += 1
    size, at = len(directory), len(body)
    wide = b""
    if count > 0xFFFF:
        wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, at)
        wide += struct.pack("<4sIQI", b"PK\x06\x07", 0, at + size, 1)
    count = min(count, 0xFFFF)
    return bytes(body + directory + wide + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, size, at, 0))


def quoted_overlap(files: int, kernel: bytes) -> bytes:
    """Each member's data begins with a stored block that holds the next member's header."""
    entries: list[tuple[bytes, bytes]] = []
    body = b""
    for number in reversed(range(files)):
        name = b"%04d" % number
        data = struct.pack("<BHH", 0, 34, 34 ^ 0xFFFF) + body if body else kernel
        fields = struct.pack("<HHHHIIIHH", 0, 8, 0, 0, 0, len(data), len(data), len(name), 0)
        entries.append((name, fields))
        body = b"PK\x03\x04\x14\x00" + fields + name + data
    central = b"".join(
        b"PK\x01\x02\x14\x00\x14\x00" + fields + struct.pack("<HHHII", 0, 0, 0, 0, number * 39) + name
        for number, (name, fields) in enumerate(reversed(entries))
    )
    return body + central + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, files, files, len(central), len(body), 0)


def tar_headers(count: int) -> Iterator[bytes]:
    for number in range(count):
        header = bytearray(512)
        name = b"d%07d/" % number
        header[: len(name)] = name
        header[100:108], header[124:136], header[136:148] = b"0000755\x00", b"00000000000\x00", b"00000000000\x00"
        header[148:156], header[156:157], header[257:265] = b" " * 8, b"5", b"ustar\x0000"
        header[148:156] = b"%06o\x00 " % sum(header)
        yield bytes(header)
