"""Many charges or additions at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import validation
from credits_core.operations import AsyncOperations, Operations
from credits_core.plans.many import apart, at_once

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
        items = validation.items(items)
        now = await self._executor.now_ms()
        if atomic:
            return await self._executor.run_plan(
                at_once(self._keys, "deduct", items, idempotency_key, self._sign_up, now)
            )
        return await self._executor.run_plan(
            apart(self._keys, "deduct", items, idempotency_key, self._sign_up, now)
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
        items = validation.items(items)
        now = await self._executor.now_ms()
        if atomic:
            return await self._executor.run_plan(
                at_once(self._keys, "add", items, idempotency_key, self._sign_up, now)
            )
        return await self._executor.run_plan(
            apart(self._keys, "add", items, idempotency_key, self._sign_up, now)
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
        items = validation.items(items)
        now = self._executor.now_ms()
        if atomic:
            return self._executor.run_plan(
                at_once(self._keys, "deduct", items, idempotency_key, self._sign_up, now)
            )
        return self._executor.run_plan(
            apart(self._keys, "deduct", items, idempotency_key, self._sign_up, now)
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
        items = validation.items(items)
        now = self._executor.now_ms()
        if atomic:
            return self._executor.run_plan(
                at_once(self._keys, "add", items, idempotency_key, self._sign_up, now)
            )
        return self._executor.run_plan(
            apart(self._keys, "add", items, idempotency_key, self._sign_up, now)
        )
