import zoneinfo
from collections.abc import Iterator
from datetime import datetime

import pytest

from caseway_catalog import Catalog
from caseway_catalog.hours import due_at
from caseway_catalog.teams import BusinessHours, Target


@pytest.fixture
def without_system_time_zones() -> Iterator[None]:
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()


def office(**changes: object) -> BusinessHours:
    hours = {"time_zone": "Europe/Dublin", "days": ("mon", "tue", "wed", "thu", "fri")}
    return BusinessHours.model_validate({**hours, "opens": "09:00", "closes": "17:00", **changes})


@pytest.mark.parametrize(
    ("submitted", "target", "due"),
    [
        pytest.param("2026-01-12T10:00Z", {"business_hours": 4}, "2026-01-12T14:00Z", id="within one day"),
        pytest.param("2026-01-12T16:00Z", {"business_hours": 4}, "2026-01-13T12:00Z", id="over night"),
        pytest.param("2026-01-12T13:00Z", {"business_hours": 4}, "2026-01-12T17:00Z", id="until closing"),
        pytest.param("2026-01-12T05:00Z", {"business_hours": 2}, "2026-01-12T11:00Z", id="before opening"),
        pytest.param("2026-01-12T17:00Z", {"business_hours": 2}, "2026-01-13T11:00Z", id="at closing"),
        pytest.param("2026-01-16T16:30Z", {"business_hours": 2}, "2026-01-19T10:30Z", id="over a weekend"),
        pytest.param("2026-01-17T12:00Z", {"business_hours": 20}, "2026-01-21T13:00Z", id="over several days"),
        pytest.param("2026-01-12T15:00Z", {"business_days": 1}, "2026-01-13T15:00Z", id="next day, same time"),
        pytest.param("2026-01-16T15:00Z", {"business_days": 2}, "2026-01-20T15:00Z", id="two days over a weekend"),
        pytest.param("2026-01-17T15:00Z", {"business_days": 1}, "2026-01-20T09:00Z", id="counted from Monday"),
        pytest.param("2026-03-27T16:00Z", {"business_hours": 2}, "2026-03-30T09:00Z", id="into summer time"),
        pytest.param("2026-10-23T15:00Z", {"business_days": 1}, "2026-10-26T16:00Z", id="out of summer time"),
        pytest.param("2026-01-12T12:00+02:00", {"business_hours": 1}, "2026-01-12T11:00Z", id="from another zone"),
    ],
)
def test_due_time_counts_business_hours(submitted: str, target: dict[str, int], due: str) -> None:
    answer = due_at(datetime.fromisoformat(submitted), Target.model_validate(target), office())
    assert answer == datetime.fromisoformat(due)


@pytest.mark.parametrize(
    ("submitted", "due"),
    [
        ("2026-01-17T23:00Z", "2026-01-18T01:00Z"),
        ("2026-03-28T23:30Z", "2026-03-29T01:30Z"),
        ("2026-10-25T00:30Z", "2026-10-25T02:30Z"),
    ],
)
def test_team_that_never_closes_counts_every_hour(submitted: str, due: str) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours = office(days=days, opens="00:00", closes="24:00")
    answer = due_at(datetime.fromisoformat(submitted), Target(business_hours=2), hours)
    assert answer == datetime.fromisoformat(due)


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        due_at(datetime(2026, 1, 12, 10), Target(business_hours=1), office())  # noqa: DTZ001  # the case under test


@pytest.mark.parametrize(
    ("severity", "due"),
    [
        ("critical", "2026-01-12T12:00Z"),
        ("high", "2026-01-12T14:00Z"),
        ("medium", "2026-01-13T10:00Z"),
        ("low", "2026-01-14T10:00Z"),
    ],
)
def test_severity_sets_the_target(catalog: Catalog, severity: str, due: str) -> None:
    submitted = datetime.fromisoformat("2026-01-12T10:00Z")
    assert catalog.due_at(submitted, severity, "technical-support") == datetime.fromisoformat(due)


@pytest.mark.usefixtures("without_system_time_zones")
def test_no_time_zones_of_the_system_are_needed() -> None:
    submitted = datetime.fromisoformat("2026-07-13T08:00Z")
    assert due_at(submitted, Target(business_hours=1), office()) == datetime.fromisoformat("2026-07-13T09:00Z")
