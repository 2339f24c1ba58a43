"""A charge that grows while its work runs: spent from, renewed, drawn on by work inside."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, TypeVar, cast

from credits_core.charge.lifecycle import Lifecycle
from credits_core.charge.turns import Turns
from credits_core.errors import BackendUnavailableError, InsufficientCreditsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.async_client import AsyncCredits
    from credits_core.charge.ledger import AsyncLedger, Ledger
    from credits_core.charge.terms import Terms
    from credits_core.charge.threaded import ThreadedLedger
    from credits_core.client import Credits
    from credits_core.models import Hold
    from credits_core.pricing import Number

__all__ = ["Growing"]

T = TypeVar("T", bound="Number")


class Growing(Lifecycle):
    """What a `Charge` can do between its beginning and its end. Only a hold grows."""

    __slots__ = ("_turns",)

    def __init__(
        self, client: AsyncCredits | Credits, terms: Terms, *, threaded: bool = False
    ) -> None:
        """Use `require_credits`, `hold_credits` or `resume_hold`, which check the terms."""
        super().__init__(client, terms, threaded=threaded)
        self._turns = Turns() if terms.held else None

    async def aspend(self, amount: Number) -> None:
        """Count what the work is about to use, and see that it is held: see `spend`."""
        await self._acover(amount, self.tab.meter, self._async_ledger())

    def spend(self, amount: Number) -> None:
        """Count what the work is about to use, of a hold, and see that it is held.

        Credits, 0 or more, fractions included. The hold grows, and is renewed, in steps: a round
        trip a step, not a call. Raises `InsufficientCreditsError`, and counts nothing, where
        there is not enough. `aspend` is the same for an `AsyncCredits`.
        """
        self._cover(amount, self.tab.meter, self._sync_ledger())

    async def arenew(self) -> None:
        """Give a hold its full time again from now on: see `renew`."""
        if self.id is not None and self.tab.held:
            self._grown(await self._async_ledger().extend(self.terms, self.id, 0))

    def renew(self) -> None:
        """Give a hold its full time again from now on, for work that takes longer.

        Raises `HoldClosedError` when it has expired. `arenew` is the same for an `AsyncCredits`.
        """
        if self.id is not None and self.tab.held:
            self._grown(self._sync_ledger().extend(self.terms, self.id, 0))

    async def adraw(self, amount: int, ledger: AsyncLedger | ThreadedLedger) -> None:
        """Pay for work inside this work, out of what is held."""
        if self.tab.held:
            await self._acover(amount, self.tab.draw, ledger)

    def draw(self, amount: int, ledger: Ledger) -> None:
        """Pay for work inside this work, out of what is held."""
        if self.tab.held:
            self._cover(amount, self.tab.draw, ledger)

    async def _acover(
        self, amount: T, count: Callable[[T], None], ledger: AsyncLedger | ThreadedLedger
    ) -> None:
        """See that `amount` is held, and count it: one at a time, or two would rely on one rest."""
        if self._turns is None:
            count(amount)  # which refuses what is metered of a fixed price
            return
        await self._turns.await_mine()
        try:
            if (missing := self._missing(amount)) is not None:
                await self._agrow(missing, ledger)
            count(amount)
        finally:
            self._turns.pass_on()

    def _cover(self, amount: T, count: Callable[[T], None], ledger: Ledger) -> None:
        """See that `amount` is held, and count it: see `_acover`."""
        if self._turns is None:
            count(amount)
            return
        mine = self._turns.wait_for_mine()
        try:
            if (missing := self._missing(amount)) is not None:
                self._grow(missing, ledger)
            count(amount)
        finally:
            if mine:
                self._turns.pass_on()

    async def _agrow(self, missing: int, ledger: AsyncLedger | ThreadedLedger) -> None:
        if self._outer is not None:
            await self._outer.adraw(missing, ledger)
            self.tab.taken += missing
            return
        tx_id = cast("str", self.id)
        try:
            self._grown(await ledger.extend(self.terms, tx_id, self._step(missing)))
        except InsufficientCreditsError as error:
            self._grown(await ledger.extend(self.terms, tx_id, self._last_step(missing, error)))

    def _grow(self, missing: int, ledger: Ledger) -> None:
        if self._outer is not None:
            self._outer.draw(missing, ledger)
            self.tab.taken += missing
            return
        tx_id = cast("str", self.id)
        try:
            self._grown(ledger.extend(self.terms, tx_id, self._step(missing)))
        except InsufficientCreditsError as error:
            self._grown(ledger.extend(self.terms, tx_id, self._last_step(missing, error)))

    def _grown(self, hold: Hold) -> None:
        self.balance = hold.balance
        self.tab.taken = max(self.tab.taken, hold.amount)  # answers may overtake each other
        self._renewed()

    def _missing(self, amount: Number) -> int | None:
        """By how much the hold must grow for `amount` more; None where there is no need to ask."""
        self.must_be_open()
        if self._outer is None and self.id is None and self._unpaid is None:
            return None  # free
        missing = self.tab.lacks(amount)
        if self._unpaid is not None:
            if missing:
                raise BackendUnavailableError(
                    f"{self.terms.user_id!r} is served {self.tab.taken} credits while the store "
                    f"is away, and this would be {missing} more"
                )
            return None
        if missing or (self._outer is None and monotonic() > self._renew_at):
            return missing
        return None

    def _step(self, missing: int) -> int:
        return max(missing, self.terms.step) if missing else 0

    def _last_step(self, missing: int, error: InsufficientCreditsError) -> int:
        """All that is there, if it is enough for now; else the error of what is missing."""
        if error.available < missing:
            lacking = InsufficientCreditsError(missing, error.available, self.terms.user_id)
            lacking.action = self.terms.action
            raise lacking from None
        return error.available
