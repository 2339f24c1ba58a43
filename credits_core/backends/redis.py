"""TCP Redis, Valkey and kin, on redis-py: single node, TLS, unix socket and Sentinel.

The connections are redis-py's (its pool, parser, TLS, authentication); what is sent over
them is ours, so that none of the client's own retries can repeat a command.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import hiredis
import redis
import redis.asyncio
import redis.exceptions

from credits_core.backends._resp import answer, error_text, is_noscript, words
from credits_core.backends.redis_pools import (
    check_kind,
    check_retries,
    check_timeouts,
    fresh_pool,
    sentinels,
)
from credits_core.backends.redis_replies import ERROR_REPLIES, error_reply
from credits_core.command import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.command import Call, Reply

# What a broken or slow connection raises. redis-py wraps most of it, not all.
_BROKEN = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)

# An answer that cannot be read: broken protocol, or, on a client that decodes, broken text.
_GARBLED = (redis.exceptions.RedisError, UnicodeError)

# What holds for a whole connection: its server became a replica or loads its data, its login
# is gone. The name or address may lead to another server by now.
_SPENT = (
    redis.exceptions.ReadOnlyError,
    redis.exceptions.MasterDownError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.AuthenticationError,
)

# An idle connection may have been closed by the server or on the way; look before use.
_IDLE_SECONDS = 1.0

# Connections held back from a pool of our own, whose checks and counters cost a tenth of a call.
_MAX_IDLE = 4

# Flights that travel at once, each on a connection.
_MAX_FLIGHTS = 4

# Calls that are worth a flight: two writes and reads of the socket.
MIN_FLIGHT = 8


_pack: Any = hiredis.pack_command  # its stub allows tuples of one word only


def packed(commands: list[tuple[str, ...]]) -> list[bytes]:
    """Commands in the Redis protocol; hiredis packs several times faster than redis-py."""
    return [b"".join(map(_pack, commands))]


class RedisBackend:
    """Carries calls over a `redis.Redis` client; threads and forks are safe, as in its pool."""

    braces = False

    def __init__(self, client: redis.Redis, *, owned: bool = False) -> None:
        """Use `client`; close it, and hold its connections, only when it is `owned`."""
        check_kind(client, redis.Redis)
        check_retries(client)
        check_timeouts(client)
        self._pool = client.connection_pool
        self._owned = owned
        self._pid = os.getpid()
        self._idle: list[tuple[Any, float]] = []
        self._broken_at = 0.0

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call over one connection; its socket timeout bounds each wait."""
        began = time.monotonic()
        try:
            connection = self._take()
        except (*_BROKEN, redis.exceptions.RedisError) as error:
            return [Failure("no", error_text(error))] * len(calls)
        outcomes: list[Reply | Failure] = []
        try:
            self._exchange(connection, calls, outcomes)
        except (*_BROKEN, *_GARBLED) as error:
            self._broken_at = time.monotonic()
            self._drop(connection)
            lost = Failure("unknown", error_text(error))
            outcomes += [lost] * (len(calls) - len(outcomes))
        except BaseException:
            self._drop(connection)
            raise
        else:
            self._keep(connection, began)
        return outcomes

    def close(self) -> None:
        """Give the connections back, and close them if the client is ours."""
        self._leave_parent()
        self._broken_at = time.monotonic()  # what is in use now is not kept
        while self._idle:
            self._pool.release(self._idle.pop()[0])
        if self._owned:
            self._pool.close()
            for sentinel in sentinels(self._pool):
                sentinel.close()

    def _leave_parent(self) -> None:
        if self._pid != os.getpid():  # a fork: the sockets are the parent's, this pool is ours
            self._pool, self._owned = fresh_pool(self._pool), True
            self._pid, self._idle = os.getpid(), []

    def _take(self) -> Any:
        self._leave_parent()
        while True:
            try:
                connection, since = self._idle.pop()  # threads race for the last one
            except IndexError:
                return self._pool.get_connection()
            # Connections break together: with one, those that idled meanwhile are renewed.
            idled = time.monotonic() - since
            if since > self._broken_at and (idled < _IDLE_SECONDS or self._alive(connection)):
                return connection
            self._drop(connection)

    def _keep(self, connection: Any, began: float) -> None:
        if began <= self._broken_at:
            self._drop(connection)
        elif self._owned and len(self._idle) < _MAX_IDLE:
            self._idle.append((connection, time.monotonic()))
        else:
            self._pool.release(connection)

    @staticmethod
    def _alive(connection: Any) -> bool:
        try:
            return not connection.can_read()
        except (*_BROKEN, redis.exceptions.RedisError):
            return False

    def _drop(self, connection: Any) -> None:
        connection.disconnect()
        self._pool.release(connection)

    def _exchange(
        self, connection: Any, calls: Sequence[Call], outcomes: list[Reply | Failure]
    ) -> None:
        self._send(connection, [words(call) for call in calls])
        missing: list[int] = []
        for index in range(len(calls)):
            outcomes.append(self._read(connection))
            if is_noscript(outcomes[index]):
                missing.append(index)
        if missing:  # the server has forgotten its scripts: send their text
            for index in missing:
                outcomes[index] = Failure("unknown", "the connection broke")
            self._send(connection, [words(calls[index], text=True) for index in missing])
            for index in missing:
                outcomes[index] = self._read(connection)

    @staticmethod
    def _send(connection: Any, commands: list[tuple[str, ...]]) -> None:
        connection.send_packed_command(packed(commands), check_health=False)

    def _read(self, connection: Any) -> Reply | Failure:
        try:
            # A server that loads answers each call so; redis-py would hang up after the first.
            return answer(connection.read_response(disconnect_on_error=False))
        except ERROR_REPLIES as error:
            if isinstance(error, _SPENT):
                self._broken_at = time.monotonic()
            return error_reply(error)


class AsyncRedisBackend:
    """Carries calls over a `redis.asyncio.Redis` client, on connections that it holds."""

    braces = False

    def __init__(self, client: redis.asyncio.Redis, *, owned: bool = False) -> None:
        """Use `client`; close it, and hold its connections, only when it is `owned`."""
        check_kind(client, redis.asyncio.Redis)
        check_retries(client)
        self._pool = client.connection_pool
        self.concurrency = min(_MAX_FLIGHTS, self._pool.max_connections)
        self.min_flight = MIN_FLIGHT
        self._owned = owned
        self._idle: list[tuple[Any, float]] = []
        self._broken_at = 0.0

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call over one connection."""
        connection: Any = None
        outcomes: list[Reply | Failure] = []
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                connection = await self._take()
                await self._exchange(connection, calls, outcomes)
        except (*_BROKEN, *_GARBLED) as error:
            self._broken_at = time.monotonic()
            lost = Failure("no" if connection is None else "unknown", error_text(error))
            outcomes += [lost] * (len(calls) - len(outcomes))
            await self._drop(connection)
        except BaseException:
            await self._drop(connection)
            raise
        else:
            await self._keep(connection, began)
        return outcomes

    async def aclose(self) -> None:
        """Give the connections back, and close them if the client is ours."""
        while self._idle:
            connection, _ = self._idle.pop()
            await self._pool.release(connection)
        if self._owned:
            await self._pool.aclose()
            for sentinel in sentinels(self._pool):
                await sentinel.aclose()

    async def _take(self) -> Any:
        while self._idle:
            connection, since = self._idle.pop()
            # Connections break together: with one, those that idled meanwhile are renewed.
            idled = time.monotonic() - since
            if since > self._broken_at and (idled < _IDLE_SECONDS or await self._alive(connection)):
                return connection
            await self._drop(connection)
        return await self._pool.get_connection()

    async def _keep(self, connection: Any, began: float) -> None:
        if began <= self._broken_at:
            await self._drop(connection)
        elif self._owned and len(self._idle) < _MAX_IDLE:
            self._idle.append((connection, time.monotonic()))
        else:
            await self._pool.release(connection)

    @staticmethod
    async def _alive(connection: Any) -> bool:
        peek = getattr(connection, "can_read", None) or connection.can_read_destructive
        try:
            return connection.is_connected and not await peek()
        except (*_BROKEN, redis.exceptions.RedisError):
            return False

    async def _drop(self, connection: Any) -> None:
        if connection is not None:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    async def _exchange(
        self, connection: Any, calls: Sequence[Call], outcomes: list[Reply | Failure]
    ) -> None:
        await self._send(connection, [words(call) for call in calls])
        missing: list[int] = []
        for index in range(len(calls)):
            outcomes.append(await self._read(connection))
            if is_noscript(outcomes[index]):
                missing.append(index)
        if missing:  # the server has forgotten its scripts: send their text
            for index in missing:
                outcomes[index] = Failure("unknown", "the connection broke")
            await self._send(connection, [words(calls[index], text=True) for index in missing])
            for index in missing:
                outcomes[index] = await self._read(connection)

    @staticmethod
    async def _send(connection: Any, commands: list[tuple[str, ...]]) -> None:
        await connection.send_packed_command(packed(commands), check_health=False)

    async def _read(self, connection: Any) -> Reply | Failure:
        try:
            # A server that loads answers each call so; redis-py would hang up after the first.
            return answer(await connection.read_response(disconnect_on_error=False))
        except ERROR_REPLIES as error:
            if isinstance(error, _SPENT):
                self._broken_at = time.monotonic()
            return error_reply(error)
