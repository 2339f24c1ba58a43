"""The event loop that something belongs to, known again without a system call.

Until Python 3.12 asking for the running loop is one, which a request would pay for several times.
"""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import NamedTuple

__all__ = ["Home"]


class Home(NamedTuple):
    """A loop, and the thread that runs it: a thread runs one at a time."""

    loop: asyncio.AbstractEventLoop
    thread: int

    @classmethod
    def here(cls) -> Home:
        """The loop that runs here; raises `RuntimeError` where none does."""
        return cls(asyncio.get_running_loop(), get_ident())

    @property
    def is_here(self) -> bool:
        """Whether it is the loop that runs here."""
        return self.thread == get_ident() and self.loop.is_running()
