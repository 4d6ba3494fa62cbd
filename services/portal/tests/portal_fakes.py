import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from caseway_kit.errors import OutageError
from caseway_kit.problems import Problem
from caseway_kit.tokens import ROLES, Caller
from portal.fresh import FreshCase
from portal.legacy import LegacyQuery, LegacyRow, LegacyView, place_of
from portal.listing import ListQuery, finds, words_of
from portal.page import CasePage
from portal.projection import CountedBy, Mark
from portal.summary import summary_of

Make = Callable[..., Any]

OPENED = datetime(2026, 1, 5, 9, tzinfo=UTC)
SR = "SR01-000000042-4"


class InMemoryPageRepository:
    def __init__(self) -> None:
        self.pages: dict[str, CasePage] = {}
        self.writes = 0

    async def find_many(self, sr_numbers: Collection[str]) -> Mapping[str, CasePage]:
        return {sr_number: self.pages[sr_number] for sr_number in sr_numbers if sr_number in self.pages}

    async def save_many(self, pages: Collection[CasePage]) -> set[str]:
        self.writes += 1
        refused = set()
        for page in pages:
            before = self.pages.get(page.sr_number)
            if (before.version if before else 0) == page.version - 1:
                self.pages[page.sr_number] = page
            else:
                refused.add(page.sr_number)
        return refused

    async def find(self, sr_number: str, account_id: str | None) -> CasePage | None:
        page = self.pages.get(sr_number)
        if page is None or page.case is None or account_id not in (None, page.case.account_id):
            return None
        return page

    async def mark(self, sr_number: str, account_id: str | None) -> Mark | None:
        page = await self.find(sr_number, account_id)
        return None if page is None else Mark(page.epoch, page.version)

    async def listed(self, query: ListQuery, account_id: str | None) -> Sequence[CasePage]:
        seen = {name: page for name in self.pages if (page := await self.find(name, account_id))}
        found = [case for page in seen.values() if query.shows(case := summary_of(page))]
        return [seen[case.sr_number] for case in query.arranged(found)[: query.limit]]

    async def counted(self, name: CountedBy, value: str, account_id: str | None, most: int) -> int:
        seen = [page for one in self.pages if (page := await self.find(one, account_id))]
        have: list[str | None] = [page.verdict() if name == "verdict" else summary_of(page).status for page in seen]
        return min(most, have.count(value))

    async def newest(self) -> datetime | None:
        return max((page.changed_at for page in self.pages.values() if page.changed_at), default=None)


class InMemoryLegacyRepository:
    def __init__(self) -> None:
        self.rows: dict[str, LegacyRow] = {}

    async def save(self, rows: Sequence[LegacyRow]) -> None:
        self.rows = {row.view.ref_id: row for row in rows} | self.rows

    async def remove(self, ref_id: str, account_id: str) -> None:
        if await self.find(ref_id, account_id):
            del self.rows[ref_id]

    async def listed(self, query: LegacyQuery, account_id: str | None) -> Sequence[LegacyView]:
        seen = [row.view for row in self.rows.values() if account_id in (None, row.account_id)]
        found = [one for one in seen if finds(query.words, words_of(one.subject, one.ref_id))]
        after = [one for one in found if query.after is None or place_of(one) < query.after]
        return sorted(after, key=place_of, reverse=True)[: query.limit]

    async def find(self, ref_id: str, account_id: str | None) -> LegacyView | None:
        row = self.rows.get(ref_id)
        return row.view if row and account_id in (None, row.account_id) else None


class FakeFreshCases:
    """Intake, as far as the portal asks it."""

    def __init__(self) -> None:
        self.cases: dict[str, FreshCase] = {}
        self.asked_since: list[datetime] = []
        self.away = False

    async def case(self, caller: Caller, sr_number: str, since_revision: int | None) -> FreshCase | None:
        if self.away:
            raise OutageError("intake")
        case = self.cases.get(sr_number)
        return case if case and case.revision > (since_revision or 0) else None

    async def changed(self, caller: Caller, since: datetime) -> Sequence[FreshCase]:
        self.asked_since.append(since)
        return list(self.cases.values())


class InMemoryContactRepository:
    def __init__(self) -> None:
        self.stated: dict[str, tuple[datetime, bool]] = {}

    async def save(self, contact_id: str, *, disabled: bool, at: datetime) -> None:
        known = self.stated.get(contact_id)
        if disabled if known is None else known[0] < at:
            self.stated[contact_id] = at, disabled

    async def disabled(self) -> set[str]:
        return {contact_id for contact_id, (_, disabled) in self.stated.items() if disabled}


class FakeTokens:
    """Tokens such as ``customer@a1``: a role in an account."""

    def __init__(self) -> None:
        self.void: set[str] = set()

    async def caller(self, token: str) -> Caller:
        role, _, account_id = token.partition("@")
        if token in self.void or role not in ROLES:
            raise Problem.unauthorized()
        return make_caller(account_id, role)


def make_caller(account_id: str = "a1", role: Any = "customer") -> Caller:
    token = f"{role}@{account_id}"
    return Caller(f"c-{account_id}", account_id, "ann@example.org", role, (), "s1", token)


class Parked:
    """Where the delivery parks messages."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        assert topic == "portal-dlq"
        self.messages.append(message)


def plain(page: CasePage) -> dict[str, Any]:
    """A page without what depends on when its events came: versions and the order of sets."""
    return _plain(page.model_dump(mode="json", exclude={"version", "epoch"}))  # type: ignore[no-any-return]  # a dict in, a dict out


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key not in ("v", "case_v")}
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=repr)
    return value


def by_event(items: Sequence[Any]) -> Mapping[str, list[str]]:
    said = defaultdict(list)
    for one in items:
        said[one.event].append(one.says)
    return said


class Stream:
    """A client of a live stream, on an app in this process."""

    def __init__(self, app: Any, path: str, **headers: str) -> None:
        raw = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
        self._scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "query_string": b"",
            "path": path,
            "raw_path": path.encode(),
            "headers": raw,
            "server": ("t", 80),
            "client": ("t", 1),
        }
        self._app = app
        self._gone = asyncio.Event()
        self._text = ""
        self.status = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._send))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        await asyncio.wait_for(self._task, 60)

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self._text += message.get("body", b"").decode()

    @property
    def ended(self) -> bool:
        return self._task.done()

    def events(self) -> list[dict[str, str]]:
        blocks = [block for block in self._text.split("\n\n") if "event: " in block]
        return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]

    async def until(self, seen: Callable[[Self], bool]) -> list[dict[str, str]]:
        async with asyncio.timeout(60):
            while not seen(self):
                await asyncio.sleep(0.01)
        return self.events()
