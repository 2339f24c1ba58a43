"""Periods of a subscription: from one instant to the next, in the calendar of a time zone."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from credits_core import validation
from credits_core.errors import InvalidRequestError
from credits_core.models import LAST_MS, instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` on, up to and without `end`: ms since the epoch, or aware datetimes.

    A payment provider says both of a subscription, often in seconds: multiply them by 1000.
    `monthly` and its kin count them from the day it began. Periods of the same instants are
    equal, however they were told.

    >>> Period(1_762_000_000_000, 1_764_592_000_000).start_ms
    1762000000000
    """

    start: int | datetime = field(compare=False)
    end: int | datetime = field(compare=False)
    start_ms: int = field(init=False, repr=False)
    """Its first instant (ms since the epoch)."""
    end_ms: int = field(init=False, repr=False)
    """Its end (ms since the epoch)."""

    def __post_init__(self) -> None:
        """Refuse a period that ends before it starts."""
        start, end = _ms(self.start, "start"), _ms(self.end, "end")
        if start >= end:
            raise InvalidRequestError(
                f"a period ends after it starts, and this would last from {instant(start)} to "
                f"{instant(end)}"
            )
        object.__setattr__(self, "start_ms", start)
        object.__setattr__(self, "end_ms", end)

    @classmethod
    def monthly(cls, since: datetime, now: datetime | None = None) -> Self:
        """The month of a subscription in which `now` lies, counted from the day it began.

        It begins on the same day of every month at the same time in the zone of `since`, or
        on the last day of a month that has no such day. Both are aware datetimes; `now` is by
        default this moment.

        Raises `InvalidRequestError` where `now` lies before `since`, or a time zone is missing.

        >>> since = datetime(2026, 1, 31, tzinfo=UTC)
        >>> Period.monthly(since, datetime(2026, 3, 1, tzinfo=UTC)).start
        datetime.datetime(2026, 2, 28, 0, 0, tzinfo=datetime.timezone.utc)
        """
        return cls._of_months(since, now, 1)

    @classmethod
    def yearly(cls, since: datetime, now: datetime | None = None) -> Self:
        """The year of a subscription in which `now` lies, counted as `monthly` does."""
        return cls._of_months(since, now, 12)

    @classmethod
    def weekly(cls, since: datetime, now: datetime | None = None) -> Self:
        """The week of a subscription in which `now` lies, counted as `monthly` does."""
        return cls._of_days(since, now, 7)

    @classmethod
    def daily(cls, since: datetime, now: datetime | None = None) -> Self:
        """The day of a subscription in which `now` lies, counted as `monthly` does."""
        return cls._of_days(since, now, 1)

    @classmethod
    def _of_months(cls, since: datetime, now: datetime | None, months: int) -> Self:
        now = _present(since, now)
        passed = (now.year - since.year) * 12 + now.month - since.month
        return cls._around(now, passed // months, lambda n: _months_after(since, n * months))

    @classmethod
    def _of_days(cls, since: datetime, now: datetime | None, days: int) -> Self:
        now = _present(since, now)
        # Of the calendar: a day may have 23 or 25 hours.
        passed = (now.date() - since.date()).days
        return cls._around(now, passed // days, lambda n: _days_after(since, n * days))

    @classmethod
    def _around(cls, now: datetime, guess: int, begin: Callable[[int], datetime]) -> Self:
        """The last period that has begun by `now`; its number is `guess` or one beside it.

        Instants are compared in UTC: in one zone Python compares the hours on the wall, of which
        one comes twice when clocks are put back, and some never come.
        """
        number = guess + 1
        try:
            while number > 0 and begin(number).astimezone(UTC) > now.astimezone(UTC):
                number -= 1
            start, end = begin(number), begin(number + 1)
        except (OverflowError, ValueError) as error:
            told = f"a period ends by the end of the calendar: {error}"
            raise InvalidRequestError(told) from None
        return cls(start, end)


def _present(since: datetime, now: datetime | None) -> datetime:
    now = datetime.now(UTC) if now is None else now
    since, now = validation.zoned(since), validation.zoned(now)
    if now.astimezone(UTC) < since.astimezone(UTC):
        raise InvalidRequestError(f"the subscription begins only at {since}")
    return now.astimezone(since.tzinfo)


def _days_after(since: datetime, days: int) -> datetime:
    return (since + timedelta(days=days)).replace(fold=since.fold)


def _months_after(since: datetime, months: int) -> datetime:
    year, month = divmod(since.year * 12 + since.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return since.replace(year=year, month=month + 1, day=min(since.day, last))


def _ms(value: object, what: str) -> int:
    at = validation.instant_ms(value, f"the {what} of a period")
    if at is None:
        raise InvalidRequestError(f"a period has a {what}")
    if at > LAST_MS:
        raise InvalidRequestError(f"a period has its {what} by the end of the year 9999: {at} ms")
    return at


def check(period: Period) -> None:
    """Refuse what is no `Period`."""
    if not isinstance(period, Period):
        raise InvalidRequestError(
            f"a period is a Period, not {type(period).__name__}: pass Period(start, end)"
        )
