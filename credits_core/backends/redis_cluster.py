"""Redis Cluster, on redis-py's cluster client: user ids in braces, one slot an account."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

import redis.asyncio.cluster
import redis.cluster
import redis.exceptions

from credits_core.backends._resp import answer, error_text, is_noscript, words
from credits_core.backends.redis_pools import check_kind
from credits_core.backends.redis_replies import ERROR_REPLIES, error_reply
from credits_core.command import Failure
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from credits_core.command import Call, Reply

# Raised before anything was sent: no node known for the slot, no connection to spare.
_NOT_SENT = (
    redis.exceptions.SlotNotCoveredError,
    redis.exceptions.MaxConnectionsError,
)
_BROKEN = (
    redis.exceptions.RedisError,
    redis.exceptions.RedisClusterException,  # of a family of its own
    OSError,
    TimeoutError,
)


def check_cluster_retries(client: Any) -> None:
    """Refuse a client that would repeat commands by itself."""
    if retries := client.retry.get_retries():
        raise InvalidRequestError(
            f"this client repeats commands by itself ({retries} retries), so that no call has a "
            f"bounded time: build it with retry=Retry(NoBackoff(), 0), or let from_url open its own"
        )


class ClusterBackend:
    """Carries calls over a `redis.RedisCluster` client."""

    braces = True

    def __init__(
        self,
        client: redis.cluster.RedisCluster | Callable[[], redis.cluster.RedisCluster],
        *,
        owned: bool = False,
    ) -> None:
        """Use `client`; close it only when it is `owned`.

        A function is called for the client at the first call: making one connects.
        """
        self._open: Any = client
        self._client: Any = None
        self._owned = owned
        self._opening = threading.Lock()
        self._pid = os.getpid()
        if not callable(client):
            check_kind(client, redis.cluster.RedisCluster)
            check_cluster_retries(client)
            self._client = client

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call at the node of its slot; the socket timeout bounds each wait."""
        try:
            self._connect(timeout)
        except _BROKEN as error:
            return [Failure("no", error_text(error))] * len(calls)
        return [self._one(call) for call in calls]

    def close(self) -> None:
        """Close the client if it is ours."""
        self._leave_parent()
        if self._owned and self._client is not None:
            self._client.close()

    def _leave_parent(self) -> None:
        if self._pid != os.getpid():  # a fork: a thread of the parent's may hold the locks
            self._opening, self._pid = threading.Lock(), os.getpid()
            if callable(self._open):
                self._client = None

    def _connect(self, timeout: float) -> None:
        self._leave_parent()
        if self._client is not None:
            return
        if not self._opening.acquire(timeout=timeout):
            raise TimeoutError("another call is still looking for the cluster")
        try:
            if self._client is None:
                self._client = self._open()
        finally:
            self._opening.release()

    def _one(self, call: Call) -> Reply | Failure:
        outcome = self._attempt(call, words(call))
        if is_noscript(outcome):
            outcome = self._attempt(call, words(call, text=True))
        return outcome

    def _attempt(self, call: Call, command: tuple[str, ...]) -> Reply | Failure:
        try:
            if call.script is not None:
                return answer(self._client.execute_command(*command))
            node, command = at_node(self._client.get_primaries(), command)
            raw = self._client.execute_command(*command, target_nodes=node)
            return plain(command[0], raw, self._client.get_primaries(), node)
        except _NOT_SENT as error:
            return Failure("no", error_text(error))
        except ERROR_REPLIES as error:
            return error_reply(error)
        except _BROKEN as error:
            return Failure("unknown", error_text(error))


class AsyncClusterBackend:
    """Carries calls over a `redis.asyncio.RedisCluster` client."""

    braces = True
    concurrency = 8

    _TOGETHER = 64  # each call takes a connection of the client's, which has 100 a node

    def __init__(self, client: redis.asyncio.cluster.RedisCluster, *, owned: bool = False) -> None:
        """Use `client`; close it only when it is `owned`."""
        check_kind(client, redis.asyncio.cluster.RedisCluster)
        check_cluster_retries(client)
        self._client = client
        self._owned = owned
        self._places = asyncio.Semaphore(self._TOGETHER)

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call at the node of its slot, all at once."""
        return await asyncio.gather(*(self._one(call, timeout) for call in calls))

    async def aclose(self) -> None:
        """Close the client if it is ours."""
        if self._owned:
            await self._client.aclose()

    async def _one(self, call: Call, timeout: float) -> Reply | Failure:
        sent = False
        try:
            async with asyncio.timeout(timeout), self._places:
                sent = True
                outcome = await self._attempt(call, words(call))
                if is_noscript(outcome):
                    outcome = await self._attempt(call, words(call, text=True))
                return outcome
        except TimeoutError as error:
            return Failure("unknown" if sent else "no", error_text(error))

    async def _attempt(self, call: Call, command: tuple[str, ...]) -> Reply | Failure:
        try:
            if call.script is not None:
                return answer(await self._client.execute_command(*command))
            await self._client.initialize()
            node, command = at_node(self._client.get_primaries(), command)
            raw = await self._client.execute_command(*command, target_nodes=node)
            return plain(command[0], raw, self._client.get_primaries(), node)
        except _NOT_SENT as error:
            return Failure("no", error_text(error))
        except ERROR_REPLIES as error:
            return error_reply(error)
        except TimeoutError:
            raise
        except _BROKEN as error:
            return Failure("unknown", error_text(error))


# A cluster has a keyspace a primary: a SCAN cursor here is "<primary>:<its cursor>", and
# "0" begins with the first and ends with the last, as on one server.


def at_node(primaries: Sequence[Any], command: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """The node for a command without keys, and the command as that node takes it."""
    nodes = sorted(primaries, key=lambda node: str(node.name))
    if command[0] != "SCAN":
        return nodes[0], command
    index, _, cursor = command[1].rpartition(":")
    node = nodes[min(int(index or 0), len(nodes) - 1)]
    return node, ("SCAN", cursor, *command[2:])


def plain(name: str, raw: Any, primaries: Sequence[Any], node: Any) -> Reply:
    """A reply as the server gave it: the cluster client has parsed some."""
    if isinstance(raw, dict) and len(raw) == 1 and name != "INFO":
        raw = next(iter(raw.values()))  # keyed by node, with some versions
    if name == "TIME":
        return [str(part) for part in raw]
    if name == "INFO":
        return "\n".join(f"{field}:{value}" for field, value in raw.items())
    if name == "SCAN":
        names = sorted(str(primary.name) for primary in primaries)
        index = names.index(str(node.name))
        cursor, keys = raw
        if isinstance(cursor, dict):  # keyed by node, too
            (cursor,) = cursor.values()
        if int(cursor) == 0:
            following = index + 1
            return ["0" if following == len(names) else f"{following}:0", answer(keys)]
        return [f"{index}:{int(cursor)}", answer(keys)]
    return answer(raw)
