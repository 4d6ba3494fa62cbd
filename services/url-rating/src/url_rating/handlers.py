from collections.abc import Sequence
from typing import Annotated

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent, EvidenceAnalyzed
from caseway_contracts.cases import CaseErased, CaseEvent, CasesEvent, CaseSubmitted, CaseUpdated
from caseway_contracts.ratings import RatingsEvent
from caseway_kit.contacts import heed_contacts
from caseway_kit.faults import fault_point
from caseway_kit.messaging import Encoded, Inlet, emit, event_digest, side_by_side
from url_rating.service import SERVICE, UrlRating

BATCH = 50

inlet = Inlet(SERVICE)
ratings = inlet.publisher("ratings", schema=RatingsEvent)
heed_contacts(inlet)


@inlet.subscriber("cases", schema=CasesEvent, batch=BATCH)
async def on_case_events(events: list[CasesEvent], rating: Annotated[UrlRating, Context()]) -> None:
    async def rate(event: CaseEvent) -> Sequence[Encoded]:
        if isinstance(event, CaseErased):
            await rating.forget(event)
        if isinstance(event, CaseSubmitted | CaseUpdated):
            return await rating.rate_case_urls(event, event_digest(event))
        return ()

    await _emit(await side_by_side([event for event in events if isinstance(event, CaseEvent)], rate))


@inlet.subscriber("analyses*", schema=AnalysesEvent, batch=BATCH)
async def on_analyses(events: list[AnalysesEvent], rating: Annotated[UrlRating, Context()]) -> None:
    async def rate(event: EvidenceAnalyzed) -> Sequence[Encoded]:
        return await rating.rate_found_urls(event, event_digest(event))

    await _emit(await side_by_side([event for event in events if isinstance(event, EvidenceAnalyzed)], rate))


async def _emit(statements: Sequence[Encoded]) -> None:
    fault_point("K8")
    await emit(ratings, *statements)
