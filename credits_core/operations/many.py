"""Many charges or additions at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from credits_core.operations import AsyncOperations, Operations
from credits_core.plans.many import many

if TYPE_CHECKING:
    from collections.abc import Iterable

    from credits_core.errors import CreditsError
    from credits_core.models import Item, Receipt


class AsyncMany(AsyncOperations):
    """Many charges or additions at once. For async code."""

    @overload
    async def deduct_many(
        self, items: Iterable[Item], *, atomic: Literal[True], idempotency_key: str | None = None
    ) -> list[Receipt]: ...

    @overload
    async def deduct_many(
        self, items: Iterable[Item], *, atomic: Literal[False] = False
    ) -> list[Receipt | CreditsError]: ...

    @overload
    async def deduct_many(
        self, items: Iterable[Item], *, atomic: bool, idempotency_key: str | None = None
    ) -> list[Receipt] | list[Receipt | CreditsError]: ...

    async def deduct_many(
        self,
        items: Iterable[Item],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
    ) -> list[Receipt] | list[Receipt | CreditsError]:
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

    @overload
    async def add_many(
        self, items: Iterable[Item], *, atomic: Literal[True], idempotency_key: str | None = None
    ) -> list[Receipt]: ...

    @overload
    async def add_many(
        self, items: Iterable[Item], *, atomic: Literal[False] = False
    ) -> list[Receipt | CreditsError]: ...

    @overload
    async def add_many(
        self, items: Iterable[Item], *, atomic: bool, idempotency_key: str | None = None
    ) -> list[Receipt] | list[Receipt | CreditsError]: ...

    async def add_many(
        self,
        items: Iterable[Item],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
    ) -> list[Receipt] | list[Receipt | CreditsError]:
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

    @overload
    def deduct_many(
        self, items: Iterable[Item], *, atomic: Literal[True], idempotency_key: str | None = None
    ) -> list[Receipt]: ...

    @overload
    def deduct_many(
        self, items: Iterable[Item], *, atomic: Literal[False] = False
    ) -> list[Receipt | CreditsError]: ...

    @overload
    def deduct_many(
        self, items: Iterable[Item], *, atomic: bool, idempotency_key: str | None = None
    ) -> list[Receipt] | list[Receipt | CreditsError]: ...

    def deduct_many(
        self,
        items: Iterable[Item],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
    ) -> list[Receipt] | list[Receipt | CreditsError]:
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

    @overload
    def add_many(
        self, items: Iterable[Item], *, atomic: Literal[True], idempotency_key: str | None = None
    ) -> list[Receipt]: ...

    @overload
    def add_many(
        self, items: Iterable[Item], *, atomic: Literal[False] = False
    ) -> list[Receipt | CreditsError]: ...

    @overload
    def add_many(
        self, items: Iterable[Item], *, atomic: bool, idempotency_key: str | None = None
    ) -> list[Receipt] | list[Receipt | CreditsError]: ...

    def add_many(
        self,
        items: Iterable[Item],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
    ) -> list[Receipt] | list[Receipt | CreditsError]:
        """Add many items, to any accounts: a receipt an item, or the error that refused it.

        With `atomic=True` the items are of one account, at most 500, and are added all or
        not at all: a refusal is raised, and one `idempotency_key` stands for all of them.

        >>> from credits_core import Credits, Item
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> items = [Item("alice", 5, "bonus"), Item("bob", 5, "bonus")]
        >>> [result.balance for result in credits.add_many(items)]
        [105, 105]
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
