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
from credits_core.charge.unpaid import Unpaid
from credits_core.errors import (
    BackendError,
    HoldClosedError,
    InsufficientCreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
)
from credits_core.models import Receipt

if TYPE_CHECKING:
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
        "_begun",
        "_ledger",
        "_outer",
        "_renew_at",
        "_unpaid",
        "around",
        "balance",
        "cut_off",
        "handed_over",
        "id",
        "open",
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
        self._begun = False
        self._renew_at = 0.0
        self._unpaid: Unpaid | None = None
        self.open = False
        """Whether the work has begun and has not ended."""
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

    def must_be_open(self) -> None:
        """Raise `RuntimeError` before the work has begun, and after it has ended."""
        if not self.open:
            if self.handed_over:
                raise RuntimeError("the charge is not open: it was handed over, and ends elsewhere")
            raise RuntimeError(
                "the charge is not open: the work has not begun, or has ended. Work that goes on "
                "after it, as a background task does, takes the hold over: hand_over(), and "
                "resume_hold there"
            )

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
        self.open = True
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
        self.open = True
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
            self.open = False
            if self.id is not None:
                self._ledger.forget()

    def _prepare(self) -> int:
        """What is to be taken; 0 where nothing is, because it is free or included."""
        if self._begun:
            raise RuntimeError("a charge is begun once: make another for more work")
        self._begun = True
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
        self.open = self.streaming = False
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

    def _renewed(self) -> None:
        span = self.terms.expires_in
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        self._renew_at = monotonic() + seconds / 2

    def _close(self, ending: Ending) -> Move | None:
        if not self.open:
            return None
        self.open = self.streaming = False
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
