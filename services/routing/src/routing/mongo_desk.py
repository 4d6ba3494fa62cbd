from caseway_kit.mongo import Collection, Document, Index
from routing.desk import QueuedCase

# Only these documents are in the indexes, so that a desk is as fast beside a million answered cases as beside none.
QUEUED: Document = {"waiting_urls.0": {"$exists": True}}
# The rest of a document grows with every event of its case.
SHOWN = dict.fromkeys(("waiting_urls", "route.case.account_id", "route.status", "route.assignment"), 1)
TEAM, DUE = "route.assignment.team", "route.assignment.due_at"


class MongoDesk:
    def __init__(self, routes: Collection) -> None:
        self._routes = routes

    async def prepare(self) -> None:
        await self._routes.ensure_indexes(
            [
                Index([(DUE, 1), ("_id", 1)], partial=QUEUED),
                Index([(TEAM, 1), (DUE, 1), ("_id", 1)], partial=QUEUED),
            ]
        )

    async def reclassifications(
        self, team: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> list[QueuedCase]:
        found = await self._routes.find(asked_for(team, after), SHOWN, sort=[(DUE, 1), ("_id", 1)], limit=limit)
        return [_queued(document) for document in found]


def asked_for(team: str | None, after: tuple[str, str] | None) -> Document:
    conditions: list[Document] = [QUEUED]
    if team is not None:
        conditions.append({TEAM: team})
    if after is not None:
        due_at, sr_number = after
        conditions.append({"$or": [{DUE: {"$gt": due_at}}, {DUE: due_at, "_id": {"$gt": sr_number}}]})
    # A result may be here before its case, which has no team yet.
    return {"$and": [*conditions, {DUE: {"$gt": ""}}]}


def _queued(document: Document) -> QueuedCase:
    route = document["route"]
    return QueuedCase(
        sr_number=document["_id"],
        account_id=route["case"]["account_id"],
        status=route["status"],
        url_ids=tuple(document["waiting_urls"]),
        **{name: route["assignment"][name] for name in ("team", "priority", "due_at")},
    )
