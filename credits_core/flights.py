"""Merging: concurrent async calls travel together, a flight at a time.

Calls made in one turn of the event loop leave as one flight, so that a hundred tasks need
one connection and one write. A caller that gives up leaves an empty seat; its neighbours
never notice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from credits_core.clock import ServerClock, monotonic_ms
from credits_core.command import Call, Failure, Reply
from credits_core.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.backends import AsyncBackend

MAX_FLIGHT = 256
"""How many calls travel together at most."""

Arrival: TypeAlias = "asyncio.Future[Reply | Failure]"


class Seat(NamedTuple):
    """A call that waits to leave."""

    call: Call
    leave_by: float
    """Local time (ms) after which it stays: its deadline would have passed."""
    patience: float
    """Seconds that its reply may take once it has left."""
    arrival: Arrival


def observe(
    clock: ServerClock, calls: Sequence[Call], outcomes: Sequence[Reply | Failure], sent: float
) -> None:
    """Set the clock by the first script's reply: those of one flight tell the same time."""
    if len(outcomes) != len(calls):
        raise BackendError(f"the backend answered {len(outcomes)} of {len(calls)} calls")
    for call, outcome in zip(calls, outcomes, strict=True):
        if call.script is not None and isinstance(outcome, list):
            clock.observe(float(outcome[1]), sent, monotonic_ms())
            return


class Flights:
    """Carries the calls of one event loop over one backend."""

    def __init__(self, backend: AsyncBackend, clock: ServerClock) -> None:
        self._backend = backend
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Seat] = deque()
        self._boarding = False
        self._flying: set[asyncio.Task[None]] = set()
        self._closed = False

    def send(self, call: Call, leave_by: float, patience: float) -> Arrival:
        """Book a seat; a call that has not left at `leave_by` (local ms) never leaves."""
        arrival: Arrival = self._loop.create_future()
        if self._closed:
            arrival.set_result(Failure("no", "this client is closed"))
            return arrival
        self._waiting.append(Seat(call, leave_by, patience, arrival))
        self._board()
        return arrival

    async def aclose(self) -> None:
        """Let those on their way arrive; nothing leaves any more after that."""
        while self._flying or self._waiting:
            await (asyncio.wait(self._flying) if self._flying else asyncio.sleep(0))
        self._closed = True

    def _board(self) -> None:
        free = len(self._flying) < self._backend.concurrency
        if free and self._waiting and not self._boarding:
            self._boarding = True
            # At the end of this turn of the loop, so that its callers travel together.
            self._loop.call_soon(self._take_off)

    def _take_off(self) -> None:
        self._boarding = False
        now = monotonic_ms()
        flight: list[Seat] = []
        while self._waiting and len(flight) < MAX_FLIGHT:
            seat = self._waiting.popleft()
            if seat.arrival.done():
                continue  # its caller was cancelled while it waited
            if seat.leave_by <= now:
                seat.arrival.set_result(Failure("no", "too many calls at once: it never left"))
            else:
                flight.append(seat)
        if flight:
            task = self._loop.create_task(self._fly(flight, now))
            self._flying.add(task)
            task.add_done_callback(self._landed)
            self._board()

    async def _fly(self, flight: list[Seat], now: float) -> None:
        calls = [seat.call for seat in flight]
        outcomes: Sequence[Reply | Failure] = [Failure("unknown", "broken off")] * len(flight)
        try:
            patience = max(seat.patience for seat in flight)
            answered = await self._backend.execute(calls, patience)
            observe(self._clock, calls, answered, now)
            outcomes = answered
        finally:
            for seat, outcome in zip(flight, outcomes, strict=True):
                if not seat.arrival.done():
                    seat.arrival.set_result(outcome)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._board()
