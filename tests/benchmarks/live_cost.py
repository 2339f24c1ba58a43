"""What a deduct costs the server on an account with live grants and open holds."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from credits_core import Credits, scripts
from tests.benchmarks.harness import Row, in_turn, row
from tests.benchmarks.raw import evalsha_words, names
from tests.benchmarks.script_cost import cost, seed
from tests.support.typescript import DEDUCT as TYPESCRIPT_DEDUCT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.servers import Server

MANY = 50
PLENTY = 10**9
BOUND = 4.5


async def rows(server: Server) -> AsyncIterator[Row]:
    client = server.client()
    client.script_load(scripts.DEDUCT.text)
    theirs = client.script_load(TYPESCRIPT_DEDUCT)
    seed(client, "typescript", 10)
    _fill(server)
    numbers = itertools.count(1_700_000_000_000)

    def typescript(_: int) -> tuple[Any, ...]:
        at = next(numbers)
        member = f'{{"id":"tx_{at}","amount":-1,"action":"chat_message","timestamp":{at}}}'
        return ("EVALSHA", theirs, "2", *names("typescript")[:2], "1", str(at), member)

    async def reference() -> float:
        return cost(client, typescript)

    for user in ("grant", "grants and holds", "holds"):

        async def ours(user: str = user) -> float:
            return cost(client, lambda _: evalsha_words(user))

        pairs = await in_turn(ours, reference)
        what = f"script time with {user}, TypeScript's deduct"
        yield row(what, pairs, unit="µs", bound=BOUND, better="lower")
    client.close()


def _fill(server: Server) -> None:
    with Credits.from_url(server.url) as credits:
        credits.add("grant", PLENTY, "promotion", expires_in=86_400)
        for _ in range(MANY):
            credits.add("grants and holds", PLENTY, "promotion", expires_in=86_400)
        credits.add("holds", PLENTY, "purchase")
        for user in ("grants and holds", "holds"):
            for _ in range(MANY):
                credits.hold(user, 10, "video", expires_in=86_400)
