"""The charges of one request, and how its answer ends them: the same for every web framework.

An answer below 400 is service, and is paid; one of 400 or more is none, whether the endpoint
returned it or raised it, and so costs nothing. What is answered piece by piece is paid when its
last piece leaves, or for what had left when it broke off.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from credits_core.http.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.charge import Charge
    from credits_core.charge.tab import Ending

__all__ = [
    "COST_HEADER",
    "REMAINING_HEADER",
    "FailsOn",
    "News",
    "PaidRequest",
    "credits_event",
    "failing",
    "news_of",
]

COST_HEADER: Final = "Credits-Cost"
REMAINING_HEADER: Final = "Credits-Remaining"

FailsOn: TypeAlias = "Callable[[int], bool]"
"""Whether an answer with this status is a failure, which costs nothing."""


News: TypeAlias = Literal["charged", "refunded", "low_balance"]


def failing(status: int) -> bool:
    """Whether a status tells of a failure: 400 and more.

    >>> failing(200), failing(404), failing(503)
    (False, True, True)
    """
    return status >= 400


class PaidRequest:
    """The charges that one request made, in the order in which it made them."""

    __slots__ = ("_fails_on", "charges")

    def __init__(self, fails_on: FailsOn = failing) -> None:
        """`fails_on` is given the status of the answer."""
        self._fails_on = fails_on
        self.charges: list[Charge] = []

    def ending(self, status: int) -> Ending:
        """How the work ended, by the status of its answer."""
        return "failed" if self._fails_on(status) else "served"

    @property
    def open(self) -> bool:
        """Whether a charge has not ended yet."""
        for charge in self.charges:  # noqa: SIM110 - a generator costs each answer more than this
            if charge.open:
                return True
        return False

    def keeps(self, ending: Ending) -> bool:
        """Whether all of it is a fixed price that stays paid when the work ends like this.

        Whoever comes again is served under it. A hold pays for what was delivered and no more:
        where there is one, the next request pays for itself.
        """
        paying = [charge for charge in self.charges if charge.terms.cost]
        return not any(charge.tab.held for charge in paying) and any(
            charge.tab.final(ending) if charge.open else charge.tab.taken for charge in paying
        )

    def delivered(self) -> None:
        """A part of the answer has left."""
        for charge in self.charges:
            charge.tab.delivered = True

    def unsent(self, *, first: bool) -> None:
        """The last part did not get out after all; `first`: none did."""
        for charge in self.charges:
            charge.tab.unsent(first=first)

    def let_go(self) -> None:
        """Leave every charge to the worker that has taken the request over, and them with it."""
        for charge in self.charges:
            charge.let_go()

    async def aend(self, ending: Ending, error: BaseException | None = None) -> None:
        """End every charge that is open, the last first."""
        for charge in reversed(self.charges):
            if charge.open:
                await charge.aend(ending, error)

    def end(self, ending: Ending, error: BaseException | None = None) -> None:
        """End every charge that is open, the last first."""
        for charge in reversed(self.charges):
            charge.end(ending, error)

    async def aserved(self) -> None:
        """End what must be paid before an answer leaves: everything but holds.

        A hold is settled when the answer has left: if the process dies in between, it expires.
        """
        for charge in reversed(self.charges):
            if not _on_hold(charge):
                await charge.aend("served")

    def served(self) -> None:
        """End what must be paid before an answer leaves: see `aserved`."""
        for charge in reversed(self.charges):
            if not _on_hold(charge):
                charge.end("served")

    def headers(self, *, whole: bool) -> list[tuple[str, str]]:
        """What the answer can tell: what it costs, and what is left when that is known.

        `whole` is whether the answer leaves as a whole: the cost of a hold is not known before.
        What is left is not, before it is settled, nor a cost that is more than there was: how much
        of it is taken shows then.
        """
        cost, balance, holds, known = 0, None, False, bool(self.charges)
        for charge in self.charges:
            cost += charge.cost
            balance = balance if charge.balance is None else charge.balance
            if charge.open and _on_hold(charge):
                holds = True
                known = known and whole and charge.cost <= charge.amount + (charge.balance or 0)
        if not known:
            return []
        found = [(COST_HEADER, str(cost))]
        if balance is not None and not holds:
            found.append((REMAINING_HEADER, str(balance)))
        return found


def _on_hold(charge: Charge) -> bool:
    """Whether credits of it are on hold in the ledger: what a journal admits is paid as a price."""
    return charge.tab.held and charge.id is not None


def news_of(charge: Charge, low: int) -> Iterator[News]:
    """What there is to tell an app of a charge that has ended; of what was free there is nothing.

    `"low_balance"` is that it took the balance from `low` or more to below it.
    """
    if not charge.terms.cost or charge.handed_over:
        return
    yield "charged" if charge.cost else "refunded"
    left = charge.balance
    if left is not None and left < low <= left + charge.cost:
        yield "low_balance"


def credits_event(charge: Charge, *, top_up_url: str | None = None) -> str:
    """A server-sent event that ends a stream: what it cost, and why it was cut off, if it was.

    The `final` of `Charge.stream`; the event is named `credits`
    (https://html.spec.whatwg.org/multipage/server-sent-events.html). `top_up_url` is where
    credits are bought.

    >>> from credits_core import Credits, hold_credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> with hold_credits(credits, "alice", 5, "story") as charge:
    ...     events = list(charge.stream(["data: Once\\n\\n"], 1, final=credits_event))
    >>> events[-1]
    'event: credits\\ndata: {"cost": 1, "remaining": 99}\\n\\n'
    """
    told: dict[str, object] = {"cost": charge.cost, "remaining": charge.balance}
    if charge.cut_off is not None:
        told["problem"] = problem(charge.cut_off, top_up_url=top_up_url).body
    return f"event: credits\ndata: {json.dumps(told)}\n\n"
