"""A backend of the user's own needs no base class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import AsyncCredits, Credits
from credits_core.backends.memory import AsyncMemoryBackend, MemoryBackend
from credits_core.command import Call, Failure, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.backends import AsyncBackend, Backend


class Mine:
    braces = False

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        return [Failure("no", "not here") for _ in calls]

    def close(self) -> None:
        pass


class MineAsync:
    braces = False
    concurrency = 4

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        return [Failure("unknown", "lost") for _ in calls]

    async def aclose(self) -> None:
        pass


def use() -> None:
    backends: list[Backend] = [Mine(), MemoryBackend(), MemoryBackend("name")]
    others: list[AsyncBackend] = [MineAsync(), AsyncMemoryBackend()]
    for backend in backends:
        Credits(backend, default_credits=5, auto_initialize=True)
    for other in others:
        AsyncCredits(other, prefix="app:")
    Credits(MineAsync())  # type: ignore[arg-type]
    AsyncCredits(Mine())  # type: ignore[arg-type]
    Failure("maybe", "no such word")  # type: ignore[arg-type]
