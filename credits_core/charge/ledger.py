"""What a charge does in the ledger: made in one round trip, settled whatever breaks.

Two ways lead to a charge without service: the caller is cancelled while the charge is on its
way, and the answer to it is lost. In both nobody knows yet whether it happened, so that the
background finds out and gives back what was taken. The async ledger and its sync twin.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import CancelScope

from credits_core import commands
from credits_core.charge.pending import AsyncPending, Pending, ainsist, insist
from credits_core.charge.tab import Move
from credits_core.errors import (
    BackendError,
    CreditsError,
    HoldClosedError,
    LimitExceededError,
    OutcomeUnknownError,
)

if TYPE_CHECKING:
    from credits_core.async_client import AsyncCredits
    from credits_core.charge.terms import Terms
    from credits_core.client import Credits
    from credits_core.command import Command
    from credits_core.commands import SignUp
    from credits_core.keys import KeySpace
    from credits_core.models import Hold, Receipt

__all__ = ["AsyncLedger", "Ledger", "undoing"]

_KEPT = "_ledger_of_charges"
"""Where a client keeps its ledger."""

_log = logging.getLogger(__name__)


def opening(
    terms: Terms, amount: int, keys: KeySpace, sign_up: SignUp, now_ms: int
) -> Command[Receipt | Hold]:
    """The command that begins a charge of `amount` credits."""
    user, action, metadata = terms.user_id, terms.action, terms.metadata
    if terms.resumes is not None:
        return commands.extend(
            keys,
            user,
            terms.resumes,
            0,
            expires_in=terms.expires_in,
            idempotency_key=None,
            now_ms=now_ms,
        )
    if terms.held:
        return commands.hold(
            keys,
            user,
            amount,
            action,
            metadata,
            expires_in=terms.expires_in,
            idempotency_key=terms.key,
            sign_up=sign_up,
            now_ms=now_ms,
        )
    return commands.deduct(
        keys,
        user,
        amount,
        action,
        metadata,
        idempotency_key=terms.key,
        sign_up=sign_up,
        now_ms=now_ms,
    )


def undoing(terms: Terms, tx_id: str) -> Move:
    """The move that gives a whole charge back."""
    return Move("release" if terms.held else "refund", (tx_id,))


def _told(terms: Terms, move: Move | None = None) -> str:
    what = f"the {move.method} of {move.args[0]} to" if move is not None else "a charge to"
    return f"{what} {terms.user_id!r} of {terms.cost} credits for {terms.action!r}"


def _short(terms: Terms, move: Move, receipt: Receipt) -> None:
    """Say so where a settle found less than the work cost: what is lacking nobody pays."""
    if move.method == "settle" and receipt.amount < move.args[1]:
        lacking = move.args[1] - receipt.amount
        _log.warning("%s lacked %d credits, which nobody pays", _told(terms, move), lacking)


def _cut(terms: Terms, move: Move, held: int, refusal: LimitExceededError) -> Move | None:
    """A settle that a rule refused, asked again for what is held and no more."""
    if move.method != "settle" or move.args[1] <= held:
        return None
    _log.warning("%s is cut to %d: %s", _told(terms, move), held, refusal)
    return Move("settle", (move.args[0], held), move.options)


class AsyncLedger:
    """The ledger of an async client, as charges use it."""

    __slots__ = ("_client", "_pending", "keys")

    @classmethod
    def of(cls, client: AsyncCredits) -> AsyncLedger:
        """That of a client, which keeps it."""
        found: AsyncLedger | None = vars(client).get(_KEPT)
        if found is None:
            found = vars(client)[_KEPT] = cls(client)
        return found

    def __init__(self, client: AsyncCredits) -> None:
        self._client = client
        self._pending = AsyncPending.of(client)
        self.keys = client._keys  # noqa: SLF001 - a charge is of the client's own house

    async def open(self, terms: Terms, amount: int) -> Receipt | Hold:
        """Make the charge; if nobody learns its id, the background gives it back."""
        executor = self._client._executor  # noqa: SLF001 - see above
        now = await executor.now_ms()
        command = opening(terms, amount, self.keys, self._client._sign_up, now)  # noqa: SLF001
        self._pending.open += 1
        try:
            return await executor.run(command)
        except BaseException as error:
            self._pending.open -= 1
            if isinstance(error, asyncio.CancelledError):
                if all(task.cancelling() for task in asyncio.all_tasks()):
                    # So it is when a loop ends, and then the background has no time any more.
                    _log.warning("broken off, look whether the user was charged: %s", _told(terms))
                unknown = OutcomeUnknownError("cancelled", command, executor.last_deadline())
                self.undo(terms, unknown)
            elif isinstance(error, OutcomeUnknownError) and terms.outage is None:
                self.undo(terms, error)
            raise

    async def extend(self, terms: Terms, tx_id: str, amount: int) -> Hold:
        """Make a hold larger, and longer."""
        return await self._client.extend(terms.user_id, tx_id, amount, expires_in=terms.expires_in)

    async def close(self, terms: Terms, move: Move, held: int) -> Receipt | Exception:
        """Make the last move of a charge, shielded; what cannot be made now the background tries.

        Answers what became of it: an error is for the log, not for the work.
        """
        try:
            trying = self._pending.start(self._first(terms, move, held), _told(terms, move))
            # The scope holds off anyio's cancellation, which comes again and again; a second
            # `Task.cancel()` gets through, and leaves the task at work.
            with CancelScope(shield=True):
                await asyncio.shield(trying)
            return trying.result()
        finally:
            self._pending.open -= 1

    def forget(self) -> None:
        """Nothing is left to do for a charge that was open."""
        self._pending.open -= 1

    def undo(self, terms: Terms, error: OutcomeUnknownError) -> None:
        """Find out in the background whether a charge happened; if so, give it back."""
        if terms.resumes is None:
            self._pending.start(self._resolved(terms, error), _told(terms))

    async def _resolved(self, terms: Terms, error: OutcomeUnknownError) -> None:
        receipt = await ainsist(lambda: self._client.resolve(error))
        if receipt is not None:
            await ainsist(lambda: self._ended(terms, undoing(terms, receipt.tx_id), 0))

    async def _first(self, terms: Terms, move: Move, held: int) -> Receipt | Exception:
        try:
            return await self._ended(terms, move, held)
        except BackendError as failure:
            again = ainsist(lambda: self._ended(terms, move, held))
            self._pending.start(again, _told(terms, move))
            return failure

    async def _ended(self, terms: Terms, move: Move, held: int) -> Receipt | Exception:
        """Make the move once; an answer that is an error is final, unless the store was away."""
        try:
            return await self._make(terms, move)
        except HoldClosedError as closed:
            return closed
        except BackendError:
            raise
        except LimitExceededError as refusal:
            if (less := _cut(terms, move, held, refusal)) is not None:
                return await self._ended(terms, less, held)
            return _refused(terms, move, refusal)
        except Exception as failure:  # noqa: BLE001 - the app's own error, or answer, goes on
            return _refused(terms, move, failure)

    async def _make(self, terms: Terms, move: Move) -> Receipt:
        call: Any = getattr(self._client, move.method)
        receipt: Receipt = await call(terms.user_id, *move.args, **move.options)
        _short(terms, move, receipt)
        return receipt


class Ledger:
    """The ledger of a sync client, as charges use it."""

    __slots__ = ("_client", "_pending", "keys")

    @classmethod
    def of(cls, client: Credits) -> Ledger:
        """That of a client, which keeps it."""
        found: Ledger | None = vars(client).get(_KEPT)
        return vars(client).setdefault(_KEPT, cls(client)) if found is None else found

    def __init__(self, client: Credits) -> None:
        self._client = client
        self._pending = Pending.of(client)
        self.keys = client._keys  # noqa: SLF001 - a charge is of the client's own house

    def open(self, terms: Terms, amount: int) -> Receipt | Hold:
        """Make the charge; if nobody learns its id, the background gives it back."""
        executor = self._client._executor  # noqa: SLF001 - see above
        now = executor.now_ms()
        command = opening(terms, amount, self.keys, self._client._sign_up, now)  # noqa: SLF001
        self._count(1)
        try:
            return executor.run(command)
        except BaseException as error:
            self._count(-1)
            if isinstance(error, OutcomeUnknownError) and terms.outage is None:
                self.undo(terms, error)
            elif not isinstance(error, Exception):
                # Ctrl-C, the timeout of a greenlet: the command may be on its way.
                self.undo(
                    terms, OutcomeUnknownError("broken off", command, executor.last_deadline())
                )
            raise

    def extend(self, terms: Terms, tx_id: str, amount: int) -> Hold:
        """Make a hold larger, and longer."""
        return self._client.extend(terms.user_id, tx_id, amount, expires_in=terms.expires_in)

    def close(self, terms: Terms, move: Move, held: int) -> Receipt | Exception:
        """Make the last move of a charge; what cannot be made now the background tries.

        Answers what became of it: an error is for the log, not for the work.
        """
        try:
            return self._first(terms, move, held)
        finally:
            self._count(-1)

    def forget(self) -> None:
        """Nothing is left to do for a charge that was open."""
        self._count(-1)

    def undo(self, terms: Terms, error: OutcomeUnknownError) -> None:
        """Find out in the background whether a charge happened; if so, give it back."""
        if terms.resumes is None:
            self._pending.start(lambda: self._resolved(terms, error), _told(terms))

    def _resolved(self, terms: Terms, error: OutcomeUnknownError) -> None:
        receipt = insist(lambda: self._client.resolve(error))
        if receipt is not None:
            insist(lambda: self._ended(terms, undoing(terms, receipt.tx_id), 0))

    def _first(self, terms: Terms, move: Move, held: int) -> Receipt | Exception:
        try:
            return self._ended(terms, move, held)
        except BaseException as failure:
            again = partial(self._ended, terms, move, held)
            self._pending.start(lambda: insist(again), _told(terms, move))
            if isinstance(failure, BackendError):
                return failure
            raise

    def _ended(self, terms: Terms, move: Move, held: int) -> Receipt | Exception:
        """Make the move once; an answer that is an error is final, unless the store was away."""
        try:
            return self._make(terms, move)
        except HoldClosedError as closed:
            return closed
        except BackendError:
            raise
        except LimitExceededError as refusal:
            if (less := _cut(terms, move, held, refusal)) is not None:
                return self._ended(terms, less, held)
            return _refused(terms, move, refusal)
        except Exception as failure:  # noqa: BLE001 - the app's own error, or answer, goes on
            return _refused(terms, move, failure)

    def _make(self, terms: Terms, move: Move) -> Receipt:
        call: Any = getattr(self._client, move.method)
        receipt: Receipt = call(terms.user_id, *move.args, **move.options)
        _short(terms, move, receipt)
        return receipt

    def _count(self, by: int) -> None:
        with self._pending.lock:
            self._pending.open += by


def _refused(terms: Terms, move: Move, error: Exception) -> Exception:
    trace = None if isinstance(error, CreditsError) else error
    _log.error("%s was refused: %s", _told(terms, move), error, exc_info=trace)
    return error
