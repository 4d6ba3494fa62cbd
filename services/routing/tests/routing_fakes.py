from collections.abc import Callable
from typing import Any

from routing.desk import QueuedCase
from routing.service import Stored

Make = Callable[..., Any]


class InMemoryRouteRepository:
    def __init__(self) -> None:
        self._routes: dict[str, Stored] = {}

    async def find(self, sr_number: str) -> Stored | None:
        return self._routes.get(sr_number)

    async def save(self, stored: Stored) -> bool:
        before = self._routes.get(stored.route.sr_number)
        if (before.version if before else 0) != stored.version - 1:
            return False
        self._routes[stored.route.sr_number] = stored
        return True

    async def reclassifications(
        self, team: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> list[QueuedCase]:
        found = [_queued(one) for one in self._routes.values() if one.route.waiting and one.route.assignment]
        ordered = sorted(found, key=lambda one: (one.due_at, one.sr_number))
        mine = [one for one in ordered if team in (None, one.team)]
        return [one for one in mine if after is None or (one.due_at, one.sr_number) > after][:limit]


def _queued(stored: Stored) -> QueuedCase:
    route = stored.route.model_dump(mode="json")
    return QueuedCase(
        sr_number=route["sr_number"],
        account_id=route["case"]["account_id"],
        status=route["status"],
        url_ids=stored.route.waiting,
        **{name: route["assignment"][name] for name in ("team", "priority", "due_at")},
    )
