"""Transfers: out of one account, into another, exactly once a key."""

from __future__ import annotations

import asyncio
import time

import pytest

from credits_core import (
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    TransactionError,
)
from tests.contract.accounts import balances

pytestmark = pytest.mark.stores
HOUR = 3_600_000
ODD = (
    "with blanks in it",
    "10 tx_1_a=5",
    '"quoted" \\n {0}',
    "ünï 🦊\u2028 z",
    "received",
    "cancelled",
    "all transfer 5",
    "1000 001763612345678 x=5",
)


async def test_credits_move_once_a_key(credits, store, pair):
    alice, bob = pair
    await credits.add(alice, 100, "bought")
    first = await credits.transfer(alice, bob, 30, idempotency_key="gift")
    assert (first.amount, first.balance, first.created, first.replayed) == (30, 70, True, False)
    await credits.deduct(alice, 1, "chat")
    again = await credits.transfer(alice, bob, 30, idempotency_key="gift")
    assert (again.tx_id, again.timestamp) == (first.tx_id, first.timestamp)
    assert (again.amount, again.balance, again.replayed) == (30, 69, True)
    assert await balances(store, alice, bob) == [69, 30]

    _, out, _ = await credits.get_transactions(alice)
    (into,) = await credits.get_transactions(bob)
    assert (out.id, out.amount, out.action, out.kind) == (first.tx_id, -30, "transfer", "transfer")
    assert (into.amount, into.action, into.kind) == (30, "transfer", "transfer")
    assert into.refers_to == first.tx_id
    assert (await credits.verify_balance(alice)).valid
    assert (await credits.verify_balance(bob)).valid


async def test_another_key_moves_again_and_each_sender_has_keys_of_its_own(
    credits, store, new_user
):
    alice, bob, carol = new_user(), new_user(), new_user()
    await credits.add(alice, 100, "bought")
    await credits.add(bob, 100, "bought")
    for sender, key in ((alice, "k1"), (alice, "k2"), (bob, "k1")):
        receipt = await credits.transfer(sender, carol, 10, idempotency_key=key)
        assert receipt.replayed is False
    assert await balances(store, alice, bob, carol) == [80, 90, 30]


async def test_the_same_key_for_another_transfer_is_a_conflict(credits, store, new_user):
    alice, bob, carol = new_user(), new_user(), new_user()
    await credits.add(alice, 100, "bought")
    first = await credits.transfer(alice, bob, 30, idempotency_key="k")
    for receiver, amount in ((bob, 31), (bob, 3), (carol, 30)):
        with pytest.raises(IdempotencyConflictError) as refused:
            await credits.transfer(alice, receiver, amount, idempotency_key="k")
        assert refused.value.tx_id == first.tx_id
    assert await balances(store, alice, bob, carol) == [70, 30, 0]


async def test_fifty_runs_of_one_transfer_move_once(credits, open_credits, store, flavour, pair):
    alice, bob = pair
    await credits.add(alice, 1000, "bought")
    clients = [credits, open_credits()] if flavour.real else [credits]
    receipts = await asyncio.gather(
        *(
            clients[number % len(clients)].transfer(alice, bob, 7, idempotency_key="k")
            for number in range(50)
        )
    )
    assert len({receipt.tx_id for receipt in receipts}) == 1
    assert sum(not receipt.replayed for receipt in receipts) == 1
    assert await balances(store, alice, bob) == [993, 7]


async def test_transfers_to_and_fro_at_once_lose_nothing(credits, store, new_user):
    users = [new_user() for _ in range(4)]
    for user in users:
        await credits.add(user, 100, "bought")
    moves = [(i, (i + 1 + n % 3) % 4, f"{n}-{i}") for n in range(6) for i in range(4)]
    results = await asyncio.gather(
        *(credits.transfer(users[a], users[b], 40, idempotency_key=key) for a, b, key in moves),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, Exception)]
    assert all(isinstance(error, InsufficientCreditsError) for error in refused)
    after = await balances(store, *users)
    assert sum(after) == 400
    assert min(after) >= 0


async def test_what_the_sender_may_not_spend_stays_and_the_key_stays_free(credits, store, pair):
    alice, bob = pair
    await credits.add(alice, 40, "bought")

    async def refused(kind):
        with pytest.raises(kind) as error:
            await credits.transfer(alice, bob, 41, idempotency_key="k")
        assert await balances(store, alice, bob) == [before, 0]
        return error.value

    before = 40
    short = await refused(InsufficientCreditsError)
    assert (short.required, short.available, short.user_id) == (41, 40, alice)
    await credits.add(alice, 60, "bought")
    before = 100
    await credits.set_floor(alice, 60)
    assert (await refused(InsufficientCreditsError)).available == 40
    await credits.set_floor(alice, 0)
    await credits.freeze(alice, "fraud")
    assert (await refused(LimitExceededError)).rule == "frozen"
    await credits.unfreeze(alice)
    assert (await credits.transfer(alice, bob, 41, idempotency_key="k")).balance == 59
    assert await balances(store, alice, bob) == [59, 41]


async def test_a_credit_line_can_be_transferred_and_a_frozen_account_receives(credits, store, pair):
    alice, bob = pair
    await credits.set_floor(alice, -50)
    await credits.freeze(bob, "fraud")
    assert (await credits.transfer(alice, bob, 50, idempotency_key="k")).balance == -50
    assert await balances(store, alice, bob) == [-50, 50]


async def test_grants_travel_with_their_expiry_and_priority(credits, store, pair):
    alice, bob = pair
    soon = int(time.time() * 1000) + HOUR
    await credits.add(alice, 100, "bought")
    for amount, at, priority in ((10, soon, 0), (10, soon, 0), (30, soon + 9, 0), (5, soon, -7)):
        await credits.add(alice, amount, "promo", expires_at=at, priority=priority)
    await credits.add(bob, 3, "promo", expires_at=soon)
    await credits.transfer(alice, bob, 40, idempotency_key="k")
    await credits.transfer(alice, bob, 40, idempotency_key="k")

    left = (await credits.get_account(alice)).grants
    assert [(grant.remaining, grant.expires_at) for grant in left] == [(15, soon + 9)]
    came = (await credits.get_account(bob)).grants
    told = [(grant.remaining, grant.priority, grant.expires_at) for grant in came]
    assert sorted(told) == sorted([(5, -7, soon), (3, 0, soon), (20, 0, soon), (15, 0, soon + 9)])
    assert came[0].priority == -7
    assert await balances(store, alice, bob) == [115, 43]

    await credits.deduct(bob, 6, "chat")  # burns in the order in which it would have burned there
    came = (await credits.get_account(bob)).grants
    assert [grant.priority for grant in came] == [0, 0, 0]
    assert sum(grant.remaining for grant in came) == 37


async def test_what_is_beyond_the_grants_never_expires_there_either(credits, store, pair):
    alice, bob = pair
    await credits.add(alice, 100, "bought")
    await credits.add(alice, 10, "promo", expires_in=3600)
    await credits.transfer(alice, bob, 60, idempotency_key="k")
    account = await credits.get_account(bob)
    assert (account.balance, [grant.remaining for grant in account.grants]) == (60, [10])
    assert (await credits.get_account(alice)).grants == ()
    assert await balances(store, alice, bob) == [50, 60]


async def test_a_grant_pays_a_debt_before_it_arrives(credits, store, pair):
    alice, bob = pair
    await credits.add(alice, 50, "promo", expires_in=3600)
    await credits.set_floor(bob, -100)
    await credits.deduct(bob, 30, "chat")
    await credits.transfer(alice, bob, 50, idempotency_key="k")
    account = await credits.get_account(bob)
    assert (account.balance, [grant.remaining for grant in account.grants]) == (20, [20])
    assert await balances(store, alice, bob) == [0, 20]


async def test_an_account_cannot_pay_itself(credits, user):
    await credits.add(user, 10, "bought")
    with pytest.raises(InvalidRequestError, match="itself"):
        await credits.transfer(user, user, 5, idempotency_key="k")
    assert await credits.get_balance(user) == 10


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "merge\n1", "", " a", "\x1fa", 7, None])
async def test_ids_and_keys_that_could_be_mistaken_are_refused(credits, user, bad):
    for arguments, key in (((bad, user), "k"), ((user, bad), "k"), ((user, "bob"), bad)):
        with pytest.raises(InvalidRequestError):
            await credits.transfer(*arguments, 5, idempotency_key=key)


@pytest.mark.parametrize("odd", ODD)
async def test_odd_ids_and_keys_are_what_they_are(credits, store, user, odd):
    name = f"{user} {odd}"
    await credits.add(name, 50, "bought")
    await credits.add(name, 10, "promo", expires_in=3600)
    for _ in range(2):
        there = await credits.transfer(name, user, 15, idempotency_key=odd)
        back = await credits.transfer(user, name, 5, idempotency_key=odd)
    assert (there.balance, there.replayed) == (50, True)
    assert (back.balance, back.replayed) == (10, True)
    with pytest.raises(IdempotencyConflictError):
        await credits.transfer(name, f"{name} x", 15, idempotency_key=odd)
    assert await balances(store, name, user) == [50, 10]


async def test_keys_of_transfers_are_apart_from_those_of_charges_and_additions(
    credits, store, pair
):
    alice, bob = pair
    for key in ("k", "transfer", "1"):
        await credits.add(alice, 100, "bought", idempotency_key=key)
        await credits.deduct(alice, 5, "chat", idempotency_key=f"{key}-charge")
        sent = await credits.transfer(alice, bob, 10, idempotency_key=key)
        late = await credits.transfer(alice, bob, 10, idempotency_key=f"{key}-charge")
        assert (sent.replayed, late.replayed) == (False, False)
        added = await credits.add(bob, 1, "bought", idempotency_key=key)
        charged = await credits.deduct(bob, 1, "chat", idempotency_key=sent.tx_id)
        assert (added.replayed, charged.replayed) == (False, False)
    assert await balances(store, alice, bob) == [225, 60]


async def test_the_sender_signs_up_at_its_first_touch_and_the_receiver_at_its_own(
    open_credits, pair
):
    credits = open_credits(auto_initialize=True, default_credits=50)
    alice, bob = pair
    assert (await credits.transfer(alice, bob, 20, idempotency_key="k")).balance == 30
    assert await credits.get_balance(bob) == 70
    assert await credits.get_balance(alice) == 30


async def test_a_balance_without_a_log_is_sent_and_received(credits, store, pair):
    alice, bob = pair
    await store.run("SET", f"balance:{alice}", "100")
    await store.run("SET", f"balance:{bob}", "5")
    await credits.transfer(alice, bob, 30, idempotency_key="k")
    assert await balances(store, alice, bob) == [70, 35]


async def test_a_transfer_is_neither_refunded_nor_revoked(credits, store, pair):
    alice, bob = pair
    await credits.add(alice, 100, "bought")
    sent = await credits.transfer(alice, bob, 30, idempotency_key="k")
    (came,) = await credits.get_transactions(bob)
    with pytest.raises(TransactionError, match="transfer"):
        await credits.refund(alice, sent.tx_id)
    with pytest.raises(TransactionError, match="transfer"):
        await credits.revoke(bob, came.id)
    assert await balances(store, alice, bob) == [70, 30]


async def test_a_receiver_that_was_deleted_does_not_get_it_again(credits, store, pair):
    alice, bob = pair
    await credits.add(alice, 100, "bought")
    await credits.transfer(alice, bob, 30, idempotency_key="k")
    await credits.delete_account(bob)
    assert (await credits.transfer(alice, bob, 30, idempotency_key="k")).replayed is True
    assert await balances(store, alice, bob) == [70, 0]


async def test_a_sender_that_begins_anew_pays_anew(credits, store, pair):
    alice, bob = pair
    for _ in range(2):
        await credits.add(alice, 100, "bought")
        receipt = await credits.transfer(alice, bob, 30, idempotency_key="k")
        assert (receipt.balance, receipt.replayed) == (70, False)
        await credits.delete_account(alice)
    assert await balances(store, bob) == [60]
