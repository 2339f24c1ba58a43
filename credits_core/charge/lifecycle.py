"""The life of a charge: begun, grown, ended once; each step for async code and for sync."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, cast

from anyio import CancelScope, to_thread

from credits_core import validation
from credits_core.async_client import AsyncCredits
from credits_core.charge.ledger import AsyncLedger, Ledger
from credits_core.charge.nesting import current_charge, payer
from credits_core.charge.tab import Tab
from credits_core.charge.threaded import ThreadedLedger
from credits_core.charge.turns import Turns
from credits_core.charge.unpaid import Unpaid
from credits_core.errors import (
    BackendError,
    BackendUnavailableError,
    HoldClosedError,
    InsufficientCreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
)
from credits_core.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from credits_core.charge.charge import Charge
    from credits_core.charge.tab import Ending, Move
    from credits_core.charge.terms import Terms
    from credits_core.client import Credits
    from credits_core.errors import CreditsError
    from credits_core.models import Hold
    from credits_core.pricing import Number

__all__ = ["Lifecycle"]

T = TypeVar("T", bound="Number")


class Lifecycle:
    """What `Charge` and the adapters drive: `a…` is for an `AsyncCredits`, the rest for `Credits`.

    A charge is `open` from `begin` to `end`. `end` may be called again, and then does nothing.
    """

    __slots__ = (
        "__weakref__",
        "_ledger",
        "_outer",
        "_renew_at",
        "_state",
        "_turns",
        "_unpaid",
        "around",
        "balance",
        "cut_off",
        "handed_over",
        "id",
        "streaming",
        "tab",
        "terms",
        "threaded",
    )

    def __init__(
        self, client: AsyncCredits | Credits, terms: Terms, *, threaded: bool = False
    ) -> None:
        """Use `require_credits`, `hold_credits` or `resume_hold`, which check the terms."""
        self.terms = terms
        self.threaded = threaded
        """Whether async code may drive it although its client is a `Credits`: in threads."""
        self.tab = Tab(terms.cost, held=terms.held)
        kind = AsyncLedger if isinstance(client, AsyncCredits) else Ledger
        self._ledger: AsyncLedger | Ledger = kind.of(client)  # type: ignore[arg-type]
        self._outer: Charge | None = None
        self._state = "new"
        self._renew_at = 0.0
        self._unpaid: Unpaid | None = None
        self._turns = Turns()
        self.around: Charge | None = None
        """The charge of the work that this work is a part of, whoever pays for it."""
        self.id: str | None = None
        """The id of the charge or of the hold; None for what is free or paid by another charge."""
        self.balance: int | None = None
        """The credits that were left when the ledger last answered; None if it was not asked."""
        self.cut_off: CreditsError | None = None
        """Why a stream ended early: too few credits, the store was away, or the hold has ended."""
        self.streaming = False
        """Whether a stream that has not ended yet will end it."""
        self.handed_over = False
        """Whether somebody else ends it."""

    @property
    def open(self) -> bool:
        """Whether the work has begun and has not ended."""
        return self._state == "open"

    def must_be_open(self) -> None:
        """Raise `RuntimeError` before the work has begun, and after it has ended."""
        if not self.open:
            raise RuntimeError("the charge is not open: the work has not begun, or has ended")

    async def abegin(self) -> Self:
        """Charge, or hold: the work may begin."""
        amount, ledger = self._prepare(), self._async_ledger()
        if amount and self._outer is not None:
            await self._outer.adraw(amount, ledger)
            self.tab.taken = amount
        elif amount:
            try:
                self._opened(await ledger.open(self.terms, amount))
            except InsufficientCreditsError as error:
                error.action = self.terms.action
                raise
            except BackendError as error:
                self._unserved(error)
        self._state = "open"
        return self

    def begin(self) -> Self:
        """Charge, or hold: the work may begin."""
        amount, ledger = self._prepare(), self._sync_ledger()
        if amount and self._outer is not None:
            self._outer.draw(amount, ledger)
            self.tab.taken = amount
        elif amount:
            try:
                self._opened(ledger.open(self.terms, amount))
            except InsufficientCreditsError as error:
                error.action = self.terms.action
                raise
            except BackendError as error:
                self._unserved(error)
        self._state = "open"
        return self

    async def aend(self, ending: Ending, error: BaseException | None = None) -> None:
        """Settle, once: shielded from cancellation, and in the background while it cannot be.

        Raises `BackendUnavailableError` where the work was served while the store is away, and
        that cannot be written down: then it must not be answered.
        """
        if self._unpaid is not None and self.open:
            try:
                with CancelScope(shield=True):
                    await to_thread.run_sync(self._unpaid.serve, self._owed(ending))
            finally:
                self._doubted(self._unpaid)
        elif (move := self._close(ending)) is not None:
            answer = await self._async_ledger().close(self.terms, move, self.tab.taken)
            self._settled(move, ending, answer, error)

    def end(self, ending: Ending, error: BaseException | None = None) -> None:
        """Settle, once, and in the background while it cannot be: see `aend`."""
        if self._unpaid is not None and self.open:
            try:
                self._unpaid.serve(self._owed(ending))
            finally:
                self._doubted(self._unpaid)
        elif (move := self._close(ending)) is not None:
            answer = self._sync_ledger().close(self.terms, move, self.tab.taken)
            self._settled(move, ending, answer, error)

    def let_go(self) -> None:
        """End it without a move in the ledger: that is for someone else to make."""
        if self.open:
            self._state = "ended"
            if self.id is not None:
                self._ledger.forget()

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
        await self._turns.await_mine()
        try:
            if (missing := self._missing(amount)) is not None:
                await self._agrow(missing, ledger)
            count(amount)
        finally:
            self._turns.pass_on()

    def _cover(self, amount: T, count: Callable[[T], None], ledger: Ledger) -> None:
        """See that `amount` is held, and count it: see `_acover`."""
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

    def _prepare(self) -> int:
        """What is to be taken; 0 where nothing is, because it is free or included."""
        if self._state != "new":
            raise RuntimeError("a charge is begun once: make another for more work")
        self._state = "beginning"
        terms = self.terms
        self.around = current_charge()
        if not terms.cost:
            # Nothing is sent, and yet who could not pay cannot have it for nothing either.
            validation.user_id(terms.user_id)
            validation.action(terms.action)
            return 0
        outer = None if terms.apart or terms.resumes else payer(terms.user_id, self._ledger)
        if outer is not None:
            self._outer = outer
            self.balance = outer.balance
            if not outer.tab.held:
                return 0
        return terms.cost

    def pays_for(self, user_id: str, ledger: AsyncLedger | Ledger) -> bool:
        """Whether paid work of this user inside is paid by this charge."""
        return bool(
            self.terms.cost and self.terms.user_id == user_id and self._ledger.keys == ledger.keys
        )

    def _unserved(self, error: BackendError) -> None:
        """The store did not charge: raise `error`, unless the work may be done all the same."""
        if self.terms.outage is None:
            raise error
        try:
            self._unpaid = Unpaid(self.terms, self.terms.outage, error)
        except OutcomeUnknownError:
            self._ledger.undo(self.terms, cast("OutcomeUnknownError", error))
            raise
        self.tab.taken = self.terms.cost

    def _doubted(self, unpaid: Unpaid) -> None:
        if unpaid.doubt is not None:
            self._ledger.undo(self.terms, unpaid.doubt)

    def _owed(self, ending: Ending) -> int:
        self._state, self.streaming = "ended", False
        self.tab.taken = self.tab.final(ending)
        return self.tab.taken

    def _opened(self, made: Receipt | Hold) -> None:
        self.balance = made.balance
        self.tab.taken = made.amount
        if isinstance(made, Receipt):
            self.id = made.tx_id
            return
        self.id = made.id
        if self.terms.resumes is not None:
            self.tab.estimate = made.amount
        self._renewed()

    def _grown(self, hold: Hold) -> None:
        self.balance = hold.balance
        self.tab.taken = max(self.tab.taken, hold.amount)  # answers may overtake each other
        self._renewed()

    def _renewed(self) -> None:
        span = self.terms.expires_in
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        self._renew_at = monotonic() + seconds / 2

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

    def _close(self, ending: Ending) -> Move | None:
        if self._state != "open":
            return None
        self._state = "ended"
        self.streaming = False
        if self._outer is not None:
            final = self.tab.final(ending)
            if self._outer.tab.held:
                self._outer.tab.draw(final - self.tab.taken)
                self.tab.taken = final
            return None
        move = self.tab.last_move(self.id, ending, self.terms.shortfall)
        if move is None and self.id is not None:
            self._ledger.forget()
        return move

    def _settled(
        self, move: Move, ending: Ending, answer: Receipt | Exception, error: BaseException | None
    ) -> None:
        if isinstance(answer, Receipt):
            self.balance = answer.balance
            refunded = move.method == "refund"
            self.tab.taken = self.tab.taken - answer.amount if refunded else answer.amount
            return
        if isinstance(answer, HoldClosedError):
            # By someone who knew better: a worker that it was told to, or the work itself.
            self.tab.taken = answer.kept
            return
        if isinstance(answer, BackendError):
            self.tab.taken = self.tab.final(ending)  # as it will be
        if error is not None:
            error.add_note(f"the {move.method} of {self.id} has not come through: {answer!r}")

    def _async_ledger(self) -> AsyncLedger | ThreadedLedger:
        if isinstance(self._ledger, AsyncLedger):
            return self._ledger
        if self.threaded:
            return ThreadedLedger(self._ledger)
        raise InvalidRequestError(
            "this charge is of a Credits, for sync code: use `with`, spend and renew, or make it "
            "with an AsyncCredits"
        )

    def _sync_ledger(self) -> Ledger:
        if isinstance(self._ledger, Ledger):
            return self._ledger
        raise InvalidRequestError(
            "this charge is of an AsyncCredits: use `async with`, aspend and arenew, or make it "
            "with a Credits"
        )
