"""Records with the events about them, in one document each."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Collection, Document, DuplicateKey, Filter, Index
from caseway_kit.outbox import OUTBOX_INDEX, Relay
from profiles.records import Account, ActivationCode, Contact, ProductProfile, Record, Taken

R = TypeVar("R", bound=Record)


class _Stated(Generic[R]):
    record: type[R]
    indexes: Sequence[Index] = ()

    def __init__(self, collection: Collection, relay: Relay) -> None:
        self._collection = collection
        self._relay = relay

    async def prepare(self) -> None:
        await self._collection.ensure_indexes([OUTBOX_INDEX, *self.indexes])

    async def add(self, record: R, *stated: Encoded) -> None:
        document = _document(record) | self._relay.pending(*stated)
        try:
            await self._collection.insert_one(document)
        except DuplicateKey as duplicate:
            raise Taken(duplicate.index) from duplicate
        self._relay.inserted(document)

    async def replace(self, record: R, *stated: Encoded) -> bool:
        before = {"_id": record.id, "revision": record.revision - 1}
        update = {"$set": _document(record), "$push": self._relay.push(*stated)}
        try:
            written = (await self._collection.update_one(before, update)).matched == 1
        except DuplicateKey as duplicate:
            raise Taken(duplicate.index) from duplicate
        if written:
            self._relay.updated(record.id)
        return written

    async def _one(self, wanted: Filter) -> R | None:
        document = await self._collection.find_one(wanted)
        return None if document is None else self._record(document)

    async def _after(self, wanted: Document, field: str, after: str | None, limit: int) -> list[R]:
        if after is not None:
            wanted |= {field: {"$gt": after}}
        return [self._record(one) for one in await self._collection.find(wanted, sort=[(field, 1)], limit=limit)]

    def _record(self, document: Document) -> R:
        return self.record.model_validate({**document, "id": document["_id"]})


class MongoAccountRepository(_Stated[Account]):
    record = Account

    async def find(self, account_id: str) -> Account | None:
        return await self._one({"_id": account_id})


class MongoContactRepository(_Stated[Contact]):
    record = Contact
    indexes = (Index([("email_key", 1)], unique=True), Index([("account_id", 1), ("email_key", 1)]))

    async def find(self, contact_id: str) -> Contact | None:
        return await self._one({"_id": contact_id})

    async def find_by_email(self, key: str) -> Contact | None:
        return await self._one({"email_key": key})

    async def page(self, account_id: str, after: str | None, limit: int) -> list[Contact]:
        return await self._after({"account_id": account_id, "disabled": False}, "email_key", after, limit)

    async def has_operator(self) -> bool:
        return await self._one({"role": "operator", "disabled": False}) is not None


class MongoProfileRepository(_Stated[ProductProfile]):
    record = ProductProfile
    indexes = (
        Index([("account_id", 1), ("name_key", 1)], unique=True, partial={"deleted": False}),
        Index([("deleted", 1)], partial={"deleted": True}),
    )

    async def find(self, account_id: str, profile_id: str) -> ProductProfile | None:
        return await self._one({"_id": profile_id, "account_id": account_id, "deleted": False})

    async def page(self, account_id: str, after: str | None, limit: int) -> list[ProductProfile]:
        return await self._after({"account_id": account_id, "deleted": False}, "name_key", after, limit)

    async def sweep(self) -> int:
        return await self._collection.delete_many({"deleted": True, "outbox.0": {"$exists": False}})


class MongoCodeRepository:
    def __init__(self, codes: Collection) -> None:
        self._codes = codes

    async def prepare(self) -> None:
        await self._codes.ensure_indexes([Index([("account_id", 1), ("product", 1), ("code", 1)], unique=True)])

    async def add(self, code: ActivationCode) -> None:
        try:
            await self._codes.insert_one(_document(code))
        except DuplicateKey as duplicate:
            raise Taken(duplicate.index) from duplicate

    async def find(self, account_id: str, product: str, code: str) -> ActivationCode | None:
        found = await self._codes.find_one({"account_id": account_id, "product": product, "code": code})
        return None if found is None else _code(found)

    async def any_for(self, account_id: str, product: str) -> bool:
        return await self._codes.find_one({"account_id": account_id, "product": product}, {"_id": 1}) is not None

    async def page(
        self, account_id: str, product: str | None, after: tuple[str, str] | None, limit: int
    ) -> list[ActivationCode]:
        wanted: Document = {"account_id": account_id}
        if product is not None:
            wanted["product"] = product
        if after is not None:
            wanted["$or"] = [{"product": {"$gt": after[0]}}, {"product": after[0], "code": {"$gt": after[1]}}]
        found = await self._codes.find(wanted, sort=[("product", 1), ("code", 1)], limit=limit)
        return [_code(document) for document in found]


def _document(record: Record | ActivationCode) -> Document:
    return {"_id": record.id, **record.model_dump(exclude={"id"})}


def _code(document: Document) -> ActivationCode:
    return ActivationCode.model_validate({**document, "id": document["_id"]})
