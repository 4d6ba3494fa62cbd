"""The start page: what waits for the customer, and their cases by state and by verdict."""

import asyncio
from dataclasses import dataclass
from typing import get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_contracts.kinds import CaseStatus, Verdict
from portal.cases import Cases
from portal.listing import ListQuery
from portal.pages.base import page_router, render
from portal.pages.visitors import Anybody

MOST_COUNTED = 10_000
SHOWN = 5

_TONES = {
    "malicious": "bad",
    "suspicious": "warn",
    "clean": "good",
    "unknown": "neutral",
    "not_analyzed": "neutral",
    "delayed": "warn",
    "waiting_on_customer": "warn",
    "answered": "good",
    "resolved": "good",
    "closed": "neutral",
}


@dataclass(frozen=True)
class Bar:
    """A row of a chart. ``share`` is of the longest, in whole hundredths."""

    value: str
    count: int
    share: int
    tone: str
    cut: bool


def bars_of(counts: dict[str, int]) -> list[Bar]:
    longest = max(counts.values(), default=0)
    return [
        Bar(value, count, max(1, round(100 * count / longest)), _TONES.get(value, "info"), count >= MOST_COUNTED)
        for value, count in counts.items()
        if count
    ]


def build_router(cases: Cases) -> APIRouter:
    router = page_router()

    @router.get("/")
    async def show(request: Request, visitor: Anybody) -> Response:
        caller = visitor.caller
        waiting, latest, states, verdicts = await asyncio.gather(
            cases.listed(caller, ListQuery(status="waiting_on_customer", limit=SHOWN)),
            cases.listed(caller, ListQuery(limit=SHOWN)),
            cases.counts(caller, "status", get_args(CaseStatus), MOST_COUNTED),
            cases.counts(caller, "verdict", get_args(Verdict), MOST_COUNTED),
        )
        return render(
            request,
            "cases/dashboard.html",
            waiting=waiting,
            latest=latest,
            charts={"status": bars_of(states), "verdict": bars_of(verdicts)},
        )

    return router
