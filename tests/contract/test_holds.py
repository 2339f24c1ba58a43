"""Holds: credits set aside at once, once a key, and never from what is not there."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from credits_core import (
    AccountStateError,
    Hold,
    HoldNotFoundError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    commands,
)
from credits_core.commands import SignUp
from tests.contract.accounts import sound
from tests.contract.store import Store
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores

NOW = 1_800_000_000_000


def hold_command(credits, user, amount=10, **more):
    given = {"expires_in": 900, "idempotency_key": None, "sign_up": SignUp(), "now_ms": NOW}
    return commands.hold(keys(credits), user, amount, "work", None, **(given | more))


async def test_a_hold_leaves_the_balance_at_once_and_says_until_when(credits, rich):
    before = time.time() * 1000
    hold = await credits.hold(rich, 60, "train", {"gpu": "small"}, expires_in=3600)

    assert isinstance(hold, Hold)
    assert (hold.user_id, hold.amount, hold.balance, hold.replayed) == (rich, 60, 40, False)
    assert abs(hold.expires_at - before - 3_600_000) < 60_000
    assert hold.expires.timestamp() * 1000 == pytest.approx(hold.expires_at)
    assert await credits.get_balance(rich) == 40

    (entry, _) = await credits.get_transactions(rich)
    assert (entry.id, entry.amount, entry.action, entry.kind) == (hold.id, -60, "train", "hold")
    assert (entry.metadata, entry.hold_id) == ({"gpu": "small"}, hold.id)
    assert entry.expires_at == hold.expires_at
    (open_,) = (await credits.get_account(rich)).holds
    assert (open_.id, open_.amount, open_.action) == (hold.id, 60, "train")
    assert open_.expires_at == hold.expires_at


async def test_a_hold_stands_for_a_quarter_of_an_hour_unless_told(credits, rich):
    before = time.time() * 1000
    assert abs((await credits.hold(rich, 1, "x")).expires_at - before - 900_000) < 60_000
    longest = await credits.hold(rich, 1, "x", expires_in=timedelta(days=366))
    assert abs(longest.expires_at - before - 366 * 86_400_000) < 60_000


async def test_what_is_held_cannot_be_spent_or_held_again(credits, rich):
    await credits.hold(rich, 60, "train")
    for spend in (credits.deduct, credits.hold):
        with pytest.raises(InsufficientCreditsError) as refusal:
            await spend(rich, 41, "chat")
        assert (refusal.value.required, refusal.value.available) == (41, 40)
    assert await credits.has_credits(rich, 40)
    assert not await credits.has_credits(rich, 41)
    assert (await credits.hold(rich, 40, "all the rest")).balance == 0


async def test_a_refused_hold_leaves_nothing(credits, rich):
    before = await Store(credits).look(rich)
    with pytest.raises(InsufficientCreditsError):
        await credits.hold(rich, 101, "train", idempotency_key="job")
    assert await Store(credits).look(rich) == before
    assert (await credits.hold(rich, 100, "train", idempotency_key="job")).balance == 0


async def test_an_unknown_user_has_nothing_to_hold(credits, user):
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.hold(user, 1, "x")
    assert (refusal.value.required, refusal.value.available) == (1, 0)
    assert (await Store(credits).look(user)).kept == {}


async def test_a_first_touch_may_be_a_hold(open_credits, user):
    credits = open_credits(auto_initialize=True, default_credits=50)
    assert (await credits.hold(user, 20, "train")).balance == 30
    actions = [entry.action for entry in await credits.get_transactions(user)]
    assert actions == ["train", "user_initialized"]


async def test_a_key_makes_a_repeated_hold_answer_the_first(credits, rich):
    first = await credits.hold(rich, 60, "train", idempotency_key="job")
    again = await credits.hold(rich, 60, "train", {"try": 2}, idempotency_key="job")
    assert again.replayed
    assert not first.replayed
    assert (again.id, again.amount, again.expires_at) == (first.id, 60, first.expires_at)
    await credits.settle(rich, first.id, 25)
    late = await credits.hold(rich, 60, "train", idempotency_key="job")
    assert (late.id, late.replayed, late.balance) == (first.id, True, 75)
    await sound(credits, rich, 75)


@pytest.mark.parametrize(
    ("amount", "action", "more"),
    [(61, "train", {}), (60, "paint", {}), (60, "train", {"expires_in": 60})],
)
async def test_a_key_of_a_hold_is_for_this_hold_only(credits, rich, amount, action, more):
    first = await credits.hold(rich, 60, "train", idempotency_key="job")
    with pytest.raises(IdempotencyConflictError, match="hold 60 train") as conflict:
        await credits.hold(rich, amount, action, idempotency_key="job", **more)
    assert conflict.value.tx_id == first.id
    with pytest.raises(IdempotencyConflictError):
        await credits.deduct(rich, 60, "train", idempotency_key="job")
    await sound(credits, rich, 40)


async def test_concurrent_holds_with_one_key_are_one_hold(credits, rich):
    holds = await asyncio.gather(
        *(credits.hold(rich, 60, "train", idempotency_key="job") for _ in range(20))
    )
    assert len({hold.id for hold in holds}) == 1
    assert sorted(hold.replayed for hold in holds) == [False] + [True] * 19
    assert len((await credits.get_account(rich)).holds) == 1
    await sound(credits, rich, 40)


@pytest.mark.parametrize("key", [None, "job"])
async def test_the_same_bytes_hold_once_and_answer_alike(credits, rich, key):
    first, second = await tell(credits, hold_command(credits, rich, idempotency_key=key), 2)
    assert first == second
    assert (first.amount, first.balance, first.replayed) == (10, 90, False)
    assert len((await Store(credits).look(rich)).members) == 2


async def test_a_hold_that_comes_too_late_does_nothing_and_asks_are_answered(credits, rich):
    command = hold_command(credits, rich)
    assert await tell(credits, command, deadline=0) == ["late"]
    assert await credits.get_balance(rich) == 100
    (made,) = await tell(credits, command)
    assert await tell(credits, command, deadline=0) == [made]


@pytest.mark.parametrize(
    ("key", "word"),
    [
        (0, "balance"),
        (1, "log"),
        (2, "state"),
        (3, "grants"),
        (4, "holds"),
        (5, "records"),
        (6, "records"),
    ],
)
async def test_a_key_of_another_type_is_told_and_nothing_is_written(credits, rich, key, word):
    store = Store(credits)
    hold = await credits.hold(rich, 10, "x")
    name = (await store.look(rich)).keys[key]
    await store.run("DEL", name)
    await store.run("LPUSH", name, "x")
    before = await store.look(rich)
    calls = (
        lambda: credits.settle(rich, hold.id, 1),
        lambda: credits.release(rich, hold.id),
        lambda: credits.hold(rich, 1, "x", idempotency_key="k"),
        lambda: credits.extend(rich, hold.id, 1, idempotency_key="k"),
    )
    for call in calls:
        with pytest.raises(AccountStateError, match=word) as refusal:
            await call()
        assert refusal.value.state == "wrong_type"
    assert await store.look(rich) == before


async def test_a_hold_of_an_account_that_lost_its_balance_waits_for_the_repair(credits, rich):
    store = Store(credits)
    hold = await credits.hold(rich, 60, "train")
    await store.run("DEL", f"balance:{rich}")
    for call in (credits.settle(rich, hold.id, 1), credits.hold(rich, 1, "x")):
        with pytest.raises(AccountStateError) as refusal:
            await call
        assert refusal.value.state == "missing_balance"
    assert await credits.rebuild_balance(rich) == 40
    assert (await credits.settle(rich, hold.id, 1)).balance == 99


async def test_the_holds_of_an_account_that_is_gone_are_gone(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    await Store(credits).run("DEL", f"balance:{rich}", f"txs:{rich}")
    with pytest.raises(HoldNotFoundError):
        await credits.settle(rich, hold.id, 1)
    await credits.add(rich, 5, "purchase")
    account = await credits.get_account(rich)
    assert (account.balance, account.held) == (5, 0)
    await sound(credits, rich, 5)


async def test_the_ledger_refuses_words_that_the_client_would_not_send(credits, rich):
    made = hold_command(credits, rich)
    for place, word in ((1, "0"), (1, "1.5"), (1, "nan"), (1, "1e3"), (7, "soon")):
        args = (*made.call.args[:place], word, *made.call.args[place + 1 :])
        (answer,) = await tell(credits, made._replace(call=made.call._replace(args=args)))
        assert isinstance(answer, InvalidRequestError), word
    await sound(credits, rich, 100)


async def test_a_prefix_keeps_holds_apart(open_credits, user):
    one, two = open_credits(prefix="one:"), open_credits(prefix="two:")
    for credits in (one, two):
        await credits.initialize_user(user, 100)
    hold = await one.hold(user, 60, "train")
    with pytest.raises(HoldNotFoundError):
        await two.release(user, hold.id)
    kept = (await Store(one).look(user, "one:")).kept
    assert set(kept) == {f"one:{name}:{user}" for name in (
        "balance", "txs", "credits:state", "credits:due"
    )}  # fmt: skip
    assert set(kept.values()) == {-1}
    await one.release(user, hold.id)
    assert await one.get_balance(user) == 100
