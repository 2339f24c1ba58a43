"""Throughput and latency over TCP, against redis-py sending the same script."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import redis
import redis.asyncio

from credits_core import AsyncCredits, Credits, scripts
from tests.benchmarks.harness import Row, in_turn, row
from tests.benchmarks.raw import evalsha_words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.support.servers import Server

TASKS = 100
MANY = 8_000
FEW = 1_500


async def _spread(call: Callable[[], Awaitable[object]]) -> float:
    """Calls a second, by a hundred tasks."""
    remaining = iter(range(MANY))

    async def work() -> None:
        for _ in remaining:
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(TASKS)))
    return MANY / (time.perf_counter() - started)


async def _one_by_one(call: Callable[[], Awaitable[object]]) -> float:
    """Microseconds a call, median, one after the other."""
    times = []
    for _ in range(FEW):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    return sorted(times)[FEW // 2] * 1e6


async def rows(server: Server) -> AsyncIterator[Row]:
    pool = redis.asyncio.Redis.from_url(server.url)
    await pool.script_load(scripts.DEDUCT.text)
    async with AsyncCredits.from_url(server.url, timeout=10) as credits:
        for user in ("ours", "theirs"):
            await credits.add(user, 10**12, "grant")

        async def ours() -> object:
            return await credits.deduct("ours", 1, "chat_message")

        async def reference() -> object:
            return await pool.execute_command(*evalsha_words("theirs"))

        pairs = await in_turn(lambda: _spread(ours), lambda: _spread(reference))
        yield row("async, 100 tasks", pairs, unit="/s", bound=1.5, better="higher")
        pairs = await in_turn(lambda: _one_by_one(ours), lambda: _one_by_one(reference))
        yield row("async, one by one", pairs, unit="µs", bound=1.15, better="lower")
    await pool.aclose()
    yield await _sync_row(server)


async def _sync_row(server: Server) -> Row:
    client = redis.Redis.from_url(server.url)
    with Credits.from_url(server.url, timeout=10) as credits:

        async def ours() -> object:
            return credits.deduct("ours", 1, "chat_message")

        async def reference() -> object:
            return client.execute_command(*evalsha_words("theirs"))

        pairs = await in_turn(lambda: _one_by_one(ours), lambda: _one_by_one(reference))
    client.close()
    return row("sync, one by one", pairs, unit="µs", bound=1.15, better="lower")
