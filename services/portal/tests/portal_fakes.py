from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from caseway_kit.problems import Problem
from caseway_kit.tokens import Caller
from portal.fresh import FreshCase
from portal.listing import ListQuery
from portal.page import CasePage
from portal.projection import Mark
from portal.summary import summary_of

Make = Callable[..., Any]

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

    async def newest(self) -> datetime | None:
        return max((page.changed_at for page in self.pages.values() if page.changed_at), default=None)


class FakeFreshCases:
    """Intake, as far as the portal asks it."""

    def __init__(self) -> None:
        self.cases: dict[str, FreshCase] = {}
        self.asked_since: list[datetime] = []

    async def case(self, caller: Caller, sr_number: str, since_revision: int | None) -> FreshCase | None:
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
        if token in self.void or role not in ("customer", "analyst"):
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
