"""Lists that were loaded when each entry was a document of its own become tables, once, at the first start after it."""

import asyncio
from contextlib import suppress

import structlog

from caseway_kit.errors import OutageError
from caseway_kit.mongo import Database
from url_rating.lists import ListEntry, ListRepository, ListSuperseded

BATCH = 5_000
AGAIN_SECONDS = 5.0
_KEY = 32

_log = structlog.stdlib.get_logger("url_rating.lists")


async def converting(database: Database, lists: ListRepository) -> None:
    """Convert what there is, however long that takes and whatever is away meanwhile; then wait to be cancelled."""
    while True:
        try:
            await convert_entries(database, lists)
            break
        except OutageError as outage:
            _log.warning("lists become tables later", part=outage.part)
        await asyncio.sleep(AGAIN_SECONDS)
    await asyncio.Event().wait()


async def convert_entries(database: Database, lists: ListRepository) -> None:
    """Load what is in force under its own name and version; another replica may do so at the same moment."""
    documents, entries = database.collection("lists"), database.collection("list_entries")
    old = {"active": {"$ne": None}, "active.key": {"$exists": False}}
    for document in await documents.find(old):
        loading = await lists.begin(document["_id"], document["active"]["version"])
        if await documents.find_one({**old, "_id": document["_id"]}) is None:
            await lists.abandon(loading)
            continue
        batch: list[ListEntry] = []
        async for one in entries.iterate({"v": document["active"]["number"]}):
            batch.append(ListEntry(one["_id"][:_KEY], one["s"], tuple(one["c"])))
            if len(batch) == BATCH:
                await lists.add(loading, batch)
                batch = []
        await lists.add(loading, batch)
        with suppress(ListSuperseded):
            await lists.activate(loading)
    if not await documents.find(old):
        await entries.delete_many({})
