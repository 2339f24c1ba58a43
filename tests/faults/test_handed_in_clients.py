"""Clients of the app's own: refused when they would repeat or hang, never closed by us."""

from __future__ import annotations

import asyncio

import pytest
import redis
import redis.asyncio
import upstash_redis
import upstash_redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from credits_core import AsyncCredits, Credits, InvalidRequestError
from credits_core.backends.redis import AsyncRedisBackend, RedisBackend
from credits_core.backends.upstash import AsyncUpstashClientBackend, UpstashClientBackend
from tests.faults.helpers import PASSWORD, TOKEN, ready, wait_for_connections

ONCE = Retry(NoBackoff(), 0)
ASYNC_ONCE = AsyncRetry(NoBackoff(), 0)
WAITS = {"socket_timeout": 0.4, "socket_connect_timeout": 0.4}


def refusal(backend, client) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        backend(client)
    assert PASSWORD not in str(refused.value)
    assert TOKEN not in str(refused.value)
    return str(refused.value)


def test_default_retries_of_redis_py_are_refused():
    text = refusal(RedisBackend, redis.Redis(host="localhost", password=PASSWORD))
    assert "Retry(NoBackoff(), 0)" in text
    assert "repeats" in text
    client = redis.asyncio.Redis(host="localhost", password=PASSWORD)
    assert refusal(AsyncRedisBackend, client) == text


@pytest.mark.parametrize(
    "options",
    [
        {"retry": Retry(ExponentialBackoff(), 3)},
        {"retry": ONCE, "retry_on_error": [redis.ConnectionError]},
    ],
)
def test_every_way_to_repeat_is_refused(options):
    assert "repeats" in refusal(RedisBackend, redis.Redis(**WAITS, **options))
    options = {**options, "retry": AsyncRetry(NoBackoff(), options["retry"].get_retries())}
    assert "repeats" in refusal(AsyncRedisBackend, redis.asyncio.Redis(**options))


@pytest.mark.parametrize("missing", WAITS)
def test_sync_clients_that_would_wait_for_ever_are_refused(missing):
    waits = {name: None if name == missing else seconds for name, seconds in WAITS.items()}
    assert "socket_timeout" in refusal(RedisBackend, redis.Redis(retry=ONCE, **waits))


def test_upstash_clients_that_repeat_are_refused():
    client = upstash_redis.Redis("http://127.0.0.1:1", TOKEN, rest_retries=1)
    assert "rest_retries=0" in refusal(UpstashClientBackend, client)
    other = upstash_redis.asyncio.Redis("http://127.0.0.1:1", TOKEN, rest_retries=1)
    assert "rest_retries=0" in refusal(AsyncUpstashClientBackend, other)
    client.close()
    asyncio.run(other.close())


def test_what_is_no_client_is_refused():
    assert "upstash_redis" in refusal(UpstashClientBackend, redis.Redis())
    for client in (redis.Redis(), redis.asyncio.Redis()):
        with pytest.raises(InvalidRequestError, match="RedisBackend"):
            Credits(client)
        with pytest.raises(InvalidRequestError, match="RedisBackend"):
            AsyncCredits(client)


async def test_an_async_client_stays_open(quiet, user):
    await wait_for_connections(quiet, 0)
    async with redis.asyncio.Redis.from_url(quiet.url, retry=ASYNC_ONCE) as client:
        async with AsyncCredits(AsyncRedisBackend(client)) as credits:
            await ready(credits, user)
        assert await client.get(f"balance:{user}") == b"1000"
        async with AsyncCredits(AsyncRedisBackend(client)) as credits:
            assert await credits.get_balance(user) == 1000
        assert len(client.connection_pool._in_use_connections) == 0
    await wait_for_connections(quiet, 0)


async def test_a_sync_client_stays_open(quiet, user):
    await wait_for_connections(quiet, 0)
    with redis.Redis.from_url(quiet.url, retry=ONCE, **WAITS) as client:
        with Credits(RedisBackend(client)) as credits:
            credits.add(user, 5, "opening")
        assert client.get(f"balance:{user}") == b"5"
        assert len(client.connection_pool._in_use_connections) == 0
    client.connection_pool.disconnect()
    await wait_for_connections(quiet, 0)


async def test_upstash_clients_stay_open(gateway, user):
    with upstash_redis.Redis(gateway.url, TOKEN, rest_retries=0) as client:
        with Credits(UpstashClientBackend(client)) as credits:
            credits.add(user, 5, "opening")
        assert client.get(f"balance:{user}") == "5"
    async with upstash_redis.asyncio.Redis(gateway.url, TOKEN, rest_retries=0) as other:
        async with AsyncCredits(AsyncUpstashClientBackend(other)) as credits:
            await credits.add(user, 5, "opening")
        assert await other.get(f"balance:{user}") == "10"


async def test_own_connections_are_closed(quiet, user):
    await wait_for_connections(quiet, 0)
    async with AsyncCredits.from_url(quiet.url) as credits:
        await asyncio.gather(*(credits.add(user, 1, "opening") for _ in range(1000)))
    await wait_for_connections(quiet, 0)
    with Credits.from_url(quiet.url) as sync:
        await asyncio.gather(*(asyncio.to_thread(sync.add, user, 1, "more") for _ in range(50)))
    await wait_for_connections(quiet, 0)
