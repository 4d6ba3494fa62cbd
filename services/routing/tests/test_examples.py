"""Every event that was ever released is still read."""

from datetime import datetime

from faststream.kafka import KafkaBroker, TestKafkaBroker
from routing_fakes import InMemoryRouteRepository

from caseway_catalog import load
from caseway_kit.contacts import DisabledContacts
from caseway_kit.messaging import Consumers, Delivery
from caseway_kit.testing.clock import FixedClock
from caseway_kit.testing.examples import examples
from routing.handlers import inlet
from routing.service import Routing

TOPICS = ("cases", "analyses", "ratings", "profiles")


class NobodyDisabled:
    async def save(self, contact_id: str, *, disabled: bool, at: datetime) -> None:
        return

    async def disabled(self) -> set[str]:
        return set()


class Parked:
    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        self.messages.append(message)


async def test_every_example_is_consumed_and_none_is_parked() -> None:
    broker, parked = KafkaBroker("localhost:9"), Parked()
    routing = Routing(InMemoryRouteRepository(), catalog=load(), clock=FixedClock())
    Consumers(broker, inlet, Delivery("routing", parked), routing=routing, disabled=DisabledContacts(NobodyDisabled()))
    async with TestKafkaBroker(broker):
        for topic in TOPICS:
            for example in examples(topic):
                _, raw = example.values
                await broker.publish(raw, topic, headers={"content-type": "application/json"})
    assert parked.messages == []
