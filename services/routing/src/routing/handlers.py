from typing import Annotated

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent, EvidenceAnalyzed, EvidenceDelayed
from caseway_contracts.base import UnknownEvent
from caseway_contracts.cases import CasesEvent
from caseway_contracts.ratings import RatingsEvent, UrlReclassified, UrlsDelayed, UrlsRated
from caseway_contracts.routes import RoutesEvent
from caseway_kit.contacts import heed_contacts
from caseway_kit.messaging import Inlet, emit, side_by_side
from routing.service import Routing

BATCH = 50

inlet = Inlet("routing")
routes = inlet.publisher("routes", schema=RoutesEvent)
heed_contacts(inlet)


@inlet.subscriber("cases", schema=CasesEvent, batch=BATCH)
async def on_case_events(events: list[CasesEvent], routing: Annotated[Routing, Context()]) -> None:
    ours = [event for event in events if not isinstance(event, UnknownEvent)]
    await emit(routes, *await side_by_side(ours, routing.apply))


@inlet.subscriber("analyses*", schema=AnalysesEvent, batch=BATCH)
async def on_analyses(events: list[AnalysesEvent], routing: Annotated[Routing, Context()]) -> None:
    ours = [event for event in events if isinstance(event, EvidenceAnalyzed | EvidenceDelayed)]
    await emit(routes, *await side_by_side(ours, routing.apply))


@inlet.subscriber("ratings", schema=RatingsEvent, batch=BATCH)
async def on_ratings(events: list[RatingsEvent], routing: Annotated[Routing, Context()]) -> None:
    ours = [event for event in events if isinstance(event, UrlsRated | UrlsDelayed | UrlReclassified)]
    await emit(routes, *await side_by_side(ours, routing.apply))
