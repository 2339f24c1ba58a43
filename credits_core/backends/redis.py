"""TCP Redis, Valkey and kin, on redis-py: single node, TLS, unix socket and Sentinel.

The connections are redis-py's (its pool, parser, TLS, authentication); what is sent over
them is ours, so that none of the client's own retries can repeat a command.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from typing import TYPE_CHECKING, Any

import hiredis
import redis
import redis.asyncio
import redis.exceptions

from credits_core.backends._resp import answer, error_text, is_noscript, words
from credits_core.command import Failure
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.command import Call, Reply

# What a broken or slow connection raises. redis-py wraps most of it, not all.
_BROKEN = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)

# An answer that cannot be read: broken protocol, or, on a client that decodes, broken text.
_GARBLED = (redis.exceptions.RedisError, UnicodeError)

# The server answered that it did not; redis-py files some of it under connection errors.
_REFUSED = (
    redis.exceptions.ResponseError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.AuthenticationError,
)

# A primary that became a replica: the name or address may lead to another server by now.
_DEMOTED = (redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)

# An idle connection may have been closed by the server or on the way; look before use.
_IDLE_SECONDS = 1.0

# Connections held back from the pool, whose checks and counters cost a tenth of a call.
_MAX_IDLE = 4


_pack: Any = hiredis.pack_command  # its stub allows tuples of one word only


def packed(commands: list[tuple[str, ...]]) -> list[bytes]:
    """Commands in the Redis protocol; hiredis packs several times faster than redis-py."""
    return [b"".join(map(_pack, commands))]


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


def _sentinels(pool: Any) -> Sequence[Any]:
    """The clients with which a pool asks for its primary; closing the pool leaves them open."""
    manager = getattr(pool, "sentinel_manager", None)
    return () if manager is None else tuple(manager.sentinels)


class RedisBackend:
    """Carries calls over a `redis.Redis` client; threads and forks are safe, as in its pool."""

    braces = False

    def __init__(self, client: redis.Redis, *, owned: bool = False) -> None:
        """Use `client`; close it only when it is `owned`."""
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
        self._broken_at = math.inf  # what is in use now is not kept
        while self._idle:
            self._pool.release(self._idle.pop()[0])
        if self._owned:
            self._pool.close()
            for sentinel in _sentinels(self._pool):
                sentinel.close()

    def _take(self) -> Any:
        if self._pid != os.getpid():  # a fork: the sockets are the parent's
            self._pid, self._idle = os.getpid(), []
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
        elif len(self._idle) < _MAX_IDLE:
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
            return answer(connection.read_response())
        except _REFUSED as error:
            if isinstance(error, _DEMOTED):
                self._broken_at = time.monotonic()
            return Failure("no", error_text(error))


class AsyncRedisBackend:
    """Carries calls over a `redis.asyncio.Redis` client, on connections that it holds."""

    braces = False
    concurrency = _MAX_IDLE

    def __init__(self, client: redis.asyncio.Redis, *, owned: bool = False) -> None:
        """Use `client`; close it only when it is `owned`."""
        check_retries(client)
        self._pool = client.connection_pool
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
            if began > self._broken_at:
                self._idle.append((connection, time.monotonic()))
            else:
                await self._drop(connection)
        return outcomes

    async def aclose(self) -> None:
        """Give the connections back, and close them if the client is ours."""
        while self._idle:
            connection, _ = self._idle.pop()
            await self._pool.release(connection)
        if self._owned:
            await self._pool.aclose()
            for sentinel in _sentinels(self._pool):
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
            return answer(await connection.read_response())
        except _REFUSED as error:
            if isinstance(error, _DEMOTED):
                self._broken_at = time.monotonic()
            return Failure("no", error_text(error))
