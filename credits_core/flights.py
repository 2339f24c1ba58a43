"""Merging: concurrent async calls travel together, a flight at a time.

Calls made in one turn of the event loop leave as one flight, so that a hundred tasks need
one connection and one write. A caller that gives up leaves an empty seat; its neighbours
never notice. Calls with long replies travel apart, a few at a time: a page of a log must not
hold up a charge.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from credits_core.clock import ServerClock, monotonic_ms
from credits_core.command import Call, Failure, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.backends import AsyncBackend

MAX_FLIGHT = 256
"""How many calls travel together at most."""

MAX_BULKY = 8
"""How many calls with long replies travel together at most."""

_log = logging.getLogger(__name__)

Arrival: TypeAlias = "asyncio.Future[Reply | Failure]"


class Seat(NamedTuple):
    """A call that waits to leave."""

    call: Call
    leave_by: float
    """Local time (ms) after which it stays: its deadline would have passed."""
    patience: float
    """Seconds that its reply may take once it has left."""
    arrival: Arrival


def received(
    clock: ServerClock, calls: Sequence[Call], outcomes: Sequence[Reply | Failure], sent: float
) -> list[Reply | Failure]:
    """The outcomes of one flight, each a failure or of our scripts' form; sets the clock."""
    if len(outcomes) != len(calls):
        lost = Failure("unknown", f"{len(outcomes)} answers came to {len(calls)} calls")
        return [lost] * len(calls)
    checked: list[Reply | Failure] = []
    told: float | None = None
    for call, outcome in zip(calls, outcomes, strict=True):
        if call.script is None or isinstance(outcome, Failure):
            checked.append(outcome)
        elif (now := _server_time(outcome)) is None:
            checked.append(Failure("unknown", "an answer came that is none of our scripts'"))
        else:
            checked.append(outcome)
            told = told or now
    if told is not None:
        clock.observe(told, sent, monotonic_ms())
    return checked


def _server_time(reply: Reply) -> float | None:
    """The server's time in a reply of our scripts; None for what is no such reply."""
    try:
        return float(reply[1]) if isinstance(reply[0], str) else None
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def raised(error: Exception) -> Failure:
    """What an exception says that a backend let out, which it should not."""
    _log.error("a backend raised instead of answering a failure", exc_info=error)
    return Failure("unknown", f"the backend raised {type(error).__name__}")


async def carried(
    backend: AsyncBackend, clock: ServerClock, calls: Sequence[Call], timeout: float
) -> list[Reply | Failure]:
    """What came of calls sent together, whatever the backend does."""
    sent = monotonic_ms()
    try:
        answers = await backend.execute(calls, timeout)
    except Exception as error:  # noqa: BLE001 - a backend of the app's own may raise anything
        return [raised(error)] * len(calls)
    return received(clock, calls, answers, sent)


class Flights:
    """Carries the calls of one event loop over one backend."""

    def __init__(self, backend: AsyncBackend, clock: ServerClock) -> None:
        self._backend = backend
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._worth: int = getattr(backend, "min_flight", MAX_FLIGHT)
        self._light: deque[Seat] = deque()
        self._bulky: deque[Seat] = deque()
        self._boarding: asyncio.Task[None] | None = None
        self._flying: set[asyncio.Task[None]] = set()
        self._flying_bulky = 0
        self._bulky_left_last = False
        self._closed = False

    def send(self, call: Call, leave_by: float, patience: float) -> Arrival:
        """Book a seat; a call that has not left at `leave_by` (local ms) never leaves."""
        arrival: Arrival = self._loop.create_future()
        if self._closed:
            arrival.set_result(Failure("no", "this client is closed"))
            return arrival
        queue = self._bulky if _is_bulky(call) else self._light
        queue.append(Seat(call, leave_by, patience, arrival))
        self._board()
        return arrival

    async def aclose(self) -> None:
        """Let those on their way arrive; nothing leaves any more after that."""
        while self._flying or self._light or self._bulky:
            await (asyncio.wait(self._flying) if self._flying else asyncio.sleep(0))
        self._closed = True

    def _board(self) -> None:
        if self._boarding or len(self._flying) >= self._backend.concurrency:
            return
        if self._next_queue() is None:
            return
        # A task takes its first step at the end of this turn of the loop, so that the callers of
        # a turn travel together; a factory of the app's own might let it step at once.
        flight: list[Seat] = []
        self._boarding = task = asyncio.Task(self._fly(flight), loop=self._loop)
        self._flying.add(task)
        task.add_done_callback(partial(self._landed, flight))

    def _next_queue(self) -> deque[Seat] | None:
        """Who leaves next: the two take turns, and long replies never take every way."""
        ways = self._backend.concurrency
        bulky_may = self._bulky and self._flying_bulky < max(1, ways - 1)
        if bulky_may and not (self._light and self._bulky_left_last):
            return self._bulky
        return self._light or None

    async def _fly(self, flight: list[Seat]) -> None:
        self._boarding = None
        self._take_in(flight)
        self._board()
        if flight:
            calls = [seat.call for seat in flight]
            patience = max(seat.patience for seat in flight)
            _arrive(flight, await carried(self._backend, self._clock, calls, patience))

    def _take_in(self, flight: list[Seat]) -> None:
        queue = self._next_queue()
        if queue is None:
            return
        bulky = self._bulky_left_last = queue is self._bulky
        flight += self._fill(queue, MAX_BULKY if bulky else self._room(queue))
        if flight:
            self._flying_bulky += bulky

    def _room(self, queue: deque[Seat]) -> int:
        """Half of them while no other is on its way: the store works on these, we on the rest."""
        half = len(queue) // 2
        alone = len(self._flying) == 1
        return min(MAX_FLIGHT, half) if half >= self._worth and alone else MAX_FLIGHT

    @staticmethod
    def _fill(queue: deque[Seat], size: int) -> list[Seat]:
        now = monotonic_ms()
        flight: list[Seat] = []
        while queue and len(flight) < size:
            seat = queue.popleft()
            if seat.arrival.done():
                continue  # its caller was cancelled while it waited
            if seat.leave_by <= now:
                seat.arrival.set_result(Failure("no", "too many calls at once: it never left"))
            else:
                flight.append(seat)
        return flight

    def _landed(self, flight: list[Seat], task: asyncio.Task[None]) -> None:
        _arrive(flight, [Failure("unknown", "broken off")] * len(flight))  # if it was cancelled
        self._flying.discard(task)
        if self._boarding is task:  # and that before its first step
            self._boarding = None
        if flight:
            self._flying_bulky -= _is_bulky(flight[0].call)
        if not self._loop.is_closed():
            self._board()


def _is_bulky(call: Call) -> bool:
    return call.script is not None and call.script.bulky


def _arrive(flight: list[Seat], outcomes: Sequence[Reply | Failure]) -> None:
    for seat, outcome in zip(flight, outcomes, strict=True):
        if not seat.arrival.done():
            seat.arrival.set_result(outcome)
