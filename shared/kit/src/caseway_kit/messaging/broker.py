from collections.abc import Sequence
from typing import Any, Literal

from faststream.kafka import KafkaBroker

from caseway_kit.messaging.delivery import Delivery
from caseway_kit.messaging.inlet import Inlet

State = Literal["running", "paused", "stopped"]

GRACEFUL_SECONDS = 20.0


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
    )


class Consumers:
    """A service's broker with its subscribers: started, stopped and looked at together."""

    def __init__(self, broker: KafkaBroker, inlet: Inlet, delivery: Delivery, **context: Any) -> None:
        self.broker = broker
        self.delivery = delivery
        inlet.close()
        broker.include_router(inlet.router)
        broker.context.set_global("delivery", delivery)
        for name, value in context.items():
            broker.context.set_global(name, value)

    async def start(self) -> None:
        await self.broker.start()

    async def stop(self) -> None:
        await self.broker.stop()

    def states(self) -> dict[str, State]:
        """Every subscriber by its topics: running, paused on purpose, or stopped when it should not be."""
        return {",".join(subscriber.topic_names): self._state(subscriber) for subscriber in self._subscribers()}

    def _state(self, subscriber: Any) -> State:
        if self.delivery.paused(subscriber.group_id):
            return "paused"
        tasks = subscriber.tasks
        alive = subscriber.running and tasks and not any(task.done() for task in tasks)
        return "running" if alive else "stopped"

    def _subscribers(self) -> Sequence[Any]:
        return list(self.broker.subscribers)
