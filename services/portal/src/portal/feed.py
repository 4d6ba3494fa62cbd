"""A case as it changes: what is newer than what a stream has sent, lot by lot.

Every lot ends with the mark of the page that it was made from. A client that lost its connection within a lot has
not seen that mark, so it gets the lot again.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from caseway_kit.paging import from_cursor, to_cursor
from caseway_kit.problems import Problem
from caseway_kit.seats import Seat, Seats
from caseway_kit.tokens import Caller
from portal.cases import Cases, Opened, account_of
from portal.evidence import LISTS, MOST_LISTED
from portal.projection import Mark
from portal.summary import summary_of
from portal.timeline import ordered
from portal.view import notifications_of, timeline_item

POLL_SECONDS = 0.3
HEARTBEAT_SECONDS = 10.0
MOST_STREAMS = 8


@dataclass(frozen=True)
class Fragment:
    """One event of a stream; None as its id where more of the same lot follows."""

    event: str
    data: dict[str, Any]
    id: str | None = None


class Feed:
    def __init__(
        self, cases: Cases, *, poll_seconds: float = POLL_SECONDS, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> None:
        self._cases = cases
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._seats = Seats(each=MOST_STREAMS)

    def seat(self, caller: Caller) -> Seat:
        """Counts one more open stream of the caller, until it is left; raises Full."""
        return self._seats.take(caller.contact_id)

    async def follow(
        self,
        caller: Caller,
        sr_number: str,
        last_id: str | None,
        *,
        stopping: asyncio.Event,
        welcome: Callable[[], Awaitable[bool]],
    ) -> AsyncIterator[Fragment | None]:
        """All there is (or what is newer than ``last_id``), then each change. None is a sign of life.

        Ends when the service stops. Each sign of life comes in its time, however much there is to tell, and only while
        the caller is ``welcome``.
        """
        sent = _mark(last_id)
        if last_id is not None and not _goes_on(sent, await self._mark(caller, sr_number)):
            sent = None
            yield Fragment("reset", {})
        time = asyncio.get_running_loop().time
        yield None
        sign_of_life = time() + self._heartbeat_seconds
        while not stopping.is_set():
            if time() >= sign_of_life:
                if not await welcome():
                    return
                yield None
                sign_of_life = time() + self._heartbeat_seconds
            mark = await self._mark(caller, sr_number)
            if mark is not None and mark != sent and (opened := await self._cases.opened(caller, sr_number)):
                page = opened.page
                if sent is not None and sent.epoch != page.epoch:
                    sent = None
                    yield Fragment("reset", {})
                for fragment in changed_since(opened, sent.version if sent else 0):
                    yield fragment
                sent = Mark(page.epoch, page.version)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), self._poll_seconds)

    async def _mark(self, caller: Caller, sr_number: str) -> Mark | None:
        return await self._cases.pages.mark(sr_number, account_of(caller))


def changed_since(opened: Opened, version: int) -> list[Fragment]:
    """What changed after a version of the page; 0: everything."""
    page, sheets, evidence = opened.page, opened.sheets, opened.evidence
    fragments = []
    if page.case_v > version:
        mails = [one.model_dump(mode="json") for one in notifications_of(page, sheets)]
        fragments.append(Fragment("case", {**summary_of(page).model_dump(mode="json"), "notifications": mails}))
    fragments += [
        Fragment("timeline", timeline_item(one, sheets).model_dump(mode="json"))
        for one in ordered(page.history)
        if one.v > version
    ]
    if changed := evidence.since(version):
        lists: dict[str, Any] = {name: [] for name in LISTS}
        for one in changed:
            lists[LISTS[one.place[0]]].append(one.result.model_dump(mode="json"))
        cut = {name: results[:MOST_LISTED] for name, results in lists.items()}
        fragments.append(Fragment("evidence", {**cut, "truncated": cut != lists}))
    if evidence.complete() and any(one.v > version for one in (*page.completed, *page.reports, *page.ratings)):
        fragments.append(Fragment("complete", {"complete": True, "round": page.round()}))
    mark = to_cursor(page.epoch, page.version)
    return [*fragments[:-1], replace(fragments[-1], id=mark)] if fragments else []


def _mark(last_id: str | None) -> Mark | None:
    try:
        position = from_cursor(last_id, str, int)
    except Problem:
        return None
    return Mark(*position) if position else None


def _goes_on(sent: Mark | None, present: Mark | None) -> bool:
    return sent is not None and present is not None and sent.epoch == present.epoch and sent.version <= present.version
