"""Reconciliation of all accounts in many short calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import commands, validation
from credits_core.operations import AsyncOperations, Operations
from credits_core.plans.sweep import Place, Sweep

if TYPE_CHECKING:
    from credits_core.models import ReconcileReport


class AsyncSweeps(AsyncOperations):
    """Reconciliation in many short calls. For async code."""

    async def reconcile_within(
        self, seconds: float = 8.0, *, cursor: str | None = None, repair: bool = True
    ) -> ReconcileReport:
        """Reconcile accounts for so many seconds, and go on where the last such call broke off.

        For calls that must end soon, such as those of a serverless cron: all accounts are looked
        at over several of them, and nothing in memory grows with how many there are. `seconds` is
        1 to 3600. The store remembers for a week where a call broke off; the `cursor` of a report
        says it, too, and `"start"` begins anew. The report is of this call alone; its `cursor` is
        None once the last account was looked at, and the next call begins with the first again.
        An account that by itself takes longer than that counts as an error.
        """
        seconds = validation.duration_s(seconds, "seconds", 1, 3600)
        if cursor is None:
            told = await self._executor.run(commands.sweep_place(self._keys))
            place = Place.kept(told, cluster=self._keys.braces)
        else:
            place = Place.of(cursor, cluster=self._keys.braces)
        sweep = Sweep(self._keys, place, seconds, repair=repair)
        report = await self._executor.run_plan(sweep.pages())
        await self._executor.run(commands.keep_sweep_place(self._keys, report.cursor or ""))
        return report


class Sweeps(Operations):
    """Reconciliation in many short calls. For sync code."""

    def reconcile_within(
        self, seconds: float = 8.0, *, cursor: str | None = None, repair: bool = True
    ) -> ReconcileReport:
        """Reconcile accounts for so many seconds, and go on where the last such call broke off.

        For calls that must end soon, such as those of a serverless cron: all accounts are looked
        at over several of them, and nothing in memory grows with how many there are. `seconds` is
        1 to 3600. The store remembers for a week where a call broke off; the `cursor` of a report
        says it, too, and `"start"` begins anew. The report is of this call alone; its `cursor` is
        None once the last account was looked at, and the next call begins with the first again.
        An account that by itself takes longer than that counts as an error.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> _ = [credits.get_balance(user) for user in ("alice", "bob")]
        >>> report = credits.reconcile_within(5)
        >>> report.total, report.verified, report.cursor
        (2, 2, None)
        """
        seconds = validation.duration_s(seconds, "seconds", 1, 3600)
        if cursor is None:
            told = self._executor.run(commands.sweep_place(self._keys))
            place = Place.kept(told, cluster=self._keys.braces)
        else:
            place = Place.of(cursor, cluster=self._keys.braces)
        sweep = Sweep(self._keys, place, seconds, repair=repair)
        report = self._executor.run_plan(sweep.pages())
        self._executor.run(commands.keep_sweep_place(self._keys, report.cursor or ""))
        return report
