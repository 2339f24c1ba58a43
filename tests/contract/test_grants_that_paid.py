"""Which grants paid for a charge or a hold, and what comes back to them."""

from __future__ import annotations

import pytest

from credits_core import Item
from credits_core.keys import KeySpace
from tests.contract.accounts import grants

pytestmark = pytest.mark.stores
DAY = 86_400
FAR = 4_000_000_000_000
"""An instant (ms) in the year 2096."""


async def kept_of(store, user):
    """The records of who paid: what is kept for ever beside the keys of additions."""
    fields = await store.run("HKEYS", KeySpace().account(user)[7])
    return {field for field in fields if field.startswith("paid\n")}


async def test_who_paid_is_kept_only_when_a_grant_did(credits, store, user):
    await credits.add(user, 50, "purchase")
    await credits.deduct(user, 5, "plain")
    hold = await credits.hold(user, 5, "plain")
    await credits.settle(user, hold.id, 3)
    assert await kept_of(store, user) == set()
    await credits.add(user, 10, "x", expires_in=DAY)
    charge = await credits.deduct(user, 4, "chat")
    hold = await credits.hold(user, 20, "chat")
    settled = await credits.settle(user, hold.id, 16)
    hold = await credits.hold(user, 10, "chat")
    await credits.release(user, hold.id)
    await credits.deduct(user, 5, "plain")
    assert await kept_of(store, user) == {f"paid\n{charge.tx_id}", f"paid\n{settled.tx_id}"}


async def test_no_trace_of_a_grant_is_left_when_it_is_spent(credits, store, user):
    await credits.add(user, 5, "purchase")
    await credits.deduct(user, 1, "chat")
    before = await store.look(user)
    await credits.add(user, 10, "x", expires_in=DAY)
    await credits.add(user, 10, "x", expires_in=DAY)
    await credits.deduct(user, 20, "chat")
    after = await store.look(user)
    state = after.found[2][2]
    assert state[::2] == before.found[2][2][::2]
    assert set(after.kept) - set(before.kept) == {KeySpace().account(user)[7]}


@pytest.mark.parametrize("kept", [0, 5, 10, 15, 20, 25, 30])
async def test_what_a_hold_returns_goes_to_the_rest_and_then_to_the_last_that_paid(
    credits, user, kept
):
    await credits.add(user, 10, "first", expires_at=FAR)
    await credits.add(user, 10, "second", expires_at=FAR + 1)
    await credits.add(user, 10, "purchase")
    hold = await credits.hold(user, 25, "video")
    assert await grants(credits, user) == []
    await credits.settle(user, hold.id, kept)
    assert await credits.get_balance(user) == 30 - kept
    left = [max(0, 10 - kept), min(10, max(0, 20 - kept))]
    assert await grants(credits, user) == [amount for amount in left if amount]


async def test_a_release_restores_the_grants(credits, user):
    await credits.add(user, 10, "first", expires_at=FAR, priority=3)
    await credits.add(user, 10, "second", expires_at=FAR + 1)
    await credits.add(user, 10, "purchase")
    before = await credits.get_account(user)
    hold = await credits.hold(user, 25, "video")
    await credits.release(user, hold.id)
    assert await credits.get_account(user) == before


async def test_what_a_settle_costs_beyond_its_hold_burns_grants_too(credits, user):
    await credits.add(user, 10, "first", expires_at=FAR)
    await credits.add(user, 10, "second", expires_at=FAR + 1)
    await credits.add(user, 10, "purchase")
    hold = await credits.hold(user, 5, "video")
    settled = await credits.settle(user, hold.id, 18)
    assert await grants(credits, user) == [2]
    await credits.refund(user, settled.tx_id, 9)
    assert await grants(credits, user) == [1, 10]
    await credits.refund(user, settled.tx_id)
    assert await grants(credits, user) == [10, 10]
    assert await credits.get_balance(user) == 30


async def test_an_extended_hold_is_paid_by_grants_and_gives_back_to_them(credits, user):
    await credits.add(user, 10, "first", expires_at=FAR)
    await credits.add(user, 10, "second", expires_at=FAR + 1)
    hold = await credits.hold(user, 4, "video")
    await credits.extend(user, hold.id, 10)
    assert await grants(credits, user) == [6]
    await credits.settle(user, hold.id, 12)
    assert await grants(credits, user) == [8]
    assert await credits.get_balance(user) == 8


async def test_a_charge_refunded_in_parts_climbs_back_through_its_grants(credits, user):
    await credits.add(user, 10, "first", expires_at=FAR)
    await credits.add(user, 10, "second", expires_at=FAR + 1)
    await credits.add(user, 10, "purchase")
    charge = await credits.deduct(user, 25, "video")
    seen = []
    for _ in range(5):
        await credits.refund(user, charge.tx_id, 5)
        seen.append(await grants(credits, user))
    assert seen == [[], [5], [10], [5, 10], [10, 10]]
    assert await credits.get_balance(user) == 30


async def test_a_refund_pays_a_debt_before_it_fills_a_grant(credits, user):
    await credits.set_floor(user, -50)
    await credits.add(user, 50, "x", expires_in=DAY)
    charge = await credits.deduct(user, 80, "video")
    assert await credits.get_balance(user) == -30
    await credits.refund(user, charge.tx_id, 40)
    assert await grants(credits, user) == [10]
    await credits.refund(user, charge.tx_id)
    assert await credits.get_balance(user) == 50
    assert await grants(credits, user) == [50]


async def test_a_debt_made_since_takes_what_would_go_back_to_a_grant(credits, user):
    await credits.set_floor(user, -50)
    await credits.add(user, 50, "x", expires_in=DAY)
    charge = await credits.deduct(user, 50, "video")
    hold = await credits.hold(user, 30, "video")
    assert (await credits.refund(user, charge.tx_id)).balance == 20
    assert await grants(credits, user) == [20]
    await credits.release(user, hold.id)
    assert await credits.get_balance(user) == 50
    assert await grants(credits, user) == [20]


async def test_a_charge_through_one_grant_after_another_keeps_no_empty_payer(credits, store, user):
    for expires in (FAR, FAR + 1):
        await credits.add(user, 10, "x", expires_at=expires)
    items = [Item(user, 10, "chat"), Item(user, 10, "image")]
    many = await credits.deduct_many(items, atomic=True)
    for receipt in many:
        record = await store.run("HGET", KeySpace().account(user)[7], f"paid\n{receipt.tx_id}")
        amounts = [part.rpartition("=")[2] for part in record.split("\n")[1].split("=")[1:]]
        assert amounts == ["10"]
    assert await grants(credits, user) == []
