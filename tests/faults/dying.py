"""A program that dies, by SIGKILL, at every command that an operation sends, one after another.

`python -m tests.faults.dying <url> <operation> <before|after> <user>`: for n = 1, 2, ... a
process of its own begins the operation on `<user>-<n>` and dies before, or after, its n-th
script runs. It ends with the first one that lives to the end, and prints how many died.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from credits_core import AsyncCredits, LimitExceededError
from tests.faults.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.backends import AsyncBackend
    from credits_core.command import Call, Failure, Reply


class Deadly:
    """Hands calls on, up to the last."""

    braces = False

    def __init__(self, inner: AsyncBackend, last: int, when: str) -> None:
        self.concurrency = inner.concurrency
        self._inner = inner
        self._left = last
        self._when = when

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        self._left -= sum(call.script is not None for call in calls)
        if self._left <= 0 and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        replies = await self._inner.execute(calls, timeout)
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return replies

    async def aclose(self) -> None:
        await self._inner.aclose()


async def live(url: str, name: str, when: str, user: str, last: int) -> None:
    (operation,) = (one for one in OPERATIONS if one.name == name)
    async with AsyncCredits.from_url(url, timeout=5) as credits:
        found = await operation.prepare(credits, user)
        deadly = Deadly(credits._backend, last, when)
        with suppress(LimitExceededError):
            await operation.call(AsyncCredits(deadly, timeout=5), user, found)


def main(url: str, name: str, when: str, user: str) -> None:
    died = 0
    while True:
        child = os.fork()
        if child == 0:
            asyncio.run(live(url, name, when, f"{user}-{died + 1}", died + 1))
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            break
        died += 1
    assert status == 0
    print(died)


if __name__ == "__main__":
    main(*sys.argv[1:])
