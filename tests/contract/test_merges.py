"""Merges: all the credits of one account into another, as often as it is asked."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from credits_core import (
    InvalidRequestError,
    LimitExceededError,
    OutcomeUnknownError,
    TransactionError,
)
from credits_core.models import MAX_AMOUNT, MAX_BALANCE
from tests.contract.accounts import balances, sum_of
from tests.support.interrupted import interrupted

pytestmark = pytest.mark.stores

HOUR = 3_600_000


@pytest.fixture
def trio(new_user):
    return new_user(), new_user(), new_user()


async def test_a_merge_moves_all_there_is_as_often_as_there_is_something(credits, store, trio):
    trial, account, _ = trio
    await credits.add(trial, 80, "trial")
    await credits.add(account, 5, "bought")
    receipt = await credits.merge_accounts(trial, account)
    assert (receipt.amount, receipt.balance, receipt.created) == (80, 85, True)

    nothing = await credits.merge_accounts(trial, account)
    assert (nothing.amount, nothing.balance, nothing.created) == (0, 85, False)
    await credits.add(trial, 7, "late")
    assert (await credits.merge_accounts(trial, account)).balance == 92
    assert await balances(store, trial, account) == [0, 92]

    newest, _, _ = await credits.get_transactions(account)
    assert (newest.kind, newest.action, newest.amount) == ("merge", "merge", 7)
    (out, *_) = await credits.get_transactions(trial)
    assert (out.id, out.amount, out.kind) == (newest.refers_to, -7, "merge")
    assert (await credits.verify_balance(trial)).valid
    assert (await credits.verify_balance(account)).valid


async def test_of_accounts_that_nobody_knows_nothing_is_merged(credits, store, trio):
    trial, account, _ = trio
    receipt = await credits.merge_accounts(trial, account)
    assert (receipt.tx_id, receipt.amount, receipt.created) == ("nothing_to_merge", 0, False)
    assert (await store.look(trial)).kept == (await store.look(account)).kept == {}


async def test_nobody_signs_up_to_be_merged_away(open_credits, trio):
    credits = open_credits(auto_initialize=True, default_credits=50)
    trial, account, _ = trio
    assert (await credits.merge_accounts(trial, account)).created is False
    assert await credits.get_balance(account) == 50


async def test_a_debt_stays_where_it_was_made(credits, store, trio):
    trial, account, _ = trio
    await credits.set_floor(trial, -50)
    await credits.deduct(trial, 30, "chat")
    assert (await credits.merge_accounts(trial, account)).created is False
    await credits.add(trial, 40, "bought")
    assert (await credits.merge_accounts(trial, account)).amount == 10
    assert await balances(store, trial, account) == [0, 10]


async def test_a_floor_holds_nothing_back(credits, store, trio):
    trial, account, _ = trio
    await credits.add(trial, 80, "trial")
    await credits.set_floor(trial, 50)
    assert (await credits.merge_accounts(trial, account)).amount == 80
    assert await balances(store, trial, account) == [0, 80]


async def test_grants_keep_their_expiry_and_priority(credits, store, trio):
    trial, account, _ = trio
    soon = int(time.time() * 1000) + HOUR
    await credits.add(trial, 30, "trial")
    await credits.add(trial, 20, "promo", expires_at=soon, priority=3)
    await credits.add(trial, 10, "promo", expires_at=soon + 5)
    await credits.add(account, 4, "promo", expires_at=soon, priority=3)
    await credits.merge_accounts(trial, account)
    grants = (await credits.get_account(account)).grants
    told = [(grant.priority, grant.expires_at, grant.remaining) for grant in grants]
    assert sorted(told) == [(0, soon + 5, 10), (3, soon, 4), (3, soon, 20)]
    assert (await credits.get_account(trial)).grants == ()
    assert await balances(store, trial, account) == [0, 64]


async def test_open_holds_settle_later_and_what_comes_back_moves_with_the_next_merge(
    credits, store, trio
):
    trial, account, _ = trio
    await credits.add(trial, 30, "promo", expires_in=3600)
    await credits.add(trial, 70, "trial")
    job, other = await credits.hold(trial, 50, "train"), await credits.hold(trial, 10, "train")
    assert (await credits.merge_accounts(trial, account)).amount == 40
    assert {hold.amount for hold in (await credits.get_account(trial)).holds} == {50, 10}

    assert (await credits.settle(trial, job.id, 15)).balance == 35
    assert (await credits.release(trial, other.id)).balance == 45
    assert (await credits.merge_accounts(trial, account)).amount == 45
    assert await balances(store, trial, account) == [0, 85]
    assert sum(grant.remaining for grant in (await credits.get_account(account)).grants) == 15


async def test_a_frozen_account_is_not_emptied_and_one_that_receives_may_be_frozen(
    credits, store, trio
):
    trial, account, _ = trio
    await credits.add(trial, 30, "trial")
    await credits.freeze(trial, "fraud")
    with pytest.raises(LimitExceededError) as refused:
        await credits.merge_accounts(trial, account)
    assert refused.value.rule == "frozen"
    await credits.unfreeze(trial)
    await credits.freeze(account)
    assert (await credits.merge_accounts(trial, account)).amount == 30
    assert await balances(store, trial, account) == [0, 30]


async def test_more_than_one_operation_may_move_is_merged(credits, store, trio):
    trial, account, _ = trio
    for _ in range(3):
        await credits.add(trial, MAX_AMOUNT, "bought")
    await credits.add(trial, 1, "bought")
    assert (await credits.merge_accounts(trial, account)).amount == 3 * MAX_AMOUNT + 1
    assert await balances(store, trial, account) == [0, 3 * MAX_AMOUNT + 1]


async def test_what_is_refused_is_given_back_and_can_go_elsewhere(credits, store, trio):
    trial, account, third = trio
    await credits.add(trial, 2 * 10**15 // 2, "trial")
    await credits.add(trial, 10**15, "promo", expires_in=3600)
    before = (await credits.get_account(trial)).grants
    await store.run("SET", f"balance:{account}", MAX_BALANCE - 5)
    for _ in range(2):
        with pytest.raises(LimitExceededError) as refused:
            await credits.merge_accounts(trial, account)
        assert refused.value.rule == "max_balance"
        found = await credits.get_account(trial)
        assert (found.balance, found.grants) == (2 * 10**15, before)
    await credits.delete_account(account)
    assert (await credits.merge_accounts(trial, third)).amount == 2 * 10**15
    assert await balances(store, trial, account, third) == [0, 0, 2 * 10**15]


async def test_an_account_that_was_merged_into_and_deleted_stays_gone(credits, store, trio):
    trial, account, third = trio
    await credits.add(trial, 30, "trial")
    await credits.merge_accounts(trial, account)
    await credits.delete_account(account)
    await credits.add(trial, 5, "late")
    assert (await credits.merge_accounts(trial, third)).amount == 5
    assert await balances(store, trial, account, third) == [0, 0, 5]
    assert (await store.look(account)).kept == {}


async def test_an_account_that_begins_anew_is_merged_anew(credits, store, trio):
    trial, account, _ = trio
    for _ in range(3):
        await credits.add(trial, 30, "trial")
        assert (await credits.merge_accounts(trial, account)).created is True
        await credits.delete_account(trial)
    assert await balances(store, trial, account) == [0, 90]


async def test_many_merges_one_after_another(credits, store, trio):
    trial, account, third = trio
    for number in range(40):
        await credits.add(trial, 1 + number, "more")
        into = account if number % 2 else third
        assert (await credits.merge_accounts(trial, into)).amount == 1 + number
    assert await balances(store, trial, account, third) == [0, 420, 400]


async def test_merges_and_additions_at_once_lose_nothing(credits, store, trio):
    trial, account, third = trio
    await credits.add(trial, 100, "trial")

    async def merged(number):
        await credits.merge_accounts(trial, account if number % 2 else third)

    await asyncio.gather(
        *(merged(number) for number in range(12)),
        *(credits.add(trial, 1 + n, "more", expires_in=3600 if n % 2 else None) for n in range(12)),
    )
    await credits.merge_accounts(trial, account)
    found = await balances(store, trial, account, third)
    assert (found[0], sum(found)) == (0, 178)


async def test_merges_into_one_another_end_in_one_place(credits, store, trio):
    await asyncio.gather(*(credits.add(user, 50, "bought") for user in trio))
    await asyncio.gather(
        *(credits.merge_accounts(trio[n % 3], trio[(n + 1 + n // 3 % 2) % 3]) for n in range(12))
    )
    assert sum(await balances(store, *trio)) == 150


async def test_an_account_is_not_merged_into_itself(credits, user):
    with pytest.raises(InvalidRequestError, match="itself"):
        await credits.merge_accounts(user, user)


@pytest.mark.parametrize("odd", ["a b", "all merge x", '"x" \\n', "🦊 =1", "0", "merge"])
async def test_odd_ids_are_what_they_are(credits, store, user, odd):
    trial, account = f"{user} {odd}", f"{odd} {user}"
    for _ in range(2):
        await credits.add(trial, 10, "promo", expires_in=3600)
        assert (await credits.merge_accounts(trial, account)).amount == 10
    assert await balances(store, trial, account) == [0, 20]


@pytest.mark.parametrize("bad", ["a\nb", "merge\n1", "\r", "", " x"])
async def test_ids_that_could_be_mistaken_are_refused(credits, user, bad):
    for arguments in ((bad, user), (user, bad)):
        with pytest.raises(InvalidRequestError):
            await credits.merge_accounts(*arguments)


async def test_a_transfer_whose_key_is_a_number_is_no_merge(credits, store, trio):
    trial, account, third = trio
    await credits.add(trial, 100, "trial")
    await credits.transfer(trial, account, 10, idempotency_key="1")
    assert (await credits.merge_accounts(trial, third)).amount == 90
    await credits.add(trial, 3, "late")
    assert (await credits.merge_accounts(trial, third)).amount == 3
    assert await balances(store, trial, account, third) == [0, 10, 93]


def cut_off(server, step, *users):
    """A merge that ends before `step`."""
    with interrupted(server.url, step) as cut, suppress(OutcomeUnknownError):
        cut.merge_accounts(*users)


@pytest.mark.parametrize("step", ["receive", "confirm"])
def test_a_merge_that_broke_off_is_completed_by_the_next(server, raw, tcp, trio, step):
    trial, account, _ = trio
    tcp.add(trial, 30, "trial")
    cut_off(server, step, trial, account)
    assert tcp.get_balance(trial) == 0
    completed = tcp.merge_accounts(trial, account)
    assert (completed.amount, completed.balance, completed.created) == (30, 30, True)
    assert tcp.merge_accounts(trial, account).created is False
    assert (sum_of(raw, account), tcp.get_balance(account)) == (30, 30)


def test_a_merge_that_broke_off_is_completed_before_one_into_a_third(server, raw, tcp, trio):
    trial, account, third = trio
    tcp.add(trial, 30, "trial")
    cut_off(server, "receive", trial, account)
    tcp.add(trial, 4, "late")
    assert tcp.merge_accounts(trial, third).amount == 4
    assert tcp.merge_accounts(trial, third).created is False
    found = [(sum_of(raw, user), tcp.get_balance(user)) for user in trio]
    assert found == [(0, 0), (30, 30), (4, 4)]


def test_two_merges_that_begin_together_into_different_accounts(server, raw, tcp, trio):
    trial, account, third = trio
    tcp.add(trial, 30, "trial")

    def meanwhile():
        assert tcp.merge_accounts(trial, third).amount == 30
        tcp.add(trial, 4, "late")

    with interrupted(server.url, "send", meanwhile) as slow:
        assert slow.merge_accounts(trial, account).amount == 4
    found = [(sum_of(raw, user), tcp.get_balance(user)) for user in trio]
    assert found == [(0, 0), (4, 4), (30, 30)]


def test_a_broken_merge_that_is_refused_later_is_given_back_and_goes_elsewhere(
    server, raw, tcp, trio
):
    trial, account, third = trio
    tcp.add(trial, 30, "trial")
    cut_off(server, "receive", trial, account)
    raw.set(f"balance:{account}", MAX_BALANCE)
    assert tcp.merge_accounts(trial, third).amount == 30
    found = [tcp.get_balance(user) for user in trio]
    assert found == [0, MAX_BALANCE, 30]
    assert (sum_of(raw, trial), sum_of(raw, third)) == (0, 30)


@pytest.mark.parametrize("step", ["cancel", "recall"])
def test_a_refusal_that_broke_off_is_given_back_by_the_next_merge(server, raw, tcp, trio, step):
    trial, account, third = trio
    tcp.add(trial, 30, "promo", expires_in=3600)
    before = tcp.get_account(trial).grants
    raw.set(f"balance:{account}", MAX_BALANCE)
    cut_off(server, step, trial, account)
    assert tcp.get_balance(trial) == 0
    with pytest.raises((LimitExceededError, TransactionError)):
        tcp.merge_accounts(trial, account)
    account_now = tcp.get_account(trial)
    assert (account_now.balance, account_now.grants) == (30, before)
    assert tcp.merge_accounts(trial, third).amount == 30
    assert (sum_of(raw, trial), sum_of(raw, third)) == (0, 30)


def test_while_it_cannot_be_completed_nothing_else_is_merged(server, raw, tcp, trio):
    trial, account, third = trio
    tcp.add(trial, 30, "trial")
    cut_off(server, "receive", trial, account)
    records = f"credits:additions:{account}"
    raw.rpush(records, "of another app")
    tcp.add(trial, 4, "late")
    with pytest.raises(OutcomeUnknownError, match="merge_accounts"):
        tcp.merge_accounts(trial, third)
    raw.delete(records)
    assert tcp.merge_accounts(trial, third).amount == 4
    found = [(sum_of(raw, user), tcp.get_balance(user)) for user in trio]
    assert found == [(0, 0), (30, 30), (4, 4)]
