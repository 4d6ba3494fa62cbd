"""Who answers, when they work, how soon, and which team a case goes to."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, field_validator, model_validator

from caseway_catalog.entries import Data, Entry, Slug, Verdict

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HourOfDay = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class BusinessHours(Data):
    """When a team works, in its own time zone; a day that closes at 24:00 runs into the next one."""

    time_zone: str
    days: Annotated[tuple[Day, ...], Field(min_length=1)]
    opens: HourOfDay
    closes: HourOfDay

    @field_validator("time_zone")
    @classmethod
    def is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {name!r}") from error
        return name

    @model_validator(mode="after")
    def opens_before_it_closes(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("opens must be earlier than closes")
        return self

    def window(self, day: date) -> tuple[datetime, datetime] | None:
        """The opening hours of one local day, or None when the team does not work."""
        if DAYS[day.weekday()] not in self.days:
            return None
        return self.at(day, self.opens), self.at(day, self.closes)

    def at(self, day: date, hour: str) -> datetime:
        zone = ZoneInfo(self.time_zone)
        if hour == "24:00":
            return datetime.combine(day + timedelta(days=1), time.min, zone)
        return datetime.combine(day, time.fromisoformat(hour), zone)


class Team(Entry):
    """People who answer cases."""

    hours: BusinessHours


class Target(Data):
    """How soon a first answer is due, counted in the team's business hours or days."""

    business_hours: Annotated[int | None, Field(gt=0)] = None
    business_days: Annotated[int | None, Field(gt=0)] = None

    @model_validator(mode="after")
    def is_one_of_both(self) -> Self:
        if (self.business_hours is None) == (self.business_days is None):
            raise ValueError("a target has either business_hours or business_days")
        return self


class Severity(Entry):
    """How much a case hurts; priority 1 is worked on first."""

    meaning: str
    priority: Annotated[int, Field(ge=1)]
    needs_business_impact: bool = False
    target: Target


class EscalationType(Entry):
    """Why a customer asks for more than the ordinary course."""

    help: str
    needs_evidence: bool = False
    raise_priority: Annotated[int, Field(ge=0)] = 0


class RouteConditions(Data):
    """All that are given must hold; one that is empty always holds."""

    issue_types: tuple[Slug, ...] = ()
    categories: tuple[Slug, ...] = ()
    products: tuple[Slug, ...] = ()
    worst_verdicts: tuple[Verdict, ...] = ()

    def hold(self, *, issue_type: str, category: str | None, product: str, worst_verdict: str | None) -> bool:
        pairs: tuple[tuple[tuple[str, ...], str | None], ...] = (
            (self.issue_types, issue_type),
            (self.categories, category),
            (self.products, product),
            (self.worst_verdicts, worst_verdict),
        )
        return all(not wanted or given in wanted for wanted, given in pairs)


class RoutingRule(Data):
    """An exception to a category's routing default."""

    name: Slug
    when: RouteConditions
    team: Slug
    raise_priority: Annotated[int, Field(ge=0)] = 0


class Route(Data):
    """Where a case goes; ``rule`` names what decided it."""

    team: str
    priority: int
    rule: str
