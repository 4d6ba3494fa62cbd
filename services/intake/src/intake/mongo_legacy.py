from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import LegacyRequestImported
from caseway_kit.clock import Clock
from caseway_kit.group_commit import GroupCommit
from caseway_kit.messaging import encode
from caseway_kit.mongo import Collection, Document, DuplicateKey
from caseway_kit.objects import Objects
from caseway_kit.outbox import OUTBOX_INDEX, Publish, Relay
from intake.legacy import LegacyRequest


class MongoLegacyRepository:
    """Imported records with their pending events inside; ``relay`` publishes them, their words first."""

    def __init__(self, collection: Collection, publish: Publish, objects: Objects, clock: Clock) -> None:
        self._collection = collection
        self._objects = objects
        self._group = GroupCommit(collection)
        self.relay = Relay(collection, publish, clock=clock, prepare=self._write_sheet)

    async def prepare(self) -> None:
        await self._collection.ensure_indexes([OUTBOX_INDEX])

    async def add(self, request: LegacyRequest, event: LegacyRequestImported) -> LegacyRequest | None:
        document = {**request.model_dump(exclude={"ref_id"}), "_id": request.ref_id}
        document |= self.relay.pending(encode(event, source="intake"))
        try:
            await self._group.insert(document)
        except DuplicateKey:
            # Read from a majority, as it may not have it yet that the index refused it for.
            known = await self._collection.find_one({"_id": request.ref_id}, {"outbox": 0})
            return request if known is None else LegacyRequest.model_validate({**known, "ref_id": known["_id"]})
        self.relay.inserted(document)
        return None

    async def _write_sheet(self, document: Document) -> None:
        sheet = document["sheet"]
        await self._objects.put(ObjectRef.model_validate(sheet["ref"]), sheet["body"].encode())
