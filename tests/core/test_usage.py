"""Usage as a pure sum: entries in, what was spent and earned out."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, date, datetime

import pytest

from credits_core import InvalidRequestError, Transaction
from credits_core.usage import MAX_ACTIONS, MAX_DAYS, UsageSum, days_of

DAY = 86_400_000
MONDAY = date(2026, 7, 6)
START = int(datetime(2026, 7, 6, tzinfo=UTC).timestamp() * 1000)
numbers = itertools.count()


def entry(amount, kind="deduct", at=START, action="chat", hold=None, kept=None):
    made = f"tx_{at}_{next(numbers):016x}"
    hold = made if kind == "hold" else hold
    return Transaction(made, amount, action, None, at, kind, hold_id=hold, kept=kept)


def usage_of(*entries, days=3):
    found = UsageSum(MONDAY, date(2026, 7, 5 + days))
    for one in entries:
        found.add(one)
    return found.usage("alice")


def balance_of(usage):
    """What the sums say that the balance moved by."""
    total = usage.total
    gained = total.earned + total.refunded
    return gained - total.spent - total.expired - total.revoked - usage.held


@pytest.mark.parametrize(
    ("kind", "amount", "place"),
    [
        ("deduct", -5, "spent"),
        ("add", 5, "earned"),
        ("sign_up", 5, "earned"),
        ("grant", 5, "earned"),
        ("allowance", 5, "earned"),
        ("transfer", -5, "spent"),
        ("transfer", 5, "earned"),
        ("merge", -5, "spent"),
        ("opening", 5, "earned"),
        ("refund", 5, "refunded"),
        ("expire", -5, "expired"),
        ("revoke", -5, "revoked"),
    ],
)
def test_each_kind_has_its_sum(kind, amount, place):
    usage = usage_of(entry(amount, kind))
    assert getattr(usage.total, place) == 5
    assert getattr(usage.days[0].actions["chat"], place) == 5
    assert balance_of(usage) == amount


def test_every_day_is_there_with_its_own_sums():
    last = START + 3 * DAY - 1
    usage = usage_of(entry(-1), entry(-2, at=last), entry(-9, at=last + 1), entry(-9, at=START - 1))
    assert [(day.date.day, day.total.spent) for day in usage.days] == [(6, 1), (7, 0), (8, 2)]
    assert usage.total.spent == usage.actions["chat"].spent == 3


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("end", "kept", "spent"),
    [
        ("settle", 30, 30),
        ("settle", 70, 70),
        ("settle", 0, 0),
        ("release", 0, 0),
        ("expire", None, 0),
    ],
)
def test_a_hold_that_ended_is_what_was_kept_of_it_on_its_own_day(order, end, kept, spent):
    hold = entry(-40, "hold", action="video")
    more = entry(-10, "extend", at=START + DAY, action="hold_extended", hold=hold.id)
    back = 50 - (kept or 0)
    ended = entry(back, end, at=START + 2 * DAY, action="video", hold=hold.id, kept=kept)
    usage = usage_of(*[hold, more, ended][::order])
    assert [day.total.spent for day in usage.days] == [spent, 0, 0]
    assert [day.held for day in usage.days] == [0, 0, 0]
    assert {action: tally.spent for action, tally in usage.actions.items()} == (
        {"video": spent} if spent else {}
    )


def test_a_hold_that_is_open_is_held_and_not_spent():
    hold = entry(-40, "hold")
    usage = usage_of(hold, entry(-2, "extend", at=START + DAY, hold=hold.id))
    assert (usage.held, usage.total.spent, usage.actions) == (42, 0, {})


def test_a_hold_counts_on_the_day_that_its_id_tells_though_it_ends_after_the_last():
    hold = entry(-40, "hold", at=START + DAY - 1)
    ended = entry(10, "settle", at=START + 9 * DAY, hold=hold.id, kept=30)
    usage = usage_of(hold, ended, days=1)
    assert (usage.total.spent, usage.held) == (30, 0)
    early = f"tx_{START - 1}_{0:016x}"
    assert usage_of(entry(10, "settle", hold=early, kept=30)).total.spent == 0


def test_a_hold_charged_after_it_expired_is_spent_once():
    hold = entry(-40, "hold")
    usage = usage_of(
        hold, entry(40, "expire", hold=hold.id), entry(-25, "settle", hold=hold.id, kept=25)
    )
    assert (usage.total.spent, usage.held) == (25, 0)


def test_a_checkpoint_is_no_income_and_says_up_to_when_the_log_is_folded():
    usage = usage_of(entry(900, "checkpoint", at=START + 5), entry(-1))
    assert (usage.total.earned, usage.folded_until) == (0, START + 5)
    assert usage_of(entry(-1)).folded_until is None


def test_actions_beyond_what_is_told_apart_count_together():
    many = [entry(-1, action=f"a{number}") for number in range(MAX_ACTIONS + 50)]
    usage = usage_of(*many, *many)
    assert len(usage.actions) == MAX_ACTIONS + 1
    assert usage.actions[None].spent == 100
    assert usage.total.spent == 2 * len(many)


def test_actions_stand_by_what_was_spent():
    usage = usage_of(entry(-1, action="b"), entry(-5, action="c"), entry(-1, action="a"))
    assert list(usage.actions) == ["c", "a", "b"]


def test_the_sums_are_what_the_balance_moved_by_whatever_happened():
    dice = random.Random(6)
    for _ in range(50):
        entries = []
        for _ in range(40):
            at = START + dice.randrange(3 * DAY)
            amount = dice.randint(1, 50)
            kind = dice.choice(["deduct", "add", "refund", "expire", "revoke", "hold"])
            entries.append(entry(amount if kind in ("add", "refund") else -amount, kind, at))
            if kind == "hold" and dice.random() < 0.7:
                kept = dice.randint(0, 2 * amount)
                entries.append(entry(amount - kept, "settle", at, hold=entries[-1].id, kept=kept))
        dice.shuffle(entries)
        assert balance_of(usage_of(*entries)) == sum(one.amount for one in entries)


@pytest.mark.parametrize(
    ("days", "start", "end"),
    [
        (0, None, None),
        (MAX_DAYS + 1, None, None),
        (True, None, None),
        (1.0, None, None),
        ("7", None, None),
        (7, MONDAY, None),
        (None, MONDAY, date(2026, 7, 5)),
        (None, date(2024, 1, 1), date(2026, 1, 1)),
        (None, datetime(2026, 7, 6, tzinfo=UTC), None),
        (None, None, "2026-07-06"),
        (None, START, None),
    ],
)
def test_days_that_cannot_be_asked_for_are_refused(days, start, end):
    with pytest.raises(InvalidRequestError):
        days_of(days, start, end, START)


def test_days_are_counted_back_from_the_end():
    assert days_of(None, None, None, START) == (date(2026, 6, 30), MONDAY)
    assert days_of(1, None, None, START + DAY - 1) == (MONDAY, MONDAY)
    assert days_of(2, None, date(2026, 1, 1), START) == (date(2025, 12, 31), date(2026, 1, 1))
    assert days_of(None, MONDAY, MONDAY, START) == (MONDAY, MONDAY)
