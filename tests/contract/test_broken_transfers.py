"""Transfers that the receiver refuses, or that end before they are through."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from credits_core import LimitExceededError, OutcomeUnknownError, TransactionError
from credits_core.models import MAX_BALANCE
from tests.contract.accounts import balances, sum_of
from tests.contract.told import addition, tell_all
from tests.support.interrupted import interrupted

pytestmark = pytest.mark.stores


async def fill(credits, store, bob):
    await store.run("SET", f"balance:{bob}", MAX_BALANCE - 5)


async def crowd(credits, store, bob):
    given = {"expires_in": 3600, "now_ms": int(time.time() * 1000)}
    await tell_all(credits, [addition(credits, bob, 1, **given) for _ in range(1000)])


async def lose_balance(credits, store, bob):
    await credits.add(bob, 5, "bought")
    await store.run("DEL", f"balance:{bob}")


def spoil(number):
    async def set_up(credits, store, bob):
        look = await store.look(bob)
        await store.run("RPUSH", look.keys[number], "of another app")

    set_up.__name__ = f"wrong_type_of_key_{number}"
    return set_up


@pytest.mark.parametrize(
    "set_up", [fill, crowd, lose_balance, *map(spoil, range(7))], ids=lambda one: one.__name__
)
async def test_what_the_receiver_refuses_is_given_back_once_and_for_all(
    credits, store, pair, set_up
):
    alice, bob = pair
    await credits.add(alice, 100, "bought")
    await credits.add(alice, 10, "promo", expires_in=3600, priority=-1)
    before = (await credits.get_account(alice)).grants
    await set_up(credits, store, bob)

    with pytest.raises((LimitExceededError, TransactionError)):
        await credits.transfer(alice, bob, 30, idempotency_key="k")
    account = await credits.get_account(alice)
    assert (account.balance, account.grants) == (110, before)
    with pytest.raises((LimitExceededError, TransactionError), match=r"given back|a new key"):
        await credits.transfer(alice, bob, 30, idempotency_key="k")
    assert await balances(store, alice) == [110]

    await store.run("DEL", *(await store.look(bob)).keys)
    with pytest.raises(TransactionError, match="given back"):
        await credits.transfer(alice, bob, 30, idempotency_key="k")
    assert (await credits.transfer(alice, bob, 30, idempotency_key="k2")).balance == 80
    assert await balances(store, alice, bob) == [80, 30]


async def test_a_receiver_whose_records_cannot_be_read_gets_it_once_they_can(credits, store, pair):
    alice, bob = pair
    await credits.add(alice, 100, "bought")
    records = (await store.look(bob)).keys[7]
    await store.run("RPUSH", records, "of another app")
    with pytest.raises(OutcomeUnknownError, match="same idempotency key"):
        await credits.transfer(alice, bob, 30, idempotency_key="k")
    assert await balances(store, alice) == [70]
    await store.run("DEL", records)
    await credits.transfer(alice, bob, 30, idempotency_key="k")
    assert await balances(store, alice, bob) == [70, 30]


def test_a_run_that_comes_in_between_a_refusal_and_its_cancellation_counts(server, raw, tcp, pair):
    alice, bob = pair
    tcp.add(alice, 100, "bought")
    raw.set(f"balance:{bob}", MAX_BALANCE)

    def meanwhile():
        tcp.deduct(bob, 50, "chat")
        tcp.transfer(alice, bob, 30, idempotency_key="k")

    with interrupted(server.url, "cancel", meanwhile) as slow:
        receipt = slow.transfer(alice, bob, 30, idempotency_key="k")
    assert (receipt.balance, receipt.amount) == (70, 30)
    assert tcp.get_balance(bob) == MAX_BALANCE - 20
    assert sum_of(raw, alice) == tcp.get_balance(alice) == 70


def test_a_run_that_is_slow_to_deliver_finds_it_cancelled(server, raw, tcp, pair):
    alice, bob = pair
    tcp.add(alice, 100, "bought")
    raw.set(f"balance:{bob}", MAX_BALANCE)

    def meanwhile():
        with pytest.raises(LimitExceededError):
            tcp.transfer(alice, bob, 30, idempotency_key="k")
        tcp.deduct(bob, 50, "chat")

    with (
        interrupted(server.url, "receive", meanwhile) as slow,
        pytest.raises(TransactionError, match="given back"),
    ):
        slow.transfer(alice, bob, 30, idempotency_key="k")
    assert sum_of(raw, alice) == tcp.get_balance(alice) == 100
    assert tcp.get_balance(bob) == MAX_BALANCE - 50


@pytest.mark.parametrize("step", ["cancel", "recall"])
def test_a_refusal_that_broke_off_is_given_back_by_the_next_run(server, raw, tcp, pair, step):
    alice, bob = pair
    tcp.add(alice, 100, "bought")
    tcp.add(alice, 10, "promo", expires_in=3600)
    before = tcp.get_account(alice).grants
    raw.set(f"balance:{bob}", MAX_BALANCE)
    with (
        interrupted(server.url, step) as cut,
        pytest.raises(OutcomeUnknownError, match="call `transfer`"),
    ):
        cut.transfer(alice, bob, 30, idempotency_key="k")
    assert tcp.get_balance(alice) == 80
    for _ in range(2):
        with pytest.raises((LimitExceededError, TransactionError)):
            tcp.transfer(alice, bob, 30, idempotency_key="k")
        account = tcp.get_account(alice)
        assert (account.balance, account.grants) == (110, before)
    assert sum_of(raw, alice) == 110


@pytest.mark.parametrize("step", ["receive", "confirm"])
def test_a_transfer_that_broke_off_is_completed_by_the_next_run(server, raw, tcp, pair, step):
    alice, bob = pair
    tcp.add(alice, 100, "bought")
    with interrupted(server.url, step) as cut, suppress(OutcomeUnknownError):
        cut.transfer(alice, bob, 30, idempotency_key="k")
    assert tcp.get_balance(bob) == (0 if step == "receive" else 30)
    for _ in range(2):
        assert tcp.transfer(alice, bob, 30, idempotency_key="k").balance == 70
    assert (sum_of(raw, alice), sum_of(raw, bob), tcp.get_balance(bob)) == (70, 30, 30)


def test_a_grant_that_expires_on_its_way_is_gone_where_it_arrives(server, raw, tcp, pair):
    alice, bob = pair
    tcp.add(alice, 10, "bought")
    tcp.add(alice, 30, "promo", expires_in=0.1)

    def meanwhile():
        time.sleep(0.15)

    with interrupted(server.url, "receive", meanwhile) as slow:
        slow.transfer(alice, bob, 35, idempotency_key="k")
    assert (tcp.get_balance(alice), tcp.get_balance(bob)) == (5, 5)
    assert (sum_of(raw, alice), sum_of(raw, bob)) == (5, 5)
    newest, _ = tcp.get_transactions(bob)
    assert (newest.kind, newest.amount) == ("expire", -30)
