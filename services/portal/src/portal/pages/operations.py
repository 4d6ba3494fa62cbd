"""The operator's page: which services are ready, how far behind they are, what is parked, which case waits longest."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import structlog
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from caseway_contracts.kinds import CaseStatus
from caseway_contracts.views import CaseSummary
from caseway_kit.app import BACKLOG
from caseway_kit.errors import OutageError
from portal.cases import Cases
from portal.listing import ListQuery
from portal.pages.base import page_router, render
from portal.pages.log_state import LogState
from portal.pages.visitors import Operator, Visitor

# What is written goes out at once; what does not for so long is held up.
LONG_SECONDS = 60
UNFINISHED: tuple[CaseStatus, ...] = ("received", "analyzing", "delayed")

Ask = Callable[[str], Awaitable[Mapping[str, Any] | None]]
"""The JSON that a service answers at an address; None when it does not answer."""

_log = structlog.stdlib.get_logger("portal.operations")


class Log(Protocol):
    async def state(self) -> LogState:
        """Raises OutageError."""


@dataclass(frozen=True)
class Health:
    """One service. None: it was not told."""

    name: str
    state: str
    why: tuple[str, ...]
    behind: int | None
    parked: int | None
    waiting: int | None
    waiting_seconds: float | None

    @property
    def troubled(self) -> bool:
        return self.state != "ready" or bool(self.parked) or (self.waiting_seconds or 0) > LONG_SECONDS


def build_router(cases: Cases, services: Mapping[str, str], ask: Ask, log: Log) -> APIRouter:
    router = page_router()

    async def look(visitor: Visitor) -> tuple[list[Health], LogState | None, CaseSummary | None]:
        ready, backlogs, state, oldest = await asyncio.gather(
            asyncio.gather(*(ask(f"{url}/readyz") for url in services.values())),
            asyncio.gather(*(ask(f"{url}{BACKLOG}") for url in services.values())),
            _state(log),
            _oldest(cases, visitor),
        )
        told = zip(services, ready, backlogs, strict=True)
        return [health_of(name, answer, backlog, state) for name, answer, backlog in told], state, oldest

    @router.get("/operations.json")
    async def tell(visitor: Operator) -> Response:
        health, _, oldest = await look(visitor)
        case = (
            None if oldest is None else {"sr_number": oldest.sr_number, "submitted_at": oldest.submitted_at.isoformat()}
        )
        return JSONResponse({"services": [asdict(one) for one in health], "oldest_case": case})

    @router.get("/operations")
    async def show(request: Request, visitor: Operator) -> Response:
        health, state, oldest = await look(visitor)
        return render(
            request,
            "cases/operations.html",
            health=health,
            troubles=sum(one.troubled for one in health) + (state is None),
            oldest=oldest,
        )

    return router


def health_of(
    name: str, answer: Mapping[str, Any] | None, backlog: Mapping[str, Any] | None, state: LogState | None
) -> Health:
    checks = dict(answer.get("checks") or {}) if answer else {}
    backlog = backlog or {}  # without a count where the service can't tell
    return Health(
        name=name,
        state="away" if answer is None else "ready" if answer.get("ready") else "not_ready",
        why=tuple(f"{part}: {says}" for part, says in checks.items() if says not in ("ok", "running")),
        behind=state.behind.get(name, 0) if state else None,
        parked=state.parked.get(name, 0) if state else None,
        waiting=backlog.get("count"),
        waiting_seconds=backlog.get("oldest_seconds"),
    )


async def _state(log: Log) -> LogState | None:
    try:
        return await log.state()
    except OutageError as outage:
        _log.warning("the log was not read", part=outage.part)
        return None


async def _oldest(cases: Cases, visitor: Visitor) -> CaseSummary | None:
    queries = [ListQuery(status=status, sort="submitted_at", limit=1) for status in UNFINISHED]
    found = await asyncio.gather(*(cases.listed(visitor.caller, query) for query in queries))
    return min((one for lot in found for one in lot), key=lambda one: one.submitted_at, default=None)
