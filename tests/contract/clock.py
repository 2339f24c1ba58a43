"""A server clock that a contract test moves, on every flavour."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.contract.store import Store
from tests.support import moving_clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


class Clock:
    """The server's clock, which a test moves; see `moving_clock`."""

    def __init__(self, credits: Any) -> None:
        self._credits = credits
        self._store = Store(credits)
        self._ahead = 0

    async def ahead(self, seconds: float) -> None:
        """Stand so far ahead of real time. The client hears of it, as while time passes."""
        self._ahead = round(seconds * 1000)
        await self._store.run("SET", moving_clock.KEY, self._ahead)
        await self._credits.get_balance("looks-at-the-clock")

    async def forward(self, seconds: float) -> None:
        """Let so much time pass."""
        await self.ahead(self._ahead / 1000 + seconds)

    async def reset(self) -> None:
        await self._store.run("DEL", moving_clock.KEY)


@asynccontextmanager
async def movable(credits: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clock]:
    """The clock behind this client, which goes right again in the end."""
    moving_clock.install(monkeypatch)
    clock = Clock(credits)
    try:
        yield clock
    finally:
        await clock.reset()
