import asyncio

from caseway_kit.messaging import Consumers


class SideBySideConsumers(Consumers):
    """Consumers whose groups are joined at the same time.

    FastStream (0.7.8) starts subscribers one after the other. After a kill each of our five groups makes its new
    member wait ten seconds until Kafka misses the old one, and one after the other that is most of a minute.
    Remove it when the kit's own Consumers start this way.
    """

    async def start(self) -> None:
        await self.broker.connect()
        async with asyncio.TaskGroup() as group:
            for subscriber in self.broker.subscribers:
                group.create_task(subscriber.start())
        self.broker.running = True
