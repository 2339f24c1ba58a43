"""What an account spent and earned: entries of its log in, sums a day and an action out.

Days are those of UTC. What a hold did counts on the day on which it was made and for its
action, whenever it ended: what was kept of it is spent, what came back is not. An account's
usage is a few numbers however long its log is, so that it is added up page by page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from credits_core import validation
from credits_core.entries import made_at
from credits_core.errors import InvalidRequestError
from credits_core.models import instant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from credits_core.models import Transaction

__all__ = [
    "MAX_ACTIONS",
    "MAX_DAYS",
    "Tally",
    "Usage",
    "UsageDay",
    "UsageSum",
    "day_number",
    "days_of",
]

MAX_DAYS: Final = 366
"""Days of one question at most."""

MAX_ACTIONS: Final = 100
"""Actions that are told apart; what else there is in the log counts together, as None."""

DAYS: Final = 7
DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)

Number: TypeAlias = int | float


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums of credits, each as it is named and none of them netted against another.

    They are whole but where another app wrote fractions.
    """

    spent: Number = 0
    """Charges, what was kept of holds, what went to other accounts."""
    earned: Number = 0
    """Sign-up credits, purchases, grants, allowances, what came from other accounts."""
    refunded: Number = 0
    """What was given back of charges, on the day on which it was."""
    expired: Number = 0
    """What was left of grants whose time had passed."""
    revoked: Number = 0
    """What was taken back of additions."""


# The places of a running sum; they are those of a tally.
_SPENT, _EARNED, _REFUNDED, _EXPIRED, _REVOKED = range(5)
_OF_KIND: Final = {"refund": _REFUNDED, "expire": _EXPIRED, "revoke": _REVOKED}

Sums: TypeAlias = list[Number]
ByAction: TypeAlias = dict[str | None, Sums]


@dataclass(frozen=True, slots=True)
class UsageDay:
    """A day of UTC."""

    date: date
    total: Tally
    held: Number
    """What holds of this day set aside that are open still: out of the balance, and not spent."""
    actions: dict[str | None, Tally]


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account spent and earned from `start` to `end`, the days of which are all there.

    The days stand oldest first, the actions by what was spent on them, most first.
    `held` is what holds of these days set aside that are open still. `actions` has at most 100
    names; what else there is counts together under None. `folded_until` (ms since the epoch) is
    up to when the log was folded: of what is older only the sum is left, which is not in here.
    """

    user_id: str
    start: date
    end: date
    total: Tally
    held: Number
    actions: dict[str | None, Tally]
    days: tuple[UsageDay, ...]
    folded_until: int | None = None


def days_of(days: object, start: object, end: object, now_ms: int) -> tuple[date, date]:
    """The first and the last day that is asked for.

    >>> noon = 1763640000000
    >>> days_of(7, None, None, noon)
    (datetime.date(2025, 11, 14), datetime.date(2025, 11, 20))
    >>> days_of(None, date(2025, 11, 1), None, noon)
    (datetime.date(2025, 11, 1), datetime.date(2025, 11, 20))
    """
    last = instant(now_ms).date() if end is None else _date(end, "end")
    if start is None:
        count = validation.days(DAYS if days is None else days, MAX_DAYS)
        return last - timedelta(days=count - 1), last
    if days is not None:
        raise InvalidRequestError("usage is asked for by days, or from a start: not by both")
    first = _date(start, "start")
    if first > last:
        raise InvalidRequestError(f"usage starts on {first}, after its end on {last}")
    validation.days((last - first).days + 1, MAX_DAYS)
    return first, last


def _date(value: object, what: str) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise InvalidRequestError(
            f"{what} is a date, a day of UTC, not {type(value).__name__}: date(2026, 1, 31)"
        )
    return value


class UsageSum:
    """Adds up entries, in any order, for the days from `first` to `last`.

    It needs those of these days, and those after them for the holds that ended later.
    """

    def __init__(self, first: date, last: date) -> None:
        """Begin with nothing."""
        numbers = range(day_number(first), day_number(last) + 1)
        self._days: dict[int, ByAction] = {number: {} for number in numbers}
        self._open: dict[str, tuple[int, Number]] = {}  # by hold: its day, what it has set aside
        self._actions: set[str] = set()
        self._folded: int | None = None

    def add(self, entry: Transaction) -> None:
        """Count an entry."""
        if entry.kind == "checkpoint":
            self._folded = max(self._folded or entry.timestamp, entry.timestamp)
        elif entry.hold_id is not None:
            self._hold(entry, entry.hold_id)
        else:
            place = _OF_KIND.get(entry.kind, _SPENT if entry.amount < 0 else _EARNED)
            gained = place in (_EARNED, _REFUNDED)
            self._count(
                entry.timestamp // DAY_MS,
                entry.action,
                place,
                entry.amount if gained else -entry.amount,
            )

    def _hold(self, entry: Transaction, hold_id: str) -> None:
        # An id tells when it was made, wherever its end is in the log.
        made = made_at(hold_id)
        day = (entry.timestamp if made is None else made) // DAY_MS
        if day not in self._days:
            return
        kept = entry.kept or 0
        if kept:
            self._count(day, entry.action, _SPENT, kept)
        # Between its beginning and its end only: an account has at most a thousand open at once.
        _, so_far = self._open.pop(hold_id, (day, 0))
        if left := so_far - entry.amount - kept:
            self._open[hold_id] = day, left

    def _held(self) -> dict[int, Number]:
        """What open holds have set aside, a day."""
        held: dict[int, Number] = dict.fromkeys(self._days, 0)
        for day, left in self._open.values():
            # Below nothing is a hold that has ended and whose beginning is folded.
            held[day] += max(0, left)
        return held

    def _count(self, day: int, action: str, place: int, amount: Number) -> None:
        actions = self._days.get(day)
        if actions is None:
            return
        name: str | None = action
        if action not in self._actions:
            if len(self._actions) < MAX_ACTIONS:
                self._actions.add(action)
            else:
                name = None
        sums = actions.get(name)
        if sums is None:
            sums = actions[name] = [0] * 5
        sums[place] += amount

    def usage(self, user_id: str) -> Usage:
        """What it comes to."""
        held = self._held()
        days = tuple(
            UsageDay(
                _EPOCH + timedelta(days=number),
                _total(actions.values()),
                held[number],
                _tallies(actions),
            )
            for number, actions in self._days.items()
        )
        together: ByAction = {}
        for actions in self._days.values():
            for action, sums in actions.items():
                so_far = together.get(action, [0] * 5)
                together[action] = [a + b for a, b in zip(so_far, sums, strict=True)]
        return Usage(
            user_id,
            start=days[0].date,
            end=days[-1].date,
            total=_total(together.values()),
            held=sum(held.values()),
            actions=_tallies(together),
            days=days,
            folded_until=self._folded,
        )


def day_number(day: date) -> int:
    """Days since the epoch."""
    return (day - _EPOCH).days


def _total(many: Iterable[Sums]) -> Tally:
    return Tally(*map(sum, zip(*many, strict=True)))


def _tallies(actions: ByAction) -> dict[str | None, Tally]:
    ordered = sorted(actions.items(), key=lambda pair: (-pair[1][_SPENT], pair[0] or ""))
    return {action: Tally(*sums) for action, sums in ordered}
