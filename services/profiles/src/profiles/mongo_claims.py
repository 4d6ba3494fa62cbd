from dataclasses import asdict

from caseway_kit.mongo import Collection, Document, DuplicateKey
from profiles.once import Answer, Claim


class MongoClaimRepository:
    """The account and the key are the document's id, so the same key of another account is another claim."""

    def __init__(self, claims: Collection) -> None:
        self._claims = claims

    async def claim(self, claim: Claim) -> Claim:
        while True:
            try:
                await self._claims.insert_one({"_id": _id(claim), **asdict(claim)})
            except DuplicateKey:
                known = await self._claims.find_one({"_id": _id(claim)}, {"_id": 0})
                if known is None:  # released meanwhile
                    continue
                return Claim(**known)
            return claim

    async def answered(self, claim: Claim, answer: Answer) -> None:
        await self._claims.update_one({"_id": _id(claim), "answer": None}, {"$set": {"answer": answer}})

    async def release(self, claim: Claim) -> None:
        await self._claims.delete_one({"_id": _id(claim), "answer": None, "subject_id": claim.subject_id})


def _id(claim: Claim) -> Document:
    return {"account": claim.account_id, "key": claim.key}
