"""Charges for work that has been done: all of it or what there is, exactly once a key."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import (
    IdempotencyConflictError,
    InsufficientCreditsError,
    LimitExceededError,
    commands,
)
from credits_core.commands import SignUp
from tests.contract.accounts import grants, sound
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores

NOW = 1_800_000_000_000


async def test_all_of_it_is_charged_where_it_is_there(credits, rich):
    receipt = await credits.collect(rich, 30, "video", {"job": 7}, idempotency_key="k")
    assert (receipt.amount, receipt.balance) == (30, 70)
    assert (receipt.created, receipt.replayed) == (True, False)
    (entry, _) = await credits.get_transactions(rich)
    assert (entry.id, entry.amount, entry.action) == (receipt.tx_id, -30, "video")
    assert (entry.metadata, entry.kind) == ({"job": 7}, "deduct")
    assert entry.timestamp == receipt.timestamp
    found = await sound(credits, rich, 70)
    assert list(found.entries[-1]) == ["id", "amount", "action", "metadata", "timestamp"]


@pytest.mark.parametrize(("floor", "asked", "taken"), [
    (0, 100, 100), (0, 101, 100), (0, 10**15, 100), (40, 100, 60), (99, 2, 1), (-50, 200, 150),
])  # fmt: skip
async def test_of_more_than_there_is_what_lies_above_the_floor_is_taken(
    credits, rich, floor, asked, taken
):
    await credits.set_floor(rich, floor)
    receipt = await credits.collect(rich, asked, "video", idempotency_key="k")
    assert (receipt.amount, receipt.balance, receipt.created) == (taken, 100 - taken, True)
    await sound(credits, rich, 100 - taken)


@pytest.mark.parametrize("floor", [100, 101, 10**15])
async def test_where_there_is_nothing_nothing_is_done_and_the_key_stays_free(credits, rich, floor):
    await credits.set_floor(rich, floor)
    receipt = await credits.collect(rich, 30, "video", idempotency_key="k")
    assert (receipt.tx_id, receipt.amount, receipt.balance) == ("nothing_to_collect", 0, 100)
    assert (receipt.created, receipt.replayed) == (False, False)
    assert len((await sound(credits, rich, 100)).members) == 1
    await credits.set_floor(rich, 0)
    assert (await credits.collect(rich, 30, "video", idempotency_key="k")).amount == 30
    await sound(credits, rich, 70)


async def test_from_an_unknown_user_there_is_nothing(credits, store, user):
    receipt = await credits.collect(user, 30, "video", idempotency_key="k")
    assert (receipt.amount, receipt.balance, receipt.created) == (0, 0, False)
    assert (await store.look(user)).kept == {}


async def test_the_first_touch_signs_up_and_then_pays(open_credits, user):
    credits = open_credits(auto_initialize=True, default_credits=50)
    receipt = await credits.collect(user, 80, "video", idempotency_key="k")
    assert (receipt.amount, receipt.balance) == (50, 0)
    assert [entry.amount for entry in await credits.get_transactions(user)] == [-50, 50]


@pytest.mark.parametrize("asked", [30, 130])
async def test_it_is_charged_once_a_key(credits, rich, asked):
    first = await credits.collect(rich, asked, "video", idempotency_key="k")
    await credits.add(rich, 500, "bought")
    again = await credits.collect(rich, asked, "video", {"other": 1}, idempotency_key="k")
    assert (again.tx_id, again.amount) == (first.tx_id, first.amount)
    assert (again.timestamp, again.replayed) == (first.timestamp, True)
    assert again.balance == first.balance + 500
    await sound(credits, rich, 600 - first.amount)


async def test_another_request_with_the_same_key_is_a_conflict(credits, rich):
    first = await credits.collect(rich, 130, "video", idempotency_key="k")
    await credits.add(rich, 500, "bought")
    for amount, action in ((100, "video"), (131, "video"), (130, "image")):
        with pytest.raises(IdempotencyConflictError, match="deduct 130 video") as refused:
            await credits.collect(rich, amount, action, idempotency_key="k")
        assert refused.value.tx_id == first.tx_id
    await sound(credits, rich, 500)


async def test_a_charge_with_that_key_that_happened_unseen_counts(credits, rich):
    charge = await credits.deduct(rich, 30, "video", idempotency_key="k")
    receipt = await credits.collect(rich, 30, "video", idempotency_key="k")
    assert (receipt.tx_id, receipt.amount, receipt.replayed) == (charge.tx_id, 30, True)
    await sound(credits, rich, 70)


async def test_a_charge_that_was_refused_is_collected_and_then_told_by_the_charge(credits, rich):
    with pytest.raises(InsufficientCreditsError):
        await credits.deduct(rich, 130, "video", idempotency_key="k")
    part = await credits.collect(rich, 130, "video", idempotency_key="k")
    await credits.add(rich, 500, "bought")
    told = await credits.deduct(rich, 130, "video", idempotency_key="k")
    assert (told.tx_id, told.amount, told.replayed) == (part.tx_id, 100, True)
    await sound(credits, rich, 500)


async def test_keys_of_additions_are_no_keys_of_collections(credits, rich):
    paid = await credits.add(rich, 30, "video", idempotency_key="k")
    with pytest.raises(IdempotencyConflictError) as refused:
        await credits.collect(rich, 30, "video", idempotency_key="k")
    assert refused.value.tx_id == paid.tx_id
    await sound(credits, rich, 130)


async def test_a_frozen_account_refuses_and_the_key_stays_free(credits, rich):
    await credits.freeze(rich, "chargeback")
    with pytest.raises(LimitExceededError) as refused:
        await credits.collect(rich, 30, "video", idempotency_key="k")
    assert (refused.value.rule, refused.value.reason) == ("frozen", "chargeback")
    await sound(credits, rich, 100)
    await credits.unfreeze(rich)
    assert (await credits.collect(rich, 30, "video", idempotency_key="k")).amount == 30


async def test_what_is_replayed_of_a_frozen_account_is_told(credits, rich):
    await credits.collect(rich, 30, "video", idempotency_key="k")
    await credits.freeze(rich)
    assert (await credits.collect(rich, 30, "video", idempotency_key="k")).replayed is True


async def test_grants_pay_first_and_a_refund_gives_back_what_was_taken(credits, user):
    await credits.add(user, 20, "bought")
    await credits.add(user, 50, "promo", expires_in=3600)
    part = await credits.collect(user, 60, "video", idempotency_key="1")
    assert (part.amount, await grants(credits, user)) == (60, [])
    rest = await credits.collect(user, 60, "video", idempotency_key="2")
    assert (rest.amount, rest.balance) == (10, 0)
    assert (await credits.refund(user, rest.tx_id)).amount == 10
    assert (await credits.refund(user, part.tx_id)).amount == 60
    assert await grants(credits, user) == [50]
    await sound(credits, user, 70)


async def test_a_balance_without_a_log_is_collected_from(credits, store, user):
    await store.run("SET", f"balance:{user}", "50")
    assert (await credits.collect(user, 80, "video", idempotency_key="k")).amount == 50
    assert (await sound(credits, user, 0)).entries[0]["action"] == "opening_balance"


@pytest.mark.parametrize("asked", [30, 5000])
async def test_fifty_collections_with_one_key_charge_once(
    credits, open_credits, flavour, rich, asked
):
    clients = [credits, open_credits()] if flavour.real else [credits]
    receipts = await asyncio.gather(
        *(
            clients[number % len(clients)].collect(rich, asked, "video", idempotency_key="k")
            for number in range(50)
        )
    )
    assert len({receipt.tx_id for receipt in receipts}) == 1
    assert sum(not receipt.replayed for receipt in receipts) == 1
    assert {receipt.amount for receipt in receipts} == {min(asked, 100)}
    await sound(credits, rich, 100 - min(asked, 100))


async def test_collections_at_once_take_what_there_is_and_no_more(credits, rich):
    receipts = await asyncio.gather(
        *(credits.collect(rich, 7, "video", idempotency_key=str(n)) for n in range(20))
    )
    assert sorted(receipt.amount for receipt in receipts) == [0] * 5 + [2] + [7] * 14
    await sound(credits, rich, 0)


async def test_the_same_bytes_again_are_no_replay_and_a_late_first_copy_does_nothing(credits, rich):
    command = commands.collect(
        keys(credits), rich, 130, "video", None,
        idempotency_key="k", sign_up=SignUp(), now_ms=NOW,
    )  # fmt: skip
    assert await tell(credits, command, deadline=1) == ["late"]
    told = await tell(credits, command, 3)
    assert {(receipt.tx_id, receipt.amount, receipt.replayed) for receipt in told} == {
        (command.tx_id, 100, False)
    }
    assert (await tell(credits, command, deadline=1))[0].amount == 100
    await sound(credits, rich, 0)
