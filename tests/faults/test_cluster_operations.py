"""Operations on accounts that lie on several nodes of a Redis Cluster."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from credits_core import (
    AsyncCredits,
    Credits,
    CreditsError,
    InvalidRequestError,
    Item,
    LimitExceededError,
    OutcomeUnknownError,
    Receipt,
    TransactionError,
)
from credits_core.http.steps import arun, run
from credits_core.models import MAX_BALANCE
from credits_core.payments import Paid, Returned, apply
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import attempt, read_ledger
from tests.support.topology import Cluster


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as running:
        yield running


@pytest.fixture
def node_of(cluster):
    """Where an account is."""

    def find(user):
        slot = cluster.nodes[0].call("CLUSTER", "KEYSLOT", f"balance:{{{user}}}")
        return cluster.nodes[slot * 3 // 16384]

    return find


@pytest.fixture
def open_credits(cluster, opened, sync):
    def open_one(timeout=5.0):
        maker = Credits if sync else AsyncCredits
        client = maker.from_url(cluster.url, timeout=timeout)
        return opened(AsyncFace(client) if sync else client)

    return open_one


@pytest.fixture
def credits(open_credits):
    return open_credits()


@pytest.fixture
def trio(new_user, node_of):
    """One user on each node."""
    found = {}
    while len(found) < 3:
        name = new_user()
        found.setdefault(node_of(name).port, name)
    return list(found.values())


@pytest.fixture
def balances(node_of):
    def read(*users):
        return [read_ledger(node_of(user), user, braces=True).balance for user in users]

    return read


async def test_transfers_between_nodes_move_once_a_key(credits, trio, balances):
    for user in trio:
        await credits.add(user, 100, "bought")
        await credits.add(user, 10, "promo", expires_in=3600, priority=2)
    moves = [(a, b, f"{n}") for a in trio for b in trio if a != b for n in range(3)]
    receipts = await asyncio.gather(
        *(credits.transfer(a, b, 7, idempotency_key=f"{b}-{key}") for a, b, key in moves * 2)
    )
    assert len({receipt.tx_id for receipt in receipts}) == len(moves) == 18
    assert sum(not receipt.replayed for receipt in receipts) == 18
    assert balances(*trio) == [110, 110, 110]
    accounts = await asyncio.gather(*map(credits.get_account, trio))
    grants = [grant for account in accounts for grant in account.grants]
    assert sum(grant.remaining for grant in grants) == 30
    assert {grant.priority for grant in grants} == {2}


async def test_merges_between_nodes_leave_all_in_one_place(credits, trio, balances):
    first, second, third = trio
    for user in trio:
        await credits.add(user, 100, "bought")
        await credits.add(user, 10, "promo", expires_in=3600)
    job = await credits.hold(first, 30, "train")
    assert (await credits.merge_accounts(first, second)).balance == 190
    assert (await credits.merge_accounts(second, third)).balance == 300
    assert (await credits.settle(first, job.id, 5)).balance == 25
    assert (await credits.merge_accounts(first, third)).balance == 325
    assert (await credits.merge_accounts(first, third)).created is False
    assert balances(*trio) == [0, 0, 325]


async def test_what_another_node_refuses_is_given_back_once(credits, trio, node_of, balances):
    alice, bob, carol = trio
    await credits.add(alice, 100, "promo", expires_in=3600)
    before = (await credits.get_account(alice)).grants
    node_of(bob).call("SET", f"balance:{{{bob}}}", MAX_BALANCE)
    with pytest.raises(LimitExceededError):
        await credits.transfer(alice, bob, 30, idempotency_key="k")
    with pytest.raises(TransactionError, match="given back"):
        await credits.transfer(alice, bob, 30, idempotency_key="k")
    with pytest.raises(LimitExceededError):
        await credits.merge_accounts(alice, bob)
    account = await credits.get_account(alice)
    assert (account.balance, account.grants) == (100, before)
    await credits.merge_accounts(alice, carol)
    assert balances(alice, carol) == [0, 100]


@pytest.mark.parametrize("name", ["transfer", "merge_accounts"])
async def test_a_node_that_stops_in_between_is_completed_when_it_is_back(
    open_credits, trio, node_of, balances, name
):
    credits = open_credits(timeout=0.6)
    alice, bob, _ = trio
    await credits.add(alice, 100, "bought")
    await credits.add(bob, 1, "bought")

    async def run():
        if name == "transfer":
            return await attempt(credits.transfer(alice, bob, 100, idempotency_key="k"))
        return await attempt(credits.merge_accounts(alice, bob))

    node = node_of(bob)
    node.freeze()
    try:
        error = await run()
    finally:
        node.thaw()
    assert isinstance(error, OutcomeUnknownError)
    assert "again, which completes it" in str(error)
    completed = await run()
    while isinstance(completed, CreditsError):  # the node takes a moment to be itself again
        completed = await run()
    await run()
    assert balances(alice, bob) == [0, 101]


async def test_holds_refunds_and_many_at_once_on_all_nodes(credits, new_user, node_of, balances):
    users = [new_user() for _ in range(12)]
    assert len({node_of(user).port for user in users}) == 3
    added = await credits.add_many([Item(user, 100, "bought") for user in users])
    assert all(isinstance(one, Receipt) for one in added)
    charged = await credits.deduct_many([Item(user, 40, "chat") for user in users])
    holds = await asyncio.gather(*(credits.hold(user, 50, "train") for user in users))
    refunds = [
        credits.refund(user, charge.tx_id)
        for user, charge in zip(users, charged, strict=True)
        for _ in range(2)
    ]
    await asyncio.gather(*refunds)
    await asyncio.gather(
        *(credits.settle(user, hold.id, 20) for user, hold in zip(users, holds, strict=True))
    )
    assert balances(*users) == [80] * 12
    revoked = await asyncio.gather(
        *(credits.revoke(user, one.tx_id) for user, one in zip(users, added, strict=True))
    )
    assert [one.amount for one in revoked] == [80] * 12
    assert balances(*users) == [0] * 12


async def told(credits, *story):
    """What a provider tells of payments, as an app of this client hears it."""
    if (sync := getattr(credits, "sync", None)) is not None:
        done = [asyncio.to_thread(run, sync, apply(one)) for one in story]
    else:
        done = [arun(credits, apply(one)) for one in story]
    return await asyncio.gather(*done)


async def test_payments_whose_records_are_on_other_nodes_than_their_accounts(
    credits, trio, balances
):
    story = []
    for user in trio:
        for number in range(4):
            name = f"pi_{number}_{user}"
            story += [Paid(name, user, "pro", 500, 3999, "USD")] * 6
            story += [Returned(name, "re_1", 2000, "USD")] * 3
    random.Random(trio[0]).shuffle(story)
    await told(credits, *story)
    assert balances(*trio) == [1000, 1000, 1000]


async def test_a_period_paid_by_a_user_that_a_cluster_does_not_take(credits, user):
    now = int(time.time() * 1000)
    month = {"subscription_id": "sub_1", "period": (now, now + 1000_000)}
    with pytest.raises(InvalidRequestError, match="brace"):
        await told(credits, Paid(f"pi_{user}", "{alice}", "pro", 500, 3999, "USD", **month))
