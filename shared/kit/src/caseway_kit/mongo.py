"""The only module that knows a MongoDB driver: motor by default, PyMongo's own async client by a setting.

Writes wait for a journalled majority, reads see only what a majority has, and every driver error is translated:
:class:`DuplicateKey` where a unique index refused, :class:`~caseway_kit.errors.OutageError` where the server did not
answer. What remains is a bug.
"""

import inspect
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, IndexModel, ReturnDocument
from pymongo import DeleteOne as DeleteOne
from pymongo import InsertOne as InsertOne
from pymongo import ReplaceOne as ReplaceOne
from pymongo import UpdateMany as UpdateMany
from pymongo import UpdateOne as UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    WriteConcernError,
    WTimeoutError,
)

from caseway_kit.errors import OutageError

Document = dict[str, Any]
Filter = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]
WriteOp = InsertOne[Document] | UpdateOne | UpdateMany | ReplaceOne[Document] | DeleteOne
Driver = Literal["motor", "pymongo"]

PART = "MongoDB"
DUPLICATE_KEY = 11000
# A server that shuts down or steps down answers with these codes instead of breaking the connection.
AWAY_CODES = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436})


class DuplicateKey(Exception):
    """A unique index refused a document."""

    def __init__(self, index: str, value: Mapping[str, Any]) -> None:
        super().__init__(f"a document with the same {index} is there")
        self.index = index
        """The index's fields, joined by commas."""
        self.value = value


@dataclass(frozen=True)
class Index:
    """An index to have. ``partial`` is a filter, ``expire_after`` seconds."""

    keys: Sequence[tuple[str, int]]
    unique: bool = False
    partial: Filter | None = None
    expire_after: int | None = None

    def model(self) -> IndexModel:
        options: Document = {"unique": self.unique}
        if self.partial is not None:
            options["partialFilterExpression"] = dict(self.partial)
        if self.expire_after is not None:
            options["expireAfterSeconds"] = self.expire_after
        return IndexModel(list(self.keys), **options)


@dataclass(frozen=True)
class Updated:
    matched: int
    modified: int
    upserted_id: Any


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except DuplicateKeyError as error:
        raise _duplicate(error.details or {}) from error
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError, WriteConcernError) as error:
        raise OutageError(PART, type(error).__name__) from error
    except Exception as error:
        if getattr(error, "code", None) in AWAY_CODES:
            raise OutageError(PART, type(error).__name__) from error
        raise


def _duplicate(details: Mapping[str, Any]) -> DuplicateKey:
    return DuplicateKey(",".join(details.get("keyPattern", {"_id": 1})), details.get("keyValue", {}))


class Collection:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def find_one(self, filter: Filter, projection: Filter | None = None) -> Document | None:  # noqa: A002 - Mongo's word
        with translated():
            found: Document | None = await self._inner.find_one(filter, projection)
            return found

    async def find(
        self,
        filter: Filter,  # noqa: A002 - Mongo's word
        projection: Filter | None = None,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[Document]:
        with translated():
            cursor = self._inner.find(filter, projection, sort=sort, limit=limit)
            found: list[Document] = await cursor.to_list(None)
            return found

    async def iterate(
        self,
        filter: Filter,  # noqa: A002 - Mongo's word
        projection: Filter | None = None,
        sort: Sort | None = None,
    ) -> AsyncIterator[Document]:
        with translated():
            async for document in self._inner.find(filter, projection, sort=sort):
                yield document

    async def count(self, filter: Filter, limit: int | None = None) -> int:  # noqa: A002 - Mongo's word
        options = {} if limit is None else {"limit": limit}
        with translated():
            return int(await self._inner.count_documents(filter, **options))

    async def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]:
        with translated():
            cursor = self._inner.aggregate(list(pipeline))
            if inspect.isawaitable(cursor):  # PyMongo's async client awaits the command, motor the cursor
                cursor = await cursor
            found: list[Document] = await cursor.to_list(None)
            return found

    async def insert_one(self, document: Document) -> None:
        with translated():
            await self._inner.insert_one(document)

    async def insert_many(self, documents: Sequence[Document]) -> dict[int, DuplicateKey]:
        """Insert in any order, in one message; the answer names by position what a unique index refused."""
        with translated():
            try:
                await self._inner.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                return refusals(error)
        return {}

    async def update_one(self, filter: Filter, update: Any, upsert: bool = False) -> Updated:  # noqa: A002 - Mongo's word; document or pipeline
        with translated():
            result = await self._inner.update_one(filter, update, upsert=upsert)
        return Updated(result.matched_count, result.modified_count, result.upserted_id)

    async def update_many(self, filter: Filter, update: Any) -> Updated:  # noqa: A002 - Mongo's word; document or pipeline
        with translated():
            result = await self._inner.update_many(filter, update)
        return Updated(result.matched_count, result.modified_count, result.upserted_id)

    async def find_one_and_update(
        self,
        filter: Filter,  # noqa: A002 - Mongo's word
        update: Any,
        upsert: bool = False,
        sort: Sort | None = None,
        projection: Filter | None = None,
    ) -> Document | None:
        """Update one document, and give it as it is afterwards."""
        with translated():
            found: Document | None = await self._inner.find_one_and_update(
                filter, update, projection, sort=sort, upsert=upsert, return_document=ReturnDocument.AFTER
            )
            return found

    async def replace_one(self, filter: Filter, document: Document, upsert: bool = False) -> Updated:  # noqa: A002 - Mongo's word
        with translated():
            result = await self._inner.replace_one(filter, document, upsert=upsert)
        return Updated(result.matched_count, result.modified_count, result.upserted_id)

    async def delete_one(self, filter: Filter) -> int:  # noqa: A002 - Mongo's word
        with translated():
            return int((await self._inner.delete_one(filter)).deleted_count)

    async def delete_many(self, filter: Filter) -> int:  # noqa: A002 - Mongo's word
        with translated():
            return int((await self._inner.delete_many(filter)).deleted_count)

    async def bulk(self, operations: Sequence[WriteOp]) -> dict[int, DuplicateKey]:
        """Many writes in one message, in any order; the answer as of :meth:`insert_many`."""
        if not operations:
            return {}
        with translated():
            try:
                await self._inner.bulk_write(list(operations), ordered=False)
            except BulkWriteError as error:
                return refusals(error)
        return {}

    async def ensure_indexes(self, indexes: Sequence[Index]) -> None:
        with translated():
            await self._inner.create_indexes([index.model() for index in indexes])


def refusals(error: BulkWriteError) -> dict[int, DuplicateKey]:
    """The duplicates of a bulk write by position. Anything else that went wrong in it is raised."""
    if error.details.get("writeConcernErrors"):
        raise OutageError(PART, "write concern") from error
    errors = error.details["writeErrors"]
    if any(one["code"] != DUPLICATE_KEY for one in errors):
        raise error
    return {one["index"]: _duplicate(one) for one in errors}


class Database:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def collection(self, name: str) -> Collection:
        return Collection(self._inner[name])

    async def ping(self) -> None:
        """Raise :class:`OutageError` unless a primary answers."""
        with translated():
            await self._inner.command("ping")


class Mongo:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def database(self, name: str) -> Database:
        return Database(self._inner[name])

    async def drop_database(self, name: str) -> None:
        with translated():
            await self._inner.drop_database(name)

    async def close(self) -> None:
        closing = self._inner.close()
        if inspect.isawaitable(closing):
            await closing


def connect(url: str, *, app_name: str, driver: Driver = "motor") -> Mongo:
    """A client; it connects at its first use, and belongs to the event loop of that use."""
    client = AsyncIOMotorClient if driver == "motor" else AsyncMongoClient
    return Mongo(
        client(
            url,
            appname=app_name,
            w="majority",
            journal=True,
            wTimeoutMS=5_000,
            readConcernLevel="majority",
            serverSelectionTimeoutMS=2_000,
            connectTimeoutMS=2_000,
            socketTimeoutMS=5_000,
            tz_aware=True,
            uuidRepresentation="standard",
        )
    )
