"""Every way to run the library, under one async face: what the contract is checked on."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio
import upstash_redis
import upstash_redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from credits_core import AsyncCredits, Credits
from credits_core.backends.redis import AsyncRedisBackend, RedisBackend
from credits_core.backends.upstash import AsyncUpstashClientBackend, UpstashClientBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.support.rest import RestServer
    from tests.support.servers import Server


class AsyncFace:
    """A sync client with the face of an async one; each call runs in a thread."""

    def __init__(self, credits: Credits) -> None:
        self.sync = credits

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.sync, name)
        if name in ("users", "iter_transactions"):
            return lambda *args, **kwargs: _through_threads(method(*args, **kwargs))
        if name == "reconcile":
            return self._reconcile

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.to_thread(method, *args, **kwargs)

        return call

    async def _reconcile(self, users: Any = None, **kwargs: Any) -> Any:
        return await asyncio.to_thread(self.sync.reconcile, users, **kwargs)

    async def aclose(self) -> None:
        self.sync.close()


async def _through_threads(items: Iterator[Any]) -> AsyncIterator[Any]:
    end = object()
    while (item := await asyncio.to_thread(next, items, end)) is not end:
        yield item


@dataclass(frozen=True)
class Places:
    """Where the stores are."""

    server: Server
    rest: RestServer


@dataclass(frozen=True)
class Flavour:
    """One way to run the library, and whether the real server is behind it."""

    name: str
    open: Callable[..., Any]
    real: bool = True


def _tcp_async(places: Places, **options: Any) -> Any:
    return AsyncCredits.from_url(places.server.url, **options)


def _tcp_sync(places: Places, **options: Any) -> Any:
    return AsyncFace(Credits.from_url(places.server.url, **options))


def _unix_async(places: Places, **options: Any) -> Any:
    return AsyncCredits.from_url(places.server.unix_url, **options)


def _own_redis_async(places: Places, **options: Any) -> Any:
    client = redis.asyncio.Redis.from_url(
        places.server.url, retry=AsyncRetry(NoBackoff(), 0), decode_responses=True
    )
    return AsyncCredits(AsyncRedisBackend(client, owned=True), **options)


def _own_redis_sync(places: Places, **options: Any) -> Any:
    client = redis.Redis.from_url(
        places.server.url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=1,
        socket_connect_timeout=1,
        decode_responses=True,
    )
    return AsyncFace(Credits(RedisBackend(client, owned=True), **options))


def _rest_async(places: Places, **options: Any) -> Any:
    return AsyncCredits.from_url(places.rest.url, token=places.rest.token, **options)


def _rest_sync(places: Places, **options: Any) -> Any:
    return AsyncFace(Credits.from_url(places.rest.url, token=places.rest.token, **options))


class _ClosedWithUs(AsyncUpstashClientBackend):
    async def aclose(self) -> None:
        await self._client.close()


class _ClosedWithUsSync(UpstashClientBackend):
    def close(self) -> None:
        self._client.close()


def _upstash_async(places: Places, **options: Any) -> Any:
    client = upstash_redis.asyncio.Redis(
        url=places.rest.url, token=places.rest.token, rest_retries=0, allow_telemetry=False
    )
    return AsyncCredits(_ClosedWithUs(client), **options)


def _upstash_sync(places: Places, **options: Any) -> Any:
    client = upstash_redis.Redis(
        url=places.rest.url, token=places.rest.token, rest_retries=0, allow_telemetry=False
    )
    return AsyncFace(Credits(_ClosedWithUsSync(client), **options))


def _memory_async(places: Places, **options: Any) -> Any:
    return AsyncCredits.from_url(f"memory://{uuid.uuid4().hex}", **options)


def _memory_sync(places: Places, **options: Any) -> Any:
    return AsyncFace(Credits.from_url(f"memory://{uuid.uuid4().hex}", **options))


FLAVOURS = (
    Flavour("tcp-async", _tcp_async),
    Flavour("tcp-sync", _tcp_sync),
    Flavour("unix-async", _unix_async),
    Flavour("own-redis-async", _own_redis_async),
    Flavour("own-redis-sync", _own_redis_sync),
    Flavour("rest-async", _rest_async),
    Flavour("rest-sync", _rest_sync),
    Flavour("upstash-redis-async", _upstash_async),
    Flavour("upstash-redis-sync", _upstash_sync),
    Flavour("memory-async", _memory_async, real=False),
    Flavour("memory-sync", _memory_sync, real=False),
)

STORES = tuple(
    flavour for flavour in FLAVOURS if flavour.name.partition("-")[0] in ("tcp", "rest", "memory")
)
"""Each store once async and once sync: enough where only the rules are in question."""


def only(*names: str) -> Any:
    """The fixture `flavour` of a module that has no need of every way: those of these names."""
    chosen = [flavour for flavour in FLAVOURS if flavour.name in names]
    assert len(chosen) == len(names), names

    @pytest.fixture(params=chosen, ids=lambda flavour: flavour.name)
    def flavour(request: pytest.FixtureRequest) -> Flavour:
        only_one: Flavour = request.param
        return only_one

    return flavour


def on(*names: str) -> pytest.MarkDecorator:
    """The same for one test."""
    chosen = [flavour for flavour in FLAVOURS if flavour.name in names]
    assert len(chosen) == len(names), names
    return pytest.mark.parametrize(
        "flavour", chosen, ids=lambda flavour: flavour.name, indirect=True
    )
