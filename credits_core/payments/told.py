"""What a payment provider can tell of a payment, as values that are kept as notes of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from credits_core import validation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from credits_core.models import PaymentNote

__all__ = ["Linked", "Paid", "Restored", "Returned", "Told", "note_of", "read_notes"]

_LONGEST = 96


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment came through, for `credits` of our own table.

    `payment_id` is the provider's, unique among all providers that an app has: put a name before
    one that is a mere number (`"lemonsqueezy:123"`). `amount` is what was paid, tax and all, in the
    smallest unit of its `currency`; None where it is not told. A payment for a period of a
    subscription has the ms since the epoch of its `period`, and is granted as an allowance
    named by the `subscription_id`, with this `rollover`.
    """

    payment_id: str
    user_id: str
    package_id: str
    credits: int
    amount: int | None = None
    currency: str | None = None
    subscription_id: str | None = None
    period: tuple[int, int] | None = None
    rollover: Literal["none", "all"] | int = "none"


@dataclass(frozen=True, slots=True)
class Returned:
    """Money of a payment went back, or is disputed: all of it, or an `amount`.

    `return_id` is that of the refund or of the dispute: each counts once. `amount` is in the
    smallest unit of `currency`; None is all. With `so_far` it is what went back of the payment by
    now, in all refunds together; each such sum is a return of its own.
    """

    payment_id: str
    return_id: str
    amount: int | None = None
    currency: str | None = None
    reason: Literal["refund", "dispute"] = "refund"
    so_far: bool = False

    def __post_init__(self) -> None:
        """Refuse an id that makes no key, and what is no money."""
        validation.line(self.return_id, "return_id", _LONGEST)
        if self.amount is not None:
            validation.amount_or_zero(self.amount)


@dataclass(frozen=True, slots=True)
class Restored:
    """A return did not last: the dispute was won, or the refund failed."""

    payment_id: str
    return_id: str

    def __post_init__(self) -> None:
        """Refuse an id that makes no key."""
        validation.line(self.return_id, "return_id", _LONGEST)


@dataclass(frozen=True, slots=True)
class Linked:
    """What is told of `payment_id` is told of `of`: one payment that has two ids.

    So is an invoice of Stripe's and the payment intent that pays it.
    """

    payment_id: str
    of: str


Told: TypeAlias = Paid | Returned | Restored | Linked

_KINDS = {"paid": Paid, "returned": Returned, "restored": Restored, "linked": Linked}


def note_of(told: Told) -> tuple[str, str]:
    """The name and the text that something is noted by: what has one name is noted once.

    >>> note_of(Restored("pi_1", "dp_1"))
    ('restored:dp_1', '{}')
    """
    fields = asdict(told)
    del fields["payment_id"]
    if isinstance(told, (Returned, Restored)):
        name = f"{type(told).__name__.lower()}:{fields.pop('return_id')}"
    else:
        name = type(told).__name__.lower()
    return name, json.dumps(fields)


def read_notes(payment_id: str, notes: Iterable[PaymentNote]) -> list[Told]:
    """What the notes of a payment say, in the order in which they were written.

    Notes by other names are an app's own.
    """
    told = []
    for note in notes:
        kind, _, return_id = note.name.partition(":")
        if kind in _KINDS:
            fields = json.loads(note.value)
            if return_id:
                fields["return_id"] = return_id
            if fields.get("period"):
                fields["period"] = tuple(fields["period"])
            told.append(_KINDS[kind](payment_id=payment_id, **fields))
    return told
