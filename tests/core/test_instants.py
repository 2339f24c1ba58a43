"""Instants: milliseconds and aware datetimes say the same, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from credits_core import validation
from credits_core.models import instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, 253_402_300_799_999))
def test_a_datetime_stands_for_its_millisecond(ms):
    assert instant(ms) == EPOCH + timedelta(milliseconds=ms)
    assert validation.instant_ms(instant(ms), "start_time") == ms
