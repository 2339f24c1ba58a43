"""What follows from all that was told of a payment: a pure function of it.

The order in which it was written down is the same for everybody, so that all who read it draw the
same conclusions, each under the same key. Done by many at once they are done once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from credits_core.payments.told import Paid, Restored, Returned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from credits_core.payments.told import Granted, Told

__all__ = ["Step", "paid_of", "steps_of"]


@dataclass(frozen=True, slots=True)
class Step:
    """Credits to take for a return (above 0), or to give back (below), at most.

    `due` is how many credits all the `lasting` returns together take back from now on.
    """

    return_id: str
    credits: int
    due: int
    reason: str
    lasting: frozenset[str]

    def given(self, taken: Mapping[str, int], given: int) -> int:
        """How much it gives back, when so much was `taken` for each return and `given` before.

        What the lasting returns took stays taken, up to what is due to them; nobody gets back what
        was not taken, because it had been spent.
        """
        kept = sum(credits for one, credits in taken.items() if one in self.lasting)
        return min(-self.credits, sum(taken.values()) - given - min(kept, self.due))


def paid_of(told: Iterable[Told | Granted]) -> Paid | None:
    """The payment itself, if it was told of."""
    return next((one for one in told if isinstance(one, Paid)), None)


def steps_of(paid: Paid, told: Iterable[Told | Granted]) -> list[Step]:
    """What returns take and restorations give, in the order in which they were told.

    After each, all that is to be taken is in proportion to all the money that went back, rounded
    down to whole credits: parts never take more than the whole, and the whole takes all.

    >>> paid = Paid("pi_1", "alice", "starter", 100, amount=999, currency="USD")
    >>> halves = [Returned("pi_1", "re_1", 500, "USD"), Returned("pi_1", "re_2", 499, "USD")]
    >>> [step.credits for step in steps_of(paid, halves)]
    [50, 50]
    """
    returns: dict[str, Returned] = {}
    restored: set[str] = set()
    steps, before = [], 0
    for one in told:
        if isinstance(one, Returned):
            returns[one.return_id] = one
        elif isinstance(one, Restored):
            restored.add(one.return_id)
        else:
            continue
        due = _due(paid, returns.values(), restored)
        reason = one.reason if isinstance(one, Returned) else "restored"
        if due != before:
            lasting = frozenset(returns) - restored
            steps.append(Step(one.return_id, due - before, due, reason, lasting))
        before = due
    return steps


def _due(paid: Paid, returns: Iterable[Returned], restored: set[str]) -> int:
    """The credits that all the returns together take back."""
    lasting = [one for one in returns if one.return_id not in restored]
    if any(_money(paid, one) is None for one in lasting):
        return paid.credits
    undone = [one for one in returns if one.return_id in restored and one.reason == "refund"]
    sums = [_money(paid, one) or 0 for one in lasting if one.so_far]
    refunds = _total(paid, (one for one in lasting if one.reason == "refund" and not one.so_far))
    # A sum counts the refund that failed later, and never a dispute.
    refunds = max(refunds, max(sums, default=0) - _total(paid, undone))
    money = refunds + _total(paid, (one for one in lasting if one.reason == "dispute"))
    if not paid.amount or money >= paid.amount:
        return paid.credits if money > 0 else 0
    return paid.credits * money // paid.amount


def _total(paid: Paid, returns: Iterable[Returned]) -> int:
    return sum(_money(paid, one) or 0 for one in returns)


def _money(paid: Paid, one: Returned) -> int | None:
    """How much of the payment went back; None is all, or what cannot be compared with it."""
    if paid.amount is None or one.currency != paid.currency:
        return None
    return one.amount
