"""Tasks cancelled in the middle of a charge: once or not at all, and no neighbour notices."""

from __future__ import annotations

import asyncio
import random

import pytest

from credits_core import AsyncCredits, Receipt
from tests.faults.helpers import Line, Stories, bounded, ready, wait_for_connections


@pytest.fixture
async def credits(request, opened, user):
    kind = request.param
    faults = request.getfixturevalue("proxy" if kind == "tcp" else "gateway")
    client = opened(Line(faults, sync=False).open(timeout=5))
    await ready(client, user, 100_000)
    return client


@pytest.mark.parametrize("credits", ["tcp", "rest"], indirect=True)
async def test_cancelled_tasks_among_merged_ones(credits, store, user):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    stories = Stories(user)
    survivors: list[asyncio.Task] = []
    doomed: list[asyncio.Task] = []
    for _ in range(25):
        for _ in range(20):
            task = asyncio.create_task(stories.charge(credits, dice.randint(1, 50)))
            (doomed if dice.random() < 0.4 else survivors).append(task)
            if dice.random() < 0.3:
                await asyncio.sleep(0)
        for _ in range(dice.randint(0, 5)):
            await asyncio.sleep(0)
        for task in doomed:
            task.cancel()
    outcomes = await asyncio.gather(*survivors)
    cancelled = await asyncio.gather(*doomed, return_exceptions=True)

    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert sum(isinstance(outcome, asyncio.CancelledError) for outcome in cancelled) > 20
    await stories.check(credits, store)


@pytest.mark.parametrize("credits", ["tcp", "rest"], indirect=True)
async def test_a_lone_call_that_is_cancelled_leaves_a_working_client(credits, store, user):
    stories = Stories(user)
    for turns in range(30):
        task = asyncio.create_task(stories.charge(credits))
        for _ in range(turns % 6):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert isinstance(await stories.charge(credits, 3), Receipt)
    await asyncio.sleep(0.1)  # abandoned commands may still be executed
    await stories.check(credits, store)


async def test_cancelled_greetings_leave_a_working_client(proxy, opened, user):
    credits = opened(Line(proxy, sync=False).open(timeout=5))
    for turns in range(12):
        task = asyncio.create_task(credits.get_balance(user))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    with bounded():
        assert await credits.get_balance(user) == 0


@pytest.mark.parametrize("greeted", [True, False])
async def test_closing_amid_calls_ends_each_of_them(quiet, new_user, greeted):
    await wait_for_connections(quiet, 0)
    for pause in range(8):
        user = new_user()
        credits = AsyncCredits.from_url(quiet.url, timeout=2)
        if greeted:
            await ready(credits, user)
        stories = Stories(user)
        tasks = [asyncio.create_task(stories.charge(credits)) for _ in range(1500)]
        for _ in range(pause):
            await asyncio.sleep(0)
        with bounded():
            await credits.aclose()
            await asyncio.gather(*tasks)
        await wait_for_connections(quiet, 0)
        async with AsyncCredits.from_url(quiet.url) as other:
            await stories.check(other, quiet)


async def test_closing_amid_a_lost_reply_hides_no_charge(proxy, store, user):
    credits = Line(proxy, sync=False).open(timeout=1)
    await ready(credits, user)
    stories = Stories(user)
    proxy.lose_reply_silently()
    task = asyncio.create_task(stories.charge(credits))
    await asyncio.sleep(0.05)
    await credits.aclose()
    await task
    async with AsyncCredits.from_url(store.url) as other:
        await stories.check(other, store)
