import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from caseway_kit.errors import OutageError
from caseway_kit.mongo import Database
from caseway_kit.objects import Objects
from caseway_kit.testing.clock import FixedClock
from url_rating.entries_before_tables import convert_entries
from url_rating.expressions import digest
from url_rating.list_store import FRESH, StoredLists
from url_rating.lists import ListEntry, Match

pytestmark = pytest.mark.integration

EVIL, SHOP = digest("evil.example/"), digest("shop.example/")


@pytest.fixture
def other_replica(database: Database, objects: Objects, clock: FixedClock, tmp_path: Path) -> StoredLists:
    return StoredLists(database, objects, clock, scratch=tmp_path)


async def some_bytes() -> AsyncIterator[bytes]:
    yield b"x"


async def load(lists: StoredLists, version: str, *entries: ListEntry) -> None:
    loading = await lists.begin("ut1", version)
    await lists.add(loading, entries)
    await lists.activate(loading)


async def test_other_replicas_see_a_switch_soon(
    mongo_lists: StoredLists, other_replica: StoredLists, clock: FixedClock
) -> None:
    await load(mongo_lists, "1", ListEntry(EVIL, 49, (75,)))
    assert len(await other_replica.find([EVIL])) == 1
    await load(mongo_lists, "2", ListEntry(SHOP, 90, (58,)))
    clock.advance(FRESH.total_seconds() + 1)
    assert await other_replica.find([EVIL, SHOP]) == [Match(SHOP, 90, (58,), "ut1", "2")]


async def test_import_that_was_killed_leaves_what_the_next_one_sweeps(
    mongo_lists: StoredLists, other_replica: StoredLists, database: Database, objects: Objects
) -> None:
    await load(mongo_lists, "1", ListEntry(EVIL, 49, (75,)))
    killed = await mongo_lists.begin("ut1", "2")
    await mongo_lists.add(killed, [ListEntry(SHOP, 90, (58,))])
    # As if it had died between the object and the switch.
    await objects.put_stream("lists/2-dead", some_bytes())
    await database.collection("lists").update_one({"_id": "ut1"}, {"$set": {"loading.key": "lists/2-dead"}})
    assert await other_replica.find([EVIL, SHOP]) == [Match(EVIL, 49, (75,), "ut1", "1")]

    await load(other_replica, "2", ListEntry(SHOP, 90, (58,)))
    assert not await objects.exists("lists/2-dead")
    assert await other_replica.find([EVIL, SHOP]) == [Match(SHOP, 90, (58,), "ut1", "2")]


async def test_tables_of_versions_that_nothing_leads_back_to_are_deleted(
    mongo_lists: StoredLists, database: Database, objects: Objects
) -> None:
    keys = []
    for version in ("1", "2", "3"):
        await load(mongo_lists, version, ListEntry(EVIL, 49, (75,)))
        document = await database.collection("lists").find_one({"_id": "ut1"})
        assert document is not None
        keys.append(document["active"]["key"])
    assert [await objects.exists(key) for key in keys] == [False, True, True]


async def test_list_whose_table_is_gone_is_not_asked_until_it_is_imported_again(
    mongo_lists: StoredLists, other_replica: StoredLists, database: Database, objects: Objects
) -> None:
    await load(mongo_lists, "1", ListEntry(EVIL, 49, (75,)))
    document = await database.collection("lists").find_one({"_id": "ut1"})
    assert document is not None
    await objects.delete(document["active"]["key"])
    assert await other_replica.active() == ()
    assert await other_replica.switches() is None
    await load(other_replica, "1", ListEntry(EVIL, 49, (75,)))
    assert len(await other_replica.find([EVIL])) == 1
    assert await other_replica.switches() == 2


async def test_entries_that_were_documents_become_a_table(
    mongo_lists: StoredLists, database: Database, clock: FixedClock
) -> None:
    before = {"version": "2026-07", "number": 7, "entries": 2, "at": clock.now() - timedelta(days=9)}
    await database.collection("lists").insert_one({"_id": "own", "active": before, "previous": None, "loading": None})
    await database.collection("counters").insert_one({"_id": "lists", "last": 7})
    mark = (7).to_bytes(4, "big")
    await database.collection("list_entries").insert_many(
        [
            {"_id": EVIL + mark, "s": 49, "c": [75], "v": 7},
            {"_id": SHOP + mark, "s": 90, "c": [58], "v": 7},
            {"_id": SHOP + bytes(4), "s": 20, "c": [91], "v": 0},
        ]
    )
    assert await mongo_lists.active() == ()
    assert await mongo_lists.switches() is None
    for _ in range(2):
        await convert_entries(database, mongo_lists)
        assert {match.score for match in await mongo_lists.find([EVIL, SHOP])} == {49, 90}
    assert [str(version) for version in await mongo_lists.active()] == ["own/2026-07"]
    assert await database.collection("list_entries").count({}) == 0
    assert await mongo_lists.roll_back("own") is None


class DuringFetch:
    """Something happens while a table is fetched, once."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.happens: Callable[[], Awaitable[object]] | None = None
        self.fails: Exception | None = None

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        await self._objects.put_stream(key, chunks)

    async def fetch(self, key: str, path: Path, sha256: str | None = None) -> None:
        if self.fails is not None:
            raise self.fails
        happens, self.happens = self.happens, None
        if happens is not None:
            await happens()
        await self._objects.fetch(key, path, sha256)

    async def delete(self, key: str) -> None:
        await self._objects.delete(key)


@pytest.fixture
def during_fetch(objects: Objects) -> DuringFetch:
    return DuringFetch(objects)


@pytest.fixture
def interrupted(database: Database, during_fetch: DuringFetch, clock: FixedClock, tmp_path: Path) -> StoredLists:
    return StoredLists(database, during_fetch, clock, scratch=tmp_path)


async def test_table_that_is_dropped_while_it_is_fetched_is_no_lost_list(
    mongo_lists: StoredLists, interrupted: StoredLists, during_fetch: DuringFetch
) -> None:
    await load(mongo_lists, "1", ListEntry(EVIL, 49, (75,)))

    async def switch_twice() -> None:
        await load(mongo_lists, "2", ListEntry(EVIL, 49, (75,)))
        await load(mongo_lists, "3", ListEntry(SHOP, 90, (58,)))

    during_fetch.happens = switch_twice
    assert await interrupted.find([EVIL, SHOP]) == [Match(SHOP, 90, (58,), "ut1", "3")]
    assert await interrupted.switches() == 3


async def test_switch_while_tables_are_read_is_seen_at_once(
    mongo_lists: StoredLists, interrupted: StoredLists, during_fetch: DuringFetch
) -> None:
    await load(mongo_lists, "1", ListEntry(EVIL, 49, (75,)))
    during_fetch.happens = lambda: load(interrupted, "2", ListEntry(SHOP, 90, (58,)))
    assert await interrupted.find([EVIL, SHOP]) == [Match(SHOP, 90, (58,), "ut1", "2")]


async def test_full_disk_is_an_outage(
    mongo_lists: StoredLists, interrupted: StoredLists, during_fetch: DuringFetch
) -> None:
    await load(mongo_lists, "1", ListEntry(EVIL, 49, (75,)))
    during_fetch.fails = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutageError):
        await interrupted.find([EVIL])
