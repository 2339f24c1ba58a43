"""Reconciliation of all accounts in many short calls, each of which goes on where one ended.

Nothing is kept of who was looked at: first come the accounts that have a balance, then those
that only have a log. A place is one in the walk of the store's own SCAN, which gives every
account that was there throughout. One may come twice, and is counted each time.
"""

from __future__ import annotations

import re
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from credits_core.commands import stored_balance
from credits_core.cursors import scan
from credits_core.errors import (
    AccountStateError,
    BackendError,
    BackendUnavailableError,
    CreditsError,
    InvalidRequestError,
)
from credits_core.models import ReconcileReport
from credits_core.plans import OutOfTimeError, Plan, together, until
from credits_core.plans.reconcile import GROUP, check_store, checked, counted, touched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.command import Command
    from credits_core.keys import KeySpace

__all__ = ["Place", "Sweep"]

SCAN_COUNT: Final = 20
"""Keys that the store looks at for a page: what is done between two looks at the clock is short."""

ALONE_COUNT: Final = 1
"""The same where accounts are looked at one by one."""

Outcomes: TypeAlias = dict[str, str | CreditsError]

_PLACE: Final = re.compile(r"(balances|logs)-((?:([0-9]{1,20}):)?([0-9]{1,20}))(-alone)?")
_LAST: Final = 2**64 - 1


class Place(NamedTuple):
    """Where a sweep is: among the balances or the logs, and where in the store's walk of them."""

    among: str = "balances"
    at: str = "0"
    alone: bool = False
    """Whether a whole call did not get through it: from here on one account at a time."""

    def cursor(self) -> str:
        """The place as a text that is safe in a URL.

        >>> Place.of(Place("logs", "17").cursor(), cluster=False)
        Place(among='logs', at='17', alone=False)
        """
        return f"{self.among}-{self.at}{'-alone' if self.alone else ''}"

    @classmethod
    def of(cls, cursor: object, *, cluster: bool) -> Place:
        """The place that a cursor tells; `"start"` is the beginning."""
        place = cls() if cursor == "start" else _told(cursor, cluster=cluster)
        if place is None:
            raise InvalidRequestError(
                "cursor is that of the report before, as it was given, or 'start'"
            )
        return place

    @classmethod
    def kept(cls, text: str, *, cluster: bool) -> Place:
        """The place that the store kept; the beginning where that is none."""
        return _told(text, cluster=cluster) or cls()

    def after(self, at: str) -> Place | None:
        """The next place; None after the last."""
        if at != "0":
            return self._replace(at=at)
        return Place("logs", alone=self.alone) if self.among == "balances" else None


def _told(cursor: object, *, cluster: bool) -> Place | None:
    found = _PLACE.fullmatch(cursor) if isinstance(cursor, str) else None
    # Of a cluster it names a primary; 64 bits are what SCAN takes.
    if found is None or int(found[4]) > _LAST or (found[3] is not None and not cluster):
        return None
    return Place(found[1], found[2], found[5] is not None)


class Sweep:
    """Reconciles accounts a page at a time, from a place on, until its time is over."""

    def __init__(self, keys: KeySpace, place: Place, seconds: float, *, repair: bool) -> None:
        """Begin at a place."""
        self.report = ReconcileReport()
        self.place: Place | None = place
        self._keys = keys
        self._repair = repair
        self._fresh = True
        self._ends = monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether its time is."""
        return monotonic() >= self._ends

    @property
    def cursor(self) -> str | None:
        """Where the next call goes on; None when all were looked at."""
        return None if self.place is None else self.place.cursor()

    def pages(self) -> Plan[ReconcileReport]:
        """Reconcile for as long as there is time and there are accounts."""
        while self.place is not None and (self._fresh or not self.over):
            try:
                following = yield from self._page(self.place)
            except OutOfTimeError:
                alone = self.place.alone or self._fresh
                break
            self.place = following
            self._fresh = False
        else:
            alone = False
        if self.place is not None:
            self.place = self.place._replace(alone=alone)
        return replace(self.report, cursor=self.cursor)

    def _page(self, place: Place) -> Plan[Place | None]:
        pattern = {"balances": self._keys.balance_pattern, "logs": self._keys.log_pattern}
        count, width = (ALONE_COUNT, 1) if place.alone else (SCAN_COUNT, GROUP)
        at, names = yield from scan(place.at, pattern[place.among](), count)
        users = list(dict.fromkeys(user for name in names if (user := self._keys.user_of(name))))
        for start in range(0, len(users), width):
            outcomes: Outcomes = {}
            try:
                group = self._group(place, users[start : start + width], outcomes)
                yield from until(group, lambda: self.over)
            except OutOfTimeError:
                self.report = counted(self.report, outcomes.items())
                if not (place.alone and self._fresh):
                    raise  # the next call has this page, and all its time for it
                self._give_up([user for user in users[start:] if user not in outcomes])
                break
            self.report = counted(self.report, outcomes.items())
        return place.after(at)

    def _group(self, place: Place, users: Sequence[str], outcomes: Outcomes) -> Plan[None]:
        if place.among == "logs":
            users = yield from self._without_balance(users)
        yield from together([self._account(user, outcomes) for user in users])
        yield from check_store(self._keys, outcomes.items())

    def _account(self, user: str, outcomes: Outcomes) -> Plan[None]:
        try:
            outcomes[user] = yield from checked(self._keys, user, repair=self._repair)
            yield from touched(self._keys, user)
        except CreditsError as error:
            outcomes[user] = error

    def _without_balance(self, users: Sequence[str]) -> Plan[list[str]]:
        asked = {user: _stored_balance(self._keys, user) for user in users}
        commands = [command for command in asked.values() if command is not None]
        answers = iter((yield commands) if commands else ())
        found: list[str] = []
        for user, command in asked.items():
            answer = None if command is None else next(answers)
            if isinstance(answer, BackendError):
                raise answer
            if isinstance(answer, AccountStateError) and answer.state == "missing_balance":
                found.append(user)
        return found

    def _give_up(self, users: Sequence[str]) -> None:
        """Count accounts that a call of this length does not get through, and go on past them."""
        error = BackendUnavailableError("a log is too long for this call: give it more time")
        self.report = counted(self.report, [(user, error) for user in users])


def _stored_balance(keys: KeySpace, user_id: str) -> Command[int] | None:
    try:
        return stored_balance(keys, user_id)
    except InvalidRequestError:
        return None  # no account of ours; who has a balance of that name was told of it
