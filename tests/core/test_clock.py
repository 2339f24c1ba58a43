"""The estimate of the server's clock: never beyond what the replies allow."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from credits_core.clock import ServerClock, monotonic_ms

YEAR_2026 = 1_767_225_600_000


def test_before_the_first_reply_the_local_clock_has_to_do():
    clock = ServerClock()
    assert clock.known is False
    assert abs(clock.now_ms() - time.time() * 1000) < 1000


def test_a_reply_tells_the_time():
    clock = ServerClock()
    clock.observe(YEAR_2026, sent=100, received=140)
    assert clock.known
    assert clock.at(140) == YEAR_2026
    assert clock.at(1140) == YEAR_2026 + 1000


def test_the_first_estimate_is_early_rather_than_late():
    # A deadline that is too early only costs a retry; too late, it lets a dead command live.
    clock = ServerClock()
    clock.observe(YEAR_2026, sent=0, received=400)
    assert clock.at(400) <= YEAR_2026 + 400
    assert clock.at(400) == YEAR_2026


def test_a_quick_reply_sharpens_what_a_slow_one_said_and_not_the_other_way_round():
    clock = ServerClock()
    clock.observe(YEAR_2026, sent=0, received=400)
    clock.observe(YEAR_2026 + 500, sent=600, received=601)
    assert YEAR_2026 + 500 - 1 <= clock.at(601) <= YEAR_2026 + 501
    sharp = clock.at(601)
    clock.observe(YEAR_2026 + 700, sent=650, received=5000)
    assert clock.at(601) == sharp


def test_a_step_of_the_servers_clock_is_followed_at_once():
    for step in (3_600_000, -3_600_000, 5, -5):
        clock = ServerClock()
        clock.observe(YEAR_2026, sent=0, received=1)
        clock.observe(YEAR_2026 + 100 + step, sent=100, received=101)
        assert abs(clock.at(101) - (YEAR_2026 + 100 + step)) <= 1


replies = st.lists(
    st.tuples(
        st.floats(0, 10_000), st.floats(0, 2_000), st.floats(0, 1), st.floats(-50_000, 50_000)
    ),
    min_size=1,
    max_size=30,
)


@given(replies)
def test_after_any_replies_the_estimate_is_what_the_last_one_allows(seen):
    clock = ServerClock()
    local = 0.0
    for pause, took, where, offset in seen:
        sent, received = local + pause, local + pause + took
        server = YEAR_2026 + offset + sent + where * took
        clock.observe(server, sent, received)
        assert server - took - 1 <= clock.at(received) - took + 1
        assert server - 1 <= clock.at(received) <= server + took + 1
        local = received


def test_local_time_never_jumps():
    moments = [monotonic_ms() for _ in range(100)]
    assert moments == sorted(moments)
