"""A server whose access rules forbid a command: holds and grants change whole, or not at all."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from credits_core import BackendError, Credits, Item, Period
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORBIDDEN = (
    "hincrby", "hdel", "zrem", "zrange", "zrangebyscore", "unlink", "hexists", "del", "zadd",
    "set", "hset", "zcard",
)  # fmt: skip
DAY_MS = 86_400_000
START = int(time.time() * 1000) - 60_000
FIRST, SECOND = (Period(START + n * DAY_MS, START + (n + 1) * DAY_MS) for n in (0, 1))


@dataclass(frozen=True)
class Account:
    """An account with a grant of 40, one of 50 and 100 credits beside, and what is open in it."""

    user: str
    other: str
    grant: str
    charge: str
    hold: str


CALLS: dict[str, Callable[[Credits, Account], Any]] = {
    "add a grant": lambda c, a: c.add(a.user, 20, "promo", expires_in=3600),
    "hold": lambda c, a: c.hold(a.user, 45, "train"),
    "hold with a key": lambda c, a: c.hold(a.user, 15, "train", idempotency_key="h"),
    "extend": lambda c, a: c.extend(a.user, a.hold, 35, idempotency_key="e"),
    "settle": lambda c, a: c.settle(a.user, a.hold, 3),
    "settle for more": lambda c, a: c.settle(a.user, a.hold, 33),
    "release": lambda c, a: c.release(a.user, a.hold),
    "deduct": lambda c, a: c.deduct(a.user, 4, "chat"),
    "deduct with a key": lambda c, a: c.deduct(a.user, 5, "chat", idempotency_key="d"),
    "deduct all grants": lambda c, a: c.deduct(a.user, 120, "chat", idempotency_key="d"),
    "several charges": lambda c, a: all_of_them(c.deduct_many(
        [Item(a.user, 5, "chat"), Item(a.user, 40, "chat")], atomic=True, idempotency_key="m"
    )),
    "transfer": lambda c, a: c.transfer(a.user, a.other, 35, idempotency_key="t"),
    "refund": lambda c, a: c.refund(a.user, a.charge),
    "revoke": lambda c, a: c.revoke(a.user, a.grant),
    "allowance": lambda c, a: c.grant_allowance(a.user, "pro", 10, SECOND, rollover=30),
}  # fmt: skip


def all_of_them(results):
    """Of several, or the error of the first."""
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


@pytest.fixture(scope="module")
def ruled() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def free(ruled: Server) -> Iterator[Credits]:
    with Credits.from_url(ruled.url) as credits:
        yield credits


@pytest.fixture
def barred(ruled: Server, forbidden: str) -> Iterator[Credits]:
    """A client that may do all but one command."""
    name = f"without-{forbidden}"
    ruled.call("ACL", "SETUSER", name, "on", ">secret", "~*", "+@all", f"-{forbidden}")
    url = f"redis://{name}:secret@127.0.0.1:{ruled.port}/0"
    with Credits.from_url(url, timeout=0.5) as credits:
        yield credits


def begun(server, credits, user, other) -> Account:
    """An account that has to turn its records of charges, too, with its next one."""
    credits.initialize_user(user, 100)
    grant = credits.add(user, 40, "promo", expires_in=7200)
    credits.grant_allowance(user, "pro", 50, FIRST, rollover=30)
    hold = credits.hold(user, 7, "train", idempotency_key="first")
    charge = credits.deduct(user, 9, "video")
    with server.client() as raw:
        raw.hset(f"credits:state:{user}", "generation_since", int(time.time() * 1000) - 31 * DAY_MS)
    return Account(user, other, grant.tx_id, charge.tx_id, hold.id)


def seen(server, user):
    """Balance, log, holds and grants as they are stored, without touching them."""
    with server.client() as raw:
        members: Any = raw.zrange(f"txs:{user}", 0, -1)
        state: Any = raw.hgetall(f"credits:state:{user}")
        balance = int(raw.get(f"balance:{user}") or 0)
        dues: Any = raw.zrange(f"credits:due:{user}", 0, -1)
        names: Any = raw.zrange(f"credits:grants:{user}", 0, -1)
    amounts = Counter(json.loads(member)["amount"] for member in members)
    assert balance == sum(amount * times for amount, times in amounts.items())
    fields = {field: text for field, text in state.items() if field[:5] in ("hold ", "grant")}
    assert set(fields) == set(dues)
    assert {f"grant {name}" for name in names} == {f for f in fields if f.startswith("grant ")}
    left = {field: int(text.split(" ")[0]) for field, text in fields.items()}
    assert all(number > 0 for number in left.values()), left
    holds = sorted(left[field] for field in left if field.startswith("hold "))
    # By priority and expiry: the twin's grants are a moment older.
    grants = [left[f"grant {name}"] for name in names]
    return balance, amounts, holds, grants


def tried(call, credits, account, times=4):
    """Whether one of so many tries succeeded; the last that is made."""
    for _ in range(times):
        try:
            call(credits, account)
        except BackendError:
            continue
        return True
    return False


@pytest.mark.parametrize("forbidden", FORBIDDEN)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_done_once_or_moves_nothing(ruled, free, barred, new_user, name, forbidden):
    account, twin = (begun(ruled, free, new_user(), new_user()) for _ in range(2))
    CALLS[name](free, twin)
    before = seen(ruled, account.user)
    done = tried(CALLS[name], barred, account)
    if not done:
        if name != "transfer":  # which tells its caller to go on with the same key
            assert seen(ruled, account.user) == before
        CALLS[name](free, account)
    assert seen(ruled, account.user) == seen(ruled, twin.user)
    assert seen(ruled, account.other) == seen(ruled, twin.other)
    assert free.verify_balance(account.user).valid


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_what_a_hold_gives_back_as_it_expires_comes_once(ruled, free, barred, new_user, forbidden):
    accounts = [begun(ruled, free, new_user(), new_user()) for _ in range(2)]
    for account in accounts:
        free.hold(account.user, 45, "late", expires_in=0.01)
    time.sleep(0.02)
    account, twin = accounts
    free.get_balance(twin.user)
    before = seen(ruled, account.user)
    if not tried(lambda credits, account: credits.get_balance(account.user), barred, account):
        assert seen(ruled, account.user) == before
        free.get_balance(account.user)
    assert seen(ruled, account.user) == seen(ruled, twin.user)


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_what_another_app_spent_burns_grants_once(ruled, free, barred, new_user, forbidden):
    account = begun(ruled, free, new_user(), new_user())
    member = '{"id":"tx_1_ts","amount":-3,"action":"ts","timestamp":1}'
    with ruled.client() as raw:
        raw.incrby(f"balance:{account.user}", -3)
        raw.zadd(f"txs:{account.user}", {member: 1})
    _, _, _, grants = seen(ruled, account.user)
    tried(lambda credits, account: credits.get_balance(account.user), barred, account)
    free.get_balance(account.user)
    assert seen(ruled, account.user)[3] == [grants[0] - 3, *grants[1:]]
