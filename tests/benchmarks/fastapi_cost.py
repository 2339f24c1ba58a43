"""What a charge adds to a FastAPI request, and what others on the same Redis add.

The app is called as a server calls it, fifty requests at a time, so that what is measured is the
app and the store, not an HTTP client. The bound was set where the script, sent raw over redis-py's
own pool, added 107 µs; beside it stands that reference as it is in this run.
"""

# Without `from __future__ import annotations`: FastAPI reads the annotations of closures.

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import redis.asyncio
from fastapi import Depends, FastAPI, Request
from fastapi.requests import HTTPConnection
from fastapi_limiter.depends import RateLimiter
from pyrate_limiter import Limiter, Rate, RedisBucket
from slowapi import Limiter as SlowLimiter

from credits_core import scripts
from credits_fastapi import Charge, Paywall
from tests.benchmarks.harness import ROUNDS
from tests.benchmarks.raw import evalsha_words
from tests.support.servers import Server

AT_ONCE, REQUESTS = 50, 2000
BOUND, RAW_ADDED = 60.0, 107.0
"""Microseconds: of a charge, and of the raw script where that bound was set."""

SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "root_path": "",
    "server": ("bench", 80),
    "client": ("127.0.0.1", 1),
    "headers": [(b"x-user", b"alice")],
}


@dataclass(frozen=True)
class Added:
    """One line of the report: what is added to a request, beside the same endpoint without."""

    what: str
    added: tuple[float, ...]
    plain: float
    raw: float | None = None
    """What the reference adds, for the line that is judged by it."""

    def __str__(self) -> str:
        middle = statistics.median(self.added)
        judged, told = "    ", ""
        if self.raw is not None:
            share = middle / self.raw
            judged = "ok  " if share <= BOUND / RAW_ADDED else "MISS"
            told = f", {share:.2f}x of the raw script's (bound ≤ {BOUND / RAW_ADDED:.2f}x)"
        return (
            f"{judged} {self.what:<46} {middle:+6.1f} µs "
            f"({min(self.added):+.1f} to {max(self.added):+.1f}){told}   "
            f"on {self.plain:.1f} µs without, {1 + middle / self.plain:.2f}x"
        )


async def payer(request: Request) -> str:
    return request.headers["X-User"]


Payer = Annotated[str, Depends(payer)]


def plain_app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def endpoint(user: Payer) -> dict[str, int]:
        return {"left": 1}

    return app


def paid_app(paywall: Paywall, dependency: Any) -> FastAPI:
    app = FastAPI()
    paywall.install(app)

    @app.get("/")
    async def endpoint(
        user: Payer, charge: Annotated[Charge, Depends(dependency)]
    ) -> dict[str, int]:
        return {"left": 1}

    return app


def slowapi_app(url: str) -> FastAPI:
    app, limiter = FastAPI(), SlowLimiter(key_func=lambda: "alice", storage_uri=url)
    app.state.limiter = limiter

    @app.get("/")
    @limiter.limit("1000000000/day")
    async def endpoint(request: Request, user: Payer) -> dict[str, int]:
        return {"left": 1}

    return app


async def limiter_app(url: str) -> FastAPI:
    app = FastAPI()
    bucket: Any = RedisBucket.init(
        [Rate(10**9, 86_400_000)], redis.asyncio.from_url(url), "limiter"
    )
    limit = RateLimiter(limiter=Limiter(await bucket))

    @app.get("/", dependencies=[Depends(limit)])
    async def endpoint(user: Payer) -> dict[str, int]:
        return {"left": 1}

    return app


async def raw_app(client: redis.asyncio.Redis) -> FastAPI:
    """The script of a charge, sent raw: no receipt, no refund, no second try, no answer 402."""
    app = FastAPI()
    await client.script_load(scripts.DEDUCT.text)

    async def charge(connection: HTTPConnection, user: Payer) -> None:
        await client.execute_command(*evalsha_words(user))

    @app.get("/", dependencies=[Depends(charge)])
    async def endpoint(user: Payer) -> dict[str, int]:
        return {"left": 1}

    return app


async def per_request(app: Any, path: str = "/") -> float:
    """Microseconds a request, fifty at a time."""

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200

    async def visitor() -> None:
        for _ in range(REQUESTS // AT_ONCE):
            scope = {**SCOPE, "headers": [*SCOPE["headers"]], "path": path}
            await app(scope, _Body().receive, send)

    started = time.perf_counter()
    await asyncio.gather(*(visitor() for _ in range(AT_ONCE)))
    return (time.perf_counter() - started) / REQUESTS * 1e6


class _Body:
    """An empty body, and then nothing: the client waits for its answer."""

    def __init__(self) -> None:
        self._read = False

    async def receive(self) -> dict[str, Any]:
        if self._read:
            await asyncio.get_running_loop().create_future()
        self._read = True
        return {"type": "http.request", "body": b"", "more_body": False}


async def rows(server: Server) -> AsyncIterator[Added]:
    paywall = Paywall(payer, url=server.url, default_credits=10**12)
    pool = redis.asyncio.from_url(server.url, max_connections=2 * AT_ONCE)
    charge, raw = "FastAPI with a charge", "FastAPI with the raw script on redis-py's pool"
    apps: dict[str, FastAPI] = {
        charge: paid_app(paywall, paywall.require_credits(1)),
        "FastAPI with a hold that is settled": paid_app(paywall, paywall.hold_credits(1)),
        raw: await raw_app(pool),
        "FastAPI with slowapi": slowapi_app(server.url),
        "FastAPI with fastapi-limiter": await limiter_app(server.url),
    }
    added: dict[str, list[float]] = {what: [] for what in apps}
    plain, without = plain_app(), []
    async with paywall.lifespan():
        await (await paywall.client()).initialize_user("alice")
        for number in range(ROUNDS + 1):
            for what, app in apps.items():
                without.append(await per_request(plain))
                if number:  # the first round warms up
                    added[what].append(await per_request(app) - without[-1])
                else:
                    await per_request(app)
    await pool.aclose()
    reference = statistics.median(added[raw])
    for what, more in added.items():
        judged_by = reference if what == charge else None
        yield Added(what, tuple(more), statistics.median(without), judged_by)
