"""Runs commands and plans on a backend: one executor for async code and its twin for sync.

What stands here once, above every backend: the handshake, deadlines, the second try, and
for async callers the merging of concurrent calls into one flight.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from credits_core import handshake
from credits_core.clock import ServerClock, monotonic_ms
from credits_core.command import Failure
from credits_core.delivery import (
    DEADLINE_SHARE,
    TRY_SHARE,
    Send,
    Sleep,
    Steps,
    first_send,
    recover,
    settled,
    understood,
)
from credits_core.errors import BackendError, CreditsError
from credits_core.flights import Flights, carried, raised, received
from credits_core.home import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.backends import AsyncBackend, Backend
    from credits_core.command import Call, Command, Reply
    from credits_core.plans import Plan

T = TypeVar("T")

_AWAY = Failure("no", "the store does not answer")


class _Terms:
    """What both executors know: the clock, the time a call may take, the key scheme."""

    def __init__(self, *, timeout: float, braces: bool) -> None:
        self.clock = ServerClock()
        self.timeout = timeout
        self._braces = braces
        self._closed = False

    def last_deadline(self) -> int:
        """The server's time (ms) after which nothing that was sent until now can execute."""
        return self.clock.now_ms() + int(self.timeout * 1000)

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError("this client is closed")

    def _understand(self, replies: Sequence[Reply | Failure], sent: float) -> None:
        handshake.understand(
            replies, self.clock, braces=self._braces, sent=sent, received=monotonic_ms()
        )


class Executor(_Terms):
    """Runs commands on a sync backend; any number of threads may share it."""

    def __init__(self, backend: Backend, *, timeout: float, braces: bool) -> None:
        """Bound each call to about `timeout` seconds."""
        super().__init__(timeout=timeout, braces=braces)
        self._backend = backend
        self._greeted = False

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
        if not self._greeted:
            self._greet()
        sent = monotonic_ms()
        call, deadline = first_send(command, self, sent)
        outcome = self._send((call,), TRY_SHARE * self.timeout, sent)[0]
        if not settled(outcome):
            outcome = self.follow(recover(command, self, sent, deadline, outcome))
        return understood(command, deadline, outcome)

    def run_many(self, commands: Sequence[Command[T]]) -> list[T | CreditsError]:
        """Run commands in one flight; a refusal is a value in its place."""
        if not commands:
            return []
        if not self._greeted:
            self._greet()
        sent = monotonic_ms()
        calls, deadlines = zip(
            *(first_send(command, self, sent) for command in commands), strict=True
        )
        outcomes = self._send(calls, TRY_SHARE * self.timeout, sent)
        results: list[T | CreditsError] = []
        away = False
        for command, deadline, outcome in zip(commands, deadlines, outcomes, strict=True):
            result = self._finish(command, sent, deadline, outcome, away=away)
            # One second try is enough to see that the store is away; the others get none.
            away = away or (isinstance(result, BackendError) and not settled(outcome))
            results.append(result)
        return results

    def follow(self, steps: Steps[T], *, away: bool = False) -> T:
        """Drive a delivery to its end; to a store that is known to be away nothing is sent."""
        answer: Any = None
        try:
            while True:
                step = steps.send(answer)
                if away:
                    answer = None if isinstance(step, Sleep) else _AWAY
                elif isinstance(step, Sleep):
                    time.sleep(step.seconds)
                    answer = None
                else:
                    answer = self._send((step.call,), step.timeout, monotonic_ms())[0]
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
        self,
        command: Command[T],
        sent: float,
        deadline: int,
        outcome: Reply | Failure,
        *,
        away: bool,
    ) -> T | CreditsError:
        try:
            if not settled(outcome):
                steps = recover(command, self, sent, deadline, outcome)
                outcome = self.follow(steps, away=away)
            return understood(command, deadline, outcome)
        except CreditsError as error:
            return error

    def _send(self, calls: Sequence[Call], timeout: float, sent: float) -> list[Reply | Failure]:
        try:
            outcomes = self._backend.execute(calls, timeout)
        except Exception as error:  # noqa: BLE001 - a backend of the app's own may raise anything
            return [raised(error)] * len(calls)
        return received(self.clock, calls, outcomes, sent)

    def _greet(self) -> None:
        self._check_open()
        for last in (False, True):
            sent = monotonic_ms()
            replies = self._send(handshake.GREETING, TRY_SHARE * self.timeout, sent)
            if last or not isinstance(replies[0], Failure):
                break
        self._understand(replies, sent)
        self._greeted = True


class AsyncExecutor(_Terms):
    """Runs commands on an async backend; concurrent calls travel together."""

    def __init__(self, backend: AsyncBackend, *, timeout: float, braces: bool) -> None:
        """Bound each call to about `timeout` seconds."""
        super().__init__(timeout=timeout, braces=braces)
        self._backend = backend
        self._home: Home | None = None
        self._greeting: asyncio.Task[Flights] | None = None
        self._flights: Flights | None = None

    async def now_ms(self) -> int:
        """The server's time (ms), for ids and timestamps; asked at the first call."""
        if self._flights is None and self._here() is None:
            await self._greet()
        return self.clock.now_ms()

    async def aclose(self) -> None:
        """Refuse further calls; let those on their way arrive."""
        self._here()
        self._closed = True
        flights, self._flights = self._flights, None
        if self._greeting is not None:
            await asyncio.wait((self._greeting,))
        if flights is not None:
            await flights.aclose()

    async def run(self, command: Command[T]) -> T:
        """Run one command."""
        flights = self._here() or await self._greet()
        sent = monotonic_ms()
        call, deadline = first_send(command, self, sent)
        leave_by = sent + DEADLINE_SHARE * self.timeout * 1000
        outcome = await flights.send(call, leave_by, TRY_SHARE * self.timeout)
        if not settled(outcome):
            steps = recover(command, self, sent, deadline, outcome)
            outcome = await self.follow(steps, flights)
        return understood(command, deadline, outcome)

    async def run_many(self, commands: Sequence[Command[T]]) -> list[T | CreditsError]:
        """Run commands together; a refusal is a value in its place."""
        results = await asyncio.gather(*map(self.run, commands), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, CreditsError):
                raise result
        return results  # type: ignore[return-value]  # what is left of the exceptions is ours

    async def follow(self, steps: Steps[T], flights: Flights | None = None) -> T:
        """Drive a delivery to its end, over the flights on which it began."""
        flights = flights or self._here() or await self._greet()
        answer: Any = None
        try:
            while True:
                step = steps.send(answer)
                if isinstance(step, Send):
                    leave_by = monotonic_ms() + step.timeout * 1000
                    answer = await flights.send(step.call, leave_by, step.timeout)
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

    def _here(self) -> Flights | None:
        """The flights of this loop; None before the first words."""
        if self._home is not None and not self._home.is_here:
            raise BackendError(
                "this AsyncCredits belongs to another event loop: make one client a loop, "
                "or use Credits in sync code"
            )
        return self._flights

    async def _greet(self) -> Flights:
        self._check_open()
        self._home = Home.here()
        # One greeting for all who wait: a silent store holds each of them once, not in a row.
        if self._greeting is None:
            self._greeting = self._home.loop.create_task(self._first_words())
            self._greeting.add_done_callback(self._greeted)
        flights = await asyncio.shield(self._greeting)
        self._check_open()
        return flights

    async def _first_words(self) -> Flights:
        for last in (False, True):
            sent = monotonic_ms()
            timeout = TRY_SHARE * self.timeout
            replies = await carried(self._backend, self.clock, handshake.GREETING, timeout)
            if last or not isinstance(replies[0], Failure):
                break
        self._understand(replies, sent)
        return Flights(self._backend, self.clock)

    def _greeted(self, greeting: asyncio.Task[Flights]) -> None:
        self._greeting = None
        if not greeting.cancelled() and greeting.exception() is None and not self._closed:
            self._flights = greeting.result()
