"""What is in a piece: bytes in, plain data out. It runs in the sandbox, without network, files or secrets."""

from typing import Any, Protocol

VERSION = "1"


class Bytes(Protocol):
    """What we use of the kit's sample."""

    size: int

    def read(self, size: int = -1, offset: int = 0) -> bytes: ...


def examine(sample: Bytes) -> dict[str, Any]:
    """Fields of :class:`example_service.pieces.Findings`. What raises here is a result about the piece, no outage."""
    if sample.read(1):
        return {"verdict": "unknown"}
    return {"verdict": "not_analyzed", "limits": [{"limit": "empty", "says": "The file is empty."}]}
