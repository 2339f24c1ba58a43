"""Many at once: each for itself, or all or nothing on one account."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import (
    AccountStateError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    Item,
    LimitExceededError,
    Receipt,
    commands,
)
from credits_core.commands import SignUp
from tests.contract.accounts import sound
from tests.contract.store import Store
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores

NOW = 1_800_000_000_000


def batch_command(credits, items, name="deduct", **more):
    given = {"idempotency_key": None, "sign_up": SignUp(), "now_ms": NOW}
    return commands.batch(keys(credits), name, items, **(given | more))


async def log(credits, user):
    entries = await credits.get_transactions(user, limit=1000)
    return [(entry.amount, entry.action) for entry in reversed(entries)][1:]


async def test_each_item_has_its_own_receipt_or_error_in_its_place(credits, rich, new_user):
    other = new_user()
    results = await credits.deduct_many(
        [
            Item(rich, 60, "video", {"n": 1}),
            Item(other, 1, "chat"),
            Item(rich, 60, "video"),
            Item(rich, 0, "chat"),
            Item("", 1, "chat"),
            Item(rich, 40, "image"),
        ]
    )
    kinds = [type(result) for result in results]
    assert kinds == [
        Receipt,
        InsufficientCreditsError,
        InsufficientCreditsError,
        InvalidRequestError,
        InvalidRequestError,
        Receipt,
    ]
    assert (results[0].amount, results[5].amount, results[5].balance) == (60, 40, 0)
    assert (results[1].user_id, results[1].available) == (other, 0)
    assert (results[2].required, results[2].available) == (60, 40)
    assert await log(credits, rich) == [(-60, "video"), (-40, "image")]
    await sound(credits, rich, 0)


async def test_additions_to_many_accounts(credits, new_user):
    users = [new_user() for _ in range(30)]
    results = await credits.add_many(Item(name, 5 + n, "gift") for n, name in enumerate(users))
    assert [result.balance for result in results] == list(range(5, 35))
    assert len({result.tx_id for result in results}) == 30


async def test_more_items_than_travel_together(credits, rich):
    results = await credits.add_many([Item(rich, 1, f"gift-{n}") for n in range(450)])
    assert sorted(result.balance for result in results) == list(range(101, 551))
    assert len({result.tx_id for result in results}) == 450
    await sound(credits, rich, 550)


async def test_of_nothing_nothing_comes(credits, rich):
    for atomic in (False, True):
        assert await credits.deduct_many([], atomic=atomic) == []
        assert await credits.add_many(iter(()), atomic=atomic) == []


async def test_items_have_keys_of_their_own(credits, rich):
    items = [Item(rich, 10, "chat", idempotency_key=f"line-{n}") for n in (1, 2, 1)]
    first = await credits.deduct_many(items)
    again = await credits.deduct_many(items[:2])
    assert [result.tx_id for result in again] == [first[0].tx_id, first[1].tx_id]
    assert [result.replayed for result in again] == [True, True]
    assert first[2].tx_id == first[0].tx_id
    (conflict,) = await credits.deduct_many([Item(rich, 11, "chat", idempotency_key="line-1")])
    assert isinstance(conflict, IdempotencyConflictError)
    await sound(credits, rich, 80)


async def test_one_key_for_items_apart_is_refused(credits, rich):
    before = await Store(credits).look(rich)
    for many in (credits.deduct_many, credits.add_many):
        with pytest.raises(InvalidRequestError, match="of their own"):
            await many([Item(rich, 1, "x")], idempotency_key="k")
    assert await Store(credits).look(rich) == before


async def test_all_charges_of_a_batch_happen_in_their_order(credits, rich):
    items = [Item(rich, n, f"step-{n}", {"n": n}) for n in range(1, 6)]
    results = await credits.deduct_many(items, atomic=True)
    assert [result.amount for result in results] == [1, 2, 3, 4, 5]
    assert {result.balance for result in results} == {85}
    assert await log(credits, rich) == [(-n, f"step-{n}") for n in range(1, 6)]
    newest = await credits.get_transactions(rich, limit=5)
    assert [entry.id for entry in reversed(newest)] == [result.tx_id for result in results]
    assert newest[0].metadata == {"n": 5}
    await sound(credits, rich, 85)


async def test_a_refused_batch_leaves_nothing(credits, rich):
    before = await Store(credits).look(rich)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct_many(
            [Item(rich, 40, "a"), Item(rich, 40, "b"), Item(rich, 21, "c")],
            atomic=True,
            idempotency_key="order",
        )
    assert (refusal.value.required, refusal.value.available) == (101, 100)
    assert await Store(credits).look(rich) == before
    receipts = await credits.deduct_many(
        [Item(rich, 40, "a"), Item(rich, 40, "b"), Item(rich, 20, "c")],
        atomic=True,
        idempotency_key="order",
    )
    assert [receipt.balance for receipt in receipts] == [0, 0, 0]


async def test_an_item_that_is_wrong_refuses_the_whole_batch(credits, rich):
    before = await Store(credits).look(rich)
    for wrong in (Item(rich, 0, "b"), Item(rich, 1, ""), Item(rich, 1, "b", {"a": object()})):
        for many in (credits.deduct_many, credits.add_many):
            with pytest.raises(InvalidRequestError):
                await many([Item(rich, 1, "a"), wrong], atomic=True)
    assert await Store(credits).look(rich) == before


async def test_a_batch_is_of_one_account_and_of_one_key(credits, rich, new_user):
    with pytest.raises(InvalidRequestError, match="one account"):
        await credits.add_many([Item(rich, 1, "a"), Item(new_user(), 1, "a")], atomic=True)
    with pytest.raises(InvalidRequestError, match="beside the items"):
        await credits.add_many([Item(rich, 1, "a", idempotency_key="k")], atomic=True)
    await sound(credits, rich, 100)


async def test_the_largest_batch(credits, rich):
    items = [Item(rich, 1, f"gift-{n}") for n in range(500)]
    receipts = await credits.add_many(items, atomic=True)
    assert {receipt.balance for receipt in receipts} == {600}
    assert await log(credits, rich) == [(1, f"gift-{n}") for n in range(500)]
    with pytest.raises(InvalidRequestError, match="from 1 to 500, not 501"):
        await credits.add_many([*items, Item(rich, 1, "one more")], atomic=True)
    await sound(credits, rich, 600)


@pytest.mark.parametrize("name", ["deduct_many", "add_many"])
async def test_a_key_makes_a_repeated_batch_answer_the_first(credits, rich, name):
    items = [Item(rich, 1, "a"), Item(rich, 2, "b")]
    many = getattr(credits, name)
    first = await many(items, atomic=True, idempotency_key="order")
    again = await many(items, atomic=True, idempotency_key="order")
    assert [receipt.amount for receipt in again] == [1, 2]
    assert [receipt.tx_id for receipt in again] == [receipt.tx_id for receipt in first]
    assert [receipt.replayed for receipt in [*first, *again]] == [False, False, True, True]
    for other in (items[:1], items[::-1], [Item(rich, 1, "a"), Item(rich, 3, "b")]):
        with pytest.raises(IdempotencyConflictError) as conflict:
            await many(other, atomic=True, idempotency_key="order")
        assert conflict.value.tx_id == first[0].tx_id
    await sound(credits, rich, 97 if name == "deduct_many" else 103)


async def test_a_batch_of_additions_and_one_of_charges_are_two_requests(credits, rich):
    items = [Item(rich, 1, "a"), Item(rich, 2, "b")]
    await credits.add_many(items, atomic=True, idempotency_key="order")
    with pytest.raises(IdempotencyConflictError, match="add, 2 items"):
        await credits.deduct_many(items, atomic=True, idempotency_key="order")
    with pytest.raises(IdempotencyConflictError):
        await credits.add(rich, 3, "a", idempotency_key="order")


async def test_concurrent_batches_with_one_key_are_one(credits, rich):
    items = [Item(rich, 1, "a"), Item(rich, 2, "b")]
    results = await asyncio.gather(
        *(credits.deduct_many(items, atomic=True, idempotency_key="k") for _ in range(20))
    )
    assert sorted(first.replayed for first, _ in results) == [False] + [True] * 19
    await sound(credits, rich, 97)


async def test_concurrent_batches_are_all_or_nothing(credits, rich):
    items = [Item(rich, 7, "a"), Item(rich, 6, "b")]
    results = await asyncio.gather(
        *(credits.deduct_many(items, atomic=True) for _ in range(20)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, InsufficientCreditsError)]
    assert len(refused) == 13
    assert {error.available for error in refused} == {9}
    assert await log(credits, rich) == [(-7, "a"), (-6, "b")] * 7
    await sound(credits, rich, 9)


@pytest.mark.parametrize("key", [None, "order"])
@pytest.mark.parametrize("name", ["deduct", "add"])
async def test_the_same_bytes_happen_once_and_answer_alike(credits, rich, key, name):
    items = [Item(rich, 1, "a"), Item(rich, 2, "b")]
    command = batch_command(credits, items, name, idempotency_key=key)
    assert await tell(credits, command, deadline=0) == ["late"]
    first, second = await tell(credits, command, 2)
    assert first == second
    assert [(receipt.amount, receipt.replayed) for receipt in first] == [(1, False), (2, False)]
    assert await tell(credits, command, deadline=0) == [first]
    await sound(credits, rich, 97 if name == "deduct" else 103)


async def test_a_first_touch_may_be_a_batch(open_credits, user):
    credits = open_credits(auto_initialize=True, default_credits=50)
    receipts = await credits.deduct_many([Item(user, 20, "a"), Item(user, 30, "b")], atomic=True)
    assert [receipt.balance for receipt in receipts] == [0, 0]
    await sound(credits, user, 0)


async def test_a_batch_keeps_to_the_rules_of_the_account(credits, rich):
    items = [Item(rich, 30, "a"), Item(rich, 31, "b")]
    await credits.set_floor(rich, 40)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.deduct_many(items, atomic=True)
    assert (refusal.value.required, refusal.value.available) == (61, 60)
    await credits.freeze(rich, "fraud")
    with pytest.raises(LimitExceededError, match="fraud"):
        await credits.deduct_many(items, atomic=True)
    assert (await credits.add_many(items, atomic=True))[0].balance == 161
    await sound(credits, rich, 161)


async def test_a_batch_does_not_pass_the_largest_balance(credits, rich):
    items = [Item(rich, 10**15, "a")] * 9
    with pytest.raises(LimitExceededError) as refusal:
        await credits.add_many([*items, Item(rich, 10**13, "b")], atomic=True)
    assert refusal.value.rule == "max_balance"
    await sound(credits, rich, 100)
    assert (await credits.add_many(items, atomic=True))[0].balance == 9 * 10**15 + 100


async def test_the_charges_of_a_batch_are_paid_by_grants_one_after_the_other(credits, rich):
    await credits.add(rich, 5, "promo", expires_in=600)
    await credits.add(rich, 6, "promo", expires_in=1200)
    items = [Item(rich, amount, "chat") for amount in (3, 4, 7)]
    receipts = await credits.deduct_many(items, atomic=True)
    assert (await credits.get_account(rich)).grants == ()
    assert {receipt.balance for receipt in receipts} == {97}
    await credits.refund(rich, receipts[1].tx_id)
    remaining = [grant.remaining for grant in (await credits.get_account(rich)).grants]
    assert remaining == [2, 2]
    await sound(credits, rich, 101)


async def test_a_batch_opens_the_log_of_a_balance_without_one(credits, user):
    await Store(credits).run("SET", f"balance:{user}", "50")
    await credits.deduct_many([Item(user, 20, "a"), Item(user, 5, "b")], atomic=True)
    found = await Store(credits).look(user)
    assert [entry["amount"] for entry in found.entries] == [50, -20, -5]
    await sound(credits, user, 25)


@pytest.mark.parametrize(("key", "word"), [(0, "balance"), (1, "log"), (2, "state"), (7, "record")])
async def test_a_key_of_another_type_is_told_and_nothing_is_written(credits, rich, key, word):
    store = Store(credits)
    name = (await store.look(rich)).keys[key]
    await store.run("DEL", name)
    await store.run("LPUSH", name, "x")
    before = await store.look(rich)
    with pytest.raises(AccountStateError, match=word):
        await credits.add_many([Item(rich, 1, "a")], atomic=True, idempotency_key="k")
    assert await store.look(rich) == before


async def test_the_ledger_refuses_words_that_the_client_would_not_send(credits, rich):
    made = batch_command(credits, [Item(rich, 1, "a"), Item(rich, 2, "b")])
    for word in ("0", "-1", "1.5", "nan", ""):
        args = (*made.call.args[:-1], word)
        (answer,) = await tell(credits, made._replace(call=made.call._replace(args=args)))
        assert isinstance(answer, InvalidRequestError), word
    await sound(credits, rich, 100)
