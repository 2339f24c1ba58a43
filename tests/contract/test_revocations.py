"""Revocations: an addition is taken back as far as it is there."""

from __future__ import annotations

import random

import pytest

from credits_core import IdempotencyConflictError, InvalidRequestError, TransactionError
from tests.contract.accounts import grants
from tests.contract.folding import Kept
from tests.contract.passing import all_at_once, typescript_app
from tests.contract.returns import revocation, revoked
from tests.contract.told import tell

pytestmark = pytest.mark.stores
DAY = 86_400


@pytest.mark.parametrize("by", ["tx_id", "added_with"])
async def test_a_revocation_takes_all_of_an_addition_once(credits, store, user, purchase, by):
    named = {"tx_id": purchase.tx_id} if by == "tx_id" else {"added_with": "pay"}
    first = await credits.revoke(user, **named, reason="charged back")
    assert (first.amount, first.balance, first.replayed) == (100, 0, False)
    for again in (await credits.revoke(user, purchase.tx_id),
                  await credits.revoke(user, added_with="pay")):  # fmt: skip
        assert (again.tx_id, again.amount, again.balance) == (first.tx_id, 100, 0)
        assert (again.replayed, again.timestamp) == (True, first.timestamp)
    newest = (await credits.get_transactions(user))[0]
    assert (newest.kind, newest.action, newest.amount) == ("revoke", "revoke", -100)
    assert newest.metadata == {"reason": "charged back"}
    if by == "tx_id":
        assert newest.refers_to == purchase.tx_id
    assert await revoked(store, user) == [100]
    assert (await credits.verify_balance(user)).valid


async def test_what_was_spent_is_gone(credits, store, user, purchase):
    await credits.deduct(user, 70, "video")
    receipt = await credits.revoke(user, purchase.tx_id)
    assert (receipt.amount, receipt.balance) == (30, 0)
    await credits.add(user, 50, "purchase")
    again = await credits.revoke(user, purchase.tx_id)
    assert (again.replayed, again.amount, again.balance) == (True, 30, 50)
    assert await revoked(store, user) == [30]


async def test_of_an_addition_that_is_all_spent_nothing_is_taken(credits, store, user, purchase):
    await credits.deduct(user, 100, "video")
    receipt = await credits.revoke(user, purchase.tx_id)
    assert (receipt.amount, receipt.balance) == (0, 0)
    assert '"amount":0,' in (await store.look(user)).members[-1]
    assert (await credits.revoke(user, purchase.tx_id)).tx_id == receipt.tx_id


async def test_no_more_than_the_addition_is_taken(credits, user, purchase):
    await credits.add(user, 500, "another purchase")
    assert (await credits.revoke(user, purchase.tx_id)).balance == 500
    assert (await credits.revoke(user, purchase.tx_id, 10)).amount == 0


async def test_parts_add_up_to_the_addition(credits, store, user, purchase):
    await credits.add(user, 500, "another purchase")
    for part, balance in ((30, 570), (30, 540), (30, 510), (30, 500), (30, 500)):
        assert (await credits.revoke(user, purchase.tx_id, part)).balance == balance
    assert await revoked(store, user) == [30, 30, 30, 10, 0]
    assert (await credits.revoke(user, purchase.tx_id)).amount == 0


async def test_a_part_with_a_key_is_taken_once(credits, user, purchase):
    first = await credits.revoke(user, purchase.tx_id, 30, idempotency_key="k")
    again = await credits.revoke(user, purchase.tx_id, 30, idempotency_key="k")
    assert (again.tx_id, again.amount, again.balance) == (first.tx_id, 30, 70)
    assert (again.replayed, again.timestamp) == (True, first.timestamp)
    with pytest.raises(IdempotencyConflictError):
        await credits.revoke(user, purchase.tx_id, 31, idempotency_key="k")
    assert (await credits.revoke(user, purchase.tx_id, idempotency_key="rest")).amount == 70


async def test_all_is_revoked_once_also_when_parts_follow(credits, user, purchase):
    await credits.deduct(user, 60, "video")
    await credits.revoke(user, purchase.tx_id)
    await credits.add(user, 500, "another purchase")
    await credits.revoke(user, purchase.tx_id, 10)
    balance = await credits.get_balance(user)
    assert (await credits.revoke(user, purchase.tx_id)).replayed
    assert await credits.get_balance(user) == balance


@pytest.mark.parametrize("floor", [-50, 0, 40])
async def test_a_balance_is_not_taken_below_its_floor_nor_below_zero(
    credits, user, purchase, floor
):
    await credits.set_floor(user, floor)
    receipt = await credits.revoke(user, purchase.tx_id)
    assert receipt.balance == max(0, floor)


async def test_a_balance_that_is_below_its_floor_stays_where_it_is(credits, user, purchase):
    await credits.set_floor(user, -50)
    await credits.deduct(user, 120, "video")
    assert (await credits.revoke(user, purchase.tx_id)).balance == -20
    await credits.set_floor(user, 1000)
    other = await credits.add(user, 100, "purchase")
    receipt = await credits.revoke(user, other.tx_id)
    assert (receipt.amount, receipt.balance) == (0, 80)


async def test_of_a_grant_what_remains_is_taken(credits, user):
    await credits.add(user, 100, "purchase")
    grant = await credits.add(user, 40, "promo", expires_in=DAY)
    other = await credits.add(user, 30, "promo", expires_in=2 * DAY)
    await credits.deduct(user, 25, "video")
    receipt = await credits.revoke(user, grant.tx_id)
    assert (receipt.amount, receipt.balance) == (15, 130)
    assert await grants(credits, user) == [30]
    assert (await credits.revoke(user, other.tx_id, 10)).amount == 10
    assert await grants(credits, user) == [20]
    assert (await credits.deduct(user, 50, "video")).balance == 70
    assert await grants(credits, user) == []


async def test_a_purchase_that_a_hold_and_a_grant_share_leaves_the_grant(credits, user, purchase):
    await credits.add(user, 40, "promo", expires_in=DAY)
    hold = await credits.hold(user, 90, "video")
    receipt = await credits.revoke(user, purchase.tx_id)
    assert (receipt.amount, receipt.claimed, receipt.balance) == (50, 50, 0)
    assert (await credits.get_account(user)).held == 90
    await credits.release(user, hold.id)
    account = await credits.get_account(user)
    assert account.balance == 40
    assert [grant.remaining for grant in account.grants] == [40]


async def test_a_purchase_beside_a_grant_leaves_the_grant(credits, user, purchase):
    await credits.add(user, 40, "promo", expires_in=DAY)
    receipt = await credits.revoke(user, purchase.tx_id)
    assert (receipt.amount, receipt.balance) == (100, 40)
    assert await grants(credits, user) == [40]


async def test_what_another_app_spent_is_not_taken_twice(credits, store, user):
    grant = await credits.add(user, 40, "promo", expires_in=DAY)
    await credits.add(user, 10, "purchase")
    await typescript_app(store).deduct(user, 35, "ts")
    receipt = await credits.revoke(user, grant.tx_id)
    assert (receipt.amount, receipt.balance) == (5, 10)


async def test_an_addition_of_a_typescript_app_is_revoked(credits, store, user):
    added = await typescript_app(store).add(user, 40, "ts")
    assert (await credits.revoke(user, added.tx_id)).amount == 40
    wrong = await typescript_app(store, -DAY * 1000).add(user, 40, "ts")
    assert (await credits.revoke(user, wrong.tx_id)).amount == 40


async def test_a_folded_addition_says_so(credits, store, user, purchase, clock):
    await clock.forward(40 * DAY)
    await credits.fold(user, Kept(), older_than=30 * DAY)
    for named in ({"tx_id": purchase.tx_id}, {"added_with": "pay"}):
        with pytest.raises(TransactionError, match="fold") as folded:
            await credits.revoke(user, **named)
        assert folded.value.tx_id == purchase.tx_id
    assert await credits.get_balance(user) == 100


async def test_a_revocation_beside_spending_takes_what_the_spending_left(
    credits, store, user, purchase
):
    calls = [credits.deduct(user, 7, "chat") for _ in range(20)]
    calls += [credits.revoke(user, None if n else purchase.tx_id, added_with="pay" if n else None)
              for n in range(5)]  # fmt: skip
    random.Random(9).shuffle(calls)
    results = await all_at_once(*calls)
    spent = 7 * sum(
        receipt.amount == 7 for receipt in results if not isinstance(receipt, Exception)
    )
    look = await store.look(user)
    assert int(look.balance) == look.total >= 0
    assert [100 - spent - int(look.balance)] == await revoked(store, user)


@pytest.mark.parametrize("amount", [None, 30])
@pytest.mark.parametrize("key", [None, "k"])
async def test_the_same_bytes_take_once(credits, store, user, purchase, amount, key):
    command = revocation(credits, user, purchase.tx_id, amount, key=key)
    assert await tell(credits, command, deadline=0) == ["late"]
    receipts = await tell(credits, command, times=3)
    receipts += await tell(credits, command, deadline=0)
    assert len(set(receipts)) == 1
    assert not receipts[0].replayed
    assert await revoked(store, user) == [amount or 100]


@pytest.mark.parametrize("amount", [None, 30])
@pytest.mark.parametrize("early", [False, True])
async def test_a_copy_that_comes_after_other_revocations_takes_nothing(
    credits, store, user, amount, early
):
    await credits.initialize_user(user, 500)
    if not early:
        await credits.add(user, 100, "purchase", idempotency_key="pay")
    command = revocation(credits, user, None, amount, added_with="pay")
    await tell(credits, command)
    await credits.revoke(user, None, 20, added_with="pay")
    await tell(credits, command)
    if early:
        await credits.add(user, 100, "purchase", idempotency_key="pay")
    await tell(credits, command)
    look = await store.look(user)
    assert int(look.balance) == look.total == (550 if amount else 500)


async def test_what_is_no_addition_is_not_revoked(credits, store, new_user):
    user, friend = new_user(), new_user()
    await credits.initialize_user(user, 100)
    charge = await credits.deduct(user, 20, "video")
    back = await credits.refund(user, charge.tx_id, 5, idempotency_key="part")
    hold = await credits.hold(user, 5, "video")
    released = await credits.release(user, hold.id)
    sent = await credits.transfer(user, friend, 5, idempotency_key="t")
    for tx_id in (charge.tx_id, back.tx_id, hold.id, released.tx_id, sent.tx_id):
        before = await store.look(user)
        with pytest.raises(TransactionError) as refused:
            await credits.revoke(user, tx_id)
        assert refused.value.tx_id == tx_id
        assert (await store.look(user)).found == before.found


@pytest.mark.parametrize("tx_id", ["tx_1763612345678_0123456789abcdef", "nothing"])
async def test_an_unknown_id_is_told_as_such(credits, store, user, tx_id):
    await credits.initialize_user(user, 100)
    before = await store.look(user)
    with pytest.raises(TransactionError, match="no entry") as missing:
        await credits.revoke(user, tx_id)
    assert missing.value.tx_id == tx_id
    assert (await store.look(user)).found == before.found


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"tx_id": "tx_1_x", "added_with": "pay"},
        {"tx_id": ""},
        {"added_with": ""},
        {"added_with": "a\nb"},
        {"added_with": "x" * 256},
        {"tx_id": "tx_1_x", "amount": 0},
        {"tx_id": "tx_1_x", "amount": -1},
        {"tx_id": "tx_1_x", "amount": True},
        {"tx_id": "tx_1_x", "reason": " "},
        {"tx_id": "tx_1_x", "idempotency_key": " "},
    ],
    ids=str,
)
async def test_what_is_no_revocation_is_refused_before_it_is_sent(credits, store, user, wrong):
    with pytest.raises(InvalidRequestError):
        await credits.revoke(user, **wrong)
    assert (await store.look(user)).kept == {}


async def test_a_frozen_account_can_be_revoked(credits, user, purchase):
    await credits.freeze(user, "fraud")
    assert (await credits.revoke(user, purchase.tx_id)).balance == 0
