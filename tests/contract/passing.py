"""Other apps at work, and calls that run together."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any

from tests.support.typescript import TypeScriptSDK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.contract.store import Store


class _Eval:
    """As much of a redis-py client as the TypeScript SDK's writes need."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def eval(self, script: str, numkeys: int, *words: str | int) -> Any:
        return await self._store.run("EVAL", script, numkeys, *words)


def typescript_app(store: Store, clock_skew_ms: int = 0) -> TypeScriptSDK:
    """Another app that writes to the same store, whatever store that is."""
    return TypeScriptSDK(_Eval(store), clock_skew_ms)  # type: ignore[arg-type]


async def all_at_once(*calls: Any) -> list[Any]:
    """The results of calls that run together, errors as values."""
    return await asyncio.gather(*calls, return_exceptions=True)


async def in_waves(calls: Iterable[Any], size: int = 50) -> list[Any]:
    """The results of many calls, few enough at a time that a busy machine answers them in time."""
    remaining, results = iter(calls), []
    while wave := list(islice(remaining, size)):
        results += await all_at_once(*wave)
    return results
