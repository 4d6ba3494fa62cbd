"""Lists that were loaded when each entry was a document of its own become tables, once, at the first start after it."""

from contextlib import suppress

from caseway_kit.mongo import Database
from url_rating.lists import ListEntry, ListRepository, ListSuperseded

BATCH = 5_000
_KEY = 32


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
