"""Holds, grants, returns, transfers, allowances and rules: what each answers and takes."""

from datetime import UTC, datetime, timedelta
from typing import assert_type

from credits_core import (
    Account,
    AsyncCredits,
    Credits,
    CreditsError,
    Grant,
    Hold,
    HoldClosedError,
    Item,
    OpenHold,
    Period,
    Receipt,
    Transaction,
)


def sync(credits: Credits, month: Period) -> None:
    hold = credits.hold("alice", 60, "train", {"job": 7}, expires_in=timedelta(hours=1))
    assert_type(hold, Hold)
    assert_type(credits.hold("alice", 60, "train", expires_in=3600, idempotency_key="k"), Hold)
    assert_type(credits.extend("alice", hold.id, 5), Hold)
    assert_type(credits.extend("alice", hold.id, expires_in=0.5, idempotency_key="k"), Hold)
    assert_type(credits.settle("alice", hold.id, 25), Receipt)
    assert_type(credits.settle("alice", hold.id, 0, shortfall="owe", if_expired="charge"), Receipt)
    assert_type(credits.release("alice", hold.id), Receipt)

    assert_type(credits.add("alice", 9, "promo", expires_in=timedelta(days=30)), Receipt)
    assert_type(credits.add("alice", 9, "promo", expires_at=datetime.now(UTC)), Receipt)
    assert_type(credits.add("alice", 9, "promo", expires_at=1, priority=-5), Receipt)
    assert_type(credits.refund("alice", "tx_1_a"), Receipt)
    assert_type(credits.refund("alice", "tx_1_a", 5, reason="r", idempotency_key="k"), Receipt)
    assert_type(credits.revoke("alice", "tx_1_a"), Receipt)
    assert_type(credits.revoke("alice", amount=5, added_with="pay_1", reason="r"), Receipt)
    assert_type(credits.waive("alice", "tx_1_a"), int)
    assert_type(credits.transfer("alice", "bob", 30, idempotency_key="k"), Receipt)
    assert_type(credits.merge_accounts("trial", "alice"), Receipt)
    assert_type(credits.grant_allowance("alice", "pro", 1000, month), Receipt)
    assert_type(credits.grant_allowance("alice", "pro", 1000, month, rollover="all"), Receipt)
    assert_type(credits.grant_allowance("alice", "pro", 1000, month, rollover=200), Receipt)

    assert_type(credits.get_account("alice"), Account)
    assert_type(credits.set_floor("alice", -50), Account)
    assert_type(credits.freeze("alice", "fraud"), Account)
    assert_type(credits.unfreeze("alice"), Account)
    items = (Item("alice", 1, "chat"), Item("bob", 2, "chat", {"model": "small"}, "k"))
    assert_type(credits.deduct_many(items), list[Receipt | CreditsError])
    assert_type(credits.add_many(iter(items)), list[Receipt | CreditsError])
    together = credits.deduct_many([*items], atomic=True, idempotency_key="k")
    assert_type(together, list[Receipt])
    either = credits.add_many(items, atomic=hold.replayed)
    assert_type(either, list[Receipt] | list[Receipt | CreditsError])


async def asynchronous(credits: AsyncCredits, month: Period) -> None:
    hold = await credits.hold("alice", 60, "train", expires_in=timedelta(hours=1))
    assert_type(hold, Hold)
    assert_type(await credits.extend("alice", hold.id, 5, expires_in=60), Hold)
    assert_type(await credits.settle("alice", hold.id, 25, shortfall="take"), Receipt)
    assert_type(await credits.release("alice", hold.id), Receipt)
    assert_type(await credits.add("alice", 9, "promo", expires_in=60.0, priority=1), Receipt)
    assert_type(await credits.refund("alice", "tx_1_a", 5, idempotency_key="k"), Receipt)
    assert_type(await credits.revoke("alice", added_with="pay_1"), Receipt)
    assert_type(await credits.waive("alice", "tx_1_a"), int)
    assert_type(await credits.transfer("alice", "bob", 30, idempotency_key="k"), Receipt)
    assert_type(await credits.merge_accounts("trial", "alice"), Receipt)
    assert_type(await credits.grant_allowance("alice", "pro", 10, month, rollover=5), Receipt)
    assert_type(await credits.get_account("alice"), Account)
    assert_type(await credits.set_floor("alice", 10), Account)
    assert_type(await credits.freeze("alice"), Account)
    assert_type(await credits.unfreeze("alice"), Account)
    items = [Item("alice", 1, "chat")]
    assert_type(await credits.deduct_many(items), list[Receipt | CreditsError])
    assert_type(await credits.add_many(items, atomic=True), list[Receipt])


def refused(credits: Credits, hold: Hold, month: Period) -> None:
    credits.hold("alice", 60)  # type: ignore[call-arg]
    credits.hold("alice", 60, "train", None, 900)  # type: ignore[call-arg]
    credits.hold("alice", 60, "train", expires_in="15m")  # type: ignore[arg-type]
    credits.extend("alice", hold, 5)  # type: ignore[arg-type]
    credits.settle("alice", hold.id)  # type: ignore[call-arg]
    credits.settle("alice", hold.id, 2.5)  # type: ignore[arg-type]
    credits.settle("alice", hold.id, 25, shortfall="loan")  # type: ignore[arg-type]
    credits.settle("alice", hold.id, 25, if_expired="take")  # type: ignore[arg-type]
    credits.release("alice", hold.id, 5)  # type: ignore[call-arg]
    credits.add("alice", 9, "promo", expires_in=datetime.now(UTC))  # type: ignore[arg-type]
    credits.add("alice", 9, "promo", expires_at=timedelta(days=1))  # type: ignore[arg-type]
    credits.add("alice", 9, "promo", priority="low")  # type: ignore[arg-type]
    credits.refund("alice")  # type: ignore[call-arg]
    credits.transfer("alice", "bob", 30)  # type: ignore[call-arg]
    credits.transfer("alice", "bob", 30, idempotency_key=None)  # type: ignore[arg-type]
    credits.merge_accounts("trial")  # type: ignore[call-arg]
    credits.set_floor("alice")  # type: ignore[call-arg]
    credits.freeze("alice", None)  # type: ignore[arg-type]
    credits.grant_allowance("alice", "pro", 1000, "2026-11")  # type: ignore[arg-type]
    credits.grant_allowance("alice", "pro", 9, month, rollover="some")  # type: ignore[arg-type]
    credits.deduct_many([("alice", 1, "chat")])  # type: ignore[list-item]
    credits.deduct_many(Item("alice", 1, "chat"))  # type: ignore[call-overload]
    credits.add_many([Item("alice", 1, "chat")], idempotency_key="k")  # type: ignore[call-overload]


def ended(credits: Credits, hold: Hold) -> int:
    try:
        return credits.settle("alice", hold.id, 25).amount
    except HoldClosedError as error:
        if error.state == "expired":
            return credits.settle("alice", hold.id, 25, if_expired="charge").amount
        if error.state == "closed":  # type: ignore[comparison-overlap]
            return 0
        return error.kept


def each_for_itself(results: list[Receipt | CreditsError]) -> int:
    taken = 0
    for result in results:
        if isinstance(result, CreditsError):
            assert_type(result, CreditsError)
        else:
            assert_type(result, Receipt)
            taken += result.amount
    taken += results[0].balance  # type: ignore[union-attr]
    return taken


def values(account: Account, grant: Grant, open_: OpenHold, hold: Hold, entry: Transaction) -> None:
    assert_type(account.available, int)
    assert_type(account.held, int)
    assert_type(account.frozen, bool)
    assert_type(account.grants, tuple[Grant, ...])
    assert_type(account.holds, tuple[OpenHold, ...])
    assert_type(account.next_expiry, Grant | None)
    assert_type(grant.expires, datetime | None)
    assert_type(open_.expires, datetime)
    assert_type(hold.expires, datetime)
    assert_type(hold.replayed, bool)
    assert_type((entry.hold_id, entry.other_user), tuple[str | None, str | None])
    account.floor = 5  # type: ignore[misc]
    account.available = 5  # type: ignore[misc]
    print(hold.tx_id)  # type: ignore[attr-defined]
    print(account.next_expiry.remaining)  # type: ignore[union-attr]


def arguments(since: datetime) -> None:
    assert_type(Period(1, 2), Period)
    assert_type(Period(since, 2).start_ms, int)
    assert_type(Period.monthly(since), Period)
    assert_type(Period.yearly(since=since, now=since).end_ms, int)
    Period.monthly("2026-01-31")  # type: ignore[arg-type]
    Period(since)  # type: ignore[call-arg]
    Item("alice", "1", "chat")  # type: ignore[arg-type]
    Item("alice", 1)  # type: ignore[call-arg]
    HoldClosedError("ended")  # type: ignore[call-arg]
    HoldClosedError("ended", tx_id="tx", state="lost", kept=0)  # type: ignore[arg-type]
    Item("alice", 1, "chat").amount = 2  # type: ignore[misc]
