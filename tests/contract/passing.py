"""Time that passes when a test says so, other apps at work, and calls that run together."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any

from tests.support import moving_clock
from tests.support.typescript import TypeScriptSDK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.contract.store import Store


class Clock:
    """The server's clock, which a test moves; see `moving_clock`."""

    def __init__(self, credits: Any, store: Store) -> None:
        self._credits = credits
        self._store = store
        self._moved = 0

    async def forward(self, seconds: float) -> None:
        """Let time pass. The client hears of it, as it would have while it passed."""
        self._moved += round(seconds * 1000)
        await self._store.run("SET", moving_clock.KEY, self._moved)
        await self._credits.get_balance("nobody")

    async def reset(self) -> None:
        await self._store.run("DEL", moving_clock.KEY)


class _Eval:
    """As much of a redis-py client as the TypeScript SDK's writes need."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def eval(self, script: str, numkeys: int, *words: str | int) -> Any:
        return await self._store.run("EVAL", script, numkeys, *words)


def typescript_app(store: Store, clock_skew_ms: int = 0) -> TypeScriptSDK:
    """Another app that writes to the same store, whatever store that is."""
    return TypeScriptSDK(_Eval(store), clock_skew_ms)  # type: ignore[arg-type]


class Kept(list[Any]):
    """An archive of entries that are folded."""

    write = list.extend


async def all_at_once(*calls: Any) -> list[Any]:
    """The results of calls that run together, errors as values."""
    return await asyncio.gather(*calls, return_exceptions=True)


async def in_waves(calls: Iterable[Any], size: int = 50) -> list[Any]:
    """The results of many calls, few enough at a time that a busy machine answers them in time."""
    remaining, results = iter(calls), []
    while wave := list(islice(remaining, size)):
        results += await all_at_once(*wave)
    return results
