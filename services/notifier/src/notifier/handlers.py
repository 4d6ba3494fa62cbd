from typing import Annotated

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent
from caseway_contracts.cases import CaseErased, CaseEvent, CasesEvent, LegacyRequestImported
from caseway_contracts.notifications import NotificationsEvent
from caseway_contracts.ratings import RatingsEvent, UrlReclassified
from caseway_contracts.routes import AnalysisCompleted, RoutesEvent
from caseway_kit.messaging import Inlet, side_by_side
from notifier.correspondence import is_revised
from notifier.service import Notifier

BATCH = 50

inlet = Inlet("notifier")
notifications = inlet.publisher("notifications", schema=NotificationsEvent)


@inlet.subscriber("cases", schema=CasesEvent, batch=BATCH)
async def on_case_events(events: list[CasesEvent], notifier: Annotated[Notifier, Context()]) -> None:
    ours = [event for event in events if isinstance(event, CaseEvent)]
    await side_by_side([one for one in ours if not isinstance(one, LegacyRequestImported | CaseErased)], notifier.take)


@inlet.subscriber("routes", schema=RoutesEvent, batch=BATCH)
async def on_routes(events: list[RoutesEvent], notifier: Annotated[Notifier, Context()]) -> None:
    await side_by_side([event for event in events if isinstance(event, AnalysisCompleted)], notifier.take)


@inlet.subscriber("analyses*", schema=AnalysesEvent, batch=BATCH)
async def on_analyses(events: list[AnalysesEvent], notifier: Annotated[Notifier, Context()]) -> None:
    await side_by_side([event for event in events if is_revised(event)], notifier.take)


@inlet.subscriber("ratings", schema=RatingsEvent, batch=BATCH)
async def on_ratings(events: list[RatingsEvent], notifier: Annotated[Notifier, Context()]) -> None:
    ours = [event for event in events if isinstance(event, UrlReclassified) or is_revised(event)]
    await side_by_side(ours, notifier.take)
