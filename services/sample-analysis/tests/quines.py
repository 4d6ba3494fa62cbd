"""Archives whose one member is the archive itself, after Russ Cox, "Zip Files All The Way Down" (2010).

Deflate is taken as a language of two words: "here are so many bytes" and "the last so many bytes again". They are made
of one length, so that words can be among what is said. The checksum, which is part of what it is of, is the solution of
linear equations.
"""

import struct
import zlib
from collections.abc import Callable

WORD = 5
LAST_WORD = 4
_END = "0000000"
_NOTHING = "010" + _END

Wrap = Callable[[int, int, int], tuple[bytes, bytes]]
"""What stands before and behind the stream, by checksum, packed and unpacked size."""


def zip_quine() -> bytes:
    return _quine(_zip_wrap)


def gzip_quine() -> bytes:
    return _quine(_gzip_wrap)


def _zip_wrap(checksum: int, packed: int, size: int) -> tuple[bytes, bytes]:
    name = b"again.zip"
    fields = struct.pack("<HHHHIIIHH", 0, 8, 0, 0, checksum, packed, size, len(name), 0)
    local = b"PK\x03\x04\x14\x00" + fields + name
    central = b"PK\x01\x02\x14\x00\x14\x00" + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local) + packed, 0)
    return local, central + end


def _gzip_wrap(checksum: int, _packed: int, size: int) -> tuple[bytes, bytes]:
    name = b"again, again and again.gz\x00"
    return b"\x1f\x8b\x08\x08" + bytes(5) + b"\x03" + name, struct.pack("<II", checksum, size)


def _quine(wrap: Wrap) -> bytes:
    head, tail = wrap(0, 0, 0)
    packed = len(_stream(head, tail))
    size = len(head) + packed + len(tail)

    def made(checksum: int) -> bytes:
        head, tail = wrap(checksum, packed, size)
        return head + _stream(head, tail) + tail

    return made(_own_checksum(made))


def _stream(head: bytes, tail: bytes) -> bytes:
    """Unpacks to ``head``, itself and ``tail``."""
    first, again = _repeat(len(head) + WORD), _repeat(4 * WORD)
    four, last = _say(4 * WORD), _repeat(len(tail) + LAST_WORD, final=True)
    words = [
        (_say(len(head) + WORD), head, _say(len(head) + WORD)),
        (first,),
        (_say(WORD), first),
        (_say(WORD), _say(WORD)),
        (four, first, _say(WORD), _say(WORD), four),
        (again,),
        (four, again, four, again, four),
        (again,),
        (four, again, _say(0), _say(0), _say(len(tail) + LAST_WORD)),
        (again,),
        (_say(0), _say(0), _say(len(tail) + LAST_WORD), last, tail),
        (last,),
    ]
    return b"".join(b"".join(line) for line in words)


def _say(count: int) -> bytes:
    """The header of a stored block."""
    return struct.pack("<BHH", 0, count, count ^ 0xFFFF)


def _repeat(count: int, *, final: bool = False) -> bytes:
    """A block of fixed codes. What comes behind begins with zeros, so one or two bits of it may be in the last byte."""
    matches = 2 if count == 4 * WORD else 1
    bits = f"{final:b}10" + _match(count // matches, count) * matches + _END
    length = LAST_WORD if final else WORD
    bits = _NOTHING * ((8 * length - len(bits)) // len(_NOTHING)) + bits
    assert final or len(bits) > 8 * WORD - 3, "the name of the member must be of another length"
    return int(bits[::-1], 2).to_bytes(length, "little")


def _match(length: int, distance: int) -> str:
    far = distance - 1
    long = length - 3
    more, further = max(0, long.bit_length() - 3), max(0, far.bit_length() - 2)
    code = 1 + 4 * more + (long >> more)
    symbol = f"{code:07b}" if code < 24 else f"{0b11000000 + code - 24:08b}"
    return symbol + _extra(long, more) + f"{2 * further + (far >> further):05b}" + _extra(far, further)


def _extra(value: int, bits: int) -> str:
    return f"{value & ((1 << bits) - 1):0{bits}b}"[::-1] if bits else ""


def _own_checksum(made: Callable[[int], bytes]) -> int:
    """A CRC is linear: what each bit of it changes is known, so those are chosen that come out as they went in."""
    left = zlib.crc32(made(0))
    rows: dict[int, tuple[int, int]] = {}
    for bit in (1 << place for place in range(32)):
        effect, bits = left ^ zlib.crc32(made(bit)) ^ bit, bit
        while effect and (known := rows.get(effect.bit_length())):
            effect, bits = effect ^ known[0], bits ^ known[1]
        if effect:
            rows[effect.bit_length()] = effect, bits
    checksum = 0
    while left:
        effect, bits = rows[left.bit_length()]
        left, checksum = left ^ effect, checksum ^ bits
    return checksum
