"""A pool that the app uses, too, and a backend that two clients use."""

from __future__ import annotations

import asyncio

import pytest
import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.cluster
import upstash_redis
import upstash_redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from credits_core import AsyncCredits, Credits, InvalidRequestError, Receipt
from credits_core.backends.redis import AsyncRedisBackend, RedisBackend
from credits_core.backends.redis_cluster import AsyncClusterBackend, ClusterBackend
from credits_core.backends.redis_urls import open_async, open_sync
from credits_core.backends.upstash import AsyncUpstashClientBackend, UpstashClientBackend
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import PASSWORD, TOKEN, attempt

WAITS = {"socket_timeout": 0.4, "socket_connect_timeout": 0.4}


def test_a_sync_pool_of_one_connection_serves_both(store, user):
    pool = redis.ConnectionPool.from_url(
        store.url, max_connections=1, retry=Retry(NoBackoff(), 0), **WAITS
    )
    with redis.Redis(connection_pool=pool) as client, Credits(RedisBackend(client)) as credits:
        credits.add(user, 5, "opening")
        assert client.ping()
        assert credits.get_balance(user) == 5
    pool.disconnect()


@pytest.mark.parametrize("size", [1, 4])
async def test_an_async_pool_serves_both(store, user, size):
    pool = redis.asyncio.ConnectionPool.from_url(
        store.url, max_connections=size, retry=AsyncRetry(NoBackoff(), 0)
    )
    client = redis.asyncio.Redis(connection_pool=pool)
    async with AsyncCredits(AsyncRedisBackend(client), timeout=10) as credits:
        await credits.add(user, 1000, "opening")
        told = await asyncio.gather(*(attempt(credits.deduct(user, 1, "x")) for _ in range(1000)))
        assert {type(outcome) for outcome in told} == {Receipt}
        assert await asyncio.gather(*(client.ping() for _ in range(size))) == [True] * size
    await pool.disconnect()


async def test_a_small_pool_of_our_own_is_enough_for_many(store, user):
    async with AsyncCredits.from_url(store.url + "?max_connections=2", timeout=10) as credits:
        await credits.add(user, 2000, "opening")
        told = await asyncio.gather(*(attempt(credits.deduct(user, 1, "x")) for _ in range(2000)))
    assert {type(outcome) for outcome in told} == {Receipt}


async def test_a_client_that_closes_leaves_the_other_its_connections(store, sync, user):
    backend = (open_sync if sync else open_async)(store.url, 0.4)
    first, second = (
        AsyncFace(Credits(backend)) if sync else AsyncCredits(backend) for _ in range(2)
    )
    await first.add(user, 5, "opening")
    await second.get_balance(user)
    await first.aclose()

    def logins() -> int:
        return store.call("INFO", "stats")["total_connections_received"]

    before = logins()
    for _ in range(20):
        assert await second.get_balance(user) == 5
    assert logins() <= before + 2  # the second look, and one connection
    await second.aclose()


@pytest.mark.parametrize(
    ("backend", "client", "named"),
    [
        (RedisBackend, redis.asyncio.Redis(password=PASSWORD), "AsyncRedisBackend"),
        (AsyncRedisBackend, redis.Redis(password=PASSWORD), " RedisBackend"),
        (RedisBackend, f"redis://:{PASSWORD}@x", "from_url"),
        (AsyncRedisBackend, f"redis://:{PASSWORD}@x", "from_url"),
        (RedisBackend, object.__new__(redis.cluster.RedisCluster), " ClusterBackend"),
        (RedisBackend, None, "redis.Redis"),
        (ClusterBackend, redis.Redis(), " RedisBackend"),
        (ClusterBackend, "redis+cluster://x", "from_url"),
        (AsyncClusterBackend, redis.asyncio.Redis(), "AsyncRedisBackend"),
        (AsyncClusterBackend, object.__new__(redis.cluster.RedisCluster), " ClusterBackend"),
        (
            AsyncRedisBackend,
            object.__new__(redis.asyncio.cluster.RedisCluster),
            "AsyncClusterBackend",
        ),
        (
            UpstashClientBackend,
            upstash_redis.asyncio.Redis("http://127.0.0.1:1", TOKEN, rest_retries=0),
            "AsyncUpstashClientBackend",
        ),
        (
            AsyncUpstashClientBackend,
            upstash_redis.Redis("http://127.0.0.1:1", TOKEN, rest_retries=0),
            " UpstashClientBackend",
        ),
    ],
)
def test_the_wrong_client_is_refused_and_the_right_backend_named(backend, client, named):
    with pytest.raises(InvalidRequestError) as refused:
        backend(client)
    assert named in str(refused.value)
    assert PASSWORD not in str(refused.value)
