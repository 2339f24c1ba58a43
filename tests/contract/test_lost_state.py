"""Accounts whose log or state was lost while something is open in them."""

from __future__ import annotations

import pytest

from credits_core import (
    AccountStateError,
    CreditsError,
    InsufficientCreditsError,
    LimitExceededError,
    Period,
)
from tests.contract.accounts import grants, sound

pytestmark = pytest.mark.stores

DAY = 86_400


@pytest.fixture
async def opened(credits, rich):
    """A grant of 40, a hold of 30 that it pays for, and a floor."""
    await credits.add(rich, 40, "promo", expires_in=DAY)
    await credits.set_floor(rich, -20)
    return await credits.hold(rich, 30, "train", expires_in=3600)


async def accept(store, user):
    """The log is lost, and its loss accepted as the pages say."""
    await store.run("DEL", f"txs:{user}")
    await store.run("HDEL", f"credits:state:{user}", "score")


def touches(credits, user, hold):
    """Every way to touch an account."""
    period = Period(1_700_000_000_000, 9_000_000_000_000)
    return {
        "balance": lambda: credits.get_balance(user),
        "account": lambda: credits.get_account(user),
        "enough": lambda: credits.has_credits(user, 1),
        "deduct": lambda: credits.deduct(user, 1, "chat"),
        "keyed": lambda: credits.deduct(user, 1, "chat", idempotency_key="k"),
        "add": lambda: credits.add(user, 1, "purchase"),
        "grant": lambda: credits.add(user, 1, "promo", expires_in=60),
        "initialize": lambda: credits.initialize_user(user),
        "hold": lambda: credits.hold(user, 1, "train"),
        "extend": lambda: credits.extend(user, hold.id, 1),
        "settle": lambda: credits.settle(user, hold.id, 1),
        "release": lambda: credits.release(user, hold.id),
        "refund": lambda: credits.refund(user, hold.id),
        "revoke": lambda: credits.revoke(user, hold.id),
        "transfer": lambda: credits.transfer(user, f"{user}-2", 1, idempotency_key="t"),
        "receive": lambda: credits.transfer(f"{user}-3", user, 1, idempotency_key="t"),
        "allowance": lambda: credits.grant_allowance(user, "pro", 1, period),
        "floor": lambda: credits.set_floor(user, -1),
        "freeze": lambda: credits.freeze(user),
    }


async def test_a_lost_log_that_is_accepted_costs_no_hold_grant_or_floor(
    credits, store, rich, opened
):
    await accept(store, rich)
    assert await credits.get_balance(rich) == 110
    assert await grants(credits, rich) == [10]
    assert (await credits.release(rich, opened.id)).balance == 140
    assert await grants(credits, rich) == [40]
    assert (await credits.verify_balance(rich)).valid
    with pytest.raises(InsufficientCreditsError):
        await credits.deduct(rich, 161, "chat")
    assert (await credits.deduct(rich, 160, "chat")).balance == -20
    look = await sound(credits, rich, -20)
    assert [entry["amount"] for entry in look.entries] == [110, 30, -160]
    assert (await credits.initialize_user(rich)).created is False


@pytest.mark.parametrize("first", ["settle", "extend", "expiry", "sign-up"])
async def test_whatever_comes_first_opens_a_lost_log(credits, store, rich, opened, clock, first):
    await store.run("HDEL", f"credits:state:{rich}", "initialized")
    await accept(store, rich)
    if first == "settle":
        await credits.settle(rich, opened.id, 5)
    elif first == "extend":
        await credits.extend(rich, opened.id, 5)
    elif first == "expiry":
        await clock.ahead(7200)
        assert await credits.get_balance(rich) == 140
    else:
        await clock.ahead(7200)
        assert (await credits.initialize_user(rich)).created is False
    assert (await credits.initialize_user(rich)).created is False
    look = await sound(credits, rich, {"settle": 135, "extend": 105}.get(first, 140))
    assert [entry["action"] for entry in look.entries] == [
        "opening_balance",
        "hold_extended" if first == "extend" else "train",
    ]
    assert (await credits.verify_balance(rich)).valid


async def test_a_transfer_that_comes_back_opens_a_lost_log(credits, store, rich, new_user):
    full = new_user()
    for _ in range(9):
        await credits.add(full, 10**15, "purchase")
    records = f"credits:additions:{full}"
    await store.run("RPUSH", records, "somebody's list")
    with pytest.raises(CreditsError):
        await credits.transfer(rich, full, 5, idempotency_key="t")
    await store.run("DEL", records)
    await accept(store, rich)
    await credits.add(full, 2**53 - 1 - 9 * 10**15, "purchase")
    before = await credits.get_balance(rich)
    with pytest.raises(LimitExceededError):
        await credits.transfer(rich, full, 5, idempotency_key="t")
    assert (before, await credits.get_balance(rich)) == (95, 100)
    look = await sound(credits, rich, 100)
    assert look.entries[0]["action"] == "opening_balance"


async def test_a_lost_state_is_told_by_every_touch_while_something_is_open(
    credits, store, rich, opened
):
    await credits.add(f"{rich}-3", 10, "purchase")
    await store.run("DEL", f"credits:state:{rich}")
    before = await store.look(rich)
    for name, call in touches(credits, rich, opened).items():
        with pytest.raises(AccountStateError) as refusal:
            await call()
        assert refusal.value.state == "missing_state", name
        # All but the records, where a transfer that failed is cancelled.
        assert (await store.look(rich)).found[:5] == before.found[:5], name
    assert await credits.get_balance(f"{rich}-3") == 10
    assert (await credits.verify_balance(rich)).valid


async def test_a_lost_state_with_nothing_open_is_no_error(credits, store, rich):
    hold = await credits.hold(rich, 30, "train")
    await credits.release(rich, hold.id)
    await store.run("DEL", f"credits:state:{rich}")
    assert await credits.get_balance(rich) == 100
    assert (await credits.deduct(rich, 1, "chat")).balance == 99


async def test_to_go_on_without_what_was_open_its_lists_are_removed(credits, store, rich, opened):
    for key in ("state", "due", "grants"):
        await store.run("DEL", f"credits:{key}:{rich}")
    assert (await credits.deduct(rich, 10, "chat")).balance == 100
    account = await credits.get_account(rich)
    assert (account.holds, account.grants) == ((), ())
    assert (await credits.verify_balance(rich)).valid


@pytest.mark.parametrize("lost", ["hold", "grant", "both"])
async def test_what_falls_due_without_its_state_is_forgotten(credits, store, rich, clock, lost):
    await credits.add(rich, 40, "promo", expires_in=1800)
    hold = await credits.hold(rich, 60, "train", expires_in=1800)
    await credits.add(rich, 7, "promo", expires_in=1800)
    state = f"credits:state:{rich}"
    if lost != "grant":
        await store.run("HDEL", state, f"hold {hold.id}")
    if lost != "hold":
        (name,) = await store.run("ZRANGE", f"credits:grants:{rich}", 0, -1)
        await store.run("HDEL", state, f"grant {name}")
    await clock.ahead(3600)
    # The grant of 40 paid for the hold, so that it goes with what comes back of it.
    balance = {"hold": 80, "grant": 107, "both": 87}[lost]
    assert await credits.get_balance(rich) == balance
    look = await sound(credits, rich, balance)
    assert (f"credits:due:{rich}" in look.kept, f"credits:grants:{rich}" in look.kept) == (
        False,
    ) * 2
    assert (await credits.deduct(rich, 1, "chat")).balance == balance - 1
