from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Collection, Document, DuplicateKey
from example_service.pieces import Piece


class MongoPieceRepository:
    def __init__(self, pieces: Collection) -> None:
        self._pieces = pieces

    async def add(self, piece: Piece) -> Piece:
        document = {"_id": piece.id, "cause": piece.cause, "digest": piece.digest, "salt": piece.salt}
        try:
            await self._pieces.insert_one(document)
        except DuplicateKey:
            known = await self._pieces.find_one({"_id": piece.id})
            return piece if known is None else _from_document(known)
        return piece

    async def conclude(self, piece_id: str, analyzed: Encoded) -> Encoded:
        return await self._keep(piece_id, "analyzed", analyzed)

    async def delay(self, piece_id: str, delayed: Encoded) -> Encoded:
        return await self._keep(piece_id, "delayed", delayed)

    async def _keep(self, piece_id: str, what: str, event: Encoded) -> Encoded:
        await self._pieces.update_one({"_id": piece_id, what: None}, {"$set": {what: event.document()}})
        kept = await self._pieces.find_one({"_id": piece_id}, {what: 1})
        return event if kept is None else Encoded.from_document(kept[what])


def _from_document(document: Document) -> Piece:
    analyzed = document.get("analyzed")
    return Piece(
        id=document["_id"],
        cause=document["cause"],
        digest=document["digest"],
        salt=document["salt"],
        analyzed=None if analyzed is None else Encoded.from_document(analyzed),
    )
