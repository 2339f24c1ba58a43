"""Brings an account in line with what was told of a payment, exactly once.

Everything is noted first; then what follows from all the notes is done, each thing under a key of
its own. So it does not matter which event comes, how often, in which order, or how many at once:
whoever is last sees everything, and what was done before is not done again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from credits_core.errors import InvalidRequestError
from credits_core.payments.plan import paid_of, steps_of
from credits_core.payments.told import Granted, Linked, Paid, note_of, read_notes
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
    """What came of it: `granted`, `taken` and `restored` are credits, of all events together.

    `claimed` is what returns found on hold: it is taken as far as the holds give it back.
    """

    payment_id: str
    user_id: str | None
    """None while only a refund or a dispute is known: it waits for the payment."""
    granted: int = 0
    taken: int = 0
    restored: int = 0
    receipt: Receipt | None = None
    """That of the grant, where this call made it, or one at the same time."""
    claimed: int = 0


def apply(told: Told) -> Steps[Applied]:
    """Note what a provider told, and do what follows from all that is known of the payment.

    These are steps, which `run` takes with a `Credits` and `arun` with an `AsyncCredits`. A
    payment is granted under the key `payment:<payment_id>`. What a return takes is in proportion to
    the money, what is left of the payment's credits at most, rounded down to whole credits; a
    return of the whole takes the whole. A dispute that is won gives back what it took.

    Raises what `add`, `grant_allowance`, `revoke`, `waive` and `note_payment` raise. Say it again,
    after any error: what was done stays done once.

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
    # A payment that was told of before its link has its grant here already, and keeps it.
    first = next((one for one in known if isinstance(one, (Linked, Paid))), None)
    if isinstance(first, Linked) and follow:
        return (yield from _moved(first, known))
    paid = paid_of(known)
    if paid is None:
        return Applied(told.payment_id, None)
    if isinstance(told, Paid):
        _compare(paid, told)
    return (yield from _settled(paid, known))


def _moved(link: Linked, known: list[Told | Granted]) -> Steps[Applied]:
    """Tell the payment that this one is a part of all that was told of this one."""
    applied = Applied(link.of, None)
    for one in known:
        if not isinstance(one, (Linked, Granted)):
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


def _settled(paid: Paid, known: list[Told | Granted]) -> Steps[Applied]:
    granted = next((one for one in known if isinstance(one, Granted)), None)
    receipt = None
    if granted is None:
        receipt = yield from _grant(paid)
        if receipt is None or not receipt.created:
            return Applied(paid.payment_id, paid.user_id, receipt=receipt)
        # The account forgets its keys when it is deleted, and the payment is granted once for ever.
        granted = Granted(paid.payment_id, receipt.tx_id)
        name, value = note_of(granted)
        yield lambda credits: credits.note_payment(paid.payment_id, name, value)
    # What a return takes is taken from the payment's own credits, then from those that were given
    # back of them.
    added = [granted.tx_id]
    taken: dict[str, int] = {}
    claims: dict[str, list[Receipt]] = {}
    restored = 0
    for step in steps_of(paid, known):
        if step.credits > 0:
            revocations = yield from _take(paid, step, added)
            taken[step.return_id] = sum(one.amount for one in revocations)
            claims[step.return_id] = [one for one in revocations if one.claimed]
            continue
        # First, so that how much there is to give back is the same whoever asks, and when.
        for undone in sorted(claims.keys() - step.lasting):
            for revocation in claims.pop(undone):
                taken[undone] += yield _waive(paid, revocation)
        if given := step.given(taken, restored):
            back = yield _give(paid, step, given)
            added.append(back.tx_id)
            restored += given
    total = sum(taken.values())
    claimed = sum(one.claimed for revocations in claims.values() for one in revocations)
    return Applied(paid.payment_id, paid.user_id, paid.credits, total, restored, receipt, claimed)


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
        if period.end_ms > time.time() * 1000:
            raise
        log.error("payment %s is for a period that is over: %s", paid.payment_id, error)
        return None
    if not receipt.created:
        log.error("payment %s is for a period before the last one granted", paid.payment_id)
    return receipt


def _take(paid: Paid, step: PlanStep, added: list[str]) -> Steps[list[Receipt]]:
    revocations: list[Receipt] = []
    missing = step.credits
    for number, tx_id in enumerate(added):
        if missing > 0:
            receipt = yield _revoke(paid, step, tx_id, missing, number)
            revocations.append(receipt)
            missing -= receipt.amount + receipt.claimed
    if missing > 0:
        left, held = sum(one.amount for one in revocations), sum(one.claimed for one in revocations)
        log.warning(
            "the %s %s of payment %s takes %d credits from %r, which had %d of them left, and %d "
            "on hold",
            *(step.reason, step.return_id, paid.payment_id, step.credits, paid.user_id, left, held),
        )
    return revocations


def _revoke(paid: Paid, step: PlanStep, tx_id: str, amount: int, number: int) -> Step:
    key = f"returned:{paid.payment_id}:{step.return_id}" + (f":{number}" if number else "")
    return lambda credits: credits.revoke(
        paid.user_id,
        tx_id,
        amount,
        reason=f"{step.reason} {step.return_id}",
        idempotency_key=key,
    )


def _waive(paid: Paid, revocation: Receipt) -> Step:
    return lambda credits: credits.waive(paid.user_id, revocation.tx_id)


def _give(paid: Paid, step: PlanStep, amount: int) -> Step:
    return lambda credits: credits.add(
        paid.user_id,
        amount,
        "restored",
        {"payment_id": paid.payment_id, "return_id": step.return_id},
        idempotency_key=f"restored:{paid.payment_id}:{step.return_id}",
    )
