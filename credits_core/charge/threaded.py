"""The ledger of a `Credits` for async code: each step runs in a thread, and the loop goes on.

For code whose loop lasts a moment, as that of an async view does under WSGI: a client of its own
would connect anew each time, and could not end what outlives the loop.
"""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from anyio import CancelScope

from credits_core.charge.ledger import undoing
from credits_core.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.charge.ledger import Ledger
    from credits_core.charge.tab import Move
    from credits_core.charge.terms import Terms
    from credits_core.keys import KeySpace
    from credits_core.models import Hold

__all__ = ["ThreadedLedger"]

T = TypeVar("T")


class ThreadedLedger:
    """A `Ledger` with the steps of an `AsyncLedger`."""

    __slots__ = ("_ledger", "keys")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.keys: KeySpace = ledger.keys

    async def open(self, terms: Terms, amount: int) -> Receipt | Hold:
        """Make the charge; if whoever waits is cancelled, it is given back when it is made."""
        opening = _Opening(self._ledger, terms, amount)
        try:
            return await asyncio.shield(_in_thread(opening.run))
        except asyncio.CancelledError:
            opening.leave()
            raise

    async def extend(self, terms: Terms, tx_id: str, amount: int) -> Hold:
        """Make a hold larger, and longer."""
        extend = partial(self._ledger.extend, terms, tx_id, amount)
        return await asyncio.shield(_in_thread(extend))

    async def close(self, terms: Terms, move: Move, held: int) -> Receipt | Exception:
        """Make the last move of a charge; what cannot be made now the background tries."""
        closing = _in_thread(partial(self._ledger.close, terms, move, held))
        with CancelScope(shield=True):
            await asyncio.shield(closing)
        return closing.result()


class _Opening:
    """A charge that is being made in a thread, for somebody who may leave meanwhile."""

    def __init__(self, ledger: Ledger, terms: Terms, amount: int) -> None:
        self._ledger = ledger
        self._terms = terms
        self._amount = amount
        self._lock = threading.Lock()
        self._left = False
        self._made: Receipt | Hold | None = None

    def run(self) -> Receipt | Hold:
        made = self._ledger.open(self._terms, self._amount)
        with self._lock:
            self._made = made
        if self._left:
            self._give_back()
        return made

    def leave(self) -> None:
        with self._lock:
            self._left = True
            made = self._made
        if made is not None:
            threading.Thread(target=self._give_back, name="credits: given back").start()

    def _give_back(self) -> None:
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            tx_id = made.tx_id if isinstance(made, Receipt) else made.id
            self._ledger.close(self._terms, undoing(self._terms, tx_id), self._amount)


def _in_thread(step: Callable[[], T]) -> asyncio.Future[T]:
    return asyncio.get_running_loop().run_in_executor(None, step)
