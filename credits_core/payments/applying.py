"""Brings an account in line with what was told of a payment, exactly once.

Everything is noted first; then what follows from all the notes is done, each thing under a key of
its own. So it does not matter which event comes, how often, in which order, or how many at once:
whoever is last sees everything, and what was done before is not done again.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from credits_core.errors import InvalidRequestError
from credits_core.payments.plan import paid_of, steps_of
from credits_core.payments.told import Linked, Paid, note_of, read_notes
from credits_core.periods import Period

if TYPE_CHECKING:
    from credits_core.http.steps import Step, Steps
    from credits_core.models import Receipt
    from credits_core.payments.plan import Step as PlanStep
    from credits_core.payments.told import Told

__all__ = ["Applied", "apply"]

log: Final = logging.getLogger(__name__)

ACTION: Final = "purchase"


class Applied(NamedTuple):
    """What came of it: `granted`, `taken` and `restored` are credits, of all events together."""

    payment_id: str
    user_id: str | None
    """None while only a refund or a dispute is known: it waits for the payment."""
    granted: int = 0
    taken: int = 0
    restored: int = 0
    receipt: Receipt | None = None
    """That of the grant."""


def apply(told: Told) -> Steps[Applied]:
    """Note what a provider told, and do what follows from all that is known of the payment.

    These are steps, which `run` takes with a `Credits` and `arun` with an `AsyncCredits`. A
    payment is granted under the key `payment:<payment_id>`. What a return takes is in proportion to
    the money, what is left of the payment's credits at most, rounded down to whole credits; a
    return of the whole takes the whole. A dispute that is won gives back what it took.

    Raises what `add`, `grant_allowance`, `revoke` and `note_payment` raise. Say it again, after
    any error: what was done stays done once.

    >>> from credits_core import Credits
    >>> from credits_core.http.steps import run
    >>> from credits_core.payments import Paid, Returned
    >>> credits = Credits.from_url("memory://")
    >>> refund = Returned("pi_1", "re_1", 999, "USD")
    >>> run(credits, apply(refund)).user_id is None  # comes before its payment
    True
    >>> paid = Paid("pi_1", "alice", "starter", 100, amount=999, currency="USD")
    >>> applied = run(credits, apply(paid))
    >>> applied.granted, applied.taken, credits.get_balance("alice")
    (100, 100, 0)
    """
    return (yield from _applied(told, follow=True))


def _applied(told: Told, *, follow: bool) -> Steps[Applied]:
    name, value = note_of(told)
    notes = yield lambda credits: credits.note_payment(told.payment_id, name, value)
    known = read_notes(told.payment_id, notes)
    link = next((one for one in known if isinstance(one, Linked)), None)
    if link is not None and follow:
        return (yield from _moved(link, known))
    paid = paid_of(known)
    if paid is None:
        return Applied(told.payment_id, None)
    if isinstance(told, Paid):
        _compare(paid, told)
    return (yield from _settled(paid, known))


def _moved(link: Linked, known: list[Told]) -> Steps[Applied]:
    """Tell the payment that this one is a part of all that was told of this one."""
    applied = Applied(link.of, None)
    for one in known:
        if not isinstance(one, Linked):
            # Once: two ids that name each other would be followed for ever.
            moved = replace(one, payment_id=link.of)
            applied = yield from _applied(moved, follow=False)
    return applied


def _compare(noted: Paid, told: Paid) -> None:
    if (noted.user_id, noted.package_id) != (told.user_id, told.package_id):
        log.error(
            "payment %s was credited as %r to %r and is told again as %r of %r: look at it; "
            "nothing was credited for the second",
            *(told.payment_id, noted.package_id, noted.user_id, told.package_id, told.user_id),
        )


def _settled(paid: Paid, known: list[Told]) -> Steps[Applied]:
    receipt = yield from _grant(paid)
    if receipt is None or not receipt.created:
        return Applied(paid.payment_id, paid.user_id, receipt=receipt)
    # What a return takes is taken from the payment's own credits, then from those that were given
    # back of them.
    added = [receipt.tx_id]
    taken: dict[str, int] = {}
    restored = 0
    for step in steps_of(paid, known):
        if step.credits > 0:
            taken[step.return_id] = yield from _take(paid, step, added)
        elif given := step.given(taken, restored):
            back = yield _give(paid, step, given)
            added.append(back.tx_id)
            restored += given
    total = sum(taken.values())
    return Applied(paid.payment_id, paid.user_id, paid.credits, total, restored, receipt)


def _grant(paid: Paid) -> Steps[Receipt | None]:
    metadata = {"payment_id": paid.payment_id, "package": paid.package_id}
    if paid.period is None:
        receipt: Receipt = yield lambda credits: credits.add(
            paid.user_id,
            paid.credits,
            ACTION,
            metadata,
            idempotency_key=f"payment:{paid.payment_id}",
        )
        return receipt
    period = Period(*paid.period)
    try:
        receipt = yield lambda credits: credits.grant_allowance(
            paid.user_id,
            paid.subscription_id,
            paid.credits,
            period,
            rollover=paid.rollover,
            metadata=metadata,
        )
    except InvalidRequestError as error:
        # It would have expired by now, as all that is left of such an allowance has.
        log.warning("payment %s is for a period that is over: %s", paid.payment_id, error)
        return None
    return receipt


def _take(paid: Paid, step: PlanStep, added: list[str]) -> Steps[int]:
    taken = 0
    for number, tx_id in enumerate(added):
        if taken < step.credits:
            receipt = yield _revoke(paid, step, tx_id, step.credits - taken, number)
            taken += receipt.amount
    if taken < step.credits:
        log.warning(
            "the %s %s of payment %s takes %d credits from %r, which had %d of them left",
            *(step.reason, step.return_id, paid.payment_id, step.credits, paid.user_id, taken),
        )
    return taken


def _revoke(paid: Paid, step: PlanStep, tx_id: str, amount: int, number: int) -> Step:
    key = f"returned:{paid.payment_id}:{step.return_id}" + (f":{number}" if number else "")
    return lambda credits: credits.revoke(
        paid.user_id,
        tx_id,
        amount,
        reason=f"{step.reason} {step.return_id}",
        idempotency_key=key,
    )


def _give(paid: Paid, step: PlanStep, amount: int) -> Step:
    return lambda credits: credits.add(
        paid.user_id,
        amount,
        "restored",
        {"payment_id": paid.payment_id, "return_id": step.return_id},
        idempotency_key=f"restored:{paid.payment_id}:{step.return_id}",
    )
