"""`make bench`: every figure with its bound; exits 0 whatever they are."""

from __future__ import annotations

import asyncio
import sys

from tests.benchmarks import (
    django_cost,
    fastapi_cost,
    flask_cost,
    live_cost,
    script_cost,
    stalls,
    tcp,
    upstash,
)
from tests.support.servers import Server

SUITES = {
    "tcp": tcp.rows,
    "script": script_cost.rows,
    "live": live_cost.rows,
    "stalls": stalls.rows,
    "rest": upstash.rows,
    "fastapi": fastapi_cost.rows,
    "flask": flask_cost.rows,
    "django": django_cost.rows,
}


async def main(chosen: list[str]) -> None:
    with Server() as server:
        client = server.client()
        info = client.info("server")
        client.close()
        name = "Valkey" if "valkey_version" in info else "Redis"
        print(f"{name} {info.get('valkey_version') or info['redis_version']} on loopback")
        for suite in chosen or SUITES:
            async for row in SUITES[suite](server):
                print(row, flush=True)


asyncio.run(main(sys.argv[1:]))
