import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from caseway_kit.testing.waiting import PATIENCE


class Topics:
    """Makes topics on the test Kafka as the contracts declare them. Blocks, also inside an async test."""

    def __init__(self, address: str) -> None:
        self.prefix = f"t{uuid.uuid4().hex[:8]}-"
        self._address = address

    def exact(self, *names: str) -> None:
        """Under their own names, all of them when none is named, and without what earlier tests wrote: a service reads
        from the start, and what belongs to other tests' databases would be poison to it."""
        own = {name: name for name in names or self._declared()}
        self._make(own)
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, self._empty(list(own))).result()

    async def _empty(self, names: list[str]) -> Any:
        from aiokafka import TopicPartition
        from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
        from aiokafka.errors import KafkaError

        from caseway_contracts.topics import topic

        everything = RecordsToDelete(before_offset=-1)
        admin = AIOKafkaAdminClient(bootstrap_servers=self._address)
        await admin.start()
        try:
            partitions = [TopicPartition(name, number) for name in names for number in range(topic(name).partitions)]
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        return await admin.delete_records(dict.fromkeys(partitions, everything))
                    except KafkaError:  # the leaders of topics that were just made are not known everywhere yet
                        await asyncio.sleep(0.2)
        finally:
            await admin.close()

    def fresh(self, *names: str) -> dict[str, str]:
        """Under names that no other test uses; returns declared name → name on the broker."""
        renamed = {name: f"{self.prefix}{name}" for name in names or self._declared()}
        self._make(renamed)
        return renamed

    def _declared(self) -> list[str]:
        from caseway_contracts.topics import topics

        return [topic.name for topic in topics()]

    def _make(self, renamed: dict[str, str]) -> None:
        from caseway_contracts.topics import topic
        from caseway_embedded.topics import Topic, apply_topics

        declared = [(topic(name), on_broker) for name, on_broker in renamed.items()]
        made = [Topic(on_broker, found.partitions, found.config) for found, on_broker in declared]
        # A loop of its own: the caller may be running in one, or in none.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, apply_topics(self._address, made)).result()
