from typing import Annotated

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent, EvidenceAnalyzed
from caseway_contracts.cases import CaseErased, CaseEvent, CasesEvent, LegacyRequestImported
from caseway_contracts.notifications import NotificationsEvent
from caseway_contracts.ratings import RatingsEvent, UrlReclassified
from caseway_contracts.routes import AnalysisCompleted, RoutesEvent
from caseway_kit.messaging import Inlet
from notifier.service import Notifier

inlet = Inlet("notifier")
notifications = inlet.publisher("notifications", schema=NotificationsEvent)


@inlet.subscriber("cases", schema=CasesEvent)
async def on_case_event(event: CasesEvent, notifier: Annotated[Notifier, Context()]) -> None:
    if isinstance(event, CaseEvent) and not isinstance(event, LegacyRequestImported | CaseErased):
        await notifier.take(event)


@inlet.subscriber("routes", schema=RoutesEvent)
async def on_route(event: RoutesEvent, notifier: Annotated[Notifier, Context()]) -> None:
    if isinstance(event, AnalysisCompleted):
        await notifier.take(event)


@inlet.subscriber("analyses*", schema=AnalysesEvent)
async def on_analysis(event: AnalysesEvent, notifier: Annotated[Notifier, Context()]) -> None:
    if isinstance(event, EvidenceAnalyzed) and event.revision > 1:
        await notifier.take(event)


@inlet.subscriber("ratings", schema=RatingsEvent)
async def on_rating(event: RatingsEvent, notifier: Annotated[Notifier, Context()]) -> None:
    if isinstance(event, UrlReclassified):
        await notifier.take(event)
