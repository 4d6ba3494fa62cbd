from typing import Annotated

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent
from caseway_contracts.cases import CasesEvent
from caseway_contracts.notifications import NotificationsEvent
from caseway_contracts.profiles import ContactDisabled, ContactSaved, ProfilesEvent
from caseway_contracts.ratings import RatingsEvent
from caseway_contracts.routes import RoutesEvent
from caseway_kit.messaging import Inlet
from portal.contacts import DisabledContacts
from portal.legacy import LegacyProjection
from portal.projection import Projection

SERVICE = "portal"
BATCH = 200

inlet = Inlet(SERVICE)


@inlet.subscriber("cases", schema=CasesEvent, batch=BATCH)
async def on_case_events(
    events: list[CasesEvent],
    projection: Annotated[Projection, Context()],
    legacy: Annotated[LegacyProjection, Context()],
) -> None:
    await projection.apply(events)
    await legacy.apply(events)


@inlet.subscriber("analyses*", schema=AnalysesEvent, batch=BATCH)
async def on_analyses(events: list[AnalysesEvent], projection: Annotated[Projection, Context()]) -> None:
    await projection.apply(events)


@inlet.subscriber("ratings", schema=RatingsEvent, batch=BATCH)
async def on_ratings(events: list[RatingsEvent], projection: Annotated[Projection, Context()]) -> None:
    await projection.apply(events)


@inlet.subscriber("routes", schema=RoutesEvent, batch=BATCH)
async def on_routes(events: list[RoutesEvent], projection: Annotated[Projection, Context()]) -> None:
    await projection.apply(events)


@inlet.subscriber("notifications", schema=NotificationsEvent, batch=BATCH)
async def on_notifications(events: list[NotificationsEvent], projection: Annotated[Projection, Context()]) -> None:
    await projection.apply(events)


@inlet.subscriber("profiles", schema=ProfilesEvent, batch=BATCH)
async def on_profiles(events: list[ProfilesEvent], disabled: Annotated[DisabledContacts, Context()]) -> None:
    await disabled.take([event for event in events if isinstance(event, ContactDisabled | ContactSaved)])
