"""Turns: one at a time, in the order of asking, for tasks and threads alike."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from threading import Lock

__all__ = ["Turns"]


class Turns:
    """A lock that a task awaits and a thread waits for, as growing one hold from both needs.

    Whose turn it was passes it on in the end.
    """

    __slots__ = ("_lock", "_taken", "_waiting")

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False
        self._waiting: deque[Future[None]] = deque()

    async def await_mine(self) -> None:
        """Wait, in a task, until it is the caller's turn."""
        if (turn := self._ask()) is not None:
            try:
                await asyncio.wrap_future(turn)
            except BaseException:
                self._give_up(turn)
                raise

    def wait_for_mine(self) -> bool:
        """Wait, in a thread, until it is the caller's turn; False: it cannot be waited for."""
        if (turn := self._ask()) is not None:
            if asyncio._get_running_loop() is not None:  # noqa: SLF001 - documented, and None without
                # A loop that stands still here would never come to the task whose turn it is.
                self._give_up(turn)
                return False
            try:
                turn.result()
            except BaseException:
                self._give_up(turn)
                raise
        return True

    def pass_on(self) -> None:
        """End a turn: it is the next one's."""
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._taken = False

    def _ask(self) -> Future[None] | None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return None
            turn: Future[None] = Future()
            self._waiting.append(turn)
            return turn

    def _give_up(self, turn: Future[None]) -> None:
        if not turn.cancel():
            self.pass_on()  # it had come just now
