"""Opens redis-py clients from URLs: one node, Sentinel, Cluster; retries off, waits bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.sentinel
import redis.cluster
import redis.exceptions
import redis.sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from credits_core.backends.redis import AsyncRedisBackend, RedisBackend
from credits_core.backends.redis_cluster import AsyncClusterBackend, ClusterBackend
from credits_core.errors import BackendUnavailableError, InvalidRequestError

if TYPE_CHECKING:
    from credits_core.backends import AsyncBackend, Backend

SENTINEL = ("redis+sentinel", "rediss+sentinel")
CLUSTER = ("redis+cluster", "rediss+cluster")
PLAIN = ("redis", "rediss", "unix")


def open_sync(url: str, timeout: float) -> Backend:
    """A sync backend for a TCP or unix URL; `timeout` seconds bound each wait."""
    scheme = urlsplit(url).scheme
    options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    if scheme in SENTINEL:
        nodes, service, extra, login = _sentinel(url)
        finder = redis.sentinel.Sentinel(nodes, sentinel_kwargs={**options, **login})
        client = finder.master_for(service, retry=Retry(NoBackoff(), 0), **options, **extra)
        return RedisBackend(client, owned=True)
    if scheme in CLUSTER:
        client = _cluster(
            redis.cluster.RedisCluster, redis.cluster.ClusterNode, Retry, url, options
        )
        return ClusterBackend(client, owned=True)
    _check_plain(scheme)
    pool = redis.ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), protocol=2, **options)
    return RedisBackend(redis.Redis(connection_pool=pool), owned=True)


def open_async(url: str, timeout: float) -> AsyncBackend:
    """An async backend for a TCP or unix URL; the executor's timeouts bound each flight."""
    scheme = urlsplit(url).scheme
    # No timeout a read: one around the whole flight costs a tenth of that.
    options: dict[str, Any] = {"socket_connect_timeout": timeout, "socket_timeout": None}
    if scheme in SENTINEL:
        nodes, service, extra, login = _sentinel(url)
        waits = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        finder = redis.asyncio.sentinel.Sentinel(nodes, sentinel_kwargs={**waits, **login})
        client = finder.master_for(service, retry=AsyncRetry(NoBackoff(), 0), **options, **extra)
        return AsyncRedisBackend(client, owned=True)
    if scheme in CLUSTER:
        cluster = _cluster(
            redis.asyncio.cluster.RedisCluster,
            redis.asyncio.cluster.ClusterNode,
            AsyncRetry,
            url,
            options,
        )
        return AsyncClusterBackend(cluster, owned=True)
    _check_plain(scheme)
    pool = redis.asyncio.ConnectionPool.from_url(
        url, retry=AsyncRetry(NoBackoff(), 0), protocol=2, **options
    )
    return AsyncRedisBackend(redis.asyncio.Redis(connection_pool=pool), owned=True)


def _check_plain(scheme: str) -> None:
    if scheme not in PLAIN:
        known = ", ".join(f"{name}://" for name in (*PLAIN, *SENTINEL, *CLUSTER))
        raise InvalidRequestError(f"no TCP store speaks {scheme}://; use one of {known}")


def _nodes(url: str, default_port: int) -> tuple[list[tuple[str, int]], dict[str, Any]]:
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    options: dict[str, Any] = {"username": unquote(username), "password": unquote(password)}
    options = {name: value for name, value in options.items() if value}
    nodes = []
    for host in hosts.split(","):
        name, _, port = host.rpartition(":") if ":" in host else (host, "", "")
        if not name or not (port.isdecimal() or port == ""):
            raise InvalidRequestError(f"this {parts.scheme}:// URL names no host: host:port,…")
        nodes.append((name, int(port or default_port)))
    if parts.scheme.startswith("rediss"):
        options["ssl"] = True
    return nodes, options


def _sentinel(
    url: str,
) -> tuple[list[tuple[str, int]], str, dict[str, Any], dict[str, Any]]:
    nodes, options = _nodes(url, 26379)
    parts = urlsplit(url)
    service, _, database = parts.path.strip("/").partition("/")
    if not service or (database and not database.isdecimal()):
        raise InvalidRequestError(
            "a Sentinel URL is redis+sentinel://host:port,host:port/<service>/<database>"
        )
    query = dict(parse_qsl(parts.query))
    login: dict[str, Any] = {
        name.removeprefix("sentinel_"): query.pop(name)
        for name in ("sentinel_username", "sentinel_password")
        if name in query
    }
    if options.get("ssl"):
        login["ssl"] = True
    return nodes, service, {"db": int(database or 0), "protocol": 2, **options, **query}, login


def _cluster(client: Any, node: Any, retry: Any, url: str, options: dict[str, Any]) -> Any:
    nodes, extra = _nodes(url, 6379)
    query = dict(parse_qsl(urlsplit(url).query))
    try:
        return client(
            startup_nodes=[node(host, port) for host, port in nodes],
            retry=retry(NoBackoff(), 0),
            protocol=2,
            **options,
            **extra,
            **query,
        )
    except (redis.exceptions.RedisError, OSError) as error:
        raise BackendUnavailableError(f"no node of the cluster can be reached: {error}") from error
