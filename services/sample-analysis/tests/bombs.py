"""Archives that unpack to far more than they are, made without packing what they unpack to."""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator

MIB = 1024 * 1024


def deflated_zeros(mebibytes: int, piece: bytes = bytes(MIB)) -> bytes:
    """A flushed block stands by itself, so that it can be repeated."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * mebibytes + deflate.flush(zlib.Z_FINISH)


def gzip_of(mebibytes: int, piece: bytes = bytes(MIB)) -> bytes:
    return b"\x1f\x8b\x08" + bytes(6) + b"\x03" + deflated_zeros(mebibytes, piece) + bytes(8)


def zip_of(mebibytes: int) -> bytes:
    data, name, size = deflated_zeros(mebibytes), b"zeros", min(mebibytes * MIB, 0xFFFFFFFE)
    fields = struct.pack("<HHHHIIIHH", 0, 8, 0, 0, 0, len(data), size, len(name), 0)
    local = b"PK\x03\x04\x14\x00" + fields + name + data
    central = b"PK\x01\x02\x14\x00\x14\x00" + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + central + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)


def zstd_of(mebibytes: int) -> bytes:
    """A frame of blocks that each say "one zero, 128 KiB of them"."""
    repeated = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"\x00"
    return b"\x28\xb5\x2f\xfd\x00\x58" + repeated * (8 * mebibytes) + b"\x01\x00\x00"


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


FLAT: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zip_of(1024),
    "gzip": lambda: gzip_of(1024),
    "bzip2": lambda: bz2.compress(bytes(10 * MIB)) * 30,
    "xz": lambda: lzma.compress(bytes(10 * MIB), preset=0) * 100,
    "lzma": lambda: lzma.compress(bytes(96 * MIB), lzma.FORMAT_ALONE, preset=0),
    "zstd": lambda: zstd_of(1024),
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
