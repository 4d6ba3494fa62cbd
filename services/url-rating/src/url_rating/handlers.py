from typing import Annotated

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent, EvidenceAnalyzed
from caseway_contracts.cases import CaseErased, CasesEvent, CaseSubmitted, CaseUpdated
from caseway_contracts.ratings import RatingsEvent
from caseway_kit.faults import fault_point
from caseway_kit.messaging import Encoded, Inlet, emit, event_digest
from url_rating.service import SERVICE, UrlRating

inlet = Inlet(SERVICE)
ratings = inlet.publisher("ratings", schema=RatingsEvent)


@inlet.subscriber("cases", schema=CasesEvent)
async def on_case_event(event: CasesEvent, rating: Annotated[UrlRating, Context()]) -> None:
    if isinstance(event, CaseErased):
        await rating.forget(event)
    if isinstance(event, CaseSubmitted | CaseUpdated):
        await _emit(await rating.rate_case_urls(event, event_digest(event)))


@inlet.subscriber("analyses*", schema=AnalysesEvent)
async def on_analysis(event: AnalysesEvent, rating: Annotated[UrlRating, Context()]) -> None:
    if isinstance(event, EvidenceAnalyzed):
        await _emit(await rating.rate_found_urls(event, event_digest(event)))


async def _emit(statements: tuple[Encoded, ...]) -> None:
    fault_point("K8")
    await emit(ratings, *statements)
