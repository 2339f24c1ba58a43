"""Verification and repair amid writers, ours and others', on logs of many pages."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
import redis.asyncio

from credits_core import AsyncCredits, InsufficientCreditsError
from tests.contract.flavours import only
from tests.contract.store import entry
from tests.support import typescript
from tests.support.typescript import TypeScriptSDK

pytestmark = pytest.mark.long

MINUTE = 60_000
SKEWS = (-17 * MINUTE, -5 * MINUTE, -2 * MINUTE, -30_000, -7_000, 0, 0, 9_000, MINUTE, 8 * MINUTE)
WRITERS = 20
OLD = 21_000

flavour = only("tcp-async", "tcp-sync", "rest-async")


async def fill(store, user, count=OLD, *, span_ms=400 * MINUTE):
    """An account with `count` entries over the last hours, and the balance that they make.

    Writers stay for a while where they are in the log, however slowly it is read.
    """
    now = int(time.time() * 1000)
    dice = random.Random(7)
    amounts = [1_000_000, *(dice.randint(-9, 9) for _ in range(count - 1))]
    times = [now - span_ms + span_ms * number // count for number in range(count)]
    pairs = [(at, entry(n, amounts[n], at)) for n, at in enumerate(times)]
    await store.append(user, pairs)
    await store.run("SET", f"balance:{user}", sum(amounts))
    return sum(amounts)


async def walk(credits, user):
    """The ids of all transactions; a sync client walks in one thread, as fast as it can."""
    if hasattr(credits, "sync"):
        ids = (found.id for found in credits.sync.iter_transactions(user))
        return await asyncio.to_thread(list, ids)
    return [found.id async for found in credits.iter_transactions(user)]


class Traffic:
    """Writers of both kinds on one account until told to stop; `told` is what they were told."""

    def __init__(self, server, user):
        self.told = 0
        self.writes = 0
        self._user = user
        self._stop = asyncio.Event()
        self._ours = AsyncCredits.from_url(server.url, timeout=10.0)
        self._foreign = redis.asyncio.Redis(
            unix_socket_path=server.unix_path, decode_responses=True
        )

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(self._write(number)) for number in range(WRITERS)]
        return self

    async def __aexit__(self, *error):
        self._stop.set()
        try:
            await asyncio.gather(*self._tasks)
        finally:
            await self._ours.aclose()
            await self._foreign.aclose()

    async def _write(self, number):
        app = self._ours
        if number % 2:
            app = TypeScriptSDK(self._foreign, SKEWS[number // 2])
        dice = random.Random(number)
        while not self._stop.is_set():
            amount, adds = dice.randint(1, 50), dice.random() < 0.5
            try:
                await (app.add if adds else app.deduct)(self._user, amount, "traffic")
            except (InsufficientCreditsError, typescript.InsufficientCreditsError):
                continue
            self.told += amount if adds else -amount
            self.writes += 1
            await asyncio.sleep(0.05 * dice.random())


async def test_no_false_alarm_amid_writers_that_land_anywhere_in_the_log(
    credits, store, server, user
):
    await fill(store, user)
    async with Traffic(server, user) as traffic:
        for _ in range(12):
            found = await credits.verify_balance(user)
            assert found.valid, found
    assert traffic.writes > 300
    assert (await credits.verify_balance(user)).valid


async def test_a_walk_amid_writers_gives_every_old_entry_once(credits, store, server, user):
    await fill(store, user, 8_000)
    old = {fields["id"] for fields in (await store.look(user)).entries}
    async with Traffic(server, user):
        for _ in range(3):
            seen = await walk(credits, user)
            assert len(seen) == len(set(seen))
            assert old <= set(seen)


@pytest.mark.parametrize("repairers", [1, 2, 5])
async def test_a_drift_is_repaired_amid_writers_and_nothing_is_created(
    credits, store, server, user, repairers
):
    before = await fill(store, user, 3_500)
    async with Traffic(server, user) as traffic:
        for drift in (-5_000, 777, 10**12):
            await store.run("INCRBY", f"balance:{user}", drift)
            assert not (await credits.verify_balance(user)).valid
            await asyncio.gather(*(credits.rebuild_balance(user) for _ in range(repairers)))
            assert (await credits.verify_balance(user)).valid
    look = await store.look(user)
    assert int(look.balance) == look.total == before + traffic.told


async def test_a_drift_in_a_log_of_many_pages_is_repaired_amid_writers(
    credits, store, server, user
):
    before = await fill(store, user)
    async with Traffic(server, user) as traffic:
        await store.run("DECRBY", f"balance:{user}", 123)
        report = await credits.reconcile([user])
        assert (report.fixed, report.errors) == (1, 0)
    look = await store.look(user)
    assert int(look.balance) == look.total == before + traffic.told


async def test_reconciling_amid_writers_repairs_nothing_that_is_whole(
    credits, store, server, new_user
):
    users = [new_user() for _ in range(30)]
    for user in users:
        await credits.initialize_user(user, 1_000_000)
    async with Traffic(server, users[0]), Traffic(server, users[1]):
        for _ in range(3):
            report = await credits.reconcile(users)
            assert (report.total, report.verified, report.fixed, report.errors) == (30, 30, 0, 0)


async def test_bytes_of_another_app_that_are_no_text_stop_nothing(credits, store, user):
    lua = """return redis.call('ZADD', KEYS[1], 1,
        '{"id":"a","amount":30,"action":"\\255","metadata":{"\\254":1},"timestamp":1}')"""
    await store.run("EVAL", lua, 1, f"txs:{user}")
    assert (await credits.verify_balance(user)).calculated == 30
    assert await credits.rebuild_balance(user) == 30
    (found,) = await credits.get_transactions(user)
    assert (found.id, found.amount) == ("a", 30)
    assert [seen.id async for seen in credits.iter_transactions(user)] == ["a"]
    assert (await credits.deduct(user, 1, "chat")).balance == 29
