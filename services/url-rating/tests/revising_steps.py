from collections.abc import Awaitable, Callable

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from url_rating.expressions import digest
from url_rating.lots import Change
from url_rating.overrides import Overriding
from url_rating.revising import Revising

MakeCase = Callable[..., Awaitable[CaseSubmitted | CaseUpdated]]
MakeAnalyzed = Callable[..., Awaitable[EvidenceAnalyzed]]
SR, OTHER_SR = "SR01-000000042-4", "SR01-000000043-5"
DIGEST = "d" * 64
URL = "http://www.turned.example/a"
CHANGE = Change("decision", digest("turned.example/"), "1")


async def at_rest(revising: Revising) -> None:
    for _ in range(50):
        if not await revising.once():
            return
    raise AssertionError("it never comes to rest")


async def overridden(overriding: Overriding, account_id: str | None) -> None:
    await overriding.put(
        "turned.example",
        account_id=account_id,
        rating="dangerous",
        categories=(75,),
        reason="Our secret.",
        by="con-1",
        expires_at=None,
    )
