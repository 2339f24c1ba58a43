"""How long one script keeps the server from everybody else, as the server itself counts it.

SLOWLOG holds the time of every single call, without the wait for it and the way to us, which
a second connection would measure as well, and with them what else runs on this machine.
"""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from credits_core import AsyncCredits
from tests.benchmarks.harness import Stall
from tests.benchmarks.raw import names
from tests.benchmarks.script_cost import LONG, seed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    import redis

    from credits_core.archives import ArchivedEntry
    from tests.support.servers import Server

BOUND_MS = 15.0
DUE = 1_000
REPEATS = 5
OLD = 500_000
FILLING_MS = 30_000
DAY = 86_400


class Nowhere:
    """An archive that costs nothing."""

    def write(self, entries: Sequence[ArchivedEntry], /) -> None:
        """Keep nothing."""


async def rows(server: Server) -> AsyncIterator[Stall]:
    client = server.client()
    client.config_set("slowlog-max-len", 10_000)
    async with AsyncCredits.from_url(server.url, timeout=10) as credits:
        async for stall in _due(client, credits):
            yield stall
        for measure in (_fold, _verify, _usage):
            yield await measure(client, credits)
    client.close()


async def _due(client: redis.Redis, credits: AsyncCredits) -> AsyncIterator[Stall]:
    """One touch of an account in which all there is falls due."""
    at = _now(client) + FILLING_MS
    cases = {"grants": (DUE, 0), "holds": (0, DUE), "grants and as many holds": (DUE, DUE)}
    accounts = {what: [f"{what} {number}" for number in range(REPEATS)] for what in cases}
    for what, users in accounts.items():
        for user in users:
            await _fill(credits, user, *cases[what], at, client)
    await asyncio.sleep(max(0, at - _now(client) + 10) / 1000)
    for what, users in accounts.items():
        worst = []
        for user in users:
            async with _slowest(client, worst):
                await credits.get_balance(user)
            assert client.zcard(names(user)[4]) == 0, "all of it fell due"
        yield Stall(f"{DUE:,} {what} fall due", tuple(worst), BOUND_MS)


async def _fill(
    credits: AsyncCredits, user: str, grants: int, holds: int, at: int, client: redis.Redis
) -> None:
    await credits.add(user, 10**6, "purchase")
    await asyncio.gather(
        *(credits.add(user, 15, "promotion", expires_at=at) for _ in range(grants))
    )
    left = (at - _now(client)) / 1000
    assert left > 1, "filling takes longer than was planned for"
    await asyncio.gather(*(credits.hold(user, 10, "video", expires_in=left) for _ in range(holds)))


async def _fold(client: redis.Redis, credits: AsyncCredits) -> Stall:
    worst: list[float] = []
    folded = 0
    for number in range(3):
        user = f"old {number}"
        seed(client, user, OLD)
        async with _slowest(client, worst):
            folded = (await credits.fold(user, Nowhere())).folded
        client.delete(*names(user))
    return Stall(f"fold of {OLD:,} entries", tuple(worst), BOUND_MS, f"{folded:,} folded")


async def _verify(client: redis.Redis, credits: AsyncCredits) -> Stall:
    seed(client, "busy", LONG)
    worst: list[float] = []
    charges = 0
    going = True

    async def charge() -> None:
        nonlocal charges
        while going:
            await credits.deduct("busy", 1, "chat_message")
            charges += 1

    charging = [asyncio.create_task(charge()) for _ in range(4)]
    started = time.perf_counter()
    for _ in range(3):
        async with _slowest(client, worst):
            assert (await credits.verify_balance("busy")).valid, "no false alarm"
    took = (time.perf_counter() - started) / 3
    going = False
    await asyncio.gather(*charging)
    note = f"valid, {took:.1f} s each, {charges:,} charges meanwhile"
    return Stall(f"verify of {LONG:,} entries amid charges", tuple(worst), BOUND_MS, note)


async def _usage(client: redis.Redis, credits: AsyncCredits) -> Stall:
    """Of a log whose every entry is of these days: none of it is passed over."""
    now, user = _now(client), "spender"
    for start in range(0, LONG, 10_000):
        client.zadd(names(user)[1], dict(_recent(now, range(start, start + 10_000))))
    client.set(names(user)[0], -LONG)
    worst: list[float] = []
    tracemalloc.start()
    async with _slowest(client, worst):
        usage = await credits.usage(user, 7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    started = time.perf_counter()
    for _ in range(2):
        async with _slowest(client, worst):
            assert usage == await credits.usage(user, 7)
    took = (time.perf_counter() - started) / 2
    assert usage.total.spent == LONG
    note = f"{took:.1f} s each, {peak / 2**20:.1f} MiB at most"
    return Stall(f"usage of {LONG:,} entries", tuple(worst), BOUND_MS, note)


def _recent(now: int, numbers: range) -> Iterator[tuple[str, int]]:
    for number in numbers:
        at = now - 4 * DAY * 1000 + number
        yield (
            f'{{"id":"tx_{at}_{number:016x}","amount":-1,"action":"tool {number % 20}",'
            f'"timestamp":{at}}}',
            at,
        )


@asynccontextmanager
async def _slowest(client: redis.Redis, worst: list[float]) -> AsyncIterator[None]:
    """Adds the time of the slowest call made meanwhile (ms)."""
    client.config_set("slowlog-log-slower-than", 200)
    client.slowlog_reset()
    yield
    client.config_set("slowlog-log-slower-than", -1)
    calls: Any = client.slowlog_get(10_000)
    worst.append(max((call["duration"] for call in calls), default=200) / 1000)


def _now(client: redis.Redis) -> int:
    seconds, micros = client.time()  # type: ignore[misc]
    return int(seconds) * 1000 + int(micros) // 1000
