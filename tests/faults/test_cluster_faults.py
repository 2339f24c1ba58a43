"""A Redis Cluster whose replies get lost and whose nodes stop."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from credits_core import AsyncCredits, BackendError, Credits, Receipt
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import attempt, bounded, read_ledger, ready
from tests.support.proxy import Proxy
from tests.support.topology import Cluster, wait_until


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as running:
        yield running


@pytest.fixture(scope="module")
def proxies(cluster):
    """A proxy before each node, at the address that the node tells clients."""
    with ExitStack() as stack:
        running = [stack.enter_context(Proxy(node)) for node in cluster.nodes]
        for node, proxy in zip(cluster.nodes, running, strict=True):
            node.call("CONFIG", "SET", "cluster-announce-port", proxy.port)
        ports = {proxy.port for proxy in running}
        for node in cluster.nodes:
            wait_until(lambda node=node: _ports(node) == ports, "the word to get round")
        yield running


def _ports(node) -> set[int]:
    return {primary[1] for _, _, primary, *_ in node.call("CLUSTER", "SLOTS")}


@pytest.fixture
def home(cluster):
    """Where a user's account is."""

    def find(user: str):
        slot = cluster.nodes[0].call("CLUSTER", "KEYSLOT", f"balance:{{{user}}}")
        return cluster.nodes[slot * 3 // 16384]

    return find


@pytest.fixture
def credits(proxies, opened, sync):
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(f"redis+cluster://127.0.0.1:{proxies[0].port}", timeout=2)
    return opened(AsyncFace(client) if sync else client)


async def test_a_lost_reply_charges_once(proxies, credits, new_user, home):
    users = [new_user() for _ in range(9)]
    for user in users:
        await ready(credits, user)
    for user in users:
        for proxy in proxies:
            proxy.lose_reply()
        receipt = await attempt(credits.deduct(user, 10, "charge"))
        for proxy in proxies:
            proxy.clear()
        assert isinstance(receipt, Receipt)
        ledger = read_ledger(home(user), user, braces=True)
        assert ledger.of("charge") == [(receipt.tx_id, -10)]


async def test_a_frozen_node_holds_its_own_accounts_for_a_bounded_time(
    cluster, credits, new_user, home
):
    users = [new_user() for _ in range(12)]
    for user in users:
        await ready(credits, user)
    node = home(users[0])
    others = [user for user in users if home(user) is not node]
    node.freeze()
    with bounded():
        error = await attempt(credits.deduct(users[0], 10, "charge"))
    with bounded():
        neighbour = await attempt(credits.deduct(others[0], 10, "charge"))
    node.thaw()
    assert isinstance(error, BackendError)
    print(repr(neighbour))
    wait_until(lambda: "cluster_state:ok" in node.call("CLUSTER", "INFO"), "the cluster")
