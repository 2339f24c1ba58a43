"""A server clock that a contract test moves, on every flavour."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.contract.store import Store
from tests.support import moving_clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import pytest


@asynccontextmanager
async def moved_by(
    credits: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Give what moves the clock by so many ms from real time; the client has seen it after."""
    moving_clock.install(monkeypatch)
    store = Store(credits)

    async def to(ms: int) -> None:
        await store.run("SET", moving_clock.KEY, ms)
        await credits.get_balance(f"looks-at-the-clock-{uuid.uuid4().hex}")

    try:
        yield to
    finally:
        await store.run("DEL", moving_clock.KEY)
