"""Ten thousand callers need a handful of connections, and each gets an answer."""

from __future__ import annotations

import asyncio
import threading

import pytest

from credits_core import AsyncCredits, Credits, CreditsError, Receipt
from tests.faults.helpers import (
    TOKEN,
    Stories,
    attempt,
    bounded,
    connections,
    read_ledger,
    ready,
    wait_for_connections,
)


@pytest.mark.parametrize("tasks", [100, 10_000])
async def test_concurrent_tasks_share_connections(proxy, store, user, tasks):
    async with AsyncCredits.from_url(proxy.url, timeout=20) as credits:
        await ready(credits, user, tasks)
        receipts = await asyncio.gather(
            *(attempt(credits.deduct(user, 1, "call")) for _ in range(tasks))
        )
    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    assert len({receipt.tx_id for receipt in receipts}) == tasks
    assert {receipt.balance for receipt in receipts} == set(range(tasks))
    assert proxy.connections <= 4
    assert read_ledger(store, user).balance == 0


async def test_ten_thousand_callers_at_once_with_the_default_timeout(store, user):
    async with AsyncCredits.from_url(store.url) as credits:
        await ready(credits, user, 100_000)
        stories = Stories(user)
        with bounded():
            await asyncio.gather(*(stories.charge(credits) for _ in range(10_000)))
        print(stories.count(Receipt), "of 10000")
        await stories.check(credits, store)


async def test_tasks_over_rest_share_connections(gateway, store, user):
    async with AsyncCredits.from_url(gateway.url, token=TOKEN, timeout=20) as credits:
        await ready(credits, user, 2_000)
        before = gateway.requests
        receipts = await asyncio.gather(
            *(attempt(credits.deduct(user, 1, "call")) for _ in range(2_000))
        )
    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    assert gateway.requests - before < 100
    assert read_ledger(store, user).balance == 0


@pytest.mark.parametrize("kind", ["tcp", "rest"])
async def test_many_threads_share_a_sync_client(kind, quiet, gateway, user):
    await wait_for_connections(quiet, 0) if kind == "tcp" else None
    url, token = (quiet.url, None) if kind == "tcp" else (gateway.url, TOKEN)
    start = threading.Barrier(200 if kind == "tcp" else 60)
    outcomes: list[Receipt | CreditsError] = []
    with Credits.from_url(url, token=token, timeout=10) as credits:
        credits.add(user, 1000, "opening")

        def work() -> None:
            start.wait()
            for _ in range(5):
                try:
                    outcomes.append(credits.deduct(user, 1, "call"))
                except CreditsError as error:
                    outcomes.append(error)

        threads = [threading.Thread(target=work) for _ in range(start.parties)]
        for thread in threads:
            thread.start()
        await asyncio.to_thread(lambda: [thread.join() for thread in threads])
        print(len(connections(quiet)), "connections")
    assert [outcome for outcome in outcomes if not isinstance(outcome, Receipt)] == []
    assert {outcome.balance for outcome in outcomes} == set(range(1000 - 5 * start.parties, 1000))
    if kind == "tcp":
        await wait_for_connections(quiet, 0)
