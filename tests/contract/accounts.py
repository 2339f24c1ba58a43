"""What an account must be, whatever happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.store import Look, Store

if TYPE_CHECKING:
    import redis


async def sound(credits: Any, user: str, balance: int) -> Look:
    """The balance is this and what the log says, in which nothing stands twice."""
    found = await Store(credits).look(user)
    assert (found.balance, found.total) == (str(balance), balance)
    assert '"amount":-0' not in "".join(found.members)
    assert found.scores == sorted(set(found.scores))
    assert len({entry["id"] for entry in found.entries}) == len(found.members)
    return found


async def balances(store: Store, *users: str) -> list[int]:
    """What the accounts hold, each the sum of its log, in which nothing stands twice."""
    looks = [await store.look(user) for user in users]
    for look in looks:
        assert int(look.balance or 0) == look.total
        assert len({entry["id"] for entry in look.entries}) == len(look.entries)
    return [int(look.balance or 0) for look in looks]


async def grants(credits: Any, user: str) -> list[int]:
    """What remains of each live grant, in the order of spending."""
    return [grant.remaining for grant in (await credits.get_account(user)).grants]


def sum_of(raw: redis.Redis, user: str) -> int:
    """The sum of a log."""
    log: Any = raw.zrange(f"txs:{user}", 0, -1)
    return sum(int(member.split('"amount":')[1].split(",")[0]) for member in log)
