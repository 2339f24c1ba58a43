"""Redis Cluster: one slot an account, the right scheme for the right server, and faults."""

from __future__ import annotations

import asyncio

import pytest
import redis
import redis.asyncio

from credits_core import (
    AsyncCredits,
    BackendError,
    Credits,
    CreditsError,
    InsufficientCreditsError,
    InvalidRequestError,
    Receipt,
)
from credits_core.backends.redis_cluster import AsyncClusterBackend, ClusterBackend
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import attempt, read_ledger, ready
from tests.support.topology import Cluster


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as running:
        yield running


@pytest.fixture
def open_credits(opened, sync):
    def open_one(url: str, timeout: float = 5.0):
        maker = Credits if sync else AsyncCredits
        client = maker.from_url(url, timeout=timeout)
        return opened(AsyncFace(client) if sync else client)

    return open_one


@pytest.fixture
def by_name(cluster):
    """Where a user's account is."""

    def find(user: str):
        slot = cluster.nodes[0].call("CLUSTER", "KEYSLOT", f"balance:{{{user}}}")
        return cluster.nodes[slot * 3 // 16384]

    return find


async def test_a_full_round_over_many_users(cluster, open_credits, new_user, by_name):
    credits = open_credits(cluster.url)
    names = [new_user() for _ in range(40)]
    await asyncio.gather(*(credits.initialize_user(name) for name in names))
    receipts = await asyncio.gather(
        *(credits.deduct(name, 30, "charge", idempotency_key="k") for name in names)
    )
    again = await asyncio.gather(
        *(credits.deduct(name, 30, "charge", idempotency_key="k") for name in names)
    )
    assert [receipt.tx_id for receipt in again] == [receipt.tx_id for receipt in receipts]
    await asyncio.gather(*(credits.add(name, 5, "bonus") for name in names))
    refusals = await asyncio.gather(*(attempt(credits.deduct(n, 500, "no")) for n in names))
    assert {type(refusal) for refusal in refusals} == {InsufficientCreditsError}

    assert {user async for user in credits.users()} >= set(names)
    assert len({id(by_name(name)) for name in names}) == 3
    for name in names:
        assert read_ledger(by_name(name), name, braces=True).balance == 75
        assert len(await credits.get_transactions(name)) == 3
    by_name(names[0]).call("SET", f"balance:{{{names[0]}}}", 1)
    report = await credits.reconcile(names)
    assert (report.total, report.verified, report.fixed, report.errors) == (40, 39, 1, 0)
    assert await credits.delete_account(names[0]) is True
    assert await credits.get_balance(names[0]) == 0


async def test_a_thousand_tasks_at_once(cluster, open_credits, new_user, by_name, sync):
    credits = open_credits(cluster.url, timeout=10)
    names = [new_user() for _ in range(20)]
    await asyncio.gather(*(credits.add(name, 1000, "opening") for name in names))
    calls = 50 if not sync else 5
    outcomes = await asyncio.gather(
        *(attempt(credits.deduct(name, 1, "charge")) for name in names for _ in range(calls))
    )
    assert [outcome for outcome in outcomes if not isinstance(outcome, Receipt)] == []
    for name in names:
        assert read_ledger(by_name(name), name, braces=True).balance == 1000 - calls


async def test_braces_in_a_user_id_are_refused(cluster, open_credits):
    credits = open_credits(cluster.url)
    for user in ("a{b}", "{", "}"):
        with pytest.raises(InvalidRequestError, match="brace"):
            await credits.add(user, 1, "opening")


async def test_forgotten_scripts_are_sent_again(cluster, open_credits, user):
    credits = open_credits(cluster.url)
    await ready(credits, user)
    for node in cluster.nodes:
        node.call("SCRIPT", "FLUSH")
    assert (await credits.deduct(user, 1, "charge")).balance == 999


async def test_a_plain_url_of_a_cluster_node_is_refused(cluster, open_credits, user):
    error = await attempt(open_credits(cluster.nodes[0].url).add(user, 1, "opening"))
    assert isinstance(error, BackendError)
    assert "redis+cluster://" in str(error)


async def test_a_cluster_url_of_a_single_server_is_refused(store, opened, sync, user):
    async def use() -> CreditsError | Receipt:
        maker = Credits if sync else AsyncCredits
        client = maker.from_url(store.url.replace("redis://", "redis+cluster://").rstrip("/0"))
        client = opened(AsyncFace(client) if sync else client)
        return await client.add(user, 1, "opening")

    error = await attempt(use())
    assert isinstance(error, BackendError)
    assert "cluster" in str(error).lower()
    assert store.call("EXISTS", f"balance:{{{user}}}") == 0


async def test_clients_that_repeat_are_refused(cluster):
    port = cluster.nodes[0].port
    nodes = [redis.asyncio.cluster.ClusterNode("127.0.0.1", port)]
    with pytest.raises(InvalidRequestError, match="repeats"):
        AsyncClusterBackend(redis.asyncio.RedisCluster(startup_nodes=nodes))
    with (
        redis.RedisCluster(host="127.0.0.1", port=port) as client,
        pytest.raises(InvalidRequestError, match="repeats"),
    ):
        ClusterBackend(client)
