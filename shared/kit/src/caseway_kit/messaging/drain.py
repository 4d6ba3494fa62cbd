"""Waiting for what is in hand when partitions are taken away, so that a rebalance doubles no work."""

import asyncio

from aiokafka import ConsumerRebalanceListener, TopicPartition

DRAIN_SECONDS = 25.0
# A member that answers later is thrown out of the group. aiokafka would take the session timeout for it.
REBALANCE_TIMEOUT_MS = 30_000


class InFlight(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """The partitions whose messages are in hand, and those that were assigned and not yet read."""

    def __init__(self) -> None:
        self._busy: dict[TopicPartition, int] = {}
        self._idle = asyncio.Condition()
        self._fresh: set[TopicPartition] = set()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        async with self._idle:
            try:
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._idle.wait_for(lambda: not revoked & self._busy.keys())
            except TimeoutError:
                return

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._fresh |= assigned

    def first_since_assignment(self, partition: TopicPartition) -> bool:
        """True once a partition and assignment: only that message may be one that a killed process had begun."""
        fresh = partition in self._fresh
        self._fresh.discard(partition)
        return fresh

    def begin(self, partitions: set[TopicPartition]) -> None:
        for partition in partitions:
            self._busy[partition] = self._busy.get(partition, 0) + 1

    async def end(self, partitions: set[TopicPartition]) -> None:
        async with self._idle:
            for partition in partitions:
                self._busy[partition] -= 1
                if not self._busy[partition]:
                    del self._busy[partition]
            self._idle.notify_all()
