"""What there is: the union of each topic, the objects that events name, the bodies of the HTTP interface."""

import inspect
from typing import Any

from pydantic import BaseModel

from caseway_contracts import http, views
from caseway_contracts.analyses import AnalysesEvent
from caseway_contracts.base import Contract, Event, members
from caseway_contracts.cases import CasesEvent
from caseway_contracts.notifications import NotificationsEvent
from caseway_contracts.profiles import ProfilesEvent
from caseway_contracts.ratings import RatingsEvent
from caseway_contracts.results import EvidenceReport, UrlReport
from caseway_contracts.routes import RoutesEvent
from caseway_contracts.sheets import CaseSheet, LegacySheet, UpdateSheet

UNIONS: dict[str, Any] = {
    "cases": CasesEvent,
    "profiles": ProfilesEvent,
    "analyses": AnalysesEvent,
    "ratings": RatingsEvent,
    "routes": RoutesEvent,
    "notifications": NotificationsEvent,
}

OBJECTS: tuple[type[Contract], ...] = (CaseSheet, UpdateSheet, LegacySheet, EvidenceReport, UrlReport)

BODIES: tuple[type[BaseModel], ...] = (
    *(
        model
        for _, model in inspect.getmembers(http, inspect.isclass)
        if issubclass(model, http.Body) and model is not http.Body
    ),
    views.CaseSummary,
    views.CaseView,
    views.TimelineItem,
)


def family(topic: str) -> str | None:
    """The topic whose union a topic carries: its own name, or ``analyses`` for a team's ``analyses-<name>``."""
    if topic in UNIONS:
        return topic
    return "analyses" if topic.startswith("analyses-") else None


def union_of(topic: str) -> Any:
    name = family(topic)
    return None if name is None else UNIONS[name]


def events_of(topic: str) -> dict[str, type[Event]]:
    union = union_of(topic)
    return {} if union is None else {event.__name__: event for event in members(union)}


def all_events() -> dict[str, type[Event]]:
    return {name: event for topic in UNIONS for name, event in events_of(topic).items()}
