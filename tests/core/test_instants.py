"""Instants: milliseconds and aware datetimes say the same, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from credits_core import validation
from credits_core.models import FoldReport, instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, 253_402_300_799_999))
def test_a_datetime_stands_for_its_millisecond(ms):
    assert instant(ms) == EPOCH + timedelta(milliseconds=ms)
    assert validation.bound_ms(instant(ms), "start_time") == ms
    assert validation.instant_ms(instant(ms), "start_time") == ms


def test_a_fold_tells_up_to_when_as_a_datetime_too():
    assert FoldReport("alice", 3, 1_800_000_000_000).time == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert FoldReport("alice", 0, None).time is None
