"""Holds that nobody ended: due at their instant, applied at the next touch."""

from __future__ import annotations

import asyncio
import json

import pytest

from credits_core import (
    HoldClosedError,
    HoldNotFoundError,
    InsufficientCreditsError,
    Item,
    LimitExceededError,
    Receipt,
    commands,
)
from tests.contract.accounts import sound
from tests.contract.store import Store
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
async def job(credits, user, clock):
    """A hold of 60 of the user's 100 credits, for an hour."""
    await credits.initialize_user(user, 100)
    return await credits.hold(user, 60, "train", {"gpu": 1}, expires_in=3600)


async def test_a_hold_in_real_time_gives_back_its_credits(credits, user):
    await credits.initialize_user(user, 100)
    hold = await credits.hold(user, 60, "train", expires_in=0.03)
    await asyncio.sleep(0.05)
    assert await credits.get_balance(user) == 100
    with pytest.raises(HoldClosedError, match="expired"):
        await credits.release(user, hold.id)
    await sound(credits, user, 100)


TOUCHES = {
    "get_balance": lambda credits, user: credits.get_balance(user),
    "has_credits": lambda credits, user: credits.has_credits(user, 1),
    "get_account": lambda credits, user: credits.get_account(user),
    "deduct": lambda credits, user: credits.deduct(user, 100, "all"),
    "add": lambda credits, user: credits.add(user, 1, "x"),
    "hold": lambda credits, user: credits.hold(user, 100, "all"),
    "set_floor": lambda credits, user: credits.set_floor(user, 1),
    "freeze": lambda credits, user: credits.freeze(user),
    "initialize_user": lambda credits, user: credits.initialize_user(user),
    "deduct_many": lambda credits, user: credits.deduct_many([Item(user, 100, "all")], atomic=True),
}


@pytest.mark.parametrize("touch", TOUCHES)
async def test_any_touch_gives_back_what_expired(credits, user, job, clock, touch):
    await clock.ahead(HOUR - 1)
    assert await credits.get_balance(user) == 40
    await clock.ahead(HOUR + 1)
    assert (await Store(credits).look(user)).balance == "40"
    await TOUCHES[touch](credits, user)
    found = await Store(credits).look(user)
    entry = json.loads(found.members[2])
    assert (entry["amount"], entry["action"], entry["kind"]) == (60, "train", "expire")
    assert entry["hold"] == job.id
    assert float(found.balance) == found.total
    assert job.id not in [hold.id for hold in (await credits.get_account(user)).holds]


async def test_a_refusal_applies_what_had_fallen_due_and_nothing_else(credits, user, job, clock):
    await clock.ahead(HOUR + 1)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct(user, 101, "chat")
    assert refusal.value.available == 100
    assert [entry["amount"] for entry in (await Store(credits).look(user)).entries] == [
        100,
        -60,
        60,
    ]


async def test_an_expiry_is_a_transaction_that_names_its_hold(credits, user, job, clock):
    await clock.ahead(HOUR + 1)
    await credits.get_balance(user)
    (entry, held, _) = await credits.get_transactions(user)
    assert (entry.amount, entry.action, entry.kind, entry.hold_id) == (
        60,
        "train",
        "expire",
        job.id,
    )
    assert entry.timestamp >= job.expires_at
    assert entry.id.startswith(f"tx_{entry.timestamp}_")
    assert held.id == job.id
    with pytest.raises(HoldClosedError) as refusal:
        await credits.release(user, job.id)
    assert refusal.value.tx_id == entry.id


async def test_what_expired_can_neither_be_settled_nor_released_nor_extended(
    credits, user, job, clock
):
    await clock.ahead(HOUR + 1)
    ends = (
        lambda: credits.settle(user, job.id, 25),
        lambda: credits.settle(user, job.id, 0),
        lambda: credits.release(user, job.id),
        lambda: credits.extend(user, job.id, 5, expires_in=3600),
    )
    for end in ends:
        with pytest.raises(HoldClosedError, match="expired") as refusal:
            await end()
        assert (refusal.value.state, refusal.value.kept) == ("expired", 0)
    await sound(credits, user, 100)


async def test_an_extended_hold_lives_on(credits, user, job, clock):
    await clock.ahead(HOUR - 60)
    await credits.extend(user, job.id, expires_in=3600)
    await clock.ahead(HOUR + 60)
    assert await credits.get_balance(user) == 40
    assert (await credits.settle(user, job.id, 25)).balance == 75


async def test_late_work_may_be_charged_afresh_once(credits, user, job, clock):
    await clock.ahead(HOUR + 1)
    first = await credits.settle(user, job.id, 25, if_expired="charge")
    again = await credits.settle(user, job.id, 25, if_expired="charge")
    assert (first.amount, first.balance, first.replayed) == (25, 75, False)
    assert (again.tx_id, again.amount, again.balance, again.replayed) == (
        first.tx_id,
        25,
        75,
        True,
    )
    assert (await credits.settle(user, job.id, 25)).replayed
    (entry, _, _, _) = await credits.get_transactions(user)
    assert (entry.amount, entry.kind, entry.action) == (-25, "settle", "train")
    assert entry.hold_id == job.id
    for end in (
        lambda: credits.settle(user, job.id, 26, if_expired="charge"),
        lambda: credits.release(user, job.id),
        lambda: credits.extend(user, job.id, 1),
    ):
        with pytest.raises(HoldClosedError) as refusal:
            await end()
        assert (refusal.value.state, refusal.value.kept) == ("settled", 25)
    await sound(credits, user, 75)


async def test_late_work_that_cost_nothing_ends_the_hold(credits, user, job, clock):
    await clock.ahead(HOUR + 1)
    assert (await credits.settle(user, job.id, 0, if_expired="charge")).balance == 100
    with pytest.raises(HoldClosedError) as refusal:
        await credits.settle(user, job.id, 1, if_expired="charge")
    assert (refusal.value.state, refusal.value.kept) == ("settled", 0)


async def test_late_work_is_charged_once_by_many_at_the_same_time(credits, user, job, clock):
    await clock.ahead(HOUR + 1)
    calls = (credits.settle(user, job.id, 20 + n % 2, if_expired="charge") for n in range(50))
    results = await asyncio.gather(*calls, return_exceptions=True)
    won = [result for result in results if isinstance(result, Receipt)]
    assert len(won) == 25
    assert sum(not receipt.replayed for receipt in won) == 1
    assert all(isinstance(r, HoldClosedError) for r in results if not isinstance(r, Receipt))
    await sound(credits, user, 100 - won[0].amount)


async def test_the_same_bytes_charge_late_work_once(credits, user, job, clock):
    await clock.ahead(HOUR + 1)
    command = commands.settle(
        keys(credits), user, job.id, 25, shortfall="refuse", if_expired="charge", now_ms=1
    )
    first, second = await tell(credits, command, 2)
    assert first == second
    assert await tell(credits, command, deadline=0) == [first]
    await sound(credits, user, 75)


@pytest.mark.parametrize(("shortfall", "kept"), [("take", 10), ("owe", 25)])
async def test_late_work_meets_a_shortfall_like_any_other(
    credits, user, job, clock, shortfall, kept
):
    await clock.ahead(HOUR + 1)
    await credits.deduct(user, 90, "elsewhere")
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.settle(user, job.id, 25, if_expired="charge")
    assert (refusal.value.required, refusal.value.available) == (25, 10)
    receipt = await credits.settle(user, job.id, 25, if_expired="charge", shortfall=shortfall)
    assert (receipt.amount, receipt.balance) == (kept, 10 - kept)
    await sound(credits, user, 10 - kept)


async def test_late_work_is_not_charged_to_a_frozen_account(credits, user, job, clock):
    await clock.ahead(HOUR + 1)
    await credits.freeze(user, "fraud")
    with pytest.raises(LimitExceededError, match="fraud"):
        await credits.settle(user, job.id, 25, if_expired="charge")
    await sound(credits, user, 100)


async def test_a_released_or_settled_hold_is_not_charged_as_late(credits, user, job, clock):
    await credits.release(user, job.id)
    await clock.ahead(HOUR + 1)
    with pytest.raises(HoldClosedError, match="released"):
        await credits.settle(user, job.id, 25, if_expired="charge")
    await sound(credits, user, 100)


async def test_a_hold_ended_in_time_does_not_expire(credits, user, job, clock):
    await credits.settle(user, job.id, 25)
    await clock.ahead(2 * HOUR)
    assert await credits.get_balance(user) == 75
    await sound(credits, user, 75)


async def test_late_work_is_charged_once_across_the_generations_of_records(
    credits, user, job, clock
):
    await clock.ahead(2 * HOUR)
    assert await credits.get_balance(user) == 100
    await clock.ahead(31 * DAY)
    first = await credits.settle(user, job.id, 25, if_expired="charge")
    again = await credits.settle(user, job.id, 25, if_expired="charge")
    assert (again.tx_id, again.replayed) == (first.tx_id, True)
    await sound(credits, user, 75)


async def test_how_a_hold_ended_is_known_for_thirty_days_at_least(credits, user, job, clock):
    receipt = await credits.settle(user, job.id, 25)
    for day in (15, 29, 31):
        await clock.ahead(day * DAY)
        await credits.deduct(user, 1, "chat", idempotency_key=f"of day {day}")
        assert (await credits.settle(user, job.id, 25)).tx_id == receipt.tx_id
    for day in (62, 93):
        await clock.ahead(day * DAY)
        await credits.deduct(user, 1, "chat", idempotency_key=f"of day {day}")
    with pytest.raises(HoldNotFoundError, match="30 days"):
        await credits.settle(user, job.id, 25)
    await sound(credits, user, 70)


async def test_several_holds_expire_each_at_its_time(credits, user, clock):
    await credits.initialize_user(user, 100)
    holds = [await credits.hold(user, 10, f"job-{n}", expires_in=600 * n) for n in (3, 1, 2, 4)]
    listed = (await credits.get_account(user)).holds
    assert [hold.action for hold in listed] == ["job-1", "job-2", "job-3", "job-4"]
    await clock.ahead(1300)
    account = await credits.get_account(user)
    assert ([hold.action for hold in account.holds], account.balance) == (["job-3", "job-4"], 80)
    expired = [entry for entry in await credits.get_transactions(user) if entry.kind == "expire"]
    assert [entry.action for entry in expired] == ["job-2", "job-1"]
    assert len({entry.id for entry in expired}) == 2
    await clock.ahead(2500)
    assert await credits.get_balance(user) == 100
    for hold in holds:
        with pytest.raises(HoldClosedError, match="expired"):
            await credits.settle(user, hold.id, 10)
    await sound(credits, user, 100)


async def test_an_expiry_that_would_pass_the_largest_balance_waits(credits, user, job, clock):
    for amount in [10**15] * 9 + [2**53 - 1 - 9 * 10**15 - 40]:
        await credits.add(user, amount, "grant")
    await clock.ahead(HOUR + 1)
    assert await credits.get_balance(user) == 2**53 - 1
    assert (await credits.get_account(user)).held == 60
    await credits.deduct(user, 60, "room")
    assert await credits.get_balance(user) == 2**53 - 1
    assert (await credits.get_account(user)).held == 0
    await sound(credits, user, 2**53 - 1)


async def test_an_expiry_pays_a_debt_first(credits, user, job, clock):
    other = await credits.hold(user, 40, "other")
    await credits.settle(user, other.id, 70, shortfall="owe")
    assert await credits.get_balance(user) == -30
    await clock.ahead(HOUR + 1)
    assert await credits.get_balance(user) == 30


async def test_a_reconciliation_gives_back_what_expired(credits, user, job, clock):
    await clock.ahead(HOUR + 1)
    report = await credits.reconcile([user])
    assert (report.total, report.verified, report.errors) == (1, 1, 0)
    assert (await Store(credits).look(user)).balance == "100"
    await sound(credits, user, 100)


async def test_a_replayed_hold_that_expired_is_still_told(credits, user, clock):
    await credits.initialize_user(user, 100)
    first = await credits.hold(user, 60, "train", expires_in=60, idempotency_key="job")
    await clock.ahead(HOUR)
    again = await credits.hold(user, 60, "train", expires_in=60, idempotency_key="job")
    assert (again.id, again.expires_at, again.replayed) == (first.id, first.expires_at, True)


async def test_an_account_that_is_gone_gets_nothing_back(credits, user, job, clock):
    await Store(credits).run("DEL", f"balance:{user}", f"txs:{user}")
    await clock.ahead(HOUR + 1)
    assert await credits.get_balance(user) == 0
    assert (await credits.add(user, 5, "purchase")).balance == 5
    with pytest.raises(HoldNotFoundError):
        await credits.settle(user, job.id, 25, if_expired="charge")
    await sound(credits, user, 5)
