"""Which version of a list is active stands in MongoDB, one document a list, so that it switches at one stroke. The
entries of a version are a table in the object store, which each replica fetches when it sees the switch.
"""

import asyncio
import errno
import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from collections.abc import Collection as Items
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog

from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.mongo import Collection, Database, Document
from caseway_kit.objects import ObjectDamaged, ObjectMissing
from url_rating.lists import ListEntry, ListSuperseded, ListVersion, Match
from url_rating.table_building import TableBuilder
from url_rating.tables import DamagedTable, Table

# How long a switch may take to be seen; the version before it is still there meanwhile.
FRESH = timedelta(seconds=2)
CHUNK = 1024 * 1024
# More than this is looked up beside the event loop.
AT_ONCE = 2_000
_ONE_MORE = {"$add": [{"$ifNull": ["$switches", 0]}, 1]}

_log = structlog.stdlib.get_logger("url_rating.lists")


class Store(Protocol):
    """What we use of the kit's object store."""

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> None: ...

    async def fetch(self, key: str, path: Path, sha256: str | None = None) -> None: ...

    async def delete(self, key: str) -> None: ...


class StoredLists:
    def __init__(self, database: Database, objects: Store, clock: Clock, *, scratch: Path | None = None) -> None:
        self._lists: Collection = database.collection("lists")
        self._counters: Collection = database.collection("counters")
        self._objects = objects
        self._clock = clock
        self._scratch = scratch
        self._building: dict[int, TableBuilder] = {}
        self._tables: dict[ListVersion, Table] = {}
        self._asked: int | None = 0
        self._read_at: datetime | None = None
        self._switches = 0
        self._reading = asyncio.Lock()
        self._missed: set[str] = set()

    def close(self) -> None:
        """Give up what is being loaded."""
        for builder in self._building.values():
            builder.close()

    async def find(self, digests: Items[bytes]) -> list[Match]:
        tables = await self._active_tables()
        if len(digests) * len(tables) <= AT_ONCE:
            return _find(tables, digests)
        return await asyncio.to_thread(_find, tables, digests)

    async def active(self) -> tuple[ListVersion, ...]:
        return tuple(await self._active_tables())

    async def switches(self) -> int | None:
        await self._active_tables()
        return self._asked

    async def begin(self, name: str, version: str) -> ListVersion:
        counted = await self._counters.find_one_and_update({"_id": "lists"}, {"$inc": {"last": 1}}, upsert=True)
        assert counted is not None
        begun = ListVersion(name, version, counted["last"])
        before = await self._lists.find_one({"_id": name}) or {}
        await self._lists.update_one({"_id": name}, {"$set": {"loading": _document(begun)}}, upsert=True)
        await self._drop(before.get("loading"))
        self._building[begun.number] = TableBuilder(self._scratch)
        return begun

    async def add(self, version: ListVersion, entries: Sequence[ListEntry]) -> None:
        await asyncio.to_thread(self._building[version.number].add, entries)

    async def activate(self, version: ListVersion) -> ListVersion:
        with self._building.pop(version.number) as builder, tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            path = Path(folder) / "table"
            entries = await asyncio.to_thread(builder.write, path)
            sha256 = await asyncio.to_thread(_sha256, path)
            written = ListVersion(version.name, version.version, version.number, entries)
            document = {**_document(written), "key": f"lists/{version.number}-{sha256}", "sha256": sha256}
            # Whoever begins after us, should we die on the way, finds here what to sweep.
            mine = {"_id": version.name, "loading.number": version.number}
            if not (await self._lists.update_one(mine, {"$set": {"loading": document}})).matched:
                raise ListSuperseded(version.name)
            await self._objects.put_stream(document["key"], _chunks(path))
        switched = await self._lists.find_one_and_update(
            mine,
            [
                {
                    "$set": {
                        "dropped": "$previous",
                        "previous": "$active",
                        "active": {**document, "at": self._clock.now()},
                        "switches": _ONE_MORE,
                        "loading": None,
                    }
                }
            ],
        )
        if switched is None:
            await self._drop(document)
            raise ListSuperseded(version.name)
        self._switched()
        await self._drop(switched.get("dropped"))
        return written

    async def abandon(self, version: ListVersion) -> None:
        if builder := self._building.pop(version.number, None):
            builder.close()
        mine = {"_id": version.name, "loading.number": version.number}
        kept = await self._lists.find_one(mine)
        if kept is not None:
            await self._lists.update_one(mine, {"$set": {"loading": None}})
            await self._drop(kept["loading"])

    async def roll_back(self, name: str) -> ListVersion | None:
        switched = await self._lists.find_one_and_update(
            {"_id": name, "previous.key": {"$exists": True}},
            [{"$set": {"active": "$previous", "previous": "$active", "switches": _ONE_MORE}}],
        )
        self._switched()
        return None if switched is None else _version(name, switched["active"])

    def _switched(self) -> None:
        self._read_at = None
        self._switches += 1

    async def _active_tables(self) -> dict[ListVersion, Table]:
        now = self._clock.now()
        if self._read_at is not None and now - self._read_at <= FRESH:
            return self._tables
        if self._reading.locked() and self._read_at is not None:
            return self._tables  # somebody fetches what is next; the version before answers meanwhile
        async with self._reading:
            while self._read_at is None or now - self._read_at > FRESH:
                switches = self._switches
                self._tables, self._asked = await self._read()
                if switches == self._switches:  # else what we read may be what was before
                    self._read_at = now
        return self._tables

    async def _read(self) -> tuple[dict[ListVersion, Table], int | None]:
        """What is in force, and after how many switches; None where that is not all of it."""
        known = dict(self._tables)
        for attempt in range(2):  # a table may be gone because its list switched since we read which one it is
            active = await self._lists.find({"active": {"$ne": None}}, sort=[("_id", 1)])
            tables = {}
            for document in active:
                version = _version(document["_id"], document["active"])
                if table := known.get(version) or await self._fetched(document["active"], last=attempt > 0):
                    tables[version] = known[version] = table
            if len(tables) == len(active):
                return tables, sum(document.get("switches", 0) for document in active)
        return tables, None

    async def _fetched(self, document: Document, *, last: bool) -> Table | None:
        if "key" not in document:  # its entries are not a table yet
            return None
        try:
            with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
                path = Path(folder) / "table"
                await self._objects.fetch(document["key"], path, document["sha256"])
                return Table(path)
        except (ObjectMissing, ObjectDamaged, DamagedTable) as error:
            # The other lists are worth more than a service that does not start; each rating says what was asked.
            if last and document["key"] not in self._missed:
                self._missed.add(document["key"])
                _log.error("list not asked, import it again", table=document["key"], why=type(error).__name__)
            return None
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OutageError("scratch space", "it is full") from error
            raise

    async def _drop(self, document: Document | None) -> None:
        if document and "key" in document:
            await self._objects.delete(document["key"])


def _find(tables: dict[ListVersion, Table], digests: Items[bytes]) -> list[Match]:
    return [
        Match(digest, entry.score, entry.categories, version.name, version.version)
        for version, table in tables.items()
        for digest in digests
        if (entry := table.find(digest))
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _document(version: ListVersion) -> dict[str, Any]:
    return {"version": version.version, "number": version.number, "entries": version.entries}


def _version(name: str, document: Document) -> ListVersion:
    return ListVersion(name, document["version"], document["number"], document["entries"])
