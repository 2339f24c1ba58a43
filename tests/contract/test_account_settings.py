"""Accounts as a whole: looked at, given a credit line or a reserve, frozen and freed."""

from __future__ import annotations

import asyncio
import time

import pytest

from credits_core import (
    Account,
    AccountStateError,
    InsufficientCreditsError,
    InvalidRequestError,
    Item,
    LimitExceededError,
    commands,
)
from credits_core.commands import SignUp
from tests.contract.accounts import sound
from tests.contract.store import Store
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores


async def test_an_unknown_account_is_looked_at_and_not_made(credits, user):
    account = await credits.get_account(user)
    assert account == Account(user, 0, 0, frozen=False, frozen_reason="", grants=(), holds=())
    assert (account.available, account.held, account.next_expiry) == (0, 0, None)
    assert (await Store(credits).look(user)).kept == {}


async def test_an_account_shows_all_that_is_open_in_it(credits, rich):
    before = time.time() * 1000
    late = await credits.add(rich, 30, "promo", expires_in=7200)
    soon = await credits.add(rich, 20, "promo", expires_in=3600)
    first = await credits.add(rich, 10, "promo", expires_in=9000, priority=-5)
    holds = [await credits.hold(rich, 4, f"job-{n}", expires_in=n) for n in (500, 400)]
    account = await credits.get_account(rich)

    assert (account.user_id, account.balance, account.held) == (rich, 152, 8)
    assert (account.available, account.floor, account.frozen) == (152, 0, False)
    assert [(g.id, g.remaining, g.priority) for g in account.grants] == [
        (first.tx_id, 2, -5),
        (soon.tx_id, 20, 0),
        (late.tx_id, 30, 0),
    ]
    assert [(h.id, h.amount, h.action) for h in account.holds] == [
        (holds[1].id, 4, "job-400"),
        (holds[0].id, 4, "job-500"),
    ]
    assert account.next_expiry == account.grants[1]
    assert abs(account.grants[1].expires_at - before - 3_600_000) < 60_000
    assert account.holds[0].expires_at == holds[1].expires_at
    assert account.grants[0].expires.tzinfo is not None


async def test_looking_writes_nothing(credits, rich):
    await credits.add(rich, 10, "promo", expires_in=3600)
    await credits.hold(rich, 5, "train")
    before = await Store(credits).look(rich)
    for _ in range(2):
        await credits.get_account(rich)
        await credits.get_balance(rich)
        await credits.has_credits(rich, 5)
    assert await Store(credits).look(rich) == before


async def test_a_first_touch_may_be_a_look(open_credits, user):
    credits = open_credits(auto_initialize=True, default_credits=50)
    assert (await credits.get_account(user)).balance == 50
    assert (await credits.get_account(user)).balance == 50
    await sound(credits, user, 50)


async def test_a_broken_account_is_told(credits, rich):
    await Store(credits).run("SET", f"balance:{rich}", "12.5")
    for call in (credits.get_account(rich), credits.set_floor(rich, 5)):
        with pytest.raises(AccountStateError) as refusal:
            await call
        assert refusal.value.state == "fractional"


async def test_a_floor_below_zero_is_a_credit_line(credits, rich):
    account = await credits.set_floor(rich, -50)
    assert (account.floor, account.balance, account.available) == (-50, 100, 150)
    assert await credits.has_credits(rich, 150)
    assert not await credits.has_credits(rich, 151)
    assert (await credits.deduct(rich, 130, "chat")).balance == -30
    assert await credits.get_balance(rich) == -30
    for spend in (credits.deduct, credits.hold):
        with pytest.raises(InsufficientCreditsError) as refusal:
            await spend(rich, 21, "chat")
        assert (refusal.value.required, refusal.value.available) == (21, 20)
    hold = await credits.hold(rich, 20, "train")
    assert hold.balance == -50
    assert (await credits.get_account(rich)).available == 0
    assert (await credits.settle(rich, hold.id, 15)).balance == -45
    await sound(credits, rich, -45)
    assert (await credits.verify_balance(rich)).valid


async def test_a_floor_above_zero_is_a_reserve(credits, rich):
    account = await credits.set_floor(rich, 40)
    assert (account.floor, account.balance, account.available) == (40, 100, 60)
    assert await credits.get_balance(rich) == 100
    assert await credits.has_credits(rich, 60)
    assert not await credits.has_credits(rich, 61)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct(rich, 61, "chat")
    assert (refusal.value.required, refusal.value.available) == (61, 60)
    assert (await credits.deduct(rich, 60, "chat")).balance == 40
    assert (await credits.set_floor(rich, 0)).available == 40
    assert (await credits.deduct(rich, 40, "chat")).balance == 0


async def test_a_floor_may_be_set_above_the_balance(credits, rich):
    account = await credits.set_floor(rich, 140)
    assert (account.balance, account.available) == (100, 0)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct(rich, 1, "chat")
    assert (refusal.value.available, refusal.value.missing) == (0, 41)
    assert (await credits.add(rich, 50, "purchase")).balance == 150
    assert (await credits.deduct(rich, 10, "chat")).balance == 140


async def test_a_line_taken_back_refuses_until_the_debt_is_paid(credits, rich):
    await credits.set_floor(rich, -50)
    await credits.deduct(rich, 150, "chat")
    assert (await credits.set_floor(rich, 0)).available == 0
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct(rich, 1, "chat")
    assert (refusal.value.available, refusal.value.missing) == (0, 51)
    await credits.add(rich, 60, "purchase")
    assert (await credits.deduct(rich, 10, "chat")).balance == 0


@pytest.mark.parametrize("floor", [-(10**15), -1, 1, 10**15])
async def test_floors_of_any_size_are_kept_exactly(credits, rich, floor):
    assert (await credits.set_floor(rich, floor)).floor == floor
    assert (await credits.get_account(rich)).floor == floor


async def test_a_floor_of_zero_is_no_floor(credits, rich):
    before = await Store(credits).look(rich)
    await credits.set_floor(rich, -5)
    await credits.set_floor(rich, 0)
    assert await Store(credits).look(rich) == before


async def test_an_account_may_have_a_line_before_it_has_anything(credits, user):
    await credits.set_floor(user, -20)
    assert (await credits.deduct(user, 15, "chat")).balance == -15
    assert (await credits.initialize_user(user, 100)).balance == 85
    await sound(credits, user, 85)


async def test_concurrent_charges_end_at_the_floor(credits, rich):
    await credits.set_floor(rich, -10)
    results = await asyncio.gather(
        *(credits.deduct(rich, 7, "chat") for _ in range(30)), return_exceptions=True
    )
    assert sum(isinstance(result, InsufficientCreditsError) for result in results) == 15
    await sound(credits, rich, -5)


async def test_a_settlement_keeps_to_the_floor_unless_it_may_owe(credits, rich):
    await credits.set_floor(rich, 30)
    one, two, three = [await credits.hold(rich, 20, "train") for _ in range(3)]
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.settle(rich, one.id, 31)
    assert (refusal.value.required, refusal.value.available) == (11, 10)
    assert (await credits.settle(rich, one.id, 31, shortfall="take")).amount == 30
    assert (await credits.settle(rich, two.id, 31, shortfall="owe")).balance == 19
    assert (await credits.settle(rich, three.id, 31, shortfall="take")).amount == 20


SPEND = {
    "deduct": lambda credits, user, hold: credits.deduct(user, 1, "chat"),
    "hold": lambda credits, user, hold: credits.hold(user, 1, "train"),
    "extend": lambda credits, user, hold: credits.extend(user, hold.id, 1),
    "deduct_many": lambda credits, user, hold: credits.deduct_many(
        [Item(user, 1, "chat")], atomic=True
    ),
    "settle beyond": lambda credits, user, hold: credits.settle(user, hold.id, 21),
    "settle beyond, owed": lambda credits, user, hold: credits.settle(
        user, hold.id, 21, shortfall="owe"
    ),
    "transfer": lambda credits, user, hold: credits.transfer(
        user, f"{user}-other", 1, idempotency_key="t"
    ),
}


@pytest.mark.parametrize("spend", SPEND)
async def test_a_frozen_account_spends_nothing(credits, rich, spend):
    hold = await credits.hold(rich, 20, "train")
    account = await credits.freeze(rich, "chargeback 17")
    assert (account.frozen, account.frozen_reason, account.available) == (True, "chargeback 17", 0)
    assert account.balance == 80
    before = await Store(credits).look(rich)
    with pytest.raises(LimitExceededError, match="chargeback 17") as refusal:
        await SPEND[spend](credits, rich, hold)
    assert refusal.value.rule == "frozen"
    assert await Store(credits).look(rich) == before
    account = await credits.unfreeze(rich)
    assert (account.frozen, account.frozen_reason, account.available) == (False, "", 80)
    assert await SPEND[spend](credits, rich, hold)


async def test_a_frozen_account_takes_credits_and_ends_its_holds(credits, rich):
    one, two, three, four = [await credits.hold(rich, 10, "train") for _ in range(4)]
    await credits.freeze(rich)
    assert (await credits.add(rich, 5, "purchase")).balance == 65
    assert (await credits.add(rich, 5, "promo", expires_in=60)).balance == 70
    assert (await credits.settle(rich, one.id, 10)).balance == 70
    assert (await credits.settle(rich, two.id, 4)).balance == 76
    assert (await credits.settle(rich, three.id, 15, shortfall="take")).amount == 10
    assert (await credits.release(rich, four.id)).balance == 86
    await sound(credits, rich, 86)


async def test_a_freeze_needs_no_reason_and_says_so_little(credits, rich):
    account = await credits.freeze(rich)
    assert (account.frozen, account.frozen_reason) == (True, "")
    with pytest.raises(LimitExceededError, match="is frozen: nothing is spent"):
        await credits.deduct(rich, 1, "chat")


async def test_a_later_freeze_tells_the_later_reason_and_one_unfreeze_is_enough(credits, rich):
    await credits.freeze(rich, "first")
    assert (await credits.freeze(rich, "second 🦊")).frozen_reason == "second 🦊"
    assert not (await credits.unfreeze(rich)).frozen
    assert not (await credits.unfreeze(rich)).frozen
    assert (await credits.deduct(rich, 1, "chat")).balance == 99


async def test_a_freeze_leaves_the_floor_and_a_floor_the_freeze(credits, rich):
    await credits.set_floor(rich, -5)
    assert (await credits.freeze(rich, "x")).floor == -5
    account = await credits.set_floor(rich, 7)
    assert (account.floor, account.frozen) == (7, True)
    assert (await credits.unfreeze(rich)).floor == 7


async def test_an_account_may_be_frozen_before_it_has_anything(credits, user):
    await credits.freeze(user, "banned")
    with pytest.raises(LimitExceededError, match="banned"):
        await credits.deduct(user, 1, "chat")
    assert (await credits.initialize_user(user, 100)).balance == 100
    with pytest.raises(LimitExceededError, match="banned"):
        await credits.deduct(user, 1, "chat")


async def test_a_rule_signs_nobody_up_and_outlasts_the_sign_up(open_credits, user):
    credits = open_credits(auto_initialize=True, default_credits=50)
    assert (await credits.set_floor(user, -10)).balance == 0
    assert (await credits.freeze(user, "watched")).balance == 0
    assert await credits.get_transactions(user) == []
    account = await credits.get_account(user)
    assert (account.balance, account.floor, account.frozen) == (50, -10, True)


async def test_a_replay_is_told_to_a_frozen_account_too(credits, rich):
    charge = await credits.deduct(rich, 10, "chat", idempotency_key="k")
    await credits.freeze(rich)
    assert (await credits.deduct(rich, 10, "chat", idempotency_key="k")).tx_id == charge.tx_id


async def test_settings_that_come_too_late_change_nothing(credits, rich):
    before = await Store(credits).look(rich)
    for command in (
        commands.settings(keys(credits), "set_floor", rich, floor=5),
        commands.settings(keys(credits), "freeze", rich, frozen=True),
        commands.account(keys(credits), rich, sign_up=SignUp(), now_ms=1),
    ):
        assert await tell(credits, command, deadline=0) == ["late"]
    assert await Store(credits).look(rich) == before


async def test_settings_told_twice_are_set_once(credits, rich):
    command = commands.settings(keys(credits), "set_floor", rich, floor=5)
    first, second = await tell(credits, command, 2)
    assert first == second
    assert first.floor == 5


async def test_the_ledger_refuses_floors_that_the_client_would_not_send(credits, rich):
    made = commands.settings(keys(credits), "set_floor", rich, floor=5)
    for word in ("1.5", "nan", "1000000000000001", "-9007199254740993"):
        args = (word, *made.call.args[1:])
        (answer,) = await tell(credits, made._replace(call=made.call._replace(args=args)))
        assert isinstance(answer, InvalidRequestError), word
    assert (await credits.get_account(rich)).floor == 0


async def test_settings_go_with_the_account(credits, rich):
    await credits.set_floor(rich, -5)
    await credits.freeze(rich, "x")
    await credits.delete_account(rich)
    account = await credits.get_account(rich)
    assert (account.floor, account.frozen) == (0, False)
    assert (await Store(credits).look(rich)).kept == {}
