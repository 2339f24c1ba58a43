"""What comes back to grants that were revoked, capped or renewed; and keys that are in the way."""

from __future__ import annotations

import time

import pytest

from credits_core import (
    AccountStateError,
    CreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
    Period,
)
from tests.contract.accounts import grants, sound
from tests.contract.flavours import on

pytestmark = pytest.mark.stores

DAY = 86_400


async def told(call):
    """What a caller is told: a result, or an error of ours."""
    try:
        return await call
    except CreditsError as error:
        return error


@pytest.fixture
def day():
    """The periods of a plan that began a moment ago, a day each, by their number."""
    start = int(time.time() * 1000) - 60_000
    return lambda number: Period(start + number * DAY * 1000, start + (number + 1) * DAY * 1000)


@pytest.mark.parametrize("held", [True, False])
async def test_a_grant_that_comes_back_after_it_was_revoked_is_taken_when_asked_again(
    credits, rich, held
):
    grant = await credits.add(rich, 40, "promo", expires_in=DAY)
    if held:
        hold = await credits.hold(rich, 30, "train")
        charge = await credits.settle(rich, hold.id, 30)
    else:
        charge = await credits.deduct(rich, 30, "train")
    first = await credits.revoke(rich, grant.tx_id)
    assert (first.amount, first.balance) == (10, 100)
    await credits.refund(rich, charge.tx_id)
    assert await grants(credits, rich) == [30]
    again = await credits.revoke(rich, grant.tx_id)
    assert (again.amount, again.balance, again.replayed) == (30, 100, False)
    assert again.tx_id != first.tx_id
    assert await grants(credits, rich) == []
    third = await credits.revoke(rich, grant.tx_id)
    assert (third.replayed, third.balance) == (True, 100)
    await sound(credits, rich, 100)


async def test_of_credits_that_never_expire_other_purchases_are_left_alone(credits, user):
    bought = await credits.add(user, 100, "purchase")
    hold = await credits.hold(user, 60, "train")
    assert (await credits.revoke(user, bought.tx_id)).amount == 40
    await credits.add(user, 500, "another purchase")
    await credits.release(user, hold.id)
    again = await credits.revoke(user, bought.tx_id)
    assert (again.replayed, again.balance) == (True, 500)
    await sound(credits, user, 500)


@pytest.mark.parametrize("priority", [0, 7])
async def test_a_period_that_is_past_takes_nothing_of_the_present_one(
    credits, user, day, clock, priority
):
    first = await credits.grant_allowance(user, "pro", 100, day(0), rollover=30)
    await clock.forward(DAY)
    second = await credits.grant_allowance(user, "pro", 100, day(1), rollover=30, priority=priority)
    assert second.balance == 130
    assert (await credits.revoke(user, first.tx_id)).amount == 0
    assert (await credits.revoke(user, first.tx_id, 10)).amount == 0
    assert await grants(credits, user) == [130]
    taken = await credits.revoke(user, second.tx_id)
    assert (taken.amount, taken.balance) == (100, 30)
    await sound(credits, user, 30)


async def test_what_is_refunded_after_a_change_of_priority_is_trimmed_too(
    credits, user, day, clock
):
    await credits.grant_allowance(user, "pro", 100, day(0), rollover=30)
    charge = await credits.deduct(user, 80, "video")
    await clock.forward(DAY)
    renewed = await credits.grant_allowance(user, "pro", 100, day(1), rollover=30, priority=5)
    assert renewed.balance == 120
    assert (await credits.refund(user, charge.tx_id)).balance == 200
    await clock.forward(DAY)
    assert (await credits.grant_allowance(user, "pro", 100, day(2), rollover=30)).balance == 130
    assert await grants(credits, user) == [130]
    await sound(credits, user, 130)


async def test_a_plan_that_stops_to_roll_over_trims_once_more_and_leaves_the_rest(
    credits, user, day, clock
):
    await credits.grant_allowance(user, "pro", 100, day(0), rollover=50)
    await clock.forward(DAY)
    changed = await credits.grant_allowance(user, "pro", 100, day(1), rollover="none")
    assert changed.balance == 150
    assert await grants(credits, user) == [100]
    await clock.forward(DAY)
    assert await credits.get_balance(user) == 50
    assert (await credits.grant_allowance(user, "pro", 100, day(2))).balance == 150
    await clock.forward(10 * DAY)
    assert await credits.get_balance(user) == 50
    await sound(credits, user, 50)


@on("tcp-async", "rest-sync")
async def test_a_hold_that_is_extended_two_thousand_times_stays_short(credits, store, user):
    await credits.add(user, 5000, "promo", expires_in=DAY)
    hold = await credits.hold(user, 1, "train")
    for _ in range(2000):
        await credits.extend(user, hold.id, 1)
    text = await store.run("HGET", f"credits:state:{user}", f"hold {hold.id}")
    assert len(text) < 1000
    assert (await credits.settle(user, hold.id, 1500)).balance == 3500
    assert await grants(credits, user) == [3500]
    await sound(credits, user, 3500)


async def test_an_extension_paid_by_several_grants_gives_back_to_each(credits, user):
    for size in (10, 20, 30):
        await credits.add(user, size, "promo", expires_in=DAY + size)
    hold = await credits.hold(user, 4, "train")
    for more in (3, 2, 1, 5, 15, 1, 1):
        await credits.extend(user, hold.id, more)
    assert await grants(credits, user) == [28]
    await credits.settle(user, hold.id, 12)
    assert await grants(credits, user) == [18, 30]
    await sound(credits, user, 48)


async def test_a_hold_may_not_grow_beyond_what_one_call_may_take(credits, store, user):
    for _ in range(3):
        await credits.add(user, 10**15, "purchase")
    hold = await credits.hold(user, 10**15 - 5, "train")
    assert (await credits.extend(user, hold.id, 5)).amount == 10**15
    before = await store.look(user)
    for more in (1, 10**15):
        with pytest.raises(InvalidRequestError):
            await credits.extend(user, hold.id, more)
        assert await store.look(user) == before
    assert (await credits.extend(user, hold.id, expires_in=5000)).amount == 10**15
    assert (await credits.settle(user, hold.id, 10**15)).balance == 2 * 10**15


@pytest.mark.parametrize("family", ["txs", "credits:grants", "credits:due"])
@pytest.mark.parametrize("kind", ["string", "list", "hash"])
async def test_a_key_of_another_type_is_told_and_nothing_moves(
    credits, store, rich, new_user, family, kind
):
    other = new_user()
    await credits.add(other, 50, "purchase")
    grant = await credits.add(rich, 40, "promo", expires_in=DAY)
    charge = await credits.deduct(rich, 10, "chat")
    key = f"{family}:{rich}"
    await store.run("DEL", key)
    word = {"string": ("SET", "x"), "list": ("RPUSH", "x"), "hash": ("HSET", "x", "y")}[kind]
    await store.run(word[0], key, *word[1:])
    before = [await store.look(user) for user in (rich, other)]
    calls = {
        "transfer": lambda: credits.transfer(rich, other, 5, idempotency_key="out"),
        "merge": lambda: credits.merge_accounts(rich, other),
        "refund": lambda: credits.refund(rich, charge.tx_id),
        "revoke": lambda: credits.revoke(rich, grant.tx_id),
        "deduct": lambda: credits.deduct(rich, 35, "chat"),
        "grant": lambda: credits.add(rich, 5, "promo", expires_in=DAY),
        "hold": lambda: credits.hold(rich, 5, "train"),
        "account": lambda: credits.get_account(rich),
    }
    for name, call in calls.items():
        with pytest.raises(AccountStateError) as refusal:
            await call()
        assert (refusal.value.state, refusal.value.user_id) == ("wrong_type", rich), name
        assert [await store.look(user) for user in (rich, other)] == before, name
    # These may know the answer all the same.
    answer = await told(credits.get_balance(rich))
    assert answer == 130 or getattr(answer, "state", None) == "wrong_type"
    assert [await store.look(user) for user in (rich, other)] == before


@pytest.mark.parametrize("family", ["txs", "credits:grants", "credits:due"])
async def test_what_cannot_be_received_stays_with_the_sender(
    credits, store, rich, new_user, family
):
    other = new_user()
    await credits.add(other, 50, "promo", expires_in=DAY)
    await credits.add(rich, 40, "promo", expires_in=DAY)
    balance = await credits.get_balance(rich)
    before = await store.look(other)
    key = f"{family}:{other}"
    await store.run("DEL", key)
    await store.run("SET", key, "x")
    for call in (
        lambda: credits.transfer(rich, other, 5, idempotency_key="t"),
        lambda: credits.merge_accounts(rich, other),
    ):
        with pytest.raises(CreditsError) as refusal:
            await call()
        assert not isinstance(refusal.value, OutcomeUnknownError)
        assert await credits.get_balance(rich) == balance
        assert (await store.look(other)).balance == before.balance
    assert (await credits.verify_balance(rich)).valid
