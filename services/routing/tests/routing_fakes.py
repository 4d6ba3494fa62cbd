from collections.abc import Callable
from typing import Any

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
