"""What a deduct costs the server: time in the script, as the server itself counts it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from credits_core import scripts
from tests.benchmarks.harness import Row, in_turn, row
from tests.benchmarks.raw import evalsha_words, members, names
from tests.support.typescript import DEDUCT as TYPESCRIPT_DEDUCT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import redis

    from tests.support.servers import Server

CALLS = 5_000
LONG = 1_000_000


async def rows(server: Server) -> AsyncIterator[Row]:
    client = server.client()
    client.script_load(scripts.DEDUCT.text)
    theirs = client.script_load(TYPESCRIPT_DEDUCT)
    for user in ("plain", "typescript"):
        seed(client, user, 10)

    def typescript(number: int) -> tuple[Any, ...]:
        balance, log = names("typescript")[:2]
        member = f'{{"id":"tx_{number}","amount":-1,"action":"chat_message","timestamp":{number}}}'
        return ("EVALSHA", theirs, "2", balance, log, "1", str(1_700_000_000_000 + number), member)

    async def ours() -> float:
        return cost(client, lambda _: evalsha_words("plain"))

    counter = iter(range(10**9))

    async def reference() -> float:
        return cost(client, lambda _: typescript(next(counter)))

    # The bound of Redis 7 is 2.5, that of Valkey 9 is 3.
    bound = 3.0 if "valkey_version" in client.info("server") else 2.5
    pairs = await in_turn(ours, reference)
    yield row("script time, TypeScript's deduct", pairs, unit="µs", bound=bound, better="lower")

    seed(client, "short", 10)
    seed(client, "long", LONG)

    async def at_length() -> float:
        return cost(client, lambda _: evalsha_words("long"))

    async def at_ten() -> float:
        client.delete(*names("short"))
        seed(client, "short", 10)
        return cost(client, lambda _: evalsha_words("short"))

    pairs = await in_turn(at_length, at_ten)
    yield row("script time at 1,000,000 / 10 entries", pairs, unit="µs", bound=1.1, better="lower")
    client.close()


def cost(client: redis.Redis, command: Callable[[int], tuple[Any, ...]]) -> float:
    """Microseconds a call."""
    client.config_resetstat()
    for start in range(0, CALLS, 500):
        pipeline = client.pipeline(transaction=False)
        for number in range(start, start + 500):
            pipeline.execute_command(*command(number))
        pipeline.execute()
    stats: Any = client.info("commandstats")
    return float(stats["cmdstat_evalsha"]["usec_per_call"])


def seed(client: redis.Redis, user: str, entries: int) -> None:
    balance, log = names(user)[:2]
    source = members(entries)
    while batch := dict(islice(source, 10_000)):
        client.zadd(log, batch)
    client.set(balance, entries + 10**9)
    # The sum holds: what the log lacks is its first entry.
    client.zadd(log, {'{"id":"tx_0","amount":1000000000,"action":"grant","timestamp":0}': 0})
