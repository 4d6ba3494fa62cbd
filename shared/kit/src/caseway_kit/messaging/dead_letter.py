"""Parking: a message that cannot be handled goes to ``<service>-dlq`` as it came, with where it stood and why.

An operator requeues it to ``<service>-retry`` (never to its source topic, whose other readers had no trouble with
it) or drops it. The headers added here start with ``dlq-``.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord

RawHeaders = Sequence[tuple[str, bytes | None]]

PREFIX = "dlq-"
TOPIC = "dlq-topic"
PARTITION = "dlq-partition"
OFFSET = "dlq-offset"
RAW_HEADERS = "dlq-raw-headers"
# On a retry topic, an operator's word: go on after a pause; or, with a dead letter, that it is dropped.
CONTROL = "dlq-control"
RESUME = "resume"
DROP = "drop"
# On a dead-letter topic: the ``partition/offset`` of a dead letter that an operator requeued or dropped.
RESOLVES = "dlq-resolves"


def dlq(service: str) -> str:
    return f"{service}-dlq"


def retry(service: str) -> str:
    return f"{service}-retry"


@dataclass(frozen=True)
class Parked:
    """Why a message was parked. ``reason`` is a code and ``error`` a class name: messages may hold words."""

    reason: str
    error: str
    attempts: int
    at: datetime

    def headers(self, record: ConsumerRecord[Any, Any]) -> dict[str, str]:
        """The original headers, then ours; a message that was parked before keeps its first place of origin."""
        original = [(name, value) for name, value in record.headers if not name.startswith(PREFIX)]
        return {
            **as_text(original),
            TOPIC: source_topic(record),
            PARTITION: header(record.headers, PARTITION) or str(record.partition),
            OFFSET: header(record.headers, OFFSET) or str(record.offset),
            "dlq-reason": self.reason,
            "dlq-error": self.error,
            "dlq-attempts": str(self.attempts),
            "dlq-at": self.at.isoformat(),
        }


def as_text(headers: RawHeaders) -> dict[str, str]:
    """Headers as text; where that loses something (bytes that are no UTF-8, a name twice) the bytes ride along."""
    text = {name: _text(value) or "" for name, value in headers}
    if [(name, value.encode()) for name, value in text.items()] == list(headers):
        return text
    raw = [[name, None if value is None else base64.b64encode(value).decode()] for name, value in headers]
    return {**text, RAW_HEADERS: json.dumps(raw)}


def original_headers(headers: RawHeaders) -> list[tuple[str, bytes]]:
    """The headers that a parked message came with."""
    raw = header(headers, RAW_HEADERS)
    if raw is not None:
        return [(name, base64.b64decode(value or "")) for name, value in json.loads(raw)]
    return [(name, value or b"") for name, value in headers if not name.startswith(PREFIX)]


def source_topic(record: ConsumerRecord[Any, Any]) -> str:
    """The topic that a message belongs to, also when it comes again from a retry topic."""
    return header(record.headers, TOPIC) or record.topic


def header(headers: RawHeaders, name: str) -> str | None:
    return next((_text(value) for key, value in headers if key == name), None)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")
