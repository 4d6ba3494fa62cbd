"""When an answer is due, counting only the hours in which the team works."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from caseway_catalog.teams import BusinessHours, Target


def due_at(submitted_at: datetime, target: Target, hours: BusinessHours) -> datetime:
    """The end of the target in UTC.

    What comes in outside business hours counts from the next opening. A business day ends at the
    same time of day on the next day on which the team works.
    """
    if submitted_at.tzinfo is None:
        raise ValueError("submitted_at needs a time zone")
    start = next_open(submitted_at, hours)
    if target.business_days is not None:
        return after_days(start, target.business_days, hours)
    return after_time(start, timedelta(hours=target.business_hours or 0), hours)


def next_open(moment: datetime, hours: BusinessHours) -> datetime:
    day = local_day(moment, hours)
    while True:
        if window := utc_window(day, hours):
            opens, closes = window
            if moment < closes:
                return max(moment.astimezone(UTC), opens)
        day += timedelta(days=1)


def after_time(start: datetime, remaining: timedelta, hours: BusinessHours) -> datetime:
    while True:
        window = utc_window(local_day(start, hours), hours)
        if window is None:
            raise ValueError("the start lies outside business hours")
        left_today = window[1] - start
        if remaining <= left_today:
            return start + remaining
        remaining -= left_today
        start = next_open(window[1], hours)


def after_days(start: datetime, days: int, hours: BusinessHours) -> datetime:
    local = start.astimezone(ZoneInfo(hours.time_zone))
    day = local.date()
    while days:
        day += timedelta(days=1)
        if hours.window(day):
            days -= 1
    return datetime.combine(day, local.time(), local.tzinfo).astimezone(UTC)


def local_day(moment: datetime, hours: BusinessHours) -> date:
    return moment.astimezone(ZoneInfo(hours.time_zone)).date()


def utc_window(day: date, hours: BusinessHours) -> tuple[datetime, datetime] | None:
    # In UTC, because Python subtracts two local times of one zone without regard to daylight saving.
    window = hours.window(day)
    return window and (window[0].astimezone(UTC), window[1].astimezone(UTC))
