"""Folding entries that this library wrote, on a server whose clock is moved on."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from credits_core import TransactionError
from tests.contract.flavours import only
from tests.contract.folding import DAY, Kept, fields
from tests.contract.log_alone import told

pytestmark = pytest.mark.stores
flavour = only("tcp-async", "tcp-sync", "rest-async")


async def live(credits, user, dice, turns):
    """A life with grants, charges and holds of some days."""
    await credits.add(user, 500, "purchase")
    for _ in range(turns):
        turn = dice.randrange(5)
        days = dice.choice((1, 20, 35, 90, 200)) * 86400
        if turn == 0:
            priority = dice.randint(-2, 2)
            await credits.add(
                user, dice.randint(20, 60), "promo", expires_in=days, priority=priority
            )
        elif turn == 1:
            held = await credits.hold(user, dice.randint(1, 20), "train", expires_in=days)
            if dice.random() < 0.5:
                await credits.settle(user, held.id, dice.randint(0, 20), shortfall="take")
            elif dice.random() < 0.5:
                await credits.extend(user, held.id, 3)
        else:
            await credits.deduct(user, dice.randint(1, 9), "chat")


async def test_open_holds_stay_and_are_folded_once_they_close(credits, store, user, archive, clock):
    await credits.add(user, 1000, "purchase")
    held = await credits.hold(user, 100, "train", expires_in=300 * 86400)
    await credits.extend(user, held.id, 50)
    done = await credits.hold(user, 10, "train")
    await credits.settle(user, done.id, 4)
    original = (await store.look(user)).members
    await clock.forward(200 * 86400)
    assert (await credits.fold(user, archive)).folded == 3
    look = await store.look(user)
    assert [found.get("kind") for found in fields(look)] == ["hold", "extend", "checkpoint"]
    assert (await credits.verify_balance(user)).valid
    assert (await credits.get_account(user)).held == 150
    await credits.release(user, held.id)
    await clock.forward(200 * 86400)
    assert (await credits.fold(user, archive)).folded == 3
    look = await store.look(user)
    assert [(found["kind"], found["amount"]) for found in fields(look)] == [("checkpoint", 996)]
    assert set(original) <= set(archive.members)
    assert len(archive.members) == 6


async def test_a_hold_that_closes_amid_a_fold(credits, store, user, clock):
    await credits.add(user, 1000, "purchase")
    held = await credits.hold(user, 100, "train", expires_in=300 * 86400)
    await clock.forward(200 * 86400)
    loop = asyncio.get_running_loop()

    class Releasing(Kept):
        def write(self, entries, /):
            super().write(entries)
            if len(self.calls) == 1:
                ended = credits.release(user, held.id)
                asyncio.run_coroutine_threadsafe(ended, loop).result(10)

    kept = Releasing()
    assert (await credits.fold(user, kept)).folded == 1
    assert (await credits.fold(user, kept)).folded == 1
    assert [json.loads(text)["amount"] for text in kept.members] == [1000, -100]
    look = await store.look(user)
    assert [found["kind"] for found in fields(look)] == ["checkpoint", "release"]
    assert look.total == int(look.balance) == 1000


async def test_a_hold_that_expired_long_ago_is_given_back_and_folded(
    credits, store, user, archive, clock
):
    await credits.add(user, 100, "purchase")
    await credits.hold(user, 60, "train", expires_in=60)
    await clock.forward(200 * 86400)
    assert (await credits.fold(user, archive)).folded == 2
    assert await credits.get_balance(user) == 100
    assert (await credits.verify_balance(user)).valid


async def test_refunds_and_revocations_of_what_is_folded_say_so(
    credits, store, user, archive, clock
):
    added = await credits.add(user, 1000, "purchase", idempotency_key="payment")
    spent = await credits.deduct(user, 10, "chat")
    await clock.forward(200 * 86400)
    await credits.fold(user, archive)
    for call in (
        credits.refund(user, spent.tx_id),
        credits.revoke(user, added.tx_id),
        credits.revoke(user, added_with="payment"),
    ):
        with pytest.raises(TransactionError, match="older than the last fold"):
            await call
    assert await credits.get_balance(user) == 990
    again = await credits.add(user, 1000, "purchase", idempotency_key="payment")
    assert again.replayed
    assert again.balance == 990


async def test_records_of_who_paid_go_with_their_charges(credits, store, user, archive, clock):
    await credits.add(user, 100, "promo", expires_in=300 * 86400)
    await credits.deduct(user, 10, "chat")
    refunded = await credits.deduct(user, 10, "chat")
    paid = f"credits:additions:{user}"
    assert await store.run("HLEN", paid) == 2
    await clock.forward(200 * 86400)
    await credits.refund(user, refunded.tx_id, 4)
    kept = await credits.deduct(user, 1, "chat")
    await credits.fold(user, archive)
    left = set(await store.run("HKEYS", paid))
    # The refund of these days may still be asked for its outcome.
    assert left == {f"paid\n{refunded.tx_id}", f"paid\n{kept.tx_id}"}
    assert (await credits.get_account(user)).grants[0].remaining == 83


async def test_grants_and_holds_can_be_told_from_the_last_checkpoint_on(
    credits, store, user, archive, clock
):
    dice = random.Random(11)
    await live(credits, user, dice, 25)
    for _ in range(3):
        await clock.forward(40 * 86400)
        await live(credits, user, dice, 25)
        await credits.fold(user, archive, older_than=30 * DAY / 1000)
        await live(credits, user, dice, 25)
        look = await store.look(user)
        account = await credits.get_account(user)
        look = await store.look(user)
        grants, holds = told(look)
        assert grants == {grant.id: grant.remaining for grant in account.grants}
        assert holds == {hold.id: hold.amount for hold in account.holds}
        assert look.total == account.balance
    assert len(archive.members) > 50
