"""Accounts as a whole: looked at, limited, frozen, folded."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from anyio import to_thread

from credits_core import commands, validation
from credits_core.operations import AsyncOperations, Operations
from credits_core.plans.fold import Folding

if TYPE_CHECKING:
    from credits_core.archives import Archive
    from credits_core.models import Account, FoldReport


class AsyncAccounts(AsyncOperations):
    """Accounts as a whole: looked at, limited, frozen, folded. For async code."""

    async def get_account(self, user_id: str) -> Account:
        """An account with its live grants and open holds, all that fell due applied."""
        now = await self._executor.now_ms()
        return await self._executor.run(
            commands.account(self._keys, user_id, sign_up=self._sign_up, now_ms=now)
        )

    async def set_floor(self, user_id: str, floor: int) -> Account:
        """Set the lowest balance that spending may leave: -10^15 to 10^15, 0 unless set.

        Below zero it is a credit line, above zero a reserve. It signs nobody up, whatever
        `auto_initialize` says: a rule may be set before an account is opened, and outlasts
        the sign-up.
        """
        floor = validation.floor(floor)
        await self._executor.now_ms()
        return await self._executor.run(
            commands.settings(self._keys, "set_floor", user_id, floor=floor)
        )

    async def freeze(self, user_id: str, reason: str = "") -> Account:
        """Refuse all spending of an account until `unfreeze`; additions are welcome.

        Spending raises `LimitExceededError` with the rule `"frozen"` and the `reason` (up to
        255 characters). Open holds can still be settled up to what they hold, and released.
        It signs nobody up, whatever `auto_initialize` says: an account may be frozen before it
        is opened.
        """
        await self._executor.now_ms()
        return await self._executor.run(
            commands.settings(self._keys, "freeze", user_id, frozen=True, reason=reason)
        )

    async def unfreeze(self, user_id: str) -> Account:
        """Let a frozen account spend again; of one that is not frozen, nothing changes."""
        await self._executor.now_ms()
        return await self._executor.run(
            commands.settings(self._keys, "unfreeze", user_id, frozen=False)
        )

    async def fold(
        self, user_id: str, archive: Archive, *, older_than: float | timedelta = timedelta(days=180)
    ) -> FoldReport:
        """Replace the entries older than so long by a checkpoint with their sum.

        They are written to `archive` first, a chunk at a time, and leave the log when they
        are kept there. `older_than` is seconds or a timedelta, 30 days at least; by default longer
        than a card payment can be disputed, as what is folded cannot be taken back. Entries of
        open holds stay. A charge that is folded can no longer be refunded by its id.
        After a crash the same call, with the same archive, goes on where it broke off.

        Raises `AccountStateError` when the log has an old entry that cannot be added up, and
        `BackendError` when others remove the entries all the time; what was folded by then
        stays folded. What `archive.write` raises comes through.
        """
        validation.archive(archive)
        up_to = await self._executor.now_ms() - validation.fold_age_ms(older_than)
        folding = Folding(self._keys, user_id, up_to)
        while not folding.done:
            entries = await self._executor.run_plan(folding.read())
            if entries:
                await to_thread.run_sync(archive.write, entries)
            await self._executor.run_plan(folding.fold())
        return folding.report


class Accounts(Operations):
    """Accounts as a whole: looked at, limited, frozen, folded. For sync code."""

    def get_account(self, user_id: str) -> Account:
        """An account with its live grants and open holds, all that fell due applied.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://")
        >>> credits.add("alice", 50, "promotion", expires_in=86400).balance
        50
        >>> account = credits.get_account("alice")
        >>> account.balance, account.grants[0].remaining, account.held
        (50, 50, 0)
        """
        now = self._executor.now_ms()
        return self._executor.run(
            commands.account(self._keys, user_id, sign_up=self._sign_up, now_ms=now)
        )

    def set_floor(self, user_id: str, floor: int) -> Account:
        """Set the lowest balance that spending may leave: -10^15 to 10^15, 0 unless set.

        Below zero it is a credit line, above zero a reserve. It signs nobody up, whatever
        `auto_initialize` says: a rule may be set before an account is opened, and outlasts
        the sign-up.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> credits.set_floor("alice", -50).floor
        -50
        >>> credits.deduct("alice", 130, "video").balance
        -30
        """
        floor = validation.floor(floor)
        self._executor.now_ms()
        return self._executor.run(commands.settings(self._keys, "set_floor", user_id, floor=floor))

    def freeze(self, user_id: str, reason: str = "") -> Account:
        """Refuse all spending of an account until `unfreeze`; additions are welcome.

        Spending raises `LimitExceededError` with the rule `"frozen"` and the `reason` (up to
        255 characters). Open holds can still be settled up to what they hold, and released.
        It signs nobody up, whatever `auto_initialize` says: an account may be frozen before it
        is opened.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> credits.freeze("alice", "chargeback").frozen
        True
        >>> credits.deduct("alice", 10, "video")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        credits_core.errors.LimitExceededError: account 'alice' is frozen (chargeback): nothing...
        """
        self._executor.now_ms()
        return self._executor.run(
            commands.settings(self._keys, "freeze", user_id, frozen=True, reason=reason)
        )

    def unfreeze(self, user_id: str) -> Account:
        """Let a frozen account spend again; of one that is not frozen, nothing changes.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> _ = credits.freeze("alice")
        >>> credits.unfreeze("alice").frozen
        False
        """
        self._executor.now_ms()
        return self._executor.run(commands.settings(self._keys, "unfreeze", user_id, frozen=False))

    def fold(
        self, user_id: str, archive: Archive, *, older_than: float | timedelta = timedelta(days=180)
    ) -> FoldReport:
        """Replace the entries older than so long by a checkpoint with their sum.

        They are written to `archive` first, a chunk at a time, and leave the log when they
        are kept there. `older_than` is seconds or a timedelta, 30 days at least; by default longer
        than a card payment can be disputed, as what is folded cannot be taken back. Entries of
        open holds stay. A charge that is folded can no longer be refunded by its id.
        After a crash the same call, with the same archive, goes on where it broke off.

        Raises `AccountStateError` when the log has an old entry that cannot be added up, and
        `BackendError` when others remove the entries all the time; what was folded by then
        stays folded. What `archive.write` raises comes through.

        >>> import pathlib, tempfile
        >>> from credits_core.archives import JsonLinesArchive
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "archive.jsonl"
        >>> credits = Credits.from_url("memory://")
        >>> with JsonLinesArchive(path) as archive:
        ...     credits.fold("alice", archive, older_than=180 * 86400).folded
        0
        """
        validation.archive(archive)
        up_to = self._executor.now_ms() - validation.fold_age_ms(older_than)
        folding = Folding(self._keys, user_id, up_to)
        while not folding.done:
            entries = self._executor.run_plan(folding.read())
            if entries:
                archive.write(entries)
            self._executor.run_plan(folding.fold())
        return folding.report
