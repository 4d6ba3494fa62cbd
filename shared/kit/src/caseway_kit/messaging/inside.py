"""aiokafka's own tasks (0.14). When one dies its client goes on without it: a consumer that reads nothing more, a
producer that refuses everything. Neither the client nor FastStream (0.7.8) says so."""

import asyncio
from typing import Any


def tasks_of_subscriber(subscriber: Any) -> list["asyncio.Task[Any]"]:
    """What has to run while FastStream's ``subscriber`` does."""
    consumers = getattr(subscriber, "consumer_subgroup", None) or [subscriber.consumer]
    return [*subscriber.tasks, *(one._coordinator._coordination_task for one in consumers if one is not None)]


def tasks_of_producer(producer: Any) -> list["asyncio.Task[Any]"]:
    """Likewise for a broker's producer."""
    return [] if producer.closed else [producer._producer.producer._sender.sender_task]
