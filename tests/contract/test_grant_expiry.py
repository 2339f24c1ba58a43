"""Credits that expire when their time has come: at the next touch, whoever spent meanwhile."""

from __future__ import annotations

import pytest

from credits_core import (
    HoldClosedError,
    InsufficientCreditsError,
    InvalidRequestError,
)
from tests.contract.accounts import grants
from tests.contract.flavours import on
from tests.contract.passing import all_at_once, in_waves, typescript_app
from tests.contract.told import addition, tell

pytestmark = pytest.mark.stores

MINUTE = 60
HOUR = 3_600
DAY = 86_400


@pytest.fixture
def app(store):
    """A TypeScript app that shares the account."""
    return typescript_app(store)


async def told(credits, user):
    """Kind and amount of every entry, oldest first."""
    newest = await credits.get_transactions(user)
    return [(entry.kind, entry.amount) for entry in reversed(newest)]


TOUCHES = {
    "get_balance": lambda credits, user: credits.get_balance(user),
    "get_account": lambda credits, user: credits.get_account(user),
    "has_credits": lambda credits, user: credits.has_credits(user, 1),
    "deduct": lambda credits, user: credits.deduct(user, 1, "chat"),
    "add": lambda credits, user: credits.add(user, 1, "purchase"),
    "hold": lambda credits, user: credits.hold(user, 1, "video"),
    "set_floor": lambda credits, user: credits.set_floor(user, -5),
    "freeze": lambda credits, user: credits.freeze(user),
    "reconcile": lambda credits, user: credits.reconcile([user]),
    "revoke": lambda credits, user: credits.revoke(user, added_with="pay_1"),
}


@pytest.mark.parametrize("touch", TOUCHES)
async def test_any_touch_takes_what_is_left_of_an_expired_grant(credits, store, user, clock, touch):
    await credits.add(user, 5, "purchase", idempotency_key="pay_1")
    promo = await credits.add(user, 40, "promo", expires_in=MINUTE)
    await credits.deduct(user, 30, "chat")
    await clock.forward(2 * MINUTE)
    await TOUCHES[touch](credits, user)
    look = await store.look(user)
    (expiry,) = [entry for entry in look.entries if entry["action"] == "grant_expired"]
    assert expiry["amount"] == -10
    assert int(look.balance) == look.total
    assert look.scores == sorted(look.scores)
    (entry,) = [entry for entry in await credits.get_transactions(user) if entry.kind == "expire"]
    assert (entry.amount, entry.grant_id, entry.action) == (-10, promo.tx_id, "grant_expired")
    assert (await credits.get_account(user)).grants == ()
    assert (await credits.verify_balance(user)).valid


async def test_a_grant_that_was_spent_expires_without_an_entry(credits, user, clock):
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await credits.deduct(user, 40, "chat")
    await clock.forward(2 * MINUTE)
    assert await credits.get_balance(user) == 0
    assert await told(credits, user) == [("grant", 40), ("deduct", -40)]


async def test_looking_at_the_log_applies_nothing(credits, store, user, clock):
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await clock.forward(2 * MINUTE)
    found = await credits.verify_balance(user)
    assert (found.valid, found.cached, found.calculated) == (True, 40, 40)
    assert await told(credits, user) == [("grant", 40)]
    assert (await store.look(user)).balance == "40"


async def test_grants_expire_one_by_one_each_at_its_time(credits, user, clock):
    for minutes, amount in ((3, 30), (1, 10), (2, 20)):
        await credits.add(user, amount, "promo", expires_in=minutes * MINUTE)
    await credits.add(user, 100, "purchase")
    seen = []
    for _ in range(4):
        account = await credits.get_account(user)
        seen.append((account.balance, [grant.remaining for grant in account.grants]))
        await clock.forward(MINUTE)
    assert seen == [(160, [10, 20, 30]), (150, [20, 30]), (130, [30]), (100, [])]


async def test_several_grants_expire_in_one_touch_each_with_its_entry(credits, store, user, clock):
    for minutes in (3, 1, 2, 9):
        await credits.add(user, 10 * minutes, "promo", expires_in=minutes * MINUTE)
    await clock.forward(5 * MINUTE)
    assert await credits.get_balance(user) == 90
    assert await grants(credits, user) == [90]
    assert (await told(credits, user))[4:] == [("expire", -10), ("expire", -20), ("expire", -30)]
    look = await store.look(user)
    assert len({entry["id"] for entry in look.entries}) == 7
    assert len(set(look.scores)) == 7


async def test_an_expired_grant_never_funds_a_charge(credits, user, clock):
    await credits.add(user, 10, "purchase")
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await clock.forward(2 * MINUTE)
    for refused in (credits.deduct, credits.hold):
        with pytest.raises(InsufficientCreditsError) as error:
            await refused(user, 11, "video")
        assert error.value.available == 10
    assert await told(credits, user) == [("add", 10), ("grant", 40), ("expire", -40)]
    assert (await credits.deduct(user, 10, "chat")).balance == 0


async def test_a_grant_cannot_be_given_after_its_time(credits, user, clock):
    first = await credits.add(user, 10, "x", expires_in=MINUTE, idempotency_key="k")
    (entry,) = await credits.get_transactions(user)
    await clock.forward(2 * MINUTE)
    with pytest.raises(InvalidRequestError, match="expired before"):
        await credits.add(user, 10, "x", expires_at=entry.expires_at)
    again = await credits.add(user, 10, "x", expires_in=MINUTE, idempotency_key="k")
    assert (again.replayed, again.tx_id, again.balance) == (True, first.tx_id, 0)
    assert await told(credits, user) == [("grant", 10), ("expire", -10)]


async def test_a_copy_that_arrives_after_the_grant_expired_gives_nothing(credits, user, clock):
    now = (await credits.add(user, 1, "purchase")).timestamp
    command = addition(credits, user, 10, now, expires_in=MINUTE)
    (first,) = await tell(credits, command)
    await clock.forward(2 * MINUTE)
    assert await credits.get_balance(user) == 1
    (again,) = await tell(credits, command)
    assert (again.tx_id, again.timestamp) == (first.tx_id, first.timestamp)
    assert await credits.get_balance(user) == 1
    assert await grants(credits, user) == []


async def test_what_is_refunded_to_a_dead_grant_expires_at_once(credits, store, user, clock):
    await credits.add(user, 100, "purchase")
    await credits.add(user, 10, "first", expires_in=MINUTE)
    await credits.add(user, 10, "second", expires_in=3 * MINUTE)
    charge = await credits.deduct(user, 25, "video")
    await clock.forward(2 * MINUTE)
    receipt = await credits.refund(user, charge.tx_id)
    assert (receipt.amount, receipt.balance) == (25, 110)
    assert await grants(credits, user) == [10]
    assert (await told(credits, user))[-2:] == [("refund", 25), ("expire", -10)]
    look = await store.look(user)
    assert int(look.balance) == look.total == 110
    assert (await credits.refund(user, charge.tx_id)).replayed


async def test_what_a_settle_returns_to_a_dead_grant_expires_at_once(credits, user, clock):
    await credits.add(user, 10, "first", expires_in=3 * MINUTE)
    await credits.add(user, 10, "second", expires_in=MINUTE, priority=5)
    hold = await credits.hold(user, 20, "video", expires_in=DAY)
    await clock.forward(2 * MINUTE)
    receipt = await credits.settle(user, hold.id, 4)
    assert (receipt.amount, receipt.balance) == (4, 6)
    assert await grants(credits, user) == [6]
    assert (await told(credits, user))[-2:] == [("settle", 16), ("expire", -10)]


async def test_a_release_after_all_its_grants_died_gives_nothing_back(credits, user, clock):
    await credits.add(user, 10, "promo", expires_in=MINUTE)
    hold = await credits.hold(user, 10, "video", expires_in=DAY)
    await clock.forward(2 * MINUTE)
    assert (await credits.release(user, hold.id)).balance == 0
    assert (await told(credits, user))[-2:] == [("release", 10), ("expire", -10)]
    assert (await credits.get_account(user)).grants == ()


async def test_a_hold_that_expires_with_its_grant_gives_nothing_back(credits, user, clock):
    await credits.add(user, 5, "purchase")
    await credits.add(user, 10, "promo", expires_in=2 * MINUTE)
    hold = await credits.hold(user, 12, "video", expires_in=MINUTE)
    await clock.forward(3 * MINUTE)
    account = await credits.get_account(user)
    assert (account.balance, account.grants, account.holds) == (5, (), ())
    assert (await told(credits, user))[-2:] == [("expire", 12), ("expire", -10)]
    with pytest.raises(HoldClosedError) as closed:
        await credits.settle(user, hold.id, 3)
    assert closed.value.state == "expired"


async def test_a_hold_that_expires_gives_back_to_a_live_grant(credits, user, clock):
    await credits.add(user, 10, "promo", expires_in=5 * MINUTE)
    await credits.hold(user, 7, "video", expires_in=MINUTE)
    assert await grants(credits, user) == [3]
    await clock.forward(2 * MINUTE)
    assert await grants(credits, user) == [10]
    await clock.forward(5 * MINUTE)
    assert await credits.get_balance(user) == 0


@pytest.mark.parametrize(("spent", "left"), [(10, 30), (40, 0), (45, 0), (50, 0)])
async def test_what_another_app_spent_burns_grants_before_they_expire(
    credits, user, clock, app, spent, left
):
    await credits.add(user, 10, "purchase")
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await app.deduct(user, spent, "ts")
    await clock.forward(2 * MINUTE)
    assert await credits.get_balance(user) == 50 - spent - left
    expiries = [amount for kind, amount in await told(credits, user) if kind == "expire"]
    assert expiries == [-left] * (left > 0)
    assert (await credits.verify_balance(user)).valid


async def test_what_another_app_spent_is_noticed_at_the_next_touch(credits, user, app):
    await credits.add(user, 10, "first", expires_in=MINUTE * 10)
    await credits.add(user, 10, "second", expires_in=DAY)
    await credits.add(user, 10, "purchase")
    await app.deduct(user, 12, "ts")
    assert await grants(credits, user) == [8]
    await app.deduct(user, 3, "ts")
    await credits.deduct(user, 1, "chat")
    assert await grants(credits, user) == [4]
    await app.deduct(user, 14, "ts")
    assert await credits.get_balance(user) == 0
    assert await grants(credits, user) == []


async def test_what_another_app_added_never_expires(credits, user, clock, app):
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await app.add(user, 25, "ts")
    assert await grants(credits, user) == [40]
    await clock.forward(2 * MINUTE)
    assert await credits.get_balance(user) == 25


async def test_of_what_another_app_spent_and_added_the_difference_counts(credits, user, clock, app):
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await app.deduct(user, 30, "ts")
    await app.add(user, 10, "ts")
    assert await grants(credits, user) == [20]
    await app.deduct(user, 5, "ts")
    await app.add(user, 50, "ts")
    assert await grants(credits, user) == [20]
    await clock.forward(2 * MINUTE)
    assert await credits.get_balance(user) == 45


async def test_an_expiry_never_takes_the_balance_below_zero(credits, store, user, clock, app):
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await app.deduct(user, 40, "ts")
    await clock.forward(2 * MINUTE)
    with pytest.raises(InsufficientCreditsError) as refused:
        await credits.deduct(user, 1, "chat")
    assert refused.value.available == 0
    look = await store.look(user)
    assert (look.balance, look.total) == ("0", 0)


async def test_a_charge_of_both_apps_at_once_leaves_no_credit_uncounted(
    credits, store, user, clock, app
):
    await credits.add(user, 30, "purchase")
    for minutes in (1, 2, 3):
        await credits.add(user, 30, "promo", expires_in=minutes * MINUTE)
    calls = [(credits if n % 2 else app).deduct(user, 1, "x") for n in range(40)]
    assert not [error for error in await all_at_once(*calls) if isinstance(error, Exception)]
    assert await grants(credits, user) == [20, 30]
    await clock.forward(2.5 * MINUTE)
    assert await credits.get_balance(user) == 60
    assert await grants(credits, user) == [30]
    look = await store.look(user)
    assert int(look.balance) == look.total


async def test_what_a_repair_takes_away_burns_grants_as_spending_does(credits, store, user, clock):
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await store.run("SET", f"balance:{user}", "55")  # another app broke it
    assert await credits.get_balance(user) == 55
    assert await credits.rebuild_balance(user) == 40
    await clock.forward(2 * MINUTE)
    assert await credits.get_balance(user) >= 0
    assert (await credits.verify_balance(user)).valid


async def test_an_account_that_another_app_deleted_has_no_grants_left(credits, store, user, clock):
    await credits.add(user, 40, "promo", expires_in=MINUTE)
    await store.run("DEL", f"balance:{user}", f"txs:{user}")
    account = await credits.get_account(user)
    assert (account.balance, account.grants) == (0, ())
    await credits.add(user, 7, "purchase")
    await clock.forward(2 * MINUTE)
    assert await credits.get_balance(user) == 7
    assert await told(credits, user) == [("add", 7)]


async def test_reconcile_applies_what_fell_due_in_accounts_that_nobody_touched(
    credits, store, new_user, clock
):
    users = [new_user() for _ in range(5)]
    for number, user in enumerate(users):
        await credits.add(user, 10 + number, "promo", expires_in=MINUTE)
    await clock.forward(2 * MINUTE)
    report = await credits.reconcile(users)
    assert (report.total, report.errors) == (5, 0)
    for user in users:
        assert (await store.look(user)).balance == "0"


@on("tcp-async", "rest-async")
async def test_a_thousand_grants_and_a_thousand_holds_expire_in_one_touch(
    credits, store, user, clock
):
    await in_waves(credits.add(user, 1, "x", expires_in=HOUR + n) for n in range(1000))
    await in_waves(credits.hold(user, 1, "x", expires_in=HOUR) for _ in range(1000))
    account = await credits.get_account(user)
    assert (account.balance, len(account.grants), len(account.holds)) == (0, 0, 1000)
    await in_waves(credits.add(user, 1, "x", expires_in=HOUR + n) for n in range(1000))
    await clock.forward(DAY)
    account = await credits.get_account(user)
    assert (account.balance, account.grants, account.holds) == (0, (), ())
    look = await store.look(user)
    assert len(look.members) == 6000
    assert look.total == 0
