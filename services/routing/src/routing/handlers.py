from typing import Annotated

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent, EvidenceAnalyzed, EvidenceDelayed
from caseway_contracts.base import UnknownEvent
from caseway_contracts.cases import CasesEvent
from caseway_contracts.ratings import RatingsEvent, UrlsDelayed, UrlsRated
from caseway_contracts.routes import RoutesEvent
from caseway_kit.messaging import Inlet, emit
from routing.service import Routing

inlet = Inlet("routing")
routes = inlet.publisher("routes", schema=RoutesEvent)


@inlet.subscriber("cases", schema=CasesEvent)
async def on_case_event(event: CasesEvent, routing: Annotated[Routing, Context()]) -> None:
    if not isinstance(event, UnknownEvent):
        await emit(routes, *await routing.apply(event))


@inlet.subscriber("analyses*", schema=AnalysesEvent)
async def on_analysis(event: AnalysesEvent, routing: Annotated[Routing, Context()]) -> None:
    if isinstance(event, EvidenceAnalyzed | EvidenceDelayed):
        await emit(routes, *await routing.apply(event))


@inlet.subscriber("ratings", schema=RatingsEvent)
async def on_rating(event: RatingsEvent, routing: Annotated[Routing, Context()]) -> None:
    if isinstance(event, UrlsRated | UrlsDelayed):
        await emit(routes, *await routing.apply(event))
