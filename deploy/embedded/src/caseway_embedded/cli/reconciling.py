"""``caseway reconcile``: every accepted case is completed, in flight or parked; what is none of these is named.

Sets of ids are compared, never counts: two mistakes must not cancel out.
"""

import json
from typing import Any

from aiokafka import TopicPartition
from pymongo import AsyncMongoClient

from caseway_embedded.cli.backstage import Backstage
from caseway_embedded.cli.dead_letters import parked, services
from caseway_embedded.cli.log_reader import committed, read

Client = AsyncMongoClient[dict[str, Any]]


async def compare(where: Backstage) -> dict[str, Any]:
    # In the order in which a case travels, and its end last: what moves on meanwhile is seen where it comes to.
    on_log = await _on_log(where.kafka)
    client: Client = AsyncMongoClient(where.mongo)
    try:
        accepted = await _accepted(client, {})
        on_log -= await _imported(client)
        problems = await _leases(client, on_log)
        waiting = await _accepted(client, {"outbox.0": {"$exists": True}})
        in_flight = (waiting | await _in_flight(where.kafka)) & accepted
        dead = {_case_of(letter.record) for letter in await parked(where.kafka, services())} & accepted
        completed = await _completed(client)
    finally:
        await client.close()
    lost = accepted - completed - in_flight - dead
    problems += [f"on the log, but not accepted: {sr}" for sr in sorted(on_log - accepted)]
    return {
        "accepted": len(accepted),
        "completed": len(completed & accepted),
        "in_flight": len(in_flight - completed),
        "parked": len(dead - completed),
        "lost": sorted(lost),
        "problems": problems,
    }


async def _accepted(client: Client, query: dict[str, Any]) -> set[str]:
    return {case["_id"] async for case in client["intake"]["cases"].find(query, {"_id": 1})}


async def _imported(client: Client) -> set[str]:
    """Records from before SR numbers: they stand on the log under their REF ids, and nothing is to become of them."""
    return {one["_id"] async for one in client["intake"]["legacy_requests"].find({}, {"_id": 1})}


async def _completed(client: Client) -> set[str]:
    """Cases that routing has, with every round complete."""
    query = {"route.case": {"$ne": None}, "route.rounds": {"$not": {"$elemMatch": {"completed": False}}}}
    return {route["_id"] async for route in client["routing"]["routes"].find(query, {"_id": 1})}


async def _in_flight(kafka: str) -> set[str]:
    """Cases of messages beyond what their group has committed, on every topic that a group reads."""
    from caseway_contracts.topics import topics

    positions = await committed(kafka)
    cases = set()
    for topic in topics():
        for consumer in topic.consumers:
            groups = [group for group in positions if group == consumer or group.startswith(f"{consumer}-")]
            readers = [group for group in groups if any(one.topic == topic.name for one in positions[group])]
            after = _lowest([positions[group] for group in readers], topic.name)
            async for record in read(kafka, [topic.name], after=after):
                cases.add(_case_of(record))
    return cases


def _lowest(positions: list[dict[TopicPartition, int]], topic: str) -> dict[TopicPartition, int]:
    after: dict[TopicPartition, int] = {}
    for position in positions:
        for partition, offset in position.items():
            if partition.topic == topic:
                after[partition] = min(offset, after.get(partition, offset))
    return after


async def _on_log(kafka: str) -> set[str]:
    return {_case_of(record) async for record in read(kafka, ["cases"])}


async def _leases(client: Client, on_log: set[str]) -> list[str]:
    """A database restored from a backup would lease SR numbers anew that the log already has."""
    leased = {one["_id"]: int(one["leased"]) async for one in client["intake"]["sr_blocks"].find({})}
    found = []
    for sr in sorted(on_log):
        region, number = _parsed(sr)
        if region and number > leased.get(region, 0):
            found.append(f"{sr} is on the log, but region {region} has leased only up to {leased.get(region, 0)}")
    return found


def _parsed(sr: str) -> tuple[str, int]:
    """Region and number of an SR number; nothing of an imported REF id."""
    parts = sr.split("-")
    return (parts[0][2:], int(parts[1])) if sr.startswith("SR") and len(parts) == 3 else ("", 0)


def _case_of(record: Any) -> str:
    """The SR number that a message speaks of; empty where it speaks of none."""
    try:
        key = json.loads(record.value or b"")["key"]
    except (ValueError, KeyError, TypeError):
        return (record.key or b"").decode(errors="replace")
    return str(key)


async def outboxes(where: Backstage) -> dict[str, int]:
    client: Client = AsyncMongoClient(where.mongo)
    try:
        counts = {}
        for database in ("intake", "profiles", "sample_analysis", "url_rating", "notifier"):
            for collection in await client[database].list_collection_names():
                found = await client[database][collection].count_documents({"outbox.0": {"$exists": True}})
                indexed = "outbox_until_1" in await client[database][collection].index_information()
                if indexed:
                    counts[f"{database}.{collection}"] = found
        return counts
    finally:
        await client.close()
