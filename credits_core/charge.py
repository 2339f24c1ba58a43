"""The charge around a piece of work: paid before it begins, given back if it fails.

Three ways lead to a charge without service, and each is closed here: the work raises, the
caller is cancelled while the charge is on its way, and the answer to the charge is lost. In
the last two nobody knows yet whether it happened, so a task in the background finds out and
gives back what was taken. What cannot be closed here is the end of the whole process between
charge and answer: then the log shows a charge and no refund.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from anyio import CancelScope

from credits_core import validation
from credits_core.errors import BackendError, CreditsError, OutcomeUnknownError, PricingConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from credits_core.async_client import AsyncCredits
    from credits_core.models import Receipt

__all__ = ["Charge", "charged", "check_cost", "drain"]

PAUSES: tuple[float, ...] = (0.2, 0.5, 1, 2, 4, 8, 15, 30, 60)
"""Seconds between the tries of a give-back while the store is away: two minutes in all."""

_BROKEN_OFF: Final = "broken off, look whether the user was charged: %s"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a piece of work was charged.

    `amount` and `balance` are whole credits; `balance` is what was left when the charge was
    made. What is free (`amount` 0) touches nothing: its `balance` and `tx_id` are None.
    """

    user_id: str
    action: str
    amount: int
    balance: int | None
    tx_id: str | None


def charged(
    client: AsyncCredits,
    user_id: str,
    amount: int,
    action: str,
    metadata: Mapping[str, Any] | None = None,
) -> AbstractAsyncContextManager[Charge]:
    """Charge a user for the work in an `async with` block, and give back if it fails.

    The charge is made before the block, in one round trip. If anything leaves the block as
    an exception, cancellation included, a refund gives the credits back, once, before the
    exception goes on. That
    takes no longer than a call may take; while the store is away it is tried again in the
    background for two minutes, and then logged as an error.

    `amount` is 0 (free) to 10^15 credits. Raises `InsufficientCreditsError`, which charged
    nothing, and what `deduct` raises. After `OutcomeUnknownError` the work must not be done:
    the charge, if it happened, is found and given back in the background.

    Delete no account inside a block of its own: the give-back would open it again, with the
    credits of the charge, and a later sign-up would grant the starting credits on top.

    >>> import asyncio
    >>> from credits_core import AsyncCredits
    >>> async def work():
    ...     async with AsyncCredits.from_url("memory://") as credits:
    ...         await credits.initialize_user("alice", 100)
    ...         async with charged(credits, "alice", 10, "chat_message") as charge:
    ...             return charge.balance
    >>> asyncio.run(work())
    90
    """
    return _Charged(client, user_id, check_cost(amount, action), action, metadata)


def check_cost(cost: object, action: str) -> int:
    """The cost of `action` in credits: a whole number from 0 (free) to 10^15.

    Raises `PricingConfigError` below 0, and `InvalidRequestError` for what is no whole number.
    """
    if type(cost) is int and cost <= 0:
        if cost < 0:
            raise PricingConfigError(action, f"{action!r} costs {cost} credits: 0 is the least")
        return 0
    return validation.amount(cost)


async def drain(client: AsyncCredits, seconds: float = 5.0) -> None:
    """Wait until every charge of a client is done with, before the client is closed.

    Waits for blocks that are still open and for give-backs in the background, at most so
    many seconds; what is left then is logged and abandoned.
    """
    unsettled = _unsettled.get(client)
    if unsettled is None:
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (unsettled.open or unsettled.tasks) and loop.time() < deadline:  # noqa: ASYNC110 - once
        await asyncio.sleep(0.01)
    for task in tuple(unsettled.tasks):
        task.cancel()
    await asyncio.sleep(0)


class _Unsettled:
    """The charges of a client that are not done with."""

    __slots__ = ("open", "tasks")

    def __init__(self) -> None:
        self.open = 0
        self.tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        # Held here: the loop itself keeps only weak references to its tasks.
        task = asyncio.get_running_loop().create_task(work, name=what)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if task.cancelled():
            _log.error(_BROKEN_OFF, task.get_name())
        elif (error := task.exception()) is not None:
            _log.error("%s: %r", task.get_name(), error, exc_info=error)


_unsettled: WeakKeyDictionary[AsyncCredits, _Unsettled] = WeakKeyDictionary()


class _Charged:
    """One charge around one block."""

    __slots__ = ("_action", "_amount", "_client", "_metadata", "_tx_id", "_unsettled", "_user_id")

    def __init__(
        self,
        client: AsyncCredits,
        user_id: str,
        amount: int,
        action: str,
        metadata: Mapping[str, Any] | None,
    ) -> None:
        self._client = client
        self._user_id = user_id
        self._amount = amount
        self._action = action
        self._metadata = metadata
        self._tx_id: str | None = None
        unsettled = _unsettled.get(client)
        if unsettled is None:
            unsettled = _unsettled[client] = _Unsettled()
        self._unsettled = unsettled

    async def __aenter__(self) -> Charge:
        if self._amount == 0:
            # Nothing is sent, and yet who could not pay cannot have it for nothing either.
            user_id, action = validation.user_id(self._user_id), validation.action(self._action)
            return Charge(user_id, action, 0, None, None)
        self._unsettled.open += 1
        try:
            receipt = await self._charge()
        except BaseException:
            self._unsettled.open -= 1
            raise
        self._tx_id = receipt.tx_id
        return Charge(self._user_id, self._action, self._amount, receipt.balance, receipt.tx_id)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._tx_id is None:
            return
        try:
            if error is not None:
                await self._give_back(self._tx_id, error)
        finally:
            self._unsettled.open -= 1

    async def _charge(self) -> Receipt:
        # A task of its own: a caller that is cancelled would leave a charge behind whose id
        # nobody learns.
        charging = asyncio.get_running_loop().create_task(
            self._client.deduct(self._user_id, self._amount, self._action, self._metadata)
        )
        try:
            return await asyncio.shield(charging)
        except asyncio.CancelledError as error:
            # At the end of a loop all tasks are cancelled at once; then there is no later.
            if charging.cancelling():
                _log.error(_BROKEN_OFF, self._charge_to())
            elif charging.done() and not charging.cancelled() and not charging.exception():
                await self._give_back(charging.result().tx_id, error)
            else:
                self._unsettled.start(self._undo(charging), self._charge_to())
            raise
        except OutcomeUnknownError as error:
            self._unsettled.start(self._undo_unknown(error), self._charge_to())
            raise
        except CreditsError:
            raise  # refused, or never executed
        except Exception:
            _log.exception(_BROKEN_OFF, self._charge_to())
            raise

    async def _undo(self, charging: asyncio.Task[Receipt]) -> None:
        """Give back a charge whose caller has gone, as soon as it is known."""
        try:
            receipt = await charging
        except OutcomeUnknownError as error:
            await self._undo_unknown(error)
        except CreditsError:
            pass  # refused, or never executed
        else:
            await self._insist(lambda: self._refund(receipt.tx_id))

    async def _undo_unknown(self, error: OutcomeUnknownError) -> None:
        """Find out whether a charge happened; if so, give it back."""
        receipt = await self._insist(lambda: self._client.resolve(error))
        if receipt is not None:
            await self._insist(lambda: self._refund(receipt.tx_id))

    async def _give_back(self, tx_id: str, error: BaseException) -> None:
        """Give back before `error` goes on; whatever comes of it, `error` does go on."""
        trying = self._unsettled.start(self._first_refund(tx_id), self._refund_of(tx_id))
        # The scope holds off anyio's cancellation, which comes again and again; a second
        # `Task.cancel()` gets through, and leaves the task at work.
        with CancelScope(shield=True):
            await asyncio.shield(trying)
        if (failure := trying.result()) is not None:
            error.add_note(f"{self._refund_of(tx_id)} has not come through: {failure!r}")

    async def _first_refund(self, tx_id: str) -> Exception | None:
        try:
            await self._refund(tx_id)
        except BackendError as failure:
            again = self._insist(lambda: self._refund(tx_id))
            self._unsettled.start(again, self._refund_of(tx_id))
            return failure
        except CreditsError as failure:
            _log.error("%s was refused: %s", self._refund_of(tx_id), failure)
            return failure
        except Exception as failure:  # noqa: BLE001 - the error of the app's work goes on
            _log.error("%s: %r", self._refund_of(tx_id), failure, exc_info=failure)
            return failure
        return None

    async def _refund(self, tx_id: str) -> Receipt:
        # All of it is refunded once, however often it is tried.
        return await self._client.refund(self._user_id, tx_id)

    async def _insist(self, step: Callable[[], Awaitable[Receipt | None]]) -> Receipt | None:
        """Try until the store answers; after two minutes let the error out, to be logged."""
        for pause in PAUSES:
            try:
                return await step()
            except BackendError:
                await asyncio.sleep(pause)
        return await step()

    def _who(self) -> str:
        return f"{self._user_id!r} of {self._amount} credits for {self._action!r}"

    def _charge_to(self) -> str:
        return f"a charge to {self._who()}"

    def _refund_of(self, tx_id: str) -> str:
        return f"the give-back of {tx_id} to {self._who()}"
