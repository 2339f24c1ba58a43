"""The end of a hold: settled or released, once, whoever else tries."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import (
    CreditsError,
    HoldClosedError,
    HoldNotFoundError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    Receipt,
    commands,
)
from tests.contract.accounts import sound
from tests.contract.store import Store
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores

NOW = 1_800_000_000_000


def settle_command(credits, user, hold_id, amount, **more):
    given = {"shortfall": "refuse", "if_expired": "refuse", "now_ms": NOW}
    return commands.settle(keys(credits), user, hold_id, amount, **(given | more))


async def test_settling_keeps_what_it_cost_and_gives_the_rest_back(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    receipt = await credits.settle(rich, hold.id, 25)

    assert isinstance(receipt, Receipt)
    assert (receipt.amount, receipt.balance, receipt.replayed) == (25, 75, False)
    account = await credits.get_account(rich)
    assert (account.balance, account.held, account.holds) == (75, 0, ())
    (entry, _, _) = await credits.get_transactions(rich)
    assert (entry.id, entry.amount, entry.kind) == (receipt.tx_id, 35, "settle")
    assert (entry.action, entry.hold_id) == ("train", hold.id)
    await sound(credits, rich, 75)


@pytest.mark.parametrize(("kept", "back"), [(0, 60), (1, 59), (59, 1), (60, 0), (61, -1)])
async def test_a_settlement_is_an_entry_whatever_it_moves(credits, rich, kept, back):
    hold = await credits.hold(rich, 60, "train")
    assert (await credits.settle(rich, hold.id, kept)).amount == kept
    assert (await credits.get_transactions(rich))[0].amount == back
    await sound(credits, rich, 100 - kept)


@pytest.mark.parametrize("action", ['say "hi" \\ bye', "日本語 🦊", "a,b}{:[]", "%d %s %%"])
async def test_any_action_survives_from_the_hold_to_its_end(credits, rich, action):
    one, two = await credits.hold(rich, 5, action), await credits.hold(rich, 5, action)
    assert {hold.action for hold in (await credits.get_account(rich)).holds} == {action}
    await credits.settle(rich, one.id, 2)
    await credits.release(rich, two.id)
    ended = (await credits.get_transactions(rich))[:2]
    assert [(entry.action, entry.kind) for entry in ended] == [
        (action, "release"),
        (action, "settle"),
    ]


async def test_the_same_settlement_again_answers_the_same_receipt(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    first = await credits.settle(rich, hold.id, 25)
    await credits.add(rich, 1, "x")
    again = await credits.settle(rich, hold.id, 25)
    assert (again.tx_id, again.amount, again.timestamp) == (first.tx_id, 25, first.timestamp)
    assert (again.replayed, again.balance) == (True, 76)
    await sound(credits, rich, 76)


async def test_another_end_of_a_settled_hold_is_refused(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    receipt = await credits.settle(rich, hold.id, 25)
    ends = (
        credits.settle(rich, hold.id, 26),
        credits.settle(rich, hold.id, 0),
        credits.settle(rich, hold.id, 2),
        credits.settle(rich, hold.id, 26, shortfall="owe", if_expired="charge"),
        credits.release(rich, hold.id),
    )
    for end in ends:
        with pytest.raises(HoldClosedError, match="settled") as refusal:
            await end
        assert (refusal.value.state, refusal.value.kept) == ("settled", 25)
        assert refusal.value.tx_id == receipt.tx_id
    await sound(credits, rich, 75)


async def test_releasing_gives_all_back_and_again_answers_alike(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    first = await credits.release(rich, hold.id)
    assert (first.amount, first.balance, first.replayed) == (0, 100, False)
    (entry, _, _) = await credits.get_transactions(rich)
    assert (entry.id, entry.amount, entry.kind) == (first.tx_id, 60, "release")
    again = await credits.release(rich, hold.id)
    assert (again.tx_id, again.amount, again.replayed) == (first.tx_id, 0, True)
    for amount in (0, 60):
        with pytest.raises(HoldClosedError, match="released") as refusal:
            await credits.settle(rich, hold.id, amount)
        assert (refusal.value.state, refusal.value.kept) == ("released", 0)
    await sound(credits, rich, 100)


@pytest.mark.parametrize("hold_id", ["tx_1_x", "no id at all", "x" * 255])
async def test_what_was_never_held_is_not_found(credits, rich, hold_id):
    before = await Store(credits).look(rich)
    ends = (
        credits.settle(rich, hold_id, 1),
        credits.settle(rich, hold_id, 1, if_expired="charge"),
        credits.release(rich, hold_id),
        credits.extend(rich, hold_id, 1),
    )
    for end in ends:
        with pytest.raises(HoldNotFoundError, match="has no hold") as refusal:
            await end
        assert refusal.value.tx_id == hold_id
    assert await Store(credits).look(rich) == before


async def test_a_hold_belongs_to_one_account(credits, rich, new_user):
    other = new_user()
    await credits.initialize_user(other, 100)
    hold = await credits.hold(rich, 60, "train")
    with pytest.raises(HoldNotFoundError):
        await credits.release(other, hold.id)
    with pytest.raises(HoldNotFoundError):
        await credits.settle(other, hold.id, 60)
    await sound(credits, rich, 40)
    await sound(credits, other, 100)


async def test_a_charge_is_no_hold(credits, rich):
    charge = await credits.deduct(rich, 10, "chat")
    with pytest.raises(HoldNotFoundError):
        await credits.release(rich, charge.tx_id)


async def test_what_the_work_cost_beyond_the_hold_comes_from_the_balance(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    receipt = await credits.settle(rich, hold.id, 90)
    assert (receipt.amount, receipt.balance) == (90, 10)


async def test_a_shortfall_is_refused_and_leaves_the_hold_as_it_is(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    before = await Store(credits).look(rich)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.settle(rich, hold.id, 101)
    assert (refusal.value.required, refusal.value.available) == (41, 40)
    assert await Store(credits).look(rich) == before
    assert (await credits.settle(rich, hold.id, 100)).balance == 0


async def test_a_shortfall_may_take_what_there_is(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    receipt = await credits.settle(rich, hold.id, 1000, shortfall="take")
    assert (receipt.amount, receipt.balance) == (100, 0)
    again = await credits.settle(rich, hold.id, 1000, shortfall="take")
    assert (again.tx_id, again.amount, again.replayed) == (receipt.tx_id, 100, True)
    with pytest.raises(HoldClosedError) as refusal:
        await credits.settle(rich, hold.id, 100)
    assert refusal.value.kept == 100
    await sound(credits, rich, 0)


async def test_a_shortfall_may_be_owed(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    receipt = await credits.settle(rich, hold.id, 130, shortfall="owe")
    assert (receipt.amount, receipt.balance) == (130, -30)
    assert await credits.get_balance(rich) == -30
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct(rich, 1, "chat")
    assert (refusal.value.required, refusal.value.available) == (1, 0)
    assert refusal.value.missing == 31
    assert (await credits.add(rich, 40, "purchase")).balance == 10
    await sound(credits, rich, 10)


async def test_taking_what_there_is_never_gives_back_a_debt(credits, rich):
    one, two = await credits.hold(rich, 50, "a"), await credits.hold(rich, 50, "b")
    await credits.settle(rich, one.id, 80, shortfall="owe")
    receipt = await credits.settle(rich, two.id, 70, shortfall="take")
    assert (receipt.amount, receipt.balance) == (50, -30)


@pytest.mark.parametrize("shortfall", ["refuse", "take", "owe"])
async def test_without_a_shortfall_the_words_for_it_change_nothing(credits, rich, shortfall):
    hold = await credits.hold(rich, 60, "train")
    assert (await credits.settle(rich, hold.id, 70, shortfall=shortfall)).balance == 30


@pytest.mark.parametrize("amount", [25, 0, None, 90])
async def test_the_same_bytes_end_a_hold_once_and_answer_alike(credits, rich, amount):
    hold = await credits.hold(rich, 60, "train")
    command = settle_command(credits, rich, hold.id, amount)
    first, second = await tell(credits, command, 2)
    assert first == second
    assert (first.amount, first.replayed) == (amount or 0, False)
    assert await tell(credits, command, deadline=0) == [first]
    assert len((await Store(credits).look(rich)).members) == 3


async def test_a_settlement_that_comes_too_late_does_nothing(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    before = await Store(credits).look(rich)
    command = settle_command(credits, rich, hold.id, 25)
    assert await tell(credits, command, deadline=0) == ["late"]
    assert await Store(credits).look(rich) == before


async def test_of_concurrent_ends_one_wins(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    ends = [
        credits.release(rich, hold.id) if number % 2 else credits.settle(rich, hold.id, number)
        for number in range(50)
    ]
    results = await asyncio.gather(*ends, return_exceptions=True)
    won = [result for result in results if isinstance(result, Receipt)]
    lost = [result for result in results if isinstance(result, HoldClosedError)]
    assert len(won) + len(lost) == 50
    assert len({receipt.tx_id for receipt in won}) == 1
    assert sum(not receipt.replayed for receipt in won) == 1
    assert {error.kept for error in lost} == {won[0].amount}
    await sound(credits, rich, 100 - won[0].amount)
    assert (await credits.get_account(rich)).held == 0


async def test_many_tasks_that_hold_and_end_lose_no_credit(credits, rich):
    async def work(number):
        hold = await credits.hold(rich, 1 + number % 3, "work")
        if number % 2:
            return (await credits.settle(rich, hold.id, 1)).amount
        return (await credits.release(rich, hold.id)).amount

    results = await asyncio.gather(*(work(number) for number in range(50)), return_exceptions=True)
    spent = sum(result for result in results if not isinstance(result, BaseException))
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, InsufficientCreditsError) for error in refused)
    assert spent == 25 - sum(isinstance(result, CreditsError) for result in results[1::2])
    await sound(credits, rich, 100 - spent)
    assert (await credits.verify_balance(rich)).valid
    assert (await credits.get_account(rich)).holds == ()


async def test_a_settlement_that_would_pass_the_largest_balance_is_refused(credits, rich):
    hold = await credits.hold(rich, 50, "train")
    for _ in range(9):
        await credits.add(rich, 10**15, "grant")
    await credits.add(rich, 2**53 - 1 - 9 * 10**15 - 50, "grant")
    with pytest.raises(LimitExceededError) as refusal:
        await credits.release(rich, hold.id)
    assert refusal.value.rule == "max_balance"
    assert (await credits.get_account(rich)).held == 50
    assert (await credits.settle(rich, hold.id, 50)).balance == 2**53 - 1


async def test_the_largest_amounts_are_held_and_settled_exactly(credits, user):
    await credits.add(user, 10**15, "purchase")
    hold = await credits.hold(user, 10**15, "all")
    assert hold.balance == 0
    assert (await credits.settle(user, hold.id, 10**15 - 1)).balance == 1
    one = await credits.hold(user, 1, "last")
    owed = await credits.settle(user, one.id, 10**15, shortfall="owe")
    assert (owed.amount, owed.balance) == (10**15, -(10**15) + 1)


async def test_the_ledger_refuses_words_that_the_client_would_not_send(credits, rich):
    hold = await credits.hold(rich, 60, "train")
    ended = settle_command(credits, rich, hold.id, 25)
    for word in ("-1", "1.5", "", "9007199254740993"):
        args = (*ended.call.args[:3], word, *ended.call.args[4:])
        (answer,) = await tell(credits, ended._replace(call=ended.call._replace(args=args)))
        assert isinstance(answer, InvalidRequestError), word
    await sound(credits, rich, 40)
