"""What depends on the server's clock, with a clock that the test can move."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from credits_core import Credits, scripts
from credits_core.keys import KeySpace
from tests.support import moving_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

    from tests.support.servers import Server

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def credits(server: Server) -> Iterator[Credits]:
    with Credits.from_url(server.url) as client:
        yield client


@pytest.fixture
def move_clock(
    monkeypatch: pytest.MonkeyPatch, raw: redis.Redis
) -> Iterator[Callable[[int], object]]:
    """Moves the clock of the scripts by so many ms from the real time."""
    moving_clock.install(monkeypatch)
    yield lambda ms: raw.set(moving_clock.KEY, ms)
    raw.delete(moving_clock.KEY)


def test_the_key_of_a_charge_is_kept_for_thirty_days_at_least(credits, user, move_clock):
    credits.initialize_user(user)
    credits.deduct(user, 1, "chat", idempotency_key="first")
    move_clock(29 * DAY_MS)
    credits.deduct(user, 1, "chat", idempotency_key="of day 29")
    assert credits.deduct(user, 1, "chat", idempotency_key="first").replayed
    move_clock(31 * DAY_MS)
    credits.deduct(user, 1, "chat", idempotency_key="of day 31")  # the generations change
    assert credits.deduct(user, 1, "chat", idempotency_key="first").replayed
    move_clock(58 * DAY_MS)
    credits.deduct(user, 1, "chat", idempotency_key="of day 58")
    assert credits.deduct(user, 1, "chat", idempotency_key="of day 29").replayed


def test_old_keys_of_charges_are_forgotten_and_those_of_additions_never(
    credits, user, move_clock, raw
):
    credits.add(user, 100, "purchase", idempotency_key="payment")
    credits.deduct(user, 1, "chat", idempotency_key="old")
    for day in (31, 62, 93):
        move_clock(day * DAY_MS)
        credits.deduct(user, 1, "chat", idempotency_key=f"of day {day}")
    assert not credits.deduct(user, 1, "chat", idempotency_key="old").replayed
    assert credits.add(user, 100, "purchase", idempotency_key="payment").replayed
    kept = sum(raw.hlen(f"credits:charges:{generation}:{user}") for generation in (0, 1))
    assert kept == 3  # of day 62, of day 93, and "old" anew


def test_a_busy_account_does_not_run_ahead_of_time(credits, user, raw):
    # A clock that stands still: each entry is as close behind the last as it ever gets.
    standing = "local now, stamp = 1800000000000, '1800000000000'\n"
    script = scripts.assemble("deduct", clock=standing)
    credits.initialize_user(user, 1000)
    names = KeySpace().account(user)
    for number in range(1000):
        member = f'{{"id":"tx_{number}","amount":-1,"action":"chat","timestamp":1}}'
        raw.eval(script.text, len(names), *names, "9e15", member, "1", "", "0")
    entries = raw.zrange(f"txs:{user}", 1, -1, withscores=True)
    assert [json.loads(member)["id"] for member, _ in entries] == [
        f"tx_{number}" for number in range(1000)
    ]
    assert 0 < entries[-1][1] - 1_800_000_000_000 < 1


@pytest.mark.parametrize("step", [-3_600_000, 3_600_000], ids=["an hour back", "an hour ahead"])
def test_the_log_stays_in_order_when_the_clock_steps(credits, user, move_clock, step):
    credits.initialize_user(user)
    receipts = [credits.deduct(user, 1, "before")]
    move_clock(step)
    receipts += [credits.deduct(user, 1, f"after-{number}") for number in range(3)]
    entries = [entry.id for entry in credits.iter_transactions(user)]
    assert entries[:4] == [receipt.tx_id for receipt in reversed(receipts)]
    assert [receipt.timestamp for receipt in receipts] == sorted(
        receipt.timestamp for receipt in receipts
    )
    assert credits.verify_balance(user).valid
