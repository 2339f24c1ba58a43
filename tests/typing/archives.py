"""An archive of the user's own needs no base class."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, assert_type

from credits_core import Account, AccountExport, AsyncCredits, Credits, FoldReport, Transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.archives import Archive, ArchivedEntry


class Mine:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Transaction] = {}

    def write(self, entries: Sequence[ArchivedEntry]) -> None:
        for entry in entries:
            assert_type(entry.user_id, str)
            assert_type(entry.member, str)
            assert_type(entry.to_dict(), dict[str, Any])
            transaction = entry.transaction
            assert_type(transaction, Transaction)
            self.kept[entry.user_id, transaction.id] = transaction


class Later:
    async def write(self, entries: Sequence[ArchivedEntry]) -> None:
        pass


class One:
    def write(self, entries: ArchivedEntry) -> None:
        pass


async def use(credits: Credits, others: AsyncCredits) -> None:
    archive: Archive = Mine()
    assert_type(credits.fold("alice", archive), FoldReport)
    assert_type(credits.fold("alice", Mine(), older_than=timedelta(days=365)), FoldReport)
    assert_type(await others.fold("alice", archive, older_than=90 * 86_400), FoldReport)
    credits.fold("alice", Later())  # type: ignore[arg-type]
    credits.fold("alice", One())  # type: ignore[arg-type]
    credits.fold("alice")  # type: ignore[call-arg]
    credits.fold("alice", archive, 90)  # type: ignore[call-arg]
    credits.fold("alice", archive, older_than="90d")  # type: ignore[arg-type]


def values(report: FoldReport, export: AccountExport) -> None:
    assert_type(report.folded, int)
    assert_type(report.up_to, int | None)
    assert_type(export.account, Account | None)
    assert_type(export.to_dict(), dict[str, Any])
