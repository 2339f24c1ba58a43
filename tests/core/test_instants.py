"""Instants: milliseconds and aware datetimes say the same, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core import InvalidRequestError, validation
from credits_core.models import FoldReport, instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, 253_402_300_799_999))
def test_a_datetime_stands_for_its_millisecond(ms):
    assert instant(ms) == EPOCH + timedelta(milliseconds=ms)
    assert validation.bound_ms(instant(ms), "start_time") == ms
    assert validation.instant_ms(instant(ms), "start_time") == ms


class NoOffset(tzinfo):
    """A time zone that does not say how far it is from UTC."""

    def utcoffset(self, dt):
        return None


@pytest.mark.parametrize("zone", [None, NoOffset()])
def test_a_datetime_without_an_offset_is_no_instant(zone):
    local = datetime(2027, 1, 15, 8, tzinfo=zone)
    with pytest.raises(InvalidRequestError, match="start_time is a datetime without a time zone"):
        validation.bound_ms(local, "start_time")


def test_a_fold_tells_up_to_when_as_a_datetime_too():
    assert FoldReport("alice", 3, 1_800_000_000_000).time == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert FoldReport("alice", 0, None).time is None
