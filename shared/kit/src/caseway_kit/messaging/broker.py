import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any, Literal

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from caseway_kit.errors import OutageError
from caseway_kit.messaging.delivery import Delivery
from caseway_kit.messaging.inlet import Inlet
from caseway_kit.messaging.inside import tasks_of_producer, tasks_of_subscriber

State = Literal["running", "paused", "stopped"]

GRACEFUL_SECONDS = 20.0
RECONNECT_SECONDS = 2.0

log = structlog.get_logger()


def build_broker(bootstrap_servers: str, *, service: str) -> KafkaBroker:
    return KafkaBroker(
        bootstrap_servers,
        client_id=service,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        request_timeout_ms=15_000,
        allow_auto_create_topics=False,
        graceful_timeout=GRACEFUL_SECONDS,
        logger=logging.getLogger("caseway.kafka"),
        log_level=logging.DEBUG,  # of "received" and "processed"; failures are logged by the delivery
    )


async def kafka_answers(bootstrap_servers: str) -> None:
    """Raise :class:`OutageError` unless a broker gives its metadata."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=4_000)
    try:
        await client.bootstrap()
    except KafkaError as error:
        raise OutageError("Kafka", type(error).__name__) from error
    finally:
        await client.close()


class Consumers:
    """A service's broker with its subscribers: started, stopped and looked at together.

    ``in_background``: the service can work without Kafka, so its start doesn't wait for it.
    """

    def __init__(
        self, broker: KafkaBroker, inlet: Inlet, delivery: Delivery, *, in_background: bool = False, **context: Any
    ) -> None:
        self._in_background = in_background
        self._starting: asyncio.Task[None] | None = None
        self.broker = broker
        self.delivery = delivery
        inlet.close()
        broker.include_router(inlet.router)
        broker.context.set_global("delivery", delivery)
        for name, value in context.items():
            broker.context.set_global(name, value)

    async def start(self) -> None:
        if self._in_background:
            self._starting = asyncio.create_task(self._start_when_kafka_answers())
        else:
            await self._start()

    async def _start(self) -> None:
        """Start the subscribers side by side: FastStream (0.7.8) starts one after the other, and after a kill each
        waits until Kafka misses the group's former member."""
        await self.broker.connect()
        await asyncio.gather(*(subscriber.start() for subscriber in self.broker.subscribers))
        await asyncio.gather(*(publisher.start() for publisher in self.broker.publishers))
        self.broker.running = True

    async def stop(self) -> None:
        self.delivery.stopping.set()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self.broker.stop()

    async def _start_when_kafka_answers(self) -> None:
        while True:
            try:
                return await self._start()
            except (KafkaError, OSError) as error:
                log.warning("waiting for a part that is away", part="Kafka", error=type(error).__name__)
                with contextlib.suppress(KafkaError, OSError):
                    await self.broker.stop()
                await asyncio.sleep(RECONNECT_SECONDS)

    def states(self) -> dict[str, State]:
        """The producer and every subscriber by its topics: running, paused on purpose, or stopped when it should not
        be."""
        found = {",".join(one.topic_names): self._state(one) for one in self._subscribers()}
        if self._is_starting():  # what is to be published waits in the outbox: nothing to be unready for
            return found
        return found | {"producer": _alive(tasks_of_producer(self.broker.config.broker_config.producer))}

    def _state(self, subscriber: Any) -> State:
        if self.delivery.paused(subscriber.group_id) or self._is_starting():
            return "paused"
        return _alive(tasks_of_subscriber(subscriber) if subscriber.running else [])

    def _is_starting(self) -> bool:
        return self._starting is not None and not self._starting.done()

    def _subscribers(self) -> Sequence[Any]:
        return list(self.broker.subscribers)


def _alive(tasks: Sequence[asyncio.Task[Any]]) -> State:
    return "running" if tasks and not any(task.done() for task in tasks) else "stopped"
