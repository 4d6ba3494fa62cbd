"""How parent and child talk: a length, then JSON. Never pickle: the child is not trusted.

Strings pass exactly, lone surrogates included, since file names and mail headers have them.
"""

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")
LENGTH_BYTES = _LENGTH.size
MESSAGE_BYTES = 64 * 1024  # the most that a message between parent and zygote takes
# A value costs the reader up to a hundred bytes, its text only two: this bounds what 32 MiB of "[],[]," can take.
MOST_VALUES = 1_000_000


class NotPlain(ValueError):
    """Not data that may pass: too many values, too deep, or not JSON."""


def pack(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def unpack(data: bytes) -> Any:
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_VALUES:
        raise NotPlain(f"more than {MOST_VALUES} values")
    try:
        return json.loads(data.decode("utf-8", "surrogatepass"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotPlain(type(error).__name__) from None


def length_prefix(data: bytes) -> bytes:
    return _LENGTH.pack(len(data))


def read_length(prefix: bytes) -> int:
    return int(_LENGTH.unpack(prefix)[0])


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    """Blocks; EOFError when the other side has closed."""
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def _refuse(constant: str) -> None:
    raise NotPlain(constant)
