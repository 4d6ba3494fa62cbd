"""The parts that every service's ``main.py`` wires in the same way."""

from collections.abc import Awaitable, Callable

from caseway_kit import faults, logs
from caseway_kit.clock import SystemClock
from caseway_kit.health import Need
from caseway_kit.messaging import Delivery, build_broker, kafka_answers
from caseway_kit.messaging.attempts import MongoAttempts
from caseway_kit.mongo import connect
from caseway_kit.objects import open_objects
from caseway_kit.settings import SharedSettings


class Parts:
    """Clock, database, objects, broker and delivery of one service; nothing connects before its first use."""

    def __init__(self, service: str, settings: SharedSettings) -> None:
        logs.configure(service)
        faults.arm(settings.fault, testing=settings.testing)
        self.service = service
        self.clock = SystemClock()
        self.mongo = connect(settings.mongo.get_secret_value(), app_name=service, driver=settings.mongo_driver)
        self.database = self.mongo.database(service.replace("-", "_"))
        self.objects = open_objects(settings.objects)
        self.broker = build_broker(settings.kafka, service=service)
        self.attempts = MongoAttempts(self.database.collection("attempts"), self.clock)
        self.delivery = Delivery(service, park_to=self.broker, attempts=self.attempts, clock=self.clock)
        self.needs_mongo = Need("MongoDB", self.database.ping)
        self.needs_kafka = Need("Kafka", self._kafka(settings.kafka))
        self.needs_objects = Need("objects", self.objects.ping)

    @staticmethod
    def _kafka(bootstrap_servers: str) -> Callable[[], Awaitable[None]]:
        async def check() -> None:
            await kafka_answers(bootstrap_servers)

        return check

    async def prepare(self) -> None:
        """Make what the kit itself keeps in the database; call it in the service's start."""
        await self.attempts.prepare()

    async def close(self) -> None:
        await self.mongo.close()
