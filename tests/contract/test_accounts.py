"""What every backend must do alike: sign up, charge, add, read."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from credits_core import (
    IdempotencyConflictError,
    InsufficientCreditsError,
    LimitExceededError,
    Receipt,
)


async def test_a_new_user_gets_the_default_credits_once(credits, user):
    first = await credits.initialize_user(user)
    second = await credits.initialize_user(user)

    assert (first.amount, first.balance, first.created) == (100, 100, True)
    assert first.tx_id.startswith("tx_")
    assert (second.tx_id, second.amount, second.balance, second.created) == (
        "already_initialized",
        0,
        100,
        False,
    )
    assert len(await credits.get_transactions(user)) == 1


async def test_a_sign_up_may_give_nothing(credits, user):
    assert (await credits.initialize_user(user, 0)).balance == 0
    assert (await credits.initialize_user(user, 50)).created is False


async def test_a_purchase_before_the_sign_up_does_not_cost_the_sign_up(credits, user):
    await credits.add(user, 500, "purchase")
    receipt = await credits.initialize_user(user, 100)
    assert (receipt.created, receipt.balance) == (True, 600)


async def test_a_charge_takes_what_it_costs_and_says_so(credits, user):
    await credits.initialize_user(user)
    before = time.time() * 1000
    receipt = await credits.deduct(user, 10, "chat_message", {"model": "small"})

    assert isinstance(receipt, Receipt)
    assert (receipt.amount, receipt.balance) == (10, 90)
    assert (receipt.created, receipt.replayed) == (True, False)
    assert abs(receipt.timestamp - before) < 60_000
    assert receipt.time.tzinfo is UTC
    assert await credits.get_balance(user) == 90

    (entry, _) = await credits.get_transactions(user)
    assert (entry.id, entry.amount, entry.action) == (receipt.tx_id, -10, "chat_message")
    assert entry.metadata == {"model": "small"}
    assert (entry.kind, entry.timestamp) == ("deduct", receipt.timestamp)


async def test_a_charge_down_to_zero_passes_and_the_next_is_refused(credits, user):
    await credits.initialize_user(user, 10)
    assert (await credits.deduct(user, 10, "chat")).balance == 0
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct(user, 1, "chat")
    assert (refusal.value.required, refusal.value.available) == (1, 0)
    assert refusal.value.user_id == user
    assert len(await credits.get_transactions(user)) == 2


async def test_an_unknown_user_has_nothing_and_is_not_created_by_asking(credits, user):
    assert await credits.get_balance(user) == 0
    assert await credits.has_credits(user, 1) is False
    assert await credits.get_transactions(user) == []
    with pytest.raises(InsufficientCreditsError):
        await credits.deduct(user, 1, "chat")
    assert user not in [name async for name in credits.users()]


async def test_has_credits_says_whether_a_charge_would_pass(credits, user):
    await credits.initialize_user(user, 10)
    assert await credits.has_credits(user, 10) is True
    assert await credits.has_credits(user, 11) is False


async def test_the_largest_amounts_are_exact(credits, user):
    for _ in range(9):
        receipt = await credits.add(user, 10**15, "grant")
    assert receipt.balance == 9 * 10**15
    receipt = await credits.add(user, 2**53 - 1 - 9 * 10**15, "grant")
    assert receipt.balance == 2**53 - 1
    with pytest.raises(LimitExceededError, match="largest") as refusal:
        await credits.add(user, 1, "grant")
    assert refusal.value.rule == "max_balance"
    assert (await credits.deduct(user, 10**15, "spend")).balance == 2**53 - 1 - 10**15
    verification = await credits.verify_balance(user)
    assert verification.valid
    assert verification.calculated == 2**53 - 1 - 10**15


async def test_a_key_makes_a_repeat_answer_the_first_receipt(credits, user):
    await credits.initialize_user(user)
    first = await credits.deduct(user, 10, "chat", idempotency_key="request-1")
    again = await credits.deduct(user, 10, "chat", {"other": 1}, idempotency_key="request-1")

    assert (again.tx_id, again.timestamp, again.amount) == (first.tx_id, first.timestamp, 10)
    assert (first.replayed, again.replayed, again.created) == (False, True, True)
    assert await credits.get_balance(user) == 90


async def test_a_replay_tells_the_balance_of_now(credits, user):
    await credits.add(user, 10, "purchase", idempotency_key="pay-1")
    await credits.add(user, 5, "purchase")
    assert (await credits.add(user, 10, "purchase", idempotency_key="pay-1")).balance == 15


@pytest.mark.parametrize(
    ("method", "amount", "action"),
    [("deduct", 11, "chat"), ("deduct", 10, "image"), ("add", 10, "chat")],
)
async def test_a_key_used_for_something_else_is_a_conflict(credits, user, method, amount, action):
    await credits.initialize_user(user)
    first = await credits.deduct(user, 10, "chat", idempotency_key="k")
    with pytest.raises(IdempotencyConflictError, match="deduct 10 chat") as conflict:
        await getattr(credits, method)(user, amount, action, idempotency_key="k")
    assert conflict.value.tx_id == first.tx_id
    assert await credits.get_balance(user) == 90


async def test_a_key_of_an_addition_conflicts_with_a_charge(credits, user):
    await credits.add(user, 10, "x", idempotency_key="k")
    with pytest.raises(IdempotencyConflictError, match="add 10 x"):
        await credits.deduct(user, 10, "x", idempotency_key="k")


async def test_a_refusal_is_not_kept_so_that_a_top_up_lets_the_request_pass(credits, user):
    await credits.initialize_user(user, 5)
    with pytest.raises(InsufficientCreditsError):
        await credits.deduct(user, 10, "chat", idempotency_key="k")
    await credits.add(user, 5, "purchase")
    assert (await credits.deduct(user, 10, "chat", idempotency_key="k")).replayed is False


async def test_keys_of_two_users_are_two_keys(credits, new_user):
    one, two = new_user(), new_user()
    for name in (one, two):
        assert not (await credits.add(name, 10, "x", idempotency_key="same")).replayed


async def test_concurrent_calls_with_one_key_charge_once(credits, user):
    await credits.initialize_user(user)
    receipts = await asyncio.gather(
        *(credits.deduct(user, 10, "chat", idempotency_key="k") for _ in range(10))
    )
    assert sorted(receipt.replayed for receipt in receipts) == [False] + [True] * 9
    assert len({receipt.tx_id for receipt in receipts}) == 1
    assert await credits.get_balance(user) == 90


async def test_concurrent_charges_never_go_below_zero(credits, user):
    await credits.initialize_user(user, 25)
    results = await asyncio.gather(
        *(credits.deduct(user, 2, "chat") for _ in range(40)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, InsufficientCreditsError)]
    assert (len(results) - len(refused), len(refused)) == (12, 28)
    assert await credits.get_balance(user) == 1
    assert (await credits.verify_balance(user)).valid


async def test_history_is_newest_first_and_limited(credits, user):
    await credits.initialize_user(user)
    for number in range(5):
        await credits.deduct(user, 1, f"step-{number}")
    newest = await credits.get_transactions(user, limit=3)
    assert [entry.action for entry in newest] == ["step-4", "step-3", "step-2"]


async def test_history_bounds_are_inclusive_in_ms_and_in_datetimes(credits, user):
    receipts = []
    for number in range(3):
        receipts.append(await credits.add(user, 1, f"step-{number}"))
        await asyncio.sleep(0.003)
    middle = receipts[1]
    assert middle.timestamp not in (receipts[0].timestamp, receipts[2].timestamp)

    async def actions(start, end):
        found = await credits.get_transactions(user, start_time=start, end_time=end)
        return [entry.action for entry in found]

    assert await actions(middle.timestamp, middle.timestamp) == ["step-1"]
    assert await actions(middle.time, middle.time) == ["step-1"]
    assert await actions(None, middle.timestamp) == ["step-1", "step-0"]
    assert await actions(middle.timestamp, None) == ["step-2", "step-1"]
    assert await actions(datetime.now(UTC) + timedelta(hours=1), None) == []


async def test_a_log_of_any_length_is_walked_once_and_in_order(credits, user):
    batch = [credits.add(user, 1, f"step-{number}") for number in range(50)]
    await asyncio.gather(*batch)
    walked = [entry async for entry in credits.iter_transactions(user)]
    assert len({entry.id for entry in walked}) == 50
    assert [entry.timestamp for entry in walked] == sorted(
        (entry.timestamp for entry in walked), reverse=True
    )


async def test_users_are_found(credits, new_user):
    names = {new_user() for _ in range(5)}
    for name in names:
        await credits.initialize_user(name)
    found = [name async for name in credits.users()]
    assert names <= set(found)
    assert len(found) == len(set(found))


async def test_an_account_is_exported_oldest_first_and_deleted_whole(credits, user):
    await credits.initialize_user(user)
    await credits.deduct(user, 10, "chat", idempotency_key="k")
    export = await credits.export_account(user)
    assert (export.user_id, export.balance) == (user, 90)
    assert [entry.amount for entry in export.transactions] == [100, -10]
    assert export.to_dict()["transactions"][1]["action"] == "chat"

    assert await credits.delete_account(user) is True
    assert await credits.delete_account(user) is False
    assert await credits.get_balance(user) == 0
    assert (await credits.initialize_user(user)).created is True
    assert (await credits.deduct(user, 10, "chat", idempotency_key="k")).replayed is False


async def test_the_first_touch_signs_up_where_the_app_wants_it(open_credits, new_user):
    credits = open_credits(auto_initialize=True, default_credits=30)
    charged, asked, paid = new_user(), new_user(), new_user()

    assert (await credits.deduct(charged, 10, "chat")).balance == 20
    assert await credits.get_balance(asked) == 30
    assert (await credits.add(paid, 5, "purchase")).balance == 35
    for name in (charged, asked, paid):
        assert (await credits.initialize_user(name)).created is False
        actions = [entry.action for entry in await credits.get_transactions(name)]
        assert actions.count("user_initialized") == 1
        assert (await credits.verify_balance(name)).valid


async def test_a_first_touch_that_is_refused_still_signs_up(open_credits, user):
    credits = open_credits(auto_initialize=True, default_credits=30)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct(user, 300, "video")
    assert refusal.value.available == 30
    assert await credits.get_balance(user) == 30


async def test_a_first_touch_by_many_at_once_signs_up_once(open_credits, user):
    credits = open_credits(auto_initialize=True, default_credits=30)
    await asyncio.gather(*(credits.deduct(user, 1, "chat") for _ in range(10)))
    assert await credits.get_balance(user) == 20


async def test_a_prefix_keeps_apps_apart(open_credits, user):
    one, two = open_credits(prefix="one:"), open_credits(prefix="two:")
    await one.initialize_user(user, 10)
    assert await two.get_balance(user) == 0
    assert [name async for name in one.users()].count(user) == 1


@pytest.mark.parametrize(
    "name", ["o'brien", "a:b:c", "{curly}", "ünï©ode-🦊", "a b", "*?[x]", "%00"]
)
async def test_unusual_user_ids_are_accounts_like_others(credits, name, user):
    name = f"{name}/{user}"
    await credits.initialize_user(name, 10)
    assert (await credits.deduct(name, 3, 'say "hi" \\ ünï 🦊', {"ü": ["🦊", None]})).balance == 7
    (entry, _) = await credits.get_transactions(name)
    assert (entry.action, entry.metadata) == ('say "hi" \\ ünï 🦊', {"ü": ["🦊", None]})
    assert (await credits.verify_balance(name)).valid
    assert name in [found async for found in credits.users()]
