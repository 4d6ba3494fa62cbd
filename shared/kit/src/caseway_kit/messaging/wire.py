"""An event on the wire: CloudEvents 1.0 in binary mode, the whole event as JSON in the body."""

import asyncio
import hashlib
import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, Self
from uuid import UUID

from aiokafka.errors import KafkaError
from faststream.exceptions import IncorrectState

from caseway_contracts.base import Event
from caseway_kit.errors import OutageError

PART = "Kafka"
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")

# W3C trace context of what is being handled; what is stated meanwhile carries it on.
trace: ContextVar[str | None] = ContextVar("trace", default=None)
# The same for each event of a batch.
traces: ContextVar[dict[UUID, str] | None] = ContextVar("traces", default=None)
# Hashes of the bodies that are being handled, by event id: what the sender sent, not what we made of it.
digests: ContextVar[dict[UUID, str] | None] = ContextVar("digests", default=None)


@dataclass(frozen=True)
class Encoded:
    """An event as it goes out, and goes out again: the same bytes every time."""

    event_id: str
    topic: str
    key: str
    body: str
    headers: dict[str, str]

    def document(self) -> dict[str, Any]:
        """For a Mongo document; :meth:`from_document` takes it back."""
        return {
            "event_id": self.event_id,
            "topic": self.topic,
            "key": self.key,
            "body": self.body,
            "headers": self.headers,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        return cls(**document)


class Publisher(Protocol):
    """What we use of FastStream's publisher objects."""

    async def publish(self, message: Any, /, *, key: bytes, headers: dict[str, str]) -> Any: ...


def encode(event: Event, *, source: str) -> Encoded:
    """The event of a service (``source``) with its CloudEvents headers and the trace it belongs to."""
    headers = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": str(event.event_id),
        "ce_type": event.type,
        "ce_source": f"/caseway/{source}",
        "ce_time": event.occurred_at.isoformat(),
        "ce_subject": event.key,
        "traceparent": trace.get() or new_trace(),
    }
    return Encoded(str(event.event_id), event.topic, event.key, event.model_dump_json(), headers)


async def emit(publisher: Publisher, *events: Encoded) -> None:
    """Publish and wait until the broker has them all, in the given order for each key."""
    try:
        sent = [publisher.publish(one.body.encode(), key=one.key.encode(), headers=one.headers) for one in events]
        await asyncio.gather(*sent)
    except (KafkaError, IncorrectState) as error:  # the latter: no connection was made yet
        raise OutageError(PART, type(error).__name__) from error


def event_digest(event: Event) -> str:
    """SHA-256 of the event's body as it arrived (or as it would be sent, outside of a delivery)."""
    arrived = digests.get() or {}
    return arrived.get(event.event_id) or body_digest(event.model_dump_json().encode())


def body_digest(body: bytes | None) -> str:
    return hashlib.sha256(body or b"").hexdigest()


def new_trace() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_from(header: str | None) -> str:
    """The trace of an incoming header, a fresh one where it holds none that makes sense."""
    return header if header is not None and _TRACEPARENT.match(header) else new_trace()
