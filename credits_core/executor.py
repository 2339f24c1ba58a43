"""Runs commands and plans on a backend: one executor for async code and its twin for sync.

What stands here once, above every backend: the handshake, deadlines, the second try, and
for async callers the merging of concurrent calls into one flight.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from credits_core import handshake
from credits_core.clock import ServerClock, monotonic_ms
from credits_core.command import Call, Command, Failure, Reply
from credits_core.delivery import TRY_SHARE, Send, Sleep, Steps, first_send, recover, settled
from credits_core.errors import BackendError, CreditsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.backends import AsyncBackend, Backend
    from credits_core.plans import Plan

T = TypeVar("T")

MAX_FLIGHT = 256
"""How many calls travel together at most."""


class _Terms:
    """What both executors know: the clock, the time a call may take, the key scheme."""

    def __init__(self, *, timeout: float, braces: bool) -> None:
        self.clock = ServerClock()
        self.timeout = timeout
        self._braces = braces
        self._greeted = False
        self._closed = False

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError("this client is closed")

    def _observe(self, outcome: Reply | Failure, sent: float) -> None:
        if isinstance(outcome, list) and len(outcome) > 1 and isinstance(outcome[1], str):
            self.clock.observe(float(outcome[1]), sent, monotonic_ms())

    @staticmethod
    def _checked(calls: Sequence[Call], outcomes: list[Reply | Failure]) -> list[Reply | Failure]:
        if len(outcomes) != len(calls):
            raise BackendError(f"the backend answered {len(outcomes)} of {len(calls)} calls")
        return outcomes

    def _understand(self, replies: Sequence[Reply | Failure], sent: float) -> None:
        handshake.understand(
            replies, self.clock, braces=self._braces, sent=sent, received=monotonic_ms()
        )
        self._greeted = True


class Executor(_Terms):
    """Runs commands on a sync backend; any number of threads may share it."""

    def __init__(self, backend: Backend, *, timeout: float, braces: bool) -> None:
        """Bound each call to about `timeout` seconds."""
        super().__init__(timeout=timeout, braces=braces)
        self._backend = backend

    def now_ms(self) -> int:
        """The server's time (ms), for ids and timestamps; asked at the first call."""
        if not self._greeted:
            self._greet()
        return self.clock.now_ms()

    def close(self) -> None:
        """Refuse further calls."""
        self._closed = True
        self._greeted = False

    def run(self, command: Command[T]) -> T:
        """Run one command."""
        result = self.run_many((command,))[0]
        if isinstance(result, CreditsError):
            raise result
        return result

    def run_many(self, commands: Sequence[Command[T]]) -> list[T | CreditsError]:
        """Run commands in one flight; a refusal is a value in its place."""
        if not self._greeted:
            self._greet()
        sent = monotonic_ms()
        calls, deadlines = zip(*(first_send(command, self) for command in commands), strict=True)
        outcomes = self._send(calls, TRY_SHARE * self.timeout)
        return [
            self._finish(command, sent, deadline, outcome)
            for command, deadline, outcome in zip(commands, deadlines, outcomes, strict=True)
        ]

    def follow(self, steps: Steps[T]) -> T:
        """Drive a delivery to its end."""
        answer: Any = None
        try:
            while True:
                step = steps.send(answer)
                if isinstance(step, Sleep):
                    time.sleep(step.seconds)
                    answer = None
                else:
                    answer = self._send((step.call,), step.timeout)[0]
        except StopIteration as end:
            result: T = end.value
            return result

    def run_plan(self, plan: Plan[T]) -> T:
        """Drive a plan of several batches to its end."""
        try:
            batch = next(plan)
            while True:
                batch = plan.send(self.run_many(batch))
        except StopIteration as end:
            result: T = end.value
            return result

    def _finish(
        self, command: Command[T], sent: float, deadline: int, outcome: Reply | Failure
    ) -> T | CreditsError:
        try:
            if not settled(outcome):
                outcome = self.follow(recover(command, self, sent, deadline, outcome))
            return command.decode(outcome)
        except CreditsError as error:
            return error

    def _send(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        sent = monotonic_ms()
        outcomes = self._checked(calls, self._backend.execute(calls, timeout))
        for outcome in outcomes:
            self._observe(outcome, sent)
        return outcomes

    def _greet(self) -> None:
        self._check_open()
        for last in (False, True):
            sent = monotonic_ms()
            replies = self._backend.execute(handshake.GREETING, TRY_SHARE * self.timeout)
            if last or not isinstance(replies[0], Failure):
                self._understand(self._checked(handshake.GREETING, replies), sent)
                return


class AsyncExecutor(_Terms):
    """Runs commands on an async backend; concurrent calls travel together."""

    def __init__(self, backend: AsyncBackend, *, timeout: float, braces: bool) -> None:
        """Bound each call to about `timeout` seconds."""
        super().__init__(timeout=timeout, braces=braces)
        self._backend = backend
        self._loop: asyncio.AbstractEventLoop | None = None
        self._greeting: asyncio.Lock | None = None
        self._waiting: deque[tuple[Call, float, asyncio.Future[Reply | Failure]]] = deque()
        self._flights = 0
        self._boarding = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def now_ms(self) -> int:
        """The server's time (ms), for ids and timestamps; asked at the first call."""
        if not self._greeted or self._loop is not asyncio.get_running_loop():
            await self._greet()
        return self.clock.now_ms()

    async def aclose(self) -> None:
        """Refuse further calls; let those on their way arrive."""
        self._closed = True
        self._greeted = False
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def run(self, command: Command[T]) -> T:
        """Run one command."""
        if not self._greeted or self._loop is not asyncio.get_running_loop():
            await self._greet()
        sent = monotonic_ms()
        call, deadline = first_send(command, self)
        outcome = await self._send(call, TRY_SHARE * self.timeout)
        if not settled(outcome):
            outcome = await self.follow(recover(command, self, sent, deadline, outcome))
        return command.decode(outcome)

    async def run_many(self, commands: Sequence[Command[T]]) -> list[T | CreditsError]:
        """Run commands together; a refusal is a value in its place."""
        results = await asyncio.gather(*map(self.run, commands), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, CreditsError):
                raise result
        return results  # type: ignore[return-value]  # what is left of the exceptions is ours

    async def follow(self, steps: Steps[T]) -> T:
        """Drive a delivery to its end."""
        answer: Any = None
        try:
            while True:
                step = steps.send(answer)
                if isinstance(step, Send):
                    answer = await self._send(step.call, step.timeout)
                else:
                    await asyncio.sleep(step.seconds)
                    answer = None
        except StopIteration as end:
            result: T = end.value
            return result

    async def run_plan(self, plan: Plan[T]) -> T:
        """Drive a plan of several batches to its end."""
        try:
            batch = next(plan)
            while True:
                batch = plan.send(await self.run_many(batch))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _send(self, call: Call, timeout: float) -> Reply | Failure:
        sent = monotonic_ms()
        if self._flights == 0 and not self._waiting:
            outcome = await self._fly_alone(call, timeout)
        else:
            # A task that gives up leaves its future cancelled; what has not left stays home.
            arrival: asyncio.Future[Reply | Failure] = asyncio.get_running_loop().create_future()
            self._waiting.append((call, sent + timeout * 1000, arrival))
            self._board()
            outcome = await arrival
        self._observe(outcome, sent)
        return outcome

    async def _fly_alone(self, call: Call, timeout: float) -> Reply | Failure:
        self._flights += 1
        try:
            return self._checked((call,), await self._backend.execute((call,), timeout))[0]
        finally:
            self._landed()

    def _board(self) -> None:
        if not self._boarding and self._waiting and self._flights < self._backend.concurrency:
            self._boarding = True
            # At the end of this turn of the loop, so that its callers travel together.
            asyncio.get_running_loop().call_soon(self._take_off)

    def _take_off(self) -> None:
        self._boarding = False
        now = monotonic_ms()
        flight: list[tuple[Call, float, asyncio.Future[Reply | Failure]]] = []
        while self._waiting and len(flight) < MAX_FLIGHT:
            seat = self._waiting.popleft()
            if seat[2].done():
                continue
            if seat[1] <= now:
                seat[2].set_result(Failure("no", "the store is too busy: it never left"))
            else:
                flight.append(seat)
        if flight:
            self._flights += 1
            task = asyncio.get_running_loop().create_task(self._fly(flight, now))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._board()

    async def _fly(
        self, flight: list[tuple[Call, float, asyncio.Future[Reply | Failure]]], now: float
    ) -> None:
        calls = [call for call, _, _ in flight]
        outcomes: Sequence[Reply | Failure] = [Failure("unknown", "broken off")] * len(flight)
        try:
            timeout = (max(expires for _, expires, _ in flight) - now) / 1000
            outcomes = self._checked(calls, await self._backend.execute(calls, timeout))
        finally:
            for (_, _, arrival), outcome in zip(flight, outcomes, strict=True):
                if not arrival.done():
                    arrival.set_result(outcome)
            self._landed()

    def _landed(self) -> None:
        self._flights -= 1
        self._board()

    async def _greet(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._greeting = loop, asyncio.Lock()
        if self._loop is not loop or self._greeting is None:
            raise BackendError(
                "this AsyncCredits belongs to another event loop: make one client a loop, "
                "or use Credits in sync code"
            )
        self._check_open()
        async with self._greeting:
            for last in (False, True):
                if self._greeted:
                    return
                sent = monotonic_ms()
                replies = await self._backend.execute(handshake.GREETING, TRY_SHARE * self.timeout)
                if last or not isinstance(replies[0], Failure):
                    self._understand(self._checked(handshake.GREETING, replies), sent)
