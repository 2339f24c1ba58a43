"""What a charge comes to: counted while the work runs, said when it ends. No I/O.

A fixed price has been taken in full before the work began, a hold is taken in advance and
settled. Either way the end is one move in the ledger at most, and which one follows from how
the work ended and from what it said of itself.
"""

from __future__ import annotations

import math
from fractions import Fraction
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from credits_core.errors import InvalidRequestError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing import Number, exact

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Ending", "Move", "Tab"]

Ending: TypeAlias = Literal["served", "failed", "left"]
"""How work ended: `"left"` is that whom it was for went away, or that it was broken off."""


_NOTHING: Final = Fraction(0)

_lock: Final = Lock()
"""Of all tabs: it is held for a sum, and a lock for each of them costs more than that."""


class Move(NamedTuple):
    """A call of a client: the method, and its arguments after the user."""

    method: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012 - read only


class Tab:
    """What a charge has taken (`taken`, whole credits) and used (exact, to be rounded up once)."""

    __slots__ = (
        "_about",
        "_drawn",
        "_handed",
        "_used",
        "_verdict",
        "delivered",
        "estimate",
        "held",
        "taken",
    )

    def __init__(self, estimate: int, *, held: bool) -> None:
        self.estimate = estimate
        self.held = held
        self.taken = 0
        self.delivered = False
        """Whether something of the work reached whom it is for."""
        self._used: Fraction | None = None
        self._handed = _NOTHING
        self._drawn: Fraction | None = None
        self._verdict: Fraction | Literal["refund", "keep"] | None = None
        self._about: Mapping[str, Any] | None = None

    def meter(self, amount: Number) -> None:
        """Count what the work used, 0 or more, fractions included."""
        if not self.held:
            raise InvalidRequestError(
                "this charge has a fixed price: hold an estimate (hold_credits) for what is metered"
            )
        more = _exact(amount)
        with _lock:
            self._used = (self._used or Fraction(0)) + more

    def hand(self, cost: Number) -> None:
        """A piece that was metered at `cost` goes out: it counts as delivered."""
        self.delivered = True
        self._handed = _exact(cost)

    def unsent(self, *, first: bool) -> None:
        """The last piece did not get out after all, and costs nothing; `first`: none did."""
        with _lock:
            if self._used is not None:
                self._used -= self._handed
            self._handed = Fraction(0)
            self.delivered = not first

    def draw(self, amount: Fraction | int) -> None:
        """Count what paid work inside this work costs; negative gives it back."""
        with _lock:
            self._drawn = (self._drawn or Fraction(0)) + amount

    def lacks(self, more: Number = 0) -> int:
        """Whole credits that are missing for what is used, and `more`."""
        with _lock:
            total = (self._used or 0) + (self._drawn or 0) + _exact(more)
        return max(0, math.ceil(total) - self.taken)

    def settle(self, actual: Number, metadata: Mapping[str, Any] | None = None) -> None:
        """Say what the work cost in the end, and what the log keeps of that."""
        amount = _exact(actual)
        if not self.held and amount > self.estimate > 0:
            raise InvalidRequestError(
                f"a fixed price of {self.estimate} credits cannot become more: hold an estimate "
                f"(hold_credits) for work whose cost is known afterwards"
            )
        self._verdict = amount
        self._about = metadata

    def say(self, verdict: Literal["refund", "keep"]) -> None:
        """Say that it costs nothing although it was done, or all of it although it was not."""
        self._verdict = verdict
        self._about = None

    @property
    def counted(self) -> bool:
        """Whether anything was metered, or paid work inside."""
        return bool(self._used or self._drawn)

    @property
    def used(self) -> int:
        """What would be kept if the work ended now, in whole credits."""
        return math.ceil(self._price())

    def final(self, ending: Ending) -> int:
        """What is kept in the end, in whole credits."""
        if ending == "served" and not self.held and self._verdict is None:
            return self.taken
        if self._verdict == "refund":
            return 0
        if self._verdict != "keep":
            if ending == "failed":
                return 0
            told = self.delivered or self._used or self._drawn or self._verdict is not None
            if ending == "left" and not told:
                return 0
        return min(math.ceil(self._price()), MAX_AMOUNT)

    def last_move(self, tx_id: str | None, ending: Ending, shortfall: str) -> Move | None:
        """What is left to do in the ledger when the work has ended."""
        final = self.final(ending)
        if tx_id is None or (not self.held and final == self.taken):
            return None
        if self.held:
            if final == 0:
                return Move("release", (tx_id,))
            # Work that outlived its hold was done all the same.
            options: dict[str, Any] = {"shortfall": shortfall, "if_expired": "charge"}
            if self._about is not None:
                options["metadata"] = self._about
            return Move("settle", (tx_id, final), options)
        if final == 0:
            # All of it is given back once, however often it is tried.
            return Move("refund", (tx_id,))
        return Move("refund", (tx_id, self.taken - final), {"idempotency_key": f"settled {tx_id}"})

    def _price(self) -> Fraction:
        with _lock:
            drawn = self._drawn or Fraction(0)
            if not self.estimate:
                return Fraction(0)  # free, whatever is said
            if isinstance(self._verdict, Fraction):
                return self._verdict + drawn
            if not self.held:
                return Fraction(self.taken)
            if self._used is None and self._drawn is None:
                return Fraction(self.estimate)
            return (self._used or Fraction(0)) + drawn


def _exact(amount: Number) -> Fraction:
    return exact(amount, "what the work used", InvalidRequestError)
