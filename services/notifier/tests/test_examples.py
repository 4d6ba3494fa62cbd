"""Every event that was ever released is still read."""

from faststream.kafka import KafkaBroker, TestKafkaBroker
from notifier_fakes import InMemoryCorrespondenceRepository, InMemoryLetters

from caseway_kit.messaging import Consumers, Delivery
from caseway_kit.objects import open_objects
from caseway_kit.testing.clock import FixedClock
from caseway_kit.testing.examples import examples
from notifier.handlers import inlet
from notifier.service import Notifier

TOPICS = ("cases", "routes", "ratings", "analyses")


class Parked:
    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        self.messages.append(message)


async def test_every_example_is_consumed_and_none_is_parked() -> None:
    broker, parked = KafkaBroker("localhost:9"), Parked()
    notifier = Notifier(
        InMemoryCorrespondenceRepository(),
        InMemoryLetters(FixedClock()),
        open_objects("memory://"),
        portal_url="https://portal.example",
    )
    Consumers(broker, inlet, Delivery("notifier", parked), notifier=notifier)
    async with TestKafkaBroker(broker):
        for topic in TOPICS:
            for example in examples(topic):
                _, raw = example.values
                await broker.publish(raw, topic, headers={"content-type": "application/json"})
    assert parked.messages == []
