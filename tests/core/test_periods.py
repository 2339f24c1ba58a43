"""Periods of a subscription: they tile the calendar, in every zone, from any day on."""

from __future__ import annotations

import calendar
import copy
import inspect
import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from credits_core import InvalidRequestError, Period

ZONES = [
    UTC,
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Australia/Lord_Howe"),  # its summer begins by half an hour
    ZoneInfo("Africa/Casablanca"),  # where the offset falls for a month
    ZoneInfo("America/Sao_Paulo"),  # midnight did not exist
    ZoneInfo("Pacific/Apia"),  # a day did not exist
    ZoneInfo("Asia/Kathmandu"),
]
KINDS = [Period.daily, Period.weekly, Period.monthly, Period.yearly]
FIRST = 10**12
BERLIN = ZoneInfo("Europe/Berlin")
APIA = ZoneInfo("Pacific/Apia")

kinds = st.sampled_from(KINDS)
begins = st.datetimes(
    datetime(1999, 1, 1),  # noqa: DTZ001
    datetime(2030, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(ZONES),
)  # fmt: skip
spans = st.timedeltas(timedelta(0), timedelta(days=4000))


def ms(instant):
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def later(since, span):
    """An instant so long after another: of real time, not of the calendar."""
    return since.astimezone(UTC) + span


@given(kinds, begins, spans)
@example(Period.daily, datetime(2026, 10, 1, 2, 30, tzinfo=BERLIN), timedelta(days=24.01))
@example(Period.daily, datetime(2026, 3, 1, 2, 30, tzinfo=BERLIN), timedelta(days=27.98))
@example(Period.daily, datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN), timedelta(0))
@example(Period.monthly, datetime(2026, 9, 25, 2, 30, tzinfo=BERLIN), timedelta(days=30.02))
@example(Period.daily, datetime(2011, 12, 28, 12, tzinfo=APIA), timedelta(days=1.5))
def test_now_lies_in_its_period(kind, since, span):
    now = later(since, span)
    period = kind(since, now)
    assert period.start_ms <= ms(now) < period.end_ms
    assert period.start_ms >= ms(since)


@given(kinds, begins, spans)
@example(Period.daily, datetime(2026, 10, 24, 2, 30, tzinfo=BERLIN), timedelta(0))
@example(Period.daily, datetime(2026, 3, 28, 2, 30, tzinfo=BERLIN), timedelta(0))
@example(Period.daily, datetime(2011, 12, 29, 12, tzinfo=APIA), timedelta(0))
@example(Period.weekly, datetime(2026, 10, 18, 2, 30, fold=1, tzinfo=BERLIN), timedelta(0))
def test_where_a_period_ends_the_next_begins(kind, since, span):
    period = kind(since, later(since, span))
    following = kind(since, datetime.fromtimestamp(period.end_ms / 1000, UTC) + _MS)
    assert following.start_ms == period.end_ms
    if span >= timedelta(days=1) and period.start_ms > ms(since):
        before = kind(since, datetime.fromtimestamp(period.start_ms / 1000, UTC) - _MS)
        assert before.end_ms == period.start_ms


_MS = timedelta(milliseconds=1)


@given(kinds, begins, spans, st.sampled_from(ZONES))
def test_the_zone_of_now_does_not_matter(kind, since, span, zone):
    now = later(since, span)
    assert kind(since, now).start_ms == kind(since, now.astimezone(zone)).start_ms


@given(kinds, begins)
def test_the_first_period_begins_with_the_subscription(kind, since):
    assert kind(since, since).start_ms == ms(since)


@given(begins, spans)
def test_a_month_begins_on_the_day_of_the_subscription_or_the_last_of_the_month(since, span):
    period = Period.monthly(since, later(since, span))
    for instant in (period.start, period.end):
        last = calendar.monthrange(instant.year, instant.month)[1]
        assert instant.day == min(since.day, last)
        assert instant.time() == since.time()
    months = [12 * instant.year + instant.month for instant in (period.start, period.end)]
    assert months[1] - months[0] == 1


@given(st.sampled_from([Period.daily, Period.weekly]), begins, spans)
def test_days_and_weeks_begin_at_the_hour_of_the_subscription(kind, since, span):
    period = kind(since, later(since, span))
    days = (period.end.replace(tzinfo=None) - period.start.replace(tzinfo=None)).days
    assert days == (1 if kind == Period.daily else 7)
    assert period.start.time() == period.end.time() == since.time()


def test_month_ends_clamp_without_drifting():
    since = datetime(2024, 1, 31, 9, 30, tzinfo=UTC)
    starts, now = [], since
    for _ in range(14):
        period = Period.monthly(since, now)
        starts.append((period.start.month, period.start.day))
        now = period.end
    assert starts == [
        (1, 31), (2, 29), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30), (10, 31),
        (11, 30), (12, 31), (1, 31), (2, 28),
    ]  # fmt: skip


def test_a_leap_day_comes_back_in_leap_years():
    since = datetime(2024, 2, 29, tzinfo=UTC)
    starts = [
        Period.yearly(since, datetime(year, 3, 1, tzinfo=UTC)).start for year in range(2024, 2030)
    ]
    assert [start.day for start in starts] == [29, 28, 28, 28, 29, 28]
    assert {start.month for start in starts} == {2}


@pytest.mark.parametrize(
    ("kind", "hours"),
    [(Period.daily, 25), (Period.weekly, 7 * 24 + 1), (Period.monthly, 31 * 24 + 1)],
)
def test_a_period_in_which_clocks_go_back_is_an_hour_longer(kind, hours):
    since = datetime(2026, 10, 25, tzinfo=BERLIN)
    period = kind(since, since)
    assert period.end_ms - period.start_ms == hours * 3_600_000
    assert period.end.hour == 0


def test_the_day_of_a_subscription_is_counted_in_its_own_zone():
    since = datetime(2026, 1, 31, 0, 30, tzinfo=BERLIN)  # 23:30 of the 30th in UTC
    period = Period.monthly(since, datetime(2026, 2, 27, 23, 45, tzinfo=UTC))
    assert period.start == datetime(2026, 2, 28, 0, 30, tzinfo=BERLIN)


@pytest.mark.parametrize("kind", KINDS)
def test_without_now_it_is_the_present_period(kind):
    since = datetime.now(UTC) - timedelta(days=800)
    before = ms(datetime.now(UTC))
    period = kind(since)
    assert period.start_ms <= ms(datetime.now(UTC))
    assert period.end_ms > before


@pytest.mark.parametrize("kind", KINDS)
def test_datetimes_without_a_zone_are_refused(kind):
    aware, naive = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)  # noqa: DTZ001
    for args in ((naive,), (naive, aware), (aware, naive)):
        with pytest.raises(InvalidRequestError, match="time zone"):
            kind(*args)
    for start, end in ((naive, 2**43), (2**42, naive)):
        with pytest.raises(InvalidRequestError, match="time zone"):
            Period(start, end)


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_no_period_before_the_subscription_begins(kind):
    since = datetime(2026, 1, 31, tzinfo=UTC)
    with pytest.raises(InvalidRequestError, match="begins only"):
        kind(since, since - timedelta(microseconds=1))


def test_a_subscription_begins_at_an_instant_not_at_an_hour_on_the_wall():
    # The clocks go back from 3 to 2: half past two comes twice.
    since = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
    with pytest.raises(InvalidRequestError, match="begins only"):
        Period.monthly(since, datetime(2026, 10, 25, 2, 45, fold=0, tzinfo=BERLIN))


@pytest.mark.parametrize("now", [None, 1_800_000_000_000, "2026-01-31", "datetime"])
def test_what_is_no_datetime_is_refused(now):
    with pytest.raises(InvalidRequestError):
        Period.monthly(now, datetime(2026, 1, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (FIRST, FIRST),
        (FIRST, FIRST - 1),
        (-FIRST, FIRST),
        (True, FIRST),
        (float(FIRST), FIRST + 5),
        (str(FIRST), FIRST + 5),
        (None, FIRST),
        (FIRST, None),
        (FIRST, 2**53 - 1),
    ],
)
def test_what_is_no_period_is_refused(start, end):
    with pytest.raises(InvalidRequestError):
        Period(start, end)


def test_seconds_are_no_milliseconds():
    for start, end in ((1_796_083_200, 1_798_761_600), (FIRST, 1_798_761_600)):
        with pytest.raises(InvalidRequestError, match="year 1970; multiply seconds by 1000"):
            Period(start, end)
    assert Period(datetime(1970, 1, 2, tzinfo=UTC), FIRST).start_ms == 86_400_000


def test_a_period_that_ends_before_it_starts_is_told_in_dates():
    with pytest.raises(InvalidRequestError, match=r"from 2026-12-01 .* to 2026-11-01 "):
        Period(1_796_083_200_000, 1_793_491_200_000)


def test_periods_of_the_same_instants_are_equal():
    start, end = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)
    told = Period(start, end)
    again = Period(told.start_ms, told.end_ms)
    there = Period(start.astimezone(BERLIN), end)
    assert told == again == there
    assert len({told, again, there}) == 1
    assert told != Period(start, told.end_ms + 1)
    assert (told.start, again.start) == (start, told.start_ms)
    assert copy.copy(told) == pickle.loads(pickle.dumps(told)) == replace(told, end=told.end_ms)


def test_a_period_is_told_in_ms_or_datetimes():
    start, end = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)
    told = Period(start, end)
    assert (told.start_ms, told.end_ms) == (1_769_817_600_000, 1_772_236_800_000)
    assert Period(told.start_ms, told.end_ms).end_ms == told.end_ms


@pytest.mark.parametrize("kind", KINDS)
def test_each_way_to_count_takes_the_same_arguments(kind):
    assert list(inspect.signature(kind).parameters) == ["since", "now"]
