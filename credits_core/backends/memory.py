"""A store inside the process, for tests and demos: fakeredis runs the same scripts.

It shows that an app charges what it should. It is no evidence for faults or speed, and
what it holds ends with the process.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import fakeredis
import redis.exceptions

from credits_core.backends._resp import answer, is_noscript, words
from credits_core.backends.redis_replies import error_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.command import Call, Failure, Reply

_shared: dict[str, fakeredis.FakeServer] = {}
_shared_lock = threading.Lock()


def _server(name: str) -> fakeredis.FakeServer:
    if not name:
        return fakeredis.FakeServer()
    with _shared_lock:
        return _shared.setdefault(name, fakeredis.FakeServer())


class MemoryBackend:
    """Carries calls to a store in this process; the same `name` is the same store."""

    braces = False

    def __init__(self, name: str = "") -> None:
        """Open the store `name`; without a name, one of its own."""
        self._client = fakeredis.FakeStrictRedis(server=_server(name))
        self._lock = threading.Lock()

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call, one after the other."""
        with self._lock:
            return [self._one(call) for call in calls]

    def close(self) -> None:
        """Close the connection; a named store stays."""
        self._client.close()

    def _one(self, call: Call) -> Reply | Failure:
        outcome = self._attempt(call, words(call))
        return self._attempt(call, words(call, text=True)) if is_noscript(outcome) else outcome

    def _attempt(self, call: Call, command: tuple[str, ...]) -> Reply | Failure:
        if command == ("INFO",):
            return "redis_version:embedded"
        try:
            raw: Any = self._client.execute_command(*command)
        except redis.exceptions.ResponseError as error:
            return error_reply(error)
        if command[0] == "SCAN":
            return [str(raw[0]), answer(raw[1])]
        return answer(list(raw) if isinstance(raw, tuple) else raw)


class AsyncMemoryBackend:
    """The same for async code: it only computes, so that there is nothing to wait for."""

    braces = False
    concurrency = 1

    def __init__(self, name: str = "") -> None:
        """Open the store `name`; without a name, one of its own."""
        self._store = MemoryBackend(name)

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call, one after the other."""
        return self._store.execute(calls, timeout)

    async def aclose(self) -> None:
        """Close the connection; a named store stays."""
        self._store.close()
