"""What a past period of a log would have cost under another book. It changes nothing.

A charge counts in the period in which it was made, as it stands today: what was given back later
is netted. The log is read from its newest entry back, so that what became of a charge is known
when the charge itself comes; what is remembered meanwhile is that, and no entry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from credits_core import validation
from credits_core.errors import CreditsError, InvalidRequestError
from credits_core.pricing.numbers import exact
from credits_core.pricing.used import Reader, Used, UsedTokens, read_used

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from credits_core.models import Transaction
    from credits_core.pricing.book import PriceBook

__all__ = ["Repriced", "Repricer", "Repricing", "Unpriced", "reprice_log"]


@dataclass(frozen=True, slots=True)
class Repriced:
    """The charges of an action: what they cost, and what they would have cost."""

    action: str
    count: int
    quantity: Fraction
    charged: int
    repriced: int

    @property
    def difference(self) -> int:
        """What would have been charged more; negative: less."""
        return self.repriced - self.charged


@dataclass(frozen=True, slots=True)
class Unpriced:
    """The charges of an action that could not be priced again, for one reason."""

    action: str
    reason: str
    count: int
    charged: int


@dataclass(frozen=True, slots=True)
class Repricing:
    """A period of a log under another book: by action, in the order of their names.

    Charges that were given back in full are in neither list: they cost nothing under any book.
    """

    actions: tuple[Repriced, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()
    folded_up_to: int | None = None
    """Up to when (ms) older charges are folded: they are not in here. None: none are."""

    @property
    def charged(self) -> int:
        """What the charges that could be priced again have cost."""
        return sum(each.charged for each in self.actions)

    @property
    def repriced(self) -> int:
        """What they would have cost."""
        return sum(each.repriced for each in self.actions)

    @property
    def difference(self) -> int:
        """What would have been charged more; negative: less."""
        return self.repriced - self.charged


@dataclass(slots=True)
class _Sum:
    count: int = 0
    charged: int = 0
    repriced: int = 0
    quantity: Fraction = field(default_factory=Fraction)


@dataclass(frozen=True, slots=True)
class _End:
    """How a hold ended: the entry that says so (None: it gave all back), and what was kept."""

    entry: Transaction | None
    kept: int
    refunded: int


class Repricer:
    """Takes the entries of a log, newest first; then `report()` says what they come to.

    `start_time` and `end_time` bound the charges that count, inclusive; None is no bound. What
    came after the end is still to be taken, for what it gives back. `at` is the instant whose
    version prices all; None prices each charge by the version of its own time. Instants are ms or
    aware datetimes.
    """

    def __init__(
        self,
        book: PriceBook,
        *,
        start_time: int | datetime | None = None,
        end_time: int | datetime | None = None,
        at: int | datetime | None = None,
        used: Reader = read_used,
    ) -> None:
        start = validation.bound_ms(start_time, "start_time")
        end = validation.bound_ms(end_time, "end_time")
        self._book, self._used = book, used
        self._at = validation.instant_ms(at, "at")
        self._start = -math.inf if start is None else start
        self._end = math.inf if end is None else end
        self._refunds: dict[str, int] = {}
        self._ends: dict[str, _End] = {}
        self._sums: dict[str, _Sum] = {}
        self._unpriced: dict[tuple[str, str], _Sum] = {}
        self._folded: int | None = None

    def take(self, entry: Transaction) -> None:
        """Take the next entry, which is older than all before, or as old."""
        kind, refunds = entry.kind, self._refunds
        if kind == "refund" and entry.refers_to:
            refunds[entry.refers_to] = refunds.get(entry.refers_to, 0) + int(entry.amount)
        elif kind in ("settle", "release") and entry.hold_id:
            refunded = refunds.pop(entry.id, 0)
            self._ends[entry.hold_id] = _End(entry, entry.kept or 0, refunded)
        elif kind == "expire" and entry.hold_id:
            # A hold that was charged after it had expired has its settle already.
            self._ends.setdefault(entry.hold_id, _End(None, 0, 0))
        elif kind == "checkpoint" and self._folded is None:
            self._folded = entry.timestamp
        elif kind == "hold":
            self._hold(entry, self._ends.pop(entry.id, None))
        elif kind == "deduct":
            self._charge(entry, (entry,), -entry.amount, refunds.pop(entry.id, 0))

    def report(self) -> Repricing:
        """What the entries so far come to."""
        return Repricing(
            tuple(
                Repriced(action, one.count, one.quantity, one.charged, one.repriced)
                for action, one in sorted(self._sums.items())
            ),
            tuple(
                Unpriced(action, reason, one.count, one.charged)
                for (action, reason), one in sorted(self._unpriced.items())
            ),
            self._folded,
        )

    def _hold(self, entry: Transaction, end: _End | None) -> None:
        if end is None:
            if self._counts(entry):
                self._refuse(entry.action, "it is on hold, and not settled yet", 0)
            return
        # What a settle says of itself beats the estimate.
        settle = end.entry
        tellers = (settle, entry) if settle is not None and settle.metadata else (entry,)
        self._charge(entry, tellers, end.kept, end.refunded)

    def _charge(
        self, entry: Transaction, tellers: tuple[Transaction, ...], cost: float, refunded: int
    ) -> None:
        """Count a charge; the first of `tellers` that says what it was for counts."""
        net = cost - refunded
        if not self._counts(entry) or not net:
            return
        if not isinstance(net, int):
            self._refuse(entry.action, "another app charged a fraction of a credit", math.ceil(net))
            return
        used, at_ms = self._told(tellers)
        if used is None:
            self._refuse(entry.action, "the log does not say how much of it was used", net)
        elif used.credits is not None and used.credits != cost:
            reason = "it cost something else than its price: less was there, or it was settled so"
            self._refuse(entry.action, reason, net)
        else:
            try:
                price = used.cost(self._book.version_at(at_ms if self._at is None else self._at))
                quantity = exact(used.quantity, "the quantity", InvalidRequestError)
            except CreditsError as error:
                self._refuse(entry.action, str(error), net)
                return
            one = self._sums.setdefault(used.action, _Sum())
            one.count += 1
            one.quantity += quantity
            one.charged += net
            # What was given back of it in part would have been so of the other price, too.
            one.repriced += math.ceil(Fraction(price * net, int(cost)))

    def _told(self, tellers: tuple[Transaction, ...]) -> tuple[Used | UsedTokens | None, int]:
        """What a charge was for, and when it got its price: a hold may have been settled later."""
        for entry in tellers:
            used = self._used(entry)
            if used is not None:
                return used, entry.timestamp
        return None, 0

    def _counts(self, entry: Transaction) -> bool:
        return self._start <= entry.timestamp <= self._end

    def _refuse(self, action: str, reason: str, charged: int) -> None:
        one = self._unpriced.setdefault((action, reason), _Sum())
        one.count += 1
        one.charged += charged


def reprice_log(
    entries: Iterable[Transaction],
    book: PriceBook,
    *,
    start_time: int | datetime | None = None,
    end_time: int | datetime | None = None,
    at: int | datetime | None = None,
    used: Reader = read_used,
) -> Repricing:
    """What the charges among `entries`, newest first, would have cost: see `AsyncCredits.reprice`.

    That reads the entries of an account; this takes those of an archive.

    Raises `InvalidRequestError` for entries that begin with the oldest, as they stand in an
    archive: what became of a charge would come after it, and not count.
    """
    repricer = Repricer(book, start_time=start_time, end_time=end_time, at=at, used=used)
    newest = last = None
    for last in entries:
        newest = newest or last
        repricer.take(last)
    if newest and last and last.timestamp > newest.timestamp:
        raise InvalidRequestError("the entries begin with the oldest: pass them newest first")
    return repricer.report()
