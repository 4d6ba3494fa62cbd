"""When the log says that each case came so far: exact times, read after the fact, at no cost to what is measured."""

import json
import time
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from caseway_contracts.topics import topics

STAGES = {
    "CaseSubmitted": "cases",
    "EvidenceAnalyzed": "analyses",
    "UrlsRated": "ratings",
    "AnalysisCompleted": "routes",
}
LAST = "AnalysisCompleted"


class Events:
    """The events that are stated after entering."""

    def __init__(self, kafka: str) -> None:
        self._consumer: Any = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, enable_auto_commit=False)
        self.at: dict[str, dict[str, float]] = {stage: {} for stage in STAGES}
        """By stage and SR number, the seconds of the clock at which the last such event was sent."""

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        partitions = [
            TopicPartition(topic.name, number)
            for topic in topics()
            if topic.name in STAGES.values()
            for number in range(topic.partitions)
        ]
        self._consumer.assign(partitions)
        for partition, end in (await self._consumer.end_offsets(partitions)).items():
            self._consumer.seek(partition, end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def until_complete(self, cases: Collection[str], patience: float) -> None:
        """Raises TimeoutError, with how many cases are missing."""
        deadline = time.monotonic() + patience
        while missing := set(cases) - self.at[LAST].keys():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(missing)} of {len(cases)} cases are not complete after {patience:g} s")
            for records in (await self._consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    self._note(record)

    def _note(self, record: Any) -> None:
        event = json.loads(record.value)
        if event["type"] in self.at:
            self.at[event["type"]][event["key"]] = record.timestamp / 1000
