"""Throughput over Upstash's REST API, against a hand-written POST of a hundred commands."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import httpx

from credits_core import AsyncCredits, scripts
from credits_core.backends.upstash import upstash_script
from tests.benchmarks.harness import Row, in_turn, row
from tests.benchmarks.raw import evalsha_words
from tests.support.rest_process import RestProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.servers import Server

TASKS = 100
ROUNDS_OF_ALL = 15


async def rows(server: Server) -> AsyncIterator[Row]:
    with RestProcess(server.url) as rest:
        # The same encoding as ours, so that the server does the same work; not decoded.
        headers = {"Authorization": f"Bearer {rest.token}", "Upstash-Encoding": "base64"}
        async with (
            AsyncCredits.from_url(rest.url, token=rest.token, timeout=10) as credits,
            httpx.AsyncClient(headers=headers) as http,
        ):
            for user in ("rest-ours", "rest-theirs"):
                await credits.add(user, 10**12, "grant")
                await credits.deduct(user, 1, "warm")
            sha = upstash_script(scripts.DEDUCT).sha

            async def ours() -> float:
                started = time.perf_counter()
                for _ in range(ROUNDS_OF_ALL):
                    await asyncio.gather(
                        *(credits.deduct("rest-ours", 1, "chat_message") for _ in range(TASKS))
                    )
                return TASKS * ROUNDS_OF_ALL / (time.perf_counter() - started)

            async def reference() -> float:
                started = time.perf_counter()
                for _ in range(ROUNDS_OF_ALL):
                    words = [evalsha_words("rest-theirs") for _ in range(TASKS)]
                    body = [[name, sha, *rest_] for name, _, *rest_ in words]
                    response = await http.post(f"{rest.url}/pipeline", json=body)
                    assert all("result" in item for item in response.json())
                return TASKS * ROUNDS_OF_ALL / (time.perf_counter() - started)

            pairs = await in_turn(ours, reference)
    yield row("Upstash REST, 100 tasks", pairs, unit="/s", bound=0.8, better="higher")
