"""Every operation that changes an account, each with what it needs, and what it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from credits_core import CreditsError, Item, Period
from credits_core.models import MAX_BALANCE
from tests.faults.helpers import METADATA, read_ledger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.servers import Server

JANUARY = Period(1_767_225_600_000, 95_617_584_000_000)
FEBRUARY = Period(1_769_904_000_000, 95_617_584_000_000)


@dataclass(frozen=True)
class Operation:
    """`prepare` opens what `call` works on and answers its id; `keeps`: it leaves a receipt."""

    name: str
    call: Callable[[Any, str, Any], Awaitable[Any]]
    prepare: Callable[[Any, str], Awaitable[Any]]
    keeps: bool = True

    async def open(self, credits: Any, user: str) -> None:
        """An account with credits that never expire, and a grant."""
        await credits.add(user, 1000, "opening")
        await credits.add(user, 40, "promo", expires_in=3600)

    async def ready(self, credits: Any, user: str) -> Any:
        """An account, and in it what `call` needs."""
        await self.open(credits, user)
        return await self.prepare(credits, user)


def other(user: str) -> str:
    """The other account of an operation on two."""
    return f"{user}-other"


async def look(credits: Any, store: Server, user: str) -> list[Any]:
    """What an operation leaves behind on both accounts, but for ids and instants."""
    seen: list[Any] = []
    for name in (user, other(user)):
        account = await credits.get_account(name)
        told = (account.balance, account.floor, account.frozen, account.frozen_reason)
        grants = sorted((grant.priority, grant.remaining) for grant in account.grants)
        holds = sorted((hold.amount, hold.action, hold.claimed) for hold in account.holds)
        ledger = read_ledger(store, name)
        assert ledger.balance == account.balance
        seen.append((told, grants, holds, [(e["action"], e["amount"]) for e in ledger.entries]))
    return seen


async def _nothing(credits: Any, user: str) -> None:
    return None


async def _hold(credits: Any, user: str) -> str:
    return str((await credits.hold(user, 60, "train", expires_in=600)).id)


async def _charge(credits: Any, user: str) -> str:
    return str((await credits.deduct(user, 60, "chat")).tx_id)


async def _addition(credits: Any, user: str) -> str:
    return str((await credits.add(user, 25, "bought", idempotency_key="pay-1")).tx_id)


async def _held_addition(credits: Any, user: str) -> str:
    added = await credits.add(user, 5000, "bought")
    await credits.hold(user, 5900, "train", expires_in=600)
    return str(added.tx_id)


async def _claimed_hold(credits: Any, user: str) -> str:
    added = await credits.add(user, 5000, "bought")
    hold = await credits.hold(user, 6040, "train", expires_in=600)
    await credits.revoke(user, added.tx_id)
    return str(hold.id)


async def _revocation(credits: Any, user: str) -> str:
    added = await _held_addition(credits, user)
    return str((await credits.revoke(user, added)).tx_id)


async def _january(credits: Any, user: str) -> None:
    await credits.grant_allowance(user, "pro", 30, JANUARY, rollover=10)


async def _frozen(credits: Any, user: str) -> None:
    await credits.freeze(user, "fraud")


async def _full(credits: Any, user: str) -> None:
    for _ in range(9):
        await credits.add(other(user), 10**15, "opening")
    await credits.add(other(user), MAX_BALANCE - 9 * 10**15, "opening")


async def _batch(credits: Any, name: str, user: str) -> Any:
    items = [Item(user, 30, "one"), Item(user, 40, "two", METADATA)]
    return await getattr(credits, name)(items, atomic=True)


async def _apart(credits: Any, user: str) -> Any:
    (result,) = await credits.deduct_many([Item(user, 30, "one")])
    if isinstance(result, CreditsError):
        raise result
    return result


OPERATIONS = (
    Operation("hold", lambda c, u, _: c.hold(u, 70, "train", METADATA), _nothing),
    Operation("extend", lambda c, u, at: c.extend(u, at, 15, expires_in=900), _hold),
    Operation("settle", lambda c, u, at: c.settle(u, at, 25), _hold),
    Operation("settle-more", lambda c, u, at: c.settle(u, at, 5000, shortfall="owe"), _hold),
    Operation("release", lambda c, u, at: c.release(u, at), _hold),
    Operation("refund", lambda c, u, at: c.refund(u, at, reason="failed"), _charge),
    Operation("refund-part", lambda c, u, at: c.refund(u, at, 35), _charge),
    Operation("revoke", lambda c, u, at: c.revoke(u, at, reason="dispute"), _addition),
    Operation("revoke-part", lambda c, u, at: c.revoke(u, at, 10), _addition),
    Operation("revoke-by-key", lambda c, u, _: c.revoke(u, added_with="pay-1"), _addition),
    Operation("revoke-held", lambda c, u, at: c.revoke(u, at, 1090), _held_addition),
    Operation("settle-claimed", lambda c, u, at: c.settle(u, at, 25), _claimed_hold),
    Operation("waive", lambda c, u, at: c.waive(u, at), _revocation, keeps=False),
    Operation("revoke-early", lambda c, u, _: c.revoke(u, added_with="pay-2"), _nothing),
    Operation("grant", lambda c, u, _: c.add(u, 9, "promo", expires_in=60, priority=1), _nothing),
    Operation("allowance", lambda c, u, _: c.grant_allowance(u, "pro", 30, JANUARY), _nothing),
    Operation(
        "allowance-next",
        lambda c, u, _: c.grant_allowance(u, "pro", 30, FEBRUARY, rollover=10),
        _january,
    ),
    Operation(
        "collect",
        lambda c, u, _: c.collect(u, 70, "train", METADATA, idempotency_key="k"),
        _nothing,
    ),
    Operation(
        "collect-part",
        lambda c, u, _: c.collect(u, 7000, "train", METADATA, idempotency_key="k"),
        _nothing,
    ),
    Operation("deduct-batch", lambda c, u, _: _batch(c, "deduct_many", u), _nothing),
    Operation("add-batch", lambda c, u, _: _batch(c, "add_many", u), _nothing),
    Operation("deduct-many", lambda c, u, _: _apart(c, u), _nothing),
    Operation("set-floor", lambda c, u, _: c.set_floor(u, -70), _nothing, keeps=False),
    Operation("freeze", lambda c, u, _: c.freeze(u, "fraud"), _nothing, keeps=False),
    Operation("unfreeze", lambda c, u, _: c.unfreeze(u), _frozen, keeps=False),
    Operation(
        "transfer",
        lambda c, u, _: c.transfer(u, other(u), 50, idempotency_key="gift"),
        _nothing,
        keeps=False,
    ),
    Operation(
        "transfer-refused",
        lambda c, u, _: c.transfer(u, other(u), 50, idempotency_key="gift"),
        _full,
        keeps=False,
    ),
    Operation("merge", lambda c, u, _: c.merge_accounts(u, other(u)), _nothing, keeps=False),
)
