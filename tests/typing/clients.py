"""The two clients: what each method answers, and what none of them takes."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, assert_type

from credits_core import (
    AccountExport,
    AsyncCredits,
    BalanceVerification,
    Credits,
    CreditsError,
    OutcomeUnknownError,
    Receipt,
    ReconcileReport,
    Transaction,
)


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


def values(receipt: Receipt, entry: Transaction, report: ReconcileReport) -> None:
    assert_type(receipt.tx_id, str)
    assert_type(receipt.balance, int)
    assert_type(receipt.time, datetime)
    assert_type(entry.amount, int | float)
    assert_type(entry.metadata, Mapping[str, Any] | None)
    assert_type(report.problems, tuple[tuple[str, CreditsError], ...])
    receipt.balance = 5  # type: ignore[misc]
    if entry.kind == "sign_up":
        return
    if entry.kind == "signup":  # type: ignore[comparison-overlap]
        return
