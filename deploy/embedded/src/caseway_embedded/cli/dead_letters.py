"""Dead letters. What was requeued or dropped is recorded on the dead-letter topic itself: the log keeps
who did what, and nothing is ever taken out of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer

from caseway_embedded.cli.client import NOT_FOUND, stop
from caseway_embedded.cli.log_reader import read
from caseway_kit.messaging.dead_letter import (
    CONTROL,
    DROP,
    OFFSET,
    PARTITION,
    RESOLVES,
    RESUME,
    TOPIC,
    dlq,
    header,
    original_headers,
    retry,
)

PARTITIONS = 8


@dataclass(frozen=True)
class DeadLetter:
    service: str
    record: Any

    @property
    def name(self) -> str:
        return f"{self.service}/{self.record.partition}/{self.record.offset}"

    def header(self, name: str) -> str | None:
        return header(self.record.headers, name)

    def row(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "service": self.service,
            "topic": self.header(TOPIC),
            "partition": int(self.header(PARTITION) or 0),
            "offset": int(self.header(OFFSET) or 0),
            "case": (self.record.key or b"").decode(errors="replace"),
            "reason": self.header("dlq-reason"),
            "error": self.header("dlq-error"),
            "attempts": int(self.header("dlq-attempts") or 0),
            "at": self.header("dlq-at"),
        }


def services() -> list[str]:
    from caseway_contracts.topics import topics

    return [topic.name.removesuffix("-dlq") for topic in topics() if topic.name.endswith("-dlq")]


async def parked(kafka: str, names: Sequence[str]) -> list[DeadLetter]:
    """Dead letters that were neither requeued nor dropped."""
    found: dict[str, DeadLetter] = {}
    resolved = set()
    async for record in read(kafka, [dlq(name) for name in names]):
        letter = DeadLetter(record.topic.removesuffix("-dlq"), record)
        resolves = letter.header(RESOLVES)
        if resolves is None:
            found[letter.name] = letter
        else:
            resolved.add(f"{letter.service}/{resolves}")
    return [letter for name, letter in found.items() if name not in resolved]


def chosen(letters: Sequence[DeadLetter], which: str) -> list[DeadLetter]:
    chosen = [letter for letter in letters if which in (letter.name, letter.service)]
    return chosen or stop(f"There is no dead letter {which!r}; `caseway dlq list` names them.", NOT_FOUND)


async def resolve(kafka: str, which: str, action: str) -> int:
    letters = chosen(await parked(kafka, services()), which)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for letter in letters:
            record = letter.record
            origin = [(TOPIC, (letter.header(TOPIC) or "").encode())]
            origin += [(name, (letter.header(name) or "").encode()) for name in (PARTITION, OFFSET)]
            control = [(CONTROL, DROP.encode())] if action == DROP else []
            headers = [*original_headers(record.headers), *origin, *control]
            await producer.send_and_wait(retry(letter.service), record.value, key=record.key, headers=headers)
            resolves = f"{record.partition}/{record.offset}".encode()
            marks = [(RESOLVES, resolves), ("dlq-action", action.encode())]
            await producer.send_and_wait(record.topic, b"", key=record.key, headers=marks)
    finally:
        await producer.stop()
    return len(letters)


async def resume(kafka: str, service: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    try:
        for partition in range(PARTITIONS):
            word = [(CONTROL, RESUME.encode())]
            await producer.send_and_wait(retry(service), b"", partition=partition, headers=word)
    finally:
        await producer.stop()
