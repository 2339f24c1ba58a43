"""The two clients: what each method answers, and what none of them takes."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from credits_core import (
    Account,
    AccountExport,
    AsyncCredits,
    BalanceVerification,
    Credits,
    CreditsError,
    FoldReport,
    Grant,
    Hold,
    Item,
    OpenHold,
    OutcomeUnknownError,
    Period,
    Receipt,
    ReconcileReport,
    Transaction,
)
from credits_core.archives import ArchivedEntry


class Shelf:
    """An archive of the user's own needs no base class."""

    def write(self, entries: Sequence[ArchivedEntry], /) -> None:
        for entry in entries:
            assert_type(entry.transaction, Transaction)


def sync(error: OutcomeUnknownError) -> None:
    with Credits.from_url("memory://", default_credits=100) as credits:
        assert_type(credits, Credits)
        assert_type(credits.initialize_user("alice"), Receipt)
        assert_type(credits.initialize_user("alice", 50), Receipt)
        assert_type(credits.deduct("alice", 10, "chat", {"model": "small"}), Receipt)
        assert_type(credits.deduct("alice", 10, "chat", idempotency_key="k"), Receipt)
        assert_type(credits.add("alice", 10, "purchase"), Receipt)
        assert_type(credits.get_balance("alice"), int)
        assert_type(credits.has_credits("alice", 10), bool)
        now = datetime.now(UTC)
        assert_type(credits.get_transactions("alice", limit=5, start_time=now), list[Transaction])
        assert_type(credits.iter_transactions("alice", end_time=5), Iterator[Transaction])
        assert_type(credits.verify_balance("alice"), BalanceVerification)
        assert_type(credits.rebuild_balance("alice"), int)
        assert_type(credits.users(), Iterator[str])
        assert_type(credits.reconcile(), ReconcileReport)
        assert_type(credits.reconcile(["alice"], repair=False), ReconcileReport)
        assert_type(credits.reconcile({"alice"}, on_progress=print), ReconcileReport)
        assert_type(credits.resolve(error), Receipt | None)
        assert_type(credits.export_account("alice"), AccountExport)
        assert_type(credits.delete_account("alice"), bool)
    assert_type(Credits.from_env(), Credits)


def sync_operations(period: Period) -> None:
    with Credits.from_url("memory://") as credits:
        assert_type(credits.hold("alice", 60, "training", expires_in=3600), Hold)
        assert_type(credits.extend("alice", "tx_1_a", 5, expires_in=timedelta(hours=1)), Hold)
        assert_type(credits.settle("alice", "tx_1_a", 5, shortfall="owe"), Receipt)
        assert_type(credits.release("alice", "tx_1_a"), Receipt)
        assert_type(credits.refund("alice", "tx_1_a", 5, reason="late"), Receipt)
        assert_type(credits.revoke("alice", added_with="pay_1"), Receipt)
        assert_type(credits.transfer("alice", "bob", 5, idempotency_key="k"), Receipt)
        assert_type(credits.merge_accounts("alice", "bob"), Receipt)
        items = [Item("alice", 5, "chat")]
        assert_type(credits.deduct_many(items), list[Receipt | CreditsError])
        assert_type(credits.add_many(iter(items), atomic=True), list[Receipt])
        assert_type(credits.grant_allowance("alice", "pro", 5, period, rollover=3), Receipt)
        assert_type(credits.get_account("alice"), Account)
        assert_type(credits.set_floor("alice", -5), Account)
        assert_type(credits.freeze("alice", "a dispute"), Account)
        assert_type(credits.unfreeze("alice"), Account)
        assert_type(credits.fold("alice", Shelf(), older_than=90 * 86400), FoldReport)


async def asynchronous(error: OutcomeUnknownError) -> None:
    async with AsyncCredits.from_url("memory://", default_credits=100) as credits:
        assert_type(credits, AsyncCredits)
        assert_type(await credits.initialize_user("alice"), Receipt)
        assert_type(await credits.deduct("alice", 10, "chat", {"model": "small"}), Receipt)
        assert_type(await credits.add("alice", 10, "purchase", idempotency_key="k"), Receipt)
        assert_type(await credits.get_balance("alice"), int)
        assert_type(await credits.has_credits("alice", 10), bool)
        assert_type(await credits.get_transactions("alice"), list[Transaction])
        assert_type(credits.iter_transactions("alice"), AsyncIterator[Transaction])
        assert_type(await credits.verify_balance("alice"), BalanceVerification)
        assert_type(await credits.rebuild_balance("alice"), int)
        assert_type(credits.users(), AsyncIterator[str])
        assert_type(await credits.reconcile(), ReconcileReport)
        assert_type(await credits.reconcile(credits.users()), ReconcileReport)
        assert_type(await credits.reconcile(["alice"], repair=False), ReconcileReport)
        assert_type(await credits.resolve(error), Receipt | None)
        assert_type(await credits.export_account("alice"), AccountExport)
        assert_type(await credits.delete_account("alice"), bool)


async def asynchronous_operations(period: Period) -> None:
    async with AsyncCredits.from_url("memory://") as credits:
        assert_type(await credits.hold("alice", 60, "training", expires_in=3600), Hold)
        assert_type(await credits.extend("alice", "tx_1_a", 5, expires_in=timedelta(hours=1)), Hold)
        assert_type(await credits.settle("alice", "tx_1_a", 5, shortfall="owe"), Receipt)
        assert_type(await credits.release("alice", "tx_1_a"), Receipt)
        assert_type(await credits.refund("alice", "tx_1_a", 5, reason="late"), Receipt)
        assert_type(await credits.revoke("alice", added_with="pay_1"), Receipt)
        assert_type(await credits.transfer("alice", "bob", 5, idempotency_key="k"), Receipt)
        assert_type(await credits.merge_accounts("alice", "bob"), Receipt)
        items = [Item("alice", 5, "chat")]
        assert_type(await credits.deduct_many(items), list[Receipt | CreditsError])
        assert_type(await credits.add_many(iter(items), atomic=True), list[Receipt])
        assert_type(await credits.grant_allowance("alice", "pro", 5, period, rollover=3), Receipt)
        assert_type(await credits.get_account("alice"), Account)
        assert_type(await credits.set_floor("alice", -5), Account)
        assert_type(await credits.freeze("alice", "a dispute"), Account)
        assert_type(await credits.unfreeze("alice"), Account)
        assert_type(await credits.fold("alice", Shelf(), older_than=90 * 86400), FoldReport)


def refused(credits: Credits, metadata: Mapping[str, Any]) -> None:
    credits.deduct("alice", 10, "chat", metadata)
    credits.deduct("alice", 1.5, "chat")  # type: ignore[arg-type]
    credits.deduct("alice", "10", "chat")  # type: ignore[arg-type]
    credits.deduct(7, 10, "chat")  # type: ignore[arg-type]
    credits.deduct("alice", 10)  # type: ignore[call-arg]
    credits.deduct("alice", 10, "chat", None, "k")  # type: ignore[call-arg]
    credits.add("alice", 10, "chat", ["a"])  # type: ignore[arg-type]
    credits.get_transactions("alice", 5)  # type: ignore[call-arg]
    credits.get_transactions("alice", start_time="yesterday")  # type: ignore[arg-type]
    Credits.from_url("memory://", timeout="1")  # type: ignore[arg-type]
    credits.settle("alice", "tx_1_a", 5, shortfall="forget")  # type: ignore[arg-type]
    credits.settle("alice", "tx_1_a", 5, if_expired="pay")  # type: ignore[arg-type]
    credits.transfer("alice", "bob", 5)  # type: ignore[call-arg]
    credits.deduct_many([("alice", 5, "chat")])  # type: ignore[list-item]
    credits.grant_allowance("alice", "pro", 5, 30)  # type: ignore[arg-type]
    credits.fold("alice", [])  # type: ignore[arg-type]


def accounts(account: Account) -> None:
    assert_type(account.available, int)
    assert_type(account.next_expiry, Grant | None)
    assert_type(account.holds, tuple[OpenHold, ...])
    assert_type(account.grants[0].expires, datetime | None)
    account.floor = 5  # type: ignore[misc]


def values(receipt: Receipt, entry: Transaction, report: ReconcileReport) -> None:
    assert_type(receipt.tx_id, str)
    assert_type(receipt.balance, int)
    assert_type(receipt.time, datetime)
    assert_type(entry.amount, int | float)
    assert_type(entry.metadata, Mapping[str, Any] | None)
    assert_type(report.problems, tuple[tuple[str, CreditsError], ...])
    receipt.balance = 5  # type: ignore[misc]
    assert_type(entry.refers_to, str | None)
    if entry.kind == "sign_up":
        return
    if entry.kind == "signup":  # type: ignore[comparison-overlap]
        return
