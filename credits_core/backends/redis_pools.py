"""The pools of redis-py: which ones we take, and how they pass a fork."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.cluster

from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

_BACKENDS: dict[Any, str] = {
    redis.Redis: "RedisBackend",
    redis.asyncio.Redis: "AsyncRedisBackend",
    redis.cluster.RedisCluster: "ClusterBackend",
    redis.asyncio.cluster.RedisCluster: "AsyncClusterBackend",
}


def check_kind(client: Any, kind: type) -> None:
    """Refuse what is no client of this `kind`, and name the backend that takes it."""
    if isinstance(client, kind):
        return
    right = next((name for other, name in _BACKENDS.items() if isinstance(client, other)), None)
    advice = f"that one goes into {right}" if right else "from_url opens a client from a URL"
    raise InvalidRequestError(
        f"{_BACKENDS[kind]} takes a client of {_name(kind)}, not {_name(type(client))}: {advice}"
    )


def _name(kind: type) -> str:
    package = "redis.asyncio" if kind.__module__.startswith("redis.asyncio") else "redis"
    return f"{package}.{kind.__name__}" if kind in _BACKENDS else kind.__name__


def check_retries(client: Any) -> None:
    """Refuse a client that would repeat commands by itself."""
    options = client.connection_pool.connection_kwargs
    retry = options.get("retry")
    retries = retry.get_retries() if retry is not None else 0
    if retries or options.get("retry_on_error") or options.get("retry_on_timeout"):
        raise InvalidRequestError(
            f"this client repeats commands by itself ({retries} retries), so that no call has a "
            f"bounded time: build it with retry=Retry(NoBackoff(), 0) and without "
            f"retry_on_timeout or retry_on_error, or let from_url open its own"
        )


def check_timeouts(client: Any) -> None:
    """Refuse a sync client that would wait for ever; its sockets alone bound a call."""
    options = client.connection_pool.connection_kwargs
    if not options.get("socket_timeout") or not options.get("socket_connect_timeout"):
        raise InvalidRequestError(
            "this client has no socket_timeout or no socket_connect_timeout, so that a silent "
            "server would hold a call for ever: give both, in seconds, such as 0.4"
        )


def sentinels(pool: Any) -> Sequence[Any]:
    """The clients with which a pool asks for its primary; closing the pool leaves them open."""
    manager = getattr(pool, "sentinel_manager", None)
    return () if manager is None else tuple(manager.sentinels)


def fresh_pool(pool: Any) -> Any:
    """An empty pool with the settings of `pool`, whose locks are not touched.

    In a forked child a thread of the parent's may hold them for ever.
    """
    settings = {
        **pool.connection_kwargs,
        "connection_class": pool.connection_class,
        "max_connections": pool.max_connections,
    }
    if hasattr(pool, "queue_class"):  # its callers wait for a connection
        settings |= {"timeout": pool.timeout, "queue_class": pool.queue_class}
    asked = sentinels(pool)
    if not asked:
        return type(pool)(**settings)
    manager = copy.copy(pool.sentinel_manager)
    manager.sentinels = [
        redis.Redis(connection_pool=fresh_pool(client.connection_pool)) for client in asked
    ]
    settings |= {"is_master": pool.is_master, "check_connection": pool.check_connection}
    return type(pool)(pool.service_name, manager, **settings)
