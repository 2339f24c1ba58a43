"""Times: instants and durations, in ms whatever they were told in."""

from __future__ import annotations

from datetime import datetime, timedelta

from credits_core.models import EPOCH, LAST_MS, MILLISECOND, instant
from credits_core.validation.amounts import whole
from credits_core.validation.refusing import fail, short

MIN_FOLD_AGE_MS = 30 * 24 * 3600 * 1000
MAX_HOLD_MS = 366 * 24 * 3600 * 1000
MAX_LEASE_MS = 3600 * 1000
MAX_KEEP_MS = 30 * 24 * 3600 * 1000
LAST_INSTANT = 2**53 - 1
"""The largest number of milliseconds that JavaScript counts exactly."""

LEAST_MS = 10**12
"""September 2001: a smaller instant that something lasts until was meant in seconds."""


def zoned(value: object) -> datetime:
    """A datetime of a time zone."""
    if not isinstance(value, datetime):
        raise fail(f"periods are counted from datetimes, not {short(value)}")
    if value.utcoffset() is None:
        raise fail(f"a datetime without a time zone: {short(value)}")
    return value


def bound_ms(value: object, what: str) -> int | None:
    """A bound of the history: ms since the epoch or an aware datetime; None for no bound."""
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise fail(f"{what} is a datetime without a time zone: {short(value)}")
        return (value - EPOCH) // MILLISECOND
    return whole(value, what, 0, LAST_INSTANT)


def instant_ms(value: object, what: str) -> int | None:
    """An instant of the app's own time: ms since the epoch or an aware datetime; or None.

    Payment providers tell seconds, which are taken for no ms of 1970.
    """
    at = bound_ms(value, what)
    if at is not None and at < LEAST_MS and not isinstance(value, datetime):
        raise fail(
            f"{what} is in milliseconds since 1970, or an aware datetime: {at} would be in the "
            f"year {instant(at).year}; multiply seconds by 1000"
        )
    return at


def expiry(at: int | None) -> int | None:
    """When a grant expires (ms): within the calendar."""
    if at is not None and at > LAST_MS:
        raise fail(f"credits expire by the end of the year 9999, not at {at} ms")
    return at


def duration_ms(value: object, what: str) -> int:
    """A duration in whole ms, of seconds or a timedelta: above 0, at most ten thousand years."""
    if isinstance(value, timedelta):
        span = value / MILLISECOND
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        span = value * 1000
    else:
        raise fail(f"{what} is seconds or a timedelta, not {type(value).__name__}")
    if not 1 <= span <= LAST_MS:
        raise fail(
            f"{what} is above 0 seconds (0.001 at least) and ends by the year 9999, not "
            f"{_seconds(value)}"
        )
    return int(span)


def duration_s(value: object, what: str, shortest: int, longest: int) -> float:
    """A duration in seconds: from `shortest` to `longest`."""
    span = _bounded_ms(value, what, longest * 1000)
    if span < shortest * 1000:
        raise fail(f"{what} is at least {shortest}, not {_seconds(value)}")
    return span / 1000


def hold_ms(value: object) -> int:
    """How long a hold stays open, in ms: up to 366 days."""
    span = duration_ms(value, "expires_in")
    if span > MAX_HOLD_MS:
        raise fail(
            f"a hold expires within {MAX_HOLD_MS // 86_400_000} days, which are "
            f"{MAX_HOLD_MS // 1000} seconds, not {_seconds(value)}"
        )
    return span


def lease_ms(value: object) -> int:
    """How long a request is its worker's alone, in ms: up to an hour."""
    return _bounded_ms(value, "lease", MAX_LEASE_MS)


def keep_ms(value: object) -> int:
    """How long the answer to a request is kept, in ms: up to 30 days."""
    return _bounded_ms(value, "keep", MAX_KEEP_MS)


def fold_age_ms(value: object) -> int:
    """How old an entry is that may be folded, in ms: 30 days or more."""
    span = duration_ms(value, "older_than")
    if span < MIN_FOLD_AGE_MS:
        raise fail(
            f"entries are folded after {MIN_FOLD_AGE_MS // 86_400_000} days or more, as long as "
            f"charges are told apart by their keys, not after {_seconds(value)}"
        )
    return span


def _bounded_ms(value: object, what: str, longest: int) -> int:
    span = duration_ms(value, what)
    if span > longest:
        raise fail(f"{what} is at most {longest // 1000} seconds, not {_seconds(value)}")
    return span


def _seconds(value: object) -> str:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return f"{short(value)} seconds"
