"""Opens redis-py clients from URLs: one node, Sentinel, Cluster; retries off, waits bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.sentinel
import redis.cluster
import redis.sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from credits_core.backends.redis import AsyncRedisBackend, RedisBackend
from credits_core.backends.redis_cluster import AsyncClusterBackend, ClusterBackend
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from credits_core.backends import AsyncBackend, Backend

SENTINEL = ("redis+sentinel", "rediss+sentinel")
CLUSTER = ("redis+cluster", "rediss+cluster")

# Options of redis-py that would undo what bounds a call.
_OURS = {
    "retry",
    "retry_on_error",
    "retry_on_timeout",
    "socket_connect_timeout",
    "socket_timeout",
}


def open_sync(url: str, timeout: float) -> Backend:
    """A sync backend for a TCP or unix URL; `timeout` seconds bound each wait."""
    scheme = url.partition("://")[0]
    waits: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    options = {**waits, "retry": Retry(NoBackoff(), 0), "protocol": 2}
    if scheme in SENTINEL:
        group = Group.parse(url, 26379)
        finder = redis.sentinel.Sentinel(
            group.nodes, sentinel_kwargs={**waits, "retry": Retry(NoBackoff(), 0), **group.login}
        )
        client = finder.master_for(group.service, db=group.database, **options, **group.options)
        return RedisBackend(client, owned=True)
    if scheme in CLUSTER:
        group = Group.parse(url, 6379)
        nodes = [redis.cluster.ClusterNode(host, port) for host, port in group.nodes]
        cluster = redis.cluster.RedisCluster
        return ClusterBackend(
            partial(cluster, startup_nodes=nodes, **options, **group.options), owned=True
        )
    pool = _pool(redis.ConnectionPool, url, options)
    return RedisBackend(redis.Redis(connection_pool=pool), owned=True)


def open_async(url: str, timeout: float) -> AsyncBackend:
    """An async backend for a TCP or unix URL; the executor's timeouts bound each flight."""
    scheme = url.partition("://")[0]
    # No timeout a read: one around the whole flight costs a tenth of that.
    waits: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": timeout}
    options = {**waits, "retry": AsyncRetry(NoBackoff(), 0), "protocol": 2}
    if scheme in SENTINEL:
        group = Group.parse(url, 26379)
        asking = {**waits, "socket_timeout": timeout, "retry": AsyncRetry(NoBackoff(), 0)}
        finder = redis.asyncio.sentinel.Sentinel(
            group.nodes, sentinel_kwargs={**asking, **group.login}
        )
        client = finder.master_for(group.service, db=group.database, **options, **group.options)
        return AsyncRedisBackend(client, owned=True)
    if scheme in CLUSTER:
        group = Group.parse(url, 6379)
        nodes = [redis.asyncio.cluster.ClusterNode(host, port) for host, port in group.nodes]
        cluster = redis.asyncio.cluster.RedisCluster
        return AsyncClusterBackend(
            cluster(startup_nodes=nodes, **options, **group.options), owned=True
        )
    pool = _pool(redis.asyncio.ConnectionPool, url, options)
    return AsyncRedisBackend(redis.asyncio.Redis(connection_pool=pool), owned=True)


def _pool(kind: Any, url: str, options: dict[str, Any]) -> Any:
    given = dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))
    if ours := sorted(_OURS & given.keys()):
        raise InvalidRequestError(
            f"{ours[0]} is no option of a URL here: timeout= bounds a call in all, its second "
            f"try included"
        )
    try:
        _check_node(url)
        pool = kind.from_url(url, **options)
        pool.connection_class(**pool.connection_kwargs)  # sends nothing; checks the options
    except (TypeError, ValueError) as error:
        raise _not_understood(url, error) from None
    return pool


def _check_node(url: str) -> None:
    """Refuse what redis-py would take for another address, or for another database.

    A character in a password that should have been escaped ends the host before it begins, and the
    rest of the password would be looked up as a host, in front of everybody.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return
    beyond = url.partition("://")[2][len(parts.netloc) :]
    if "#" in beyond or "@" in beyond or not re.fullmatch(r"(/[0-9]*)?", parts.path, re.ASCII):
        raise ValueError("its path is no number")


def _not_understood(url: str, error: Exception) -> InvalidRequestError:
    """Say which option of a URL is wrong, and never show the URL: it holds a password."""
    option = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    what = f"its option {option[1]!r}" if option else "its host, port, database or an option"
    return InvalidRequestError(
        f"this {url.partition('://')[0]}:// URL is not understood: {what} is wrong. Special "
        f"characters in a password are written as %xx"
    )


@dataclass(frozen=True, slots=True)
class Group:
    """A URL of several nodes: `scheme://user:password@host:port,host:port/service/database`.

    `options` are for the nodes that hold data, `login` for the Sentinels.
    """

    nodes: list[tuple[str, int]]
    service: str
    database: int
    options: dict[str, Any]
    login: dict[str, Any]

    @classmethod
    def parse(cls, url: str, default_port: int) -> Group:
        """Read a Sentinel or Cluster URL."""
        try:
            parts = urlsplit(url)
            user, _, hosts = parts.netloc.rpartition("@")
            nodes = [_host(host, default_port) for host in hosts.split(",")]
            service, _, database = parts.path.strip("/").partition("/")
            number = int(database or 0)
        except ValueError as error:
            raise _not_understood(url, error) from None
        if parts.scheme in SENTINEL and not service:
            raise InvalidRequestError(
                f"a Sentinel URL names its service: "
                f"{parts.scheme}://host:port,host:port/<service>/<database>"
            )
        username, _, password = map(unquote, user.partition(":"))
        tls: dict[str, Any] = {"ssl": True} if parts.scheme.startswith("rediss") else {}
        options, login = {"username": username, "password": password, **tls}, dict(tls)
        for name, value in parse_qsl(parts.query):
            if name.startswith("ssl_"):
                options[name] = login[name] = value
            elif name in ("sentinel_username", "sentinel_password"):
                login[name.removeprefix("sentinel_")] = value
            else:
                raise _not_understood(url, TypeError(f"unexpected keyword argument {name!r}"))
        given = {name: value for name, value in options.items() if value}
        return cls(nodes, service, number, given, login)


def _host(text: str, default_port: int) -> tuple[str, int]:
    name, colon, port = text.rpartition(":")
    if not colon:
        name, port = text, str(default_port)
    if not name or not port.isdecimal():
        raise ValueError(text)
    return name, int(port)
