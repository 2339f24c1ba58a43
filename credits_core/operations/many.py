"""Many charges or additions at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.operations import AsyncOperations, Operations
from credits_core.plans.many import many

if TYPE_CHECKING:
    from collections.abc import Iterable

    from credits_core.errors import CreditsError
    from credits_core.models import Item, Receipt


class AsyncMany(AsyncOperations):
    """Many charges or additions at once. For async code."""

    async def deduct_many(
        self,
        items: Iterable[Item],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
    ) -> list[Receipt | CreditsError]:
        """Charge many items, of any accounts: a receipt an item, or the error that refused it.

        With `atomic=True` the items are of one account, at most 500, and are charged all or
        not at all: a refusal is raised, and one `idempotency_key` stands for all of them.
        """
        return await self._executor.run_plan(
            many(
                self._keys,
                "deduct",
                items,
                atomic=atomic,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=await self._executor.now_ms(),
            )
        )

    async def add_many(
        self,
        items: Iterable[Item],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
    ) -> list[Receipt | CreditsError]:
        """Add many items, to any accounts: a receipt an item, or the error that refused it.

        With `atomic=True` the items are of one account, at most 500, and are added all or
        not at all: a refusal is raised, and one `idempotency_key` stands for all of them.
        """
        return await self._executor.run_plan(
            many(
                self._keys,
                "add",
                items,
                atomic=atomic,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=await self._executor.now_ms(),
            )
        )


class Many(Operations):
    """Many charges or additions at once. For sync code."""

    def deduct_many(
        self,
        items: Iterable[Item],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
    ) -> list[Receipt | CreditsError]:
        """Charge many items, of any accounts: a receipt an item, or the error that refused it.

        With `atomic=True` the items are of one account, at most 500, and are charged all or
        not at all: a refusal is raised, and one `idempotency_key` stands for all of them.

        >>> from credits_core import Credits, Item
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> items = [Item("alice", 60, "video"), Item("alice", 60, "video")]
        >>> [type(result).__name__ for result in credits.deduct_many(items)]
        ['Receipt', 'InsufficientCreditsError']
        """
        return self._executor.run_plan(
            many(
                self._keys,
                "deduct",
                items,
                atomic=atomic,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=self._executor.now_ms(),
            )
        )

    def add_many(
        self,
        items: Iterable[Item],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
    ) -> list[Receipt | CreditsError]:
        """Add many items, to any accounts: a receipt an item, or the error that refused it.

        With `atomic=True` the items are of one account, at most 500, and are added all or
        not at all: a refusal is raised, and one `idempotency_key` stands for all of them.
        """
        return self._executor.run_plan(
            many(
                self._keys,
                "add",
                items,
                atomic=atomic,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=self._executor.now_ms(),
            )
        )
