"""Kafka in, Kafka out: at-least-once delivery with its policies written down in one place.

FastStream's defaults lose messages (it commits before the handler runs, starts a new group at the end of the topic,
sends with ``acks=1`` and makes missing topics), so services use :func:`build_broker` and :class:`Inlet` only.
"""

from caseway_kit.messaging.batches import side_by_side
from caseway_kit.messaging.broker import Consumers, build_broker, kafka_answers
from caseway_kit.messaging.delivery import Delivery
from caseway_kit.messaging.inlet import Inlet
from caseway_kit.messaging.wire import Encoded, emit, encode, event_digest

__all__ = [
    "Consumers",
    "Delivery",
    "Encoded",
    "Inlet",
    "build_broker",
    "emit",
    "encode",
    "event_digest",
    "kafka_answers",
    "side_by_side",
]
