"""F14 and F15 on the whole system: every event three times, the same id with other facts, ten kinds of poison."""

import asyncio
import json
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from embedded_system import Client, System, eventually
from load import Ledger, Load, check_invariants

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

EVENTS = ("cases", "analyses", "ratings", "routes", "notifications", "profiles")
READERS_OF_CASES = {"sample-analysis", "url-rating", "routing", "notifier", "portal"}
POISON: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
    (b"", []),
    (b"not json", []),
    (b"\xff\xfe\x00", []),
    (b"[]", []),
    (b'{"type": "CaseSubmitted"}', []),
    (b'{"type": "CaseSubmitted", "version": 99, "revision": NaN}', []),
    (b"[" * 10_000, []),
    (b'{"revision": ' + b"9" * 10_000 + b"}", []),
    (b'{"a": "\\u0000"}', [("ce_type", b"\xff\xfe")]),
    (b"x" * 500_000, []),
]


async def _records(kafka: str, topic: str) -> list[Any]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    try:
        found: list[Any] = []
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            found += [record for records in (await consumer.getmany(timeout_ms=500)).values() for record in records]
        return found
    finally:
        await consumer.stop()


async def _repeat_everything(kafka: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for topic in EVENTS:
            for record in await _records(kafka, topic):
                for _ in range(2):
                    await producer.send(topic, record.value, key=record.key, headers=list(record.headers))
        await producer.flush()
    finally:
        await producer.stop()


async def _forge(kafka: str) -> None:
    """The first case's event once more, under the same id, with another severity."""
    record = next(one for one in await _records(kafka, "cases") if (one.value or b"").startswith(b'{"event_id"'))
    forged = json.dumps(json.loads(record.value) | {"severity": "critical"}).encode()
    await _send(kafka, [(forged, list(record.headers))], key=record.key)


async def _send(kafka: str, messages: list[tuple[bytes | None, Any]], key: bytes | None = None) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for value, headers in messages:
            await producer.send_and_wait("cases", value, key=key, headers=headers)
    finally:
        await producer.stop()


@pytest.fixture
def system(start: Any) -> System:
    found: System = start()
    return found


def at_rest(client: Client, ledger: Ledger) -> dict[str, Any]:
    """The cases, once their two recipients are told all that there is to tell, which is the last that happens."""

    def look() -> dict[str, Any]:
        return {sr: client.get(f"/cases/{sr}") for sr in ledger.cases.values()}

    def all_told(cases: dict[str, Any]) -> bool:
        return all(len(_sent(case)) == 2 * (2 if _has_evidence(case) else 1) for case in cases.values())

    found: dict[str, Any] = eventually(look, all_told)
    return found


def _has_evidence(case: Any) -> bool:
    return bool(case["analysis"]["files"] or case["analysis"]["urls"])


def _sent(case: Any) -> list[Any]:
    return [one for one in case["notifications"] if one["status"] == "sent"]


def dead_letters(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(system.caseway("dlq", "list", "--data", str(system.data), "--json").stdout)
    return found


def test_what_comes_thrice_counts_once_and_what_is_poison_is_parked_once_a_reader(system: System) -> None:
    kafka = f"127.0.0.1:{system.state()['parts']['kafka']['port']}"
    client = system.client()
    ledger = Load(client, 20).run()
    check_invariants(system, client, ledger)
    before = at_rest(client, ledger)
    mails = len(system.mails())

    asyncio.run(_repeat_everything(kafka))
    asyncio.run(_send(kafka, POISON))
    fresh = client.opened(category="threat-inquiry", fields={}, subject="After the poison")
    client.completed(fresh)
    parked = eventually(lambda: dead_letters(system), lambda found: len(found) >= len(POISON) * len(READERS_OF_CASES))
    assert len(parked) == len(POISON) * len(READERS_OF_CASES)
    assert {one["service"] for one in parked} == READERS_OF_CASES
    for one in parked:
        assert (one["topic"], one["reason"], one["attempts"]) == ("cases", "undecodable", 1)

    assert {sr: client.get(f"/cases/{sr}") for sr in before} == before
    assert len([mail for mail in system.mails() if mail["X-Caseway-Case"] in before]) == mails

    asyncio.run(_forge(kafka))
    forged = eventually(
        lambda: [one for one in dead_letters(system) if one["reason"] == "invalid"],
        lambda found: {one["service"] for one in found} >= READERS_OF_CASES - {"sample-analysis", "url-rating"},
    )
    assert len(forged) <= len(READERS_OF_CASES)
    assert {sr: client.get(f"/cases/{sr}") for sr in before} == before

    for service in sorted(READERS_OF_CASES):
        assert system.caseway("dlq", "drop", service, "--data", str(system.data)).returncode == 0
    assert dead_letters(system) == []
