"""Revocations by the key of an addition that has not come yet."""

from __future__ import annotations

import random

import pytest

from credits_core import (
    IdempotencyConflictError,
    InvalidRequestError,
    Item,
    LimitExceededError,
    TransactionError,
    commands,
)
from credits_core.commands.moves import SignUp
from tests.contract.accounts import grants
from tests.contract.passing import all_at_once
from tests.contract.returns import revocation, revoked
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores
DAY = 86_400


async def test_a_revocation_that_comes_first_is_kept_until_the_addition_comes(credits, store, user):
    early = await credits.revoke(user, added_with="pay", reason="charged back")
    assert (early.amount, early.balance, early.replayed) == (0, 0, False)
    again = await credits.revoke(user, added_with="pay")
    assert (again.tx_id, again.amount, again.replayed) == (early.tx_id, 0, True)
    assert again.timestamp == early.timestamp
    assert (await store.look(user)).members == []
    receipt = await credits.add(user, 100, "purchase", idempotency_key="pay")
    assert (receipt.amount, receipt.balance, receipt.replayed) == (100, 0, False)
    entries = await credits.get_transactions(user)
    assert [(entry.kind, entry.amount) for entry in entries] == [("revoke", -100), ("add", 100)]
    assert entries[0].id == early.tx_id
    assert entries[0].metadata == {"reason": "charged back"}
    late = await credits.revoke(user, added_with="pay")
    assert (late.tx_id, late.amount, late.replayed) == (early.tx_id, 100, True)
    assert (await credits.add(user, 100, "purchase", idempotency_key="pay")).replayed
    assert await credits.get_balance(user) == 0
    assert (await credits.verify_balance(user)).valid


async def test_another_addition_does_not_meet_the_revocation(credits, user):
    await credits.revoke(user, added_with="pay")
    await credits.add(user, 100, "purchase")
    assert (await credits.add(user, 100, "purchase", idempotency_key="pay2")).balance == 200
    assert (await credits.add(user, 70, "purchase", idempotency_key="pay")).balance == 200


async def test_an_addition_meets_all_that_was_revoked_before(credits, store, user):
    await credits.revoke(user, None, 30, added_with="pay", idempotency_key="first")
    await credits.revoke(user, None, 30, added_with="pay", idempotency_key="second")
    for _ in range(2):
        again = await credits.revoke(user, None, 30, added_with="pay", idempotency_key="first")
        assert again.replayed
    with pytest.raises(IdempotencyConflictError):
        await credits.revoke(user, None, 31, added_with="pay", idempotency_key="first")
    assert (await credits.add(user, 100, "purchase", idempotency_key="pay")).balance == 40
    assert await revoked(store, user) == [30, 30]
    fields = await store.run("HKEYS", keys(credits).account(user)[7])
    assert "revoke\npay" not in fields
    assert (
        await credits.revoke(user, None, 30, added_with="pay", idempotency_key="first")
    ).replayed
    assert (await credits.revoke(user, added_with="pay")).balance == 0


@pytest.mark.parametrize("marks", [[60, 60], [None, 30], [30, None], [30, None, 5]])
async def test_all_the_marks_together_take_no_more_than_the_addition(credits, store, user, marks):
    for amount in marks:
        await credits.revoke(user, None, amount, added_with="pay")
    await credits.add(user, 500, "another purchase")
    assert (await credits.add(user, 100, "purchase", idempotency_key="pay")).balance == 500
    assert sum(await revoked(store, user)) == 100
    assert (await credits.revoke(user, added_with="pay")).balance == 500


async def test_a_grant_that_was_revoked_before_it_came_is_gone(credits, user):
    await credits.revoke(user, None, 30, added_with="promo")
    receipt = await credits.add(user, 100, "promo", expires_in=DAY, idempotency_key="promo")
    assert receipt.balance == 70
    assert await grants(credits, user) == [70]
    await credits.revoke(user, added_with="other")
    await credits.add(user, 100, "promo", expires_in=DAY, idempotency_key="other")
    account = await credits.get_account(user)
    assert (account.balance, [grant.remaining for grant in account.grants]) == (70, [70])


async def test_the_same_bytes_of_an_addition_meet_its_revocation_once(credits, store, user):
    early = await credits.revoke(user, None, 30, added_with="pay")
    command = commands.add(
        keys(credits), user, 100, "purchase", None, idempotency_key="pay", sign_up=SignUp(),
        now_ms=early.timestamp,
    )  # fmt: skip
    receipts = await tell(credits, command, times=3)
    receipts += await tell(credits, command, deadline=0)
    assert len(set(receipts)) == 1
    assert (receipts[0].balance, receipts[0].replayed) == (70, False)
    assert await revoked(store, user) == [30]


async def test_an_addition_that_is_refused_leaves_its_revocation_waiting(credits, user):
    await credits.revoke(user, added_with="pay")
    for _ in range(9):
        await credits.add(user, 10**15, "purchase")
    with pytest.raises(LimitExceededError):
        await credits.add(user, 10**15, "purchase", idempotency_key="pay")
    await credits.deduct(user, 10**15, "video")
    receipt = await credits.add(user, 10**15, "purchase", idempotency_key="pay")
    assert receipt.balance == 8 * 10**15


async def test_a_debt_is_paid_by_an_addition_before_its_revocation_takes(credits, user):
    await credits.set_floor(user, -50)
    await credits.deduct(user, 30, "video")
    await credits.revoke(user, added_with="pay")
    assert (await credits.add(user, 100, "purchase", idempotency_key="pay")).balance == 0


async def test_ten_revocations_wait_for_an_addition_at_most(credits, user):
    for number in range(10):
        await credits.revoke(user, None, 1, added_with="pay", idempotency_key=f"k{number}")
    with pytest.raises(LimitExceededError) as refused:
        await credits.revoke(user, None, 1, added_with="pay", idempotency_key="k10")
    assert refused.value.rule == "max_revocations"
    assert (await credits.add(user, 150, "purchase", idempotency_key="pay")).balance == 140


async def test_an_addition_and_its_revocation_announced_at_once_and_often_happen_once(
    credits, store, user
):
    await credits.initialize_user(user, 10)
    calls = [credits.add(user, 100, "purchase", idempotency_key="pay") for _ in range(50)]
    calls += [credits.revoke(user, added_with="pay") for _ in range(50)]
    random.Random(5).shuffle(calls)
    results = await all_at_once(*calls)
    assert not [error for error in results if isinstance(error, Exception)]
    assert [receipt.replayed for receipt in results].count(False) == 2
    assert len({receipt.tx_id for receipt in results}) == 2
    look = await store.look(user)
    assert sorted(entry["amount"] for entry in look.entries) == [-100, 10, 100]
    assert (look.balance, look.total) == ("10", 10)


@pytest.mark.parametrize("amount", [None, 30])
@pytest.mark.parametrize("key", [None, "k"])
async def test_the_same_bytes_wait_for_an_addition_once(credits, store, user, amount, key):
    await credits.initialize_user(user, 500)
    command = revocation(credits, user, None, amount, added_with="pay", key=key)
    assert await tell(credits, command, deadline=0) == ["late"]
    receipts = await tell(credits, command, times=3)
    receipts += await tell(credits, command, deadline=0)
    assert len(set(receipts)) == 1
    assert not receipts[0].replayed
    await credits.add(user, 100, "purchase", idempotency_key="pay")
    (late,) = await tell(credits, command)
    assert (late.tx_id, late.replayed) == (receipts[0].tx_id, False)
    assert await revoked(store, user) == [amount or 100]


@pytest.mark.parametrize(
    "name", ['pay "1"', "a'b\\c", "größe 🦊", "a\u2028b", "pay=1 %d", "x" * 255]
)
async def test_an_addition_may_have_any_key(credits, user, name):
    await credits.revoke(user, None, 30, added_with=name, reason='why "not"\u2028?')
    assert (await credits.add(user, 100, "purchase", idempotency_key=name)).balance == 70
    assert (await credits.revoke(user, added_with=name)).balance == 0
    assert (await credits.get_transactions(user))[1].metadata == {"reason": 'why "not"\u2028?'}


async def test_a_revocation_has_a_key_of_its_own(credits, user):
    await credits.revoke(user, added_with="pay", idempotency_key="dispute")
    for taken in ("dispute", "pay"):
        if taken == "pay":
            await credits.add(user, 100, "purchase", idempotency_key="pay")
        with pytest.raises(IdempotencyConflictError):
            await credits.add(user, 70, "purchase", idempotency_key=taken)
    with pytest.raises(InvalidRequestError, match="one key for both"):
        await credits.revoke(user, added_with="pay", idempotency_key="pay")
    assert await credits.get_balance(user) == 0


async def test_additions_made_together_are_refused_while_a_revocation_waits(credits, user):
    items = [Item(user, 100, "base"), Item(user, 20, "bonus")]
    await credits.revoke(user, added_with="pay")
    with pytest.raises(LimitExceededError) as refused:
        await credits.add_many(items, atomic=True, idempotency_key="pay")
    assert refused.value.rule == "revoked"
    assert await credits.get_transactions(user) == []
    await credits.add(user, 20, "bonus", idempotency_key="pay")
    assert (await credits.add(user, 100, "base")).balance == 100


async def test_additions_made_together_are_revoked_by_their_ids_alone(credits, user):
    items = [Item(user, 100, "base"), Item(user, 20, "bonus")]
    added = await credits.add_many(items, atomic=True, idempotency_key="pay")
    with pytest.raises(TransactionError, match="revoke each by its tx_id"):
        await credits.revoke(user, added_with="pay")
    again = await credits.add_many(items, atomic=True, idempotency_key="pay")
    assert [receipt.tx_id for receipt in again] == [receipt.tx_id for receipt in added]
    assert (await credits.revoke(user, again[1].tx_id)).amount == 20
    assert (await credits.get_transactions(user))[0].refers_to == added[1].tx_id


async def test_a_revocation_by_key_says_what_it_took_back(credits, user):
    await credits.revoke(user, amount=30, added_with="early")
    early = await credits.add(user, 100, "purchase", idempotency_key="early")
    paid = await credits.add(user, 50, "purchase", idempotency_key="paid")
    await credits.revoke(user, added_with="paid")
    found = [(entry.amount, entry.refers_to) for entry in await credits.get_transactions(user)]
    assert found == [(-50, paid.tx_id), (50, None), (-30, early.tx_id), (100, None)]
