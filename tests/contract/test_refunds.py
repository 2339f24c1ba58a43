"""Refunds: what a charge took comes back, never more than it in total, however it is asked."""

from __future__ import annotations

import random

import pytest

from credits_core import (
    IdempotencyConflictError,
    InvalidRequestError,
    LimitExceededError,
    TransactionError,
)
from tests.contract.passing import all_at_once
from tests.contract.returns import refund, refunded
from tests.contract.told import tell

pytestmark = pytest.mark.stores


async def test_a_refund_gives_all_of_a_charge_back_once(credits, store, user, charge):
    first = await credits.refund(user, charge.tx_id, reason="the picture was black")
    assert (first.amount, first.balance, first.replayed) == (30, 100, False)
    for _ in range(2):
        again = await credits.refund(user, charge.tx_id)
        assert (again.tx_id, again.amount, again.balance) == (first.tx_id, 30, 100)
        assert (again.replayed, again.timestamp) == (True, first.timestamp)
    newest = (await credits.get_transactions(user))[0]
    assert (newest.id, newest.kind, newest.action) == (first.tx_id, "refund", "refund")
    assert (newest.amount, newest.refers_to) == (30, charge.tx_id)
    assert newest.metadata == {"reason": "the picture was black"}
    assert await refunded(store, user, charge.tx_id) == 30
    assert (await credits.verify_balance(user)).valid


async def test_parts_add_up_to_the_charge_and_the_rest_comes_last(credits, user, charge):
    for part, balance in ((5, 75), (10, 85)):
        receipt = await credits.refund(user, charge.tx_id, part)
        assert (receipt.amount, receipt.balance) == (part, balance)
    rest = await credits.refund(user, charge.tx_id)
    assert (rest.amount, rest.balance) == (15, 100)
    again = await credits.refund(user, charge.tx_id)
    assert (again.tx_id, again.amount, again.replayed) == (rest.tx_id, 15, True)


async def test_more_than_is_left_is_refused_and_nothing_changes(credits, store, user, charge):
    for asked, left in ((31, 30), (10**15, 30)):
        with pytest.raises(LimitExceededError, match=f"{left} credits are left") as refused:
            await credits.refund(user, charge.tx_id, asked)
        assert refused.value.rule == "refundable"
        assert refused.value.limit == left
    await credits.refund(user, charge.tx_id, 25)
    before = await store.look(user)
    with pytest.raises(LimitExceededError, match="5 credits are left"):
        await credits.refund(user, charge.tx_id, 6, idempotency_key="k")
    assert (await store.look(user)).found == before.found
    assert (await credits.refund(user, charge.tx_id, 5, idempotency_key="k")).balance == 100


async def test_a_part_with_a_key_is_given_once(credits, user, charge):
    first = await credits.refund(user, charge.tx_id, 10, idempotency_key="k")
    again = await credits.refund(user, charge.tx_id, 10, idempotency_key="k")
    assert (again.tx_id, again.amount, again.balance) == (first.tx_id, 10, 80)
    assert (again.replayed, again.timestamp) == (True, first.timestamp)
    other = await credits.deduct(user, 10, "video")
    for tx_id, amount in ((charge.tx_id, 11), (charge.tx_id, None), (other.tx_id, 10)):
        with pytest.raises(IdempotencyConflictError) as conflict:
            await credits.refund(user, tx_id, amount, idempotency_key="k")
        assert conflict.value.tx_id == first.tx_id
    assert (await credits.refund(user, charge.tx_id, 10, idempotency_key="k2")).balance == 80


async def test_the_key_of_a_full_refund_replays_beside_parts(credits, user, charge):
    await credits.refund(user, charge.tx_id, 10)
    full = await credits.refund(user, charge.tx_id, idempotency_key="k")
    assert full.amount == 20
    again = await credits.refund(user, charge.tx_id, idempotency_key="k")
    assert (again.tx_id, again.amount, again.replayed) == (full.tx_id, 20, True)


async def test_refunds_at_once_never_give_back_more_than_the_charge(credits, store, user, charge):
    calls = [
        credits.refund(
            user, charge.tx_id, 1 + n % 3, idempotency_key=f"k{n % 20}" if n % 2 else None
        )
        for n in range(50)
    ]
    random.Random(3).shuffle(calls)
    results = await all_at_once(*calls)
    done = {
        receipt.tx_id: receipt.amount for receipt in results if not isinstance(receipt, Exception)
    }
    others = [error for error in results if isinstance(error, Exception)]
    assert {type(error) for error in others} <= {LimitExceededError, IdempotencyConflictError}
    total = await refunded(store, user, charge.tx_id)
    assert total == sum(done.values())
    assert 28 <= total <= 30
    if total < 30:
        await credits.refund(user, charge.tx_id)
    look = await store.look(user)
    assert look.balance == "100"
    assert look.total == 100


async def test_full_refunds_at_once_are_one(credits, store, user, charge):
    receipts = await all_at_once(*(credits.refund(user, charge.tx_id) for _ in range(30)))
    assert len({receipt.tx_id for receipt in receipts}) == 1
    assert [receipt.replayed for receipt in receipts].count(False) == 1
    assert {receipt.amount for receipt in receipts} == {30}
    assert (await store.look(user)).balance == "100"


@pytest.mark.parametrize("amount", [None, 12])
@pytest.mark.parametrize("key", [None, "k"])
async def test_the_same_bytes_give_back_once(credits, store, user, charge, amount, key):
    command = refund(credits, user, charge.tx_id, amount, key)
    assert await tell(credits, command, deadline=0) == ["late"]
    receipts = await tell(credits, command, times=3)
    receipts += await tell(credits, command, deadline=0)
    assert len(set(receipts)) == 1
    assert not receipts[0].replayed
    assert await refunded(store, user, charge.tx_id) == (amount or 30)


@pytest.mark.parametrize("amount", [None, 12])
async def test_a_copy_that_comes_after_other_refunds_gives_nothing(
    credits, store, user, charge, amount
):
    await credits.refund(user, charge.tx_id, 3)
    command = refund(credits, user, charge.tx_id, amount)
    (first,) = await tell(credits, command)
    if amount:
        await credits.refund(user, charge.tx_id, 4)
    (again,) = await tell(credits, command)
    assert (again.tx_id, again.amount, again.replayed) == (first.tx_id, first.amount, False)
    assert await refunded(store, user, charge.tx_id) == (19 if amount else 30)


async def test_a_settled_hold_is_refunded_by_its_settle_up_to_what_it_cost(credits, user):
    await credits.initialize_user(user, 100)
    hold = await credits.hold(user, 50, "video")
    with pytest.raises(TransactionError, match="'hold'"):
        await credits.refund(user, hold.id)
    settled = await credits.settle(user, hold.id, 35)
    with pytest.raises(LimitExceededError, match="35 credits are left"):
        await credits.refund(user, settled.tx_id, 36)
    assert (await credits.refund(user, settled.tx_id, 5)).balance == 70
    assert (await credits.refund(user, settled.tx_id)).amount == 30
    assert await credits.get_balance(user) == 100


async def test_a_settle_beyond_its_hold_is_refunded_whole(credits, user):
    await credits.initialize_user(user, 100)
    hold = await credits.hold(user, 50, "video")
    settled = await credits.settle(user, hold.id, 80)
    assert (await credits.refund(user, settled.tx_id)).balance == 100


async def test_of_a_hold_that_cost_nothing_there_is_nothing_to_refund(credits, user):
    await credits.initialize_user(user, 100)
    hold = await credits.hold(user, 50, "video")
    settled = await credits.settle(user, hold.id, 0)
    with pytest.raises(LimitExceededError):
        await credits.refund(user, settled.tx_id, 1)
    assert (await credits.refund(user, settled.tx_id)).amount == 0
    assert await credits.get_balance(user) == 100


@pytest.mark.parametrize(
    ("tx_id", "options"),
    [
        ("", {}),
        (" tx_1_x", {}),
        ("a\nb", {}),
        ("x" * 256, {}),
        (None, {}),
        ("tx_1_x", {"amount": 0}),
        ("tx_1_x", {"amount": -1}),
        ("tx_1_x", {"amount": True}),
        ("tx_1_x", {"amount": 1.0}),
        ("tx_1_x", {"amount": 10**15 + 1}),
        ("tx_1_x", {"reason": ""}),
        ("tx_1_x", {"reason": "a\nb"}),
        ("tx_1_x", {"reason": "x" * 256}),
        ("tx_1_x", {"idempotency_key": ""}),
    ],
)
async def test_what_is_no_refund_is_refused_before_it_is_sent(credits, store, user, tx_id, options):
    with pytest.raises(InvalidRequestError):
        await credits.refund(user, tx_id, **options)
    assert (await store.look(user)).kept == {}


async def test_a_refund_may_not_lift_the_balance_above_what_is_kept_exactly(credits, user, charge):
    most = 2**53 - 1
    while most - (balance := await credits.get_balance(user)) > 10:
        await credits.add(user, min(10**15, most - balance - 10), "x")
    with pytest.raises(LimitExceededError) as refused:
        await credits.refund(user, charge.tx_id)
    assert refused.value.rule == "max_balance"
    assert (await credits.refund(user, charge.tx_id, 10)).balance == most


async def test_a_frozen_account_is_refunded(credits, user, charge):
    await credits.freeze(user, "fraud")
    assert (await credits.refund(user, charge.tx_id)).balance == 100
