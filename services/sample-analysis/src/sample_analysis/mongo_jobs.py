from collections.abc import Sequence
from datetime import UTC, datetime

from caseway_kit.mongo import Collection, Document, DuplicateKey, Filter, Index
from sample_analysis.reanalysis import Change, Job

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class MongoJobRepository:
    """``reanalyses`` holds a document a job with its lease; ``changes`` one for each change of each job."""

    def __init__(self, reanalyses: Collection, changes: Collection) -> None:
        self._reanalyses = reanalyses
        self._changes = changes

    async def prepare(self) -> None:
        waiting = Index([("until", 1)], partial={"state": "running"})
        await self._reanalyses.ensure_indexes([waiting, Index([("asked_at", -1), ("_id", -1)])])
        await self._changes.ensure_indexes([Index([("job", 1), ("piece", 1)])])

    async def add(self, job: Job) -> Job:
        document = {"_id": job.id, "asked_at": job.asked_at, "until": NEVER, "token": "", **_kept(job)}
        try:
            await self._reanalyses.insert_one(document)
        except DuplicateKey:
            return await self.find(job.id) or job
        return job

    async def find(self, job_id: str) -> Job | None:
        document = await self._reanalyses.find_one({"_id": job_id})
        return None if document is None else _job(document)

    async def listed(self, limit: int, before: tuple[datetime, str] | None) -> Sequence[Job]:
        wanted: Filter = {}
        if before is not None:
            at, job_id = before
            wanted = {"$or": [{"asked_at": {"$lt": at}}, {"asked_at": at, "_id": {"$lt": job_id}}]}
        found = await self._reanalyses.find(wanted, None, [("asked_at", -1), ("_id", -1)], limit)
        return [_job(document) for document in found]

    async def claim(self, token: str, now: datetime, until: datetime) -> Job | None:
        free = {"state": "running", "until": {"$lte": now}}
        lease = {"$set": {"token": token, "until": until}}
        document = await self._reanalyses.find_one_and_update(free, lease, sort=[("asked_at", 1)])
        return None if document is None else _job(document)

    async def keep(self, job: Job, token: str, until: datetime) -> bool:
        held = {"_id": job.id, "token": token, "state": "running"}
        return (await self._reanalyses.update_one(held, {"$set": {**_kept(job), "until": until}})).matched == 1

    async def hold(self, job_id: str, token: str, until: datetime) -> None:
        held = {"_id": job_id, "token": token, "state": "running"}
        await self._reanalyses.update_one(held, {"$set": {"until": until}})

    async def release(self, job_id: str, token: str) -> None:
        await self._reanalyses.update_one({"_id": job_id, "token": token}, {"$set": {"until": NEVER, "token": ""}})

    async def record(self, job_id: str, change: Change) -> None:
        named = {"_id": f"{job_id}/{change.piece_id}", "job": job_id, "piece": change.piece_id}
        try:
            await self._changes.insert_one({**named, "change": change.model_dump(mode="json")})
        except DuplicateKey:
            return

    async def changes(self, job_id: str, limit: int, after: str) -> Sequence[Change]:
        found = await self._changes.find({"job": job_id, "piece": {"$gt": after}}, None, [("piece", 1)], limit)
        return [Change.model_validate(document["change"]) for document in found]

    async def count(self, job_id: str) -> int:
        return await self._changes.count({"job": job_id})


def _kept(job: Job) -> Document:
    return {"job": job.model_dump(mode="json"), "state": job.state}


def _job(document: Document) -> Job:
    return Job.model_validate(document["job"])
