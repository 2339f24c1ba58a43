"""Allowances: the credits of a plan, once a period, and what rolls over into the next."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from credits_core import (
    IdempotencyConflictError,
    InvalidRequestError,
    LimitExceededError,
    Period,
    TransactionError,
    commands,
)
from credits_core.commands.moves import SignUp
from tests.contract.accounts import grants
from tests.contract.passing import all_at_once, typescript_app
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores

DAY = 86_400
DAY_MS = DAY * 1000


@pytest.fixture
def day():
    """The periods of a plan that began a moment ago, a day each, by their number."""
    start = int(time.time() * 1000) - 60_000
    return lambda number: Period(start + number * DAY_MS, start + (number + 1) * DAY_MS)


def renewal(credits, user, period, amount=100, **wishes):
    """The command of a renewal, to tell it more than once."""
    given = {"rollover": "none", "priority": 0, "metadata": None} | wishes
    return commands.renew(
        keys(credits),
        user,
        "pro",
        amount,
        period,
        sign_up=SignUp(),
        now_ms=period.start_ms,
        **given,
    )


@pytest.mark.parametrize("rollover", ["none", "all", 30])
async def test_whoever_asks_at_once_the_allowance_is_granted_once(
    credits, store, user, day, rollover
):
    receipts = await all_at_once(
        *(credits.grant_allowance(user, "pro", 100, day(0), rollover=rollover) for _ in range(50))
    )
    (first,) = [receipt for receipt in receipts if not receipt.replayed]
    assert (first.amount, first.balance, first.created) == (100, 100, True)
    assert {receipt.tx_id for receipt in receipts} == {first.tx_id}
    assert {receipt.timestamp for receipt in receipts} == {first.timestamp}
    look = await store.look(user)
    assert (look.balance, len(look.members)) == ("100", 1)
    assert await grants(credits, user) == ([] if rollover == "all" else [100])


async def test_an_allowance_stands_in_the_log_with_its_plan_and_period(credits, store, user, day):
    receipt = await credits.grant_allowance(user, "pro", 100, day(0), metadata={"plan": 7})
    (entry,) = await credits.get_transactions(user)
    assert (entry.id, entry.amount, entry.kind) == (receipt.tx_id, 100, "allowance")
    assert (entry.action, entry.metadata) == ("allowance", {"plan": 7})
    assert (entry.grant_id, entry.expires_at) == (receipt.tx_id, day(0).end_ms)
    member = json.loads((await store.look(user)).members[0])
    assert (member["allowance"], member["period"]) == ("pro", day(0).start_ms)


async def test_a_period_is_the_same_whether_told_in_ms_or_as_datetimes(credits, user, day):
    first = await credits.grant_allowance(user, "pro", 100, day(0))
    start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (day(0).start_ms, day(0).end_ms))
    again = await credits.grant_allowance(user, "pro", 100, Period(start, end))
    assert (again.replayed, again.tx_id) == (True, first.tx_id)


async def test_without_rollover_what_is_left_goes_with_the_period(credits, user, day, clock):
    seen = []
    for number in range(3):
        receipt = await credits.grant_allowance(user, "pro", 100, day(number))
        await credits.deduct(user, 10 * (number + 1), "chat")
        seen.append(receipt.balance)
        await clock.forward(DAY)
    assert seen == [100, 100, 100]
    assert await credits.get_balance(user) == 0
    assert (await credits.verify_balance(user)).valid


async def test_what_rolls_over_without_end_is_there_for_ever(credits, user, day, clock):
    for number in (0, 1, 4):  # periods 2 and 3 were not asked for
        await credits.grant_allowance(user, "pro", 100, day(number), rollover="all")
        await credits.deduct(user, 30, "chat")
        await clock.forward(DAY * (3 if number == 1 else 1))
    account = await credits.get_account(user)
    assert (account.balance, account.grants) == (210, ())
    kinds = [entry.kind for entry in await credits.get_transactions(user)]
    assert kinds.count("allowance") == 3
    assert "expire" not in kinds


@pytest.mark.parametrize(
    ("cap", "spent", "balances"),
    [
        (0, [0, 40, 100], [100, 100, 100]),
        (30, [0, 0, 0], [100, 130, 130]),
        (30, [90, 105, 20], [100, 110, 105]),
        (30, [100, 70, 75], [100, 100, 130]),
        (1000, [1, 1, 1], [100, 199, 298]),
    ],
)
async def test_up_to_a_cap_what_is_left_rolls_over(credits, user, day, clock, cap, spent, balances):
    seen, names = [], set()
    for number, amount in enumerate(spent):
        receipt = await credits.grant_allowance(user, "pro", 100, day(number), rollover=cap)
        seen.append(receipt.balance)
        account = await credits.get_account(user)
        (grant,) = account.grants
        names.add(grant.id)
        assert grant.remaining == receipt.balance
        assert (grant.expires_at, grant.expires, account.next_expiry) == (None, None, None)
        if amount:
            await credits.deduct(user, amount, "chat")
        await clock.forward(DAY)
    assert seen == balances
    assert len(names) == 1, "it is one grant for all periods"
    assert await credits.get_balance(user) == balances[-1] - spent[-1]
    assert (await credits.verify_balance(user)).valid


async def test_a_cap_trims_once_however_many_periods_were_skipped(credits, user, day, clock):
    await credits.grant_allowance(user, "pro", 100, day(0), rollover=30)
    await clock.forward(5 * DAY)
    assert await credits.get_balance(user) == 100
    receipt = await credits.grant_allowance(user, "pro", 100, day(5), rollover=30)
    assert (receipt.amount, receipt.balance) == (100, 130)
    told = [(entry.kind, entry.amount) for entry in await credits.get_transactions(user)]
    assert told == [("allowance", 100), ("expire", -70), ("allowance", 100)]


async def test_an_early_renewal_carries_what_is_left_now(credits, user, day):
    await credits.grant_allowance(user, "pro", 100, day(0), rollover=30)
    await credits.deduct(user, 10, "chat")
    assert (await credits.grant_allowance(user, "pro", 100, day(1), rollover=30)).balance == 130
    assert await grants(credits, user) == [130]
    again = await credits.grant_allowance(user, "pro", 100, day(1), rollover=30)
    assert (again.replayed, again.balance) == (True, 130)


async def test_without_rollover_an_early_renewal_leaves_both_periods_their_credits(
    credits, user, day, clock
):
    await credits.grant_allowance(user, "pro", 100, day(0))
    assert (await credits.grant_allowance(user, "pro", 100, day(1))).balance == 200
    await credits.deduct(user, 60, "chat")
    assert await grants(credits, user) == [40, 100]
    await clock.forward(DAY)
    assert await grants(credits, user) == [100]


@pytest.mark.parametrize("rollover", ["none", "all", 30])
async def test_an_allowance_pays_a_debt_first(credits, user, day, rollover):
    await credits.set_floor(user, -500)
    await credits.deduct(user, 180, "chat")
    first = await credits.grant_allowance(user, "pro", 100, day(0), rollover=rollover)
    assert (first.balance, await grants(credits, user)) == (-80, [])
    second = await credits.grant_allowance(user, "pro", 100, day(1), rollover=rollover)
    assert second.balance == 20
    assert await grants(credits, user) == ([] if rollover == "all" else [20])


async def test_a_period_that_was_granted_with_another_amount_is_a_conflict(
    credits, store, user, day
):
    first = await credits.grant_allowance(user, "pro", 100, day(0))
    with pytest.raises(IdempotencyConflictError, match="100") as conflict:
        await credits.grant_allowance(user, "pro", 1000, day(0))
    assert conflict.value.tx_id == first.tx_id
    assert (await store.look(user)).balance == "100"


async def test_a_period_before_the_latest_grants_nothing(credits, store, user, day):
    latest = await credits.grant_allowance(user, "pro", 100, day(1))
    for amount in (100, 50):
        past = await credits.grant_allowance(user, "pro", amount, day(0))
        assert (past.created, past.amount, past.balance) == (False, 0, 100)
        assert past.tx_id == latest.tx_id
    assert len((await store.look(user)).members) == 1


@pytest.mark.parametrize("rollover", ["none", "all", 30])
async def test_a_period_that_is_over_is_refused_and_nothing_changes(
    credits, store, user, day, rollover
):
    with pytest.raises(InvalidRequestError, match="ended"):
        await credits.grant_allowance(user, "pro", 100, day(-2), rollover=rollover)
    assert (await store.look(user)).kept == {}


@pytest.mark.parametrize("rollover", ["none", "all", 30])
async def test_a_period_that_was_granted_is_told_again_after_its_end(
    credits, user, day, clock, rollover
):
    first = await credits.grant_allowance(user, "pro", 100, day(0), rollover=rollover)
    await clock.forward(2 * DAY)
    again = await credits.grant_allowance(user, "pro", 100, day(0), rollover=rollover)
    assert (again.replayed, again.tx_id) == (True, first.tx_id)


@pytest.mark.parametrize(
    "name",
    [
        "pro plan",
        'the "best"',
        "a'b\\c",
        "größe 🦊",
        "a\u2028b",
        "1 2 3",
        "-- @use",
        "%s %d",
        "x" * 64,
    ],
)
async def test_a_plan_may_have_any_name(credits, user, day, clock, name):
    first = await credits.grant_allowance(user, name, 100, day(0), rollover=10)
    again = await credits.grant_allowance(user, name, 100, day(0), rollover=10)
    assert (again.replayed, again.tx_id) == (True, first.tx_id)
    await clock.forward(DAY)
    assert (await credits.grant_allowance(user, name, 100, day(1), rollover=10)).balance == 110
    assert (await credits.verify_balance(user)).valid


@pytest.mark.parametrize("name", ["", " ", " pro", "pro ", "a\nb", "a\x85b", "x" * 65, 7, None])
async def test_what_is_no_name_of_a_plan_is_refused(credits, user, day, name):
    with pytest.raises(InvalidRequestError):
        await credits.grant_allowance(user, name, 100, day(0))


@pytest.mark.parametrize("rollover", ["some", "", -1, 1.5, True, None, 10**16])
async def test_what_is_no_rollover_is_refused(credits, user, day, rollover):
    with pytest.raises(InvalidRequestError):
        await credits.grant_allowance(user, "pro", 100, day(0), rollover=rollover)


async def test_plans_beside_each_other_do_not_know_of_each_other(credits, user, day, clock):
    for number in range(2):
        await credits.grant_allowance(user, "pro", 100, day(number), rollover=30)
        await credits.grant_allowance(user, "pro extra", 10, day(number), rollover=5, priority=-1)
        await clock.forward(DAY)
    assert await grants(credits, user) == [15, 130]
    await credits.deduct(user, 20, "chat")
    assert await grants(credits, user) == [125]


@pytest.mark.parametrize("rollover", ["none", "all", 30])
async def test_the_same_bytes_grant_once(credits, store, user, day, rollover):
    await tell(credits, renewal(credits, user, day(0), rollover=rollover))
    command = renewal(credits, user, day(1), rollover=rollover)
    assert await tell(credits, command, deadline=0) == ["late"]
    receipts = await tell(credits, command, times=3)
    receipts += await tell(credits, command, deadline=0)
    assert len(set(receipts)) == 1
    assert not receipts[0].replayed
    allowances = [entry for entry in (await store.look(user)).entries if entry["amount"] > 0]
    assert len(allowances) == 2


async def test_what_other_apps_spend_comes_out_of_the_allowance(credits, store, user, day, clock):
    await credits.grant_allowance(user, "pro", 100, day(0), rollover=30)
    await typescript_app(store).deduct(user, 90, "ts")
    await clock.forward(DAY)
    assert (await credits.grant_allowance(user, "pro", 100, day(1), rollover=30)).balance == 110


async def test_what_comes_back_of_an_earlier_period_is_under_the_cap_too(credits, user, day, clock):
    await credits.grant_allowance(user, "pro", 100, day(0), rollover=30)
    charge = await credits.deduct(user, 80, "video")
    await clock.forward(DAY)
    await credits.grant_allowance(user, "pro", 100, day(1), rollover=30)
    await credits.refund(user, charge.tx_id)
    await clock.forward(DAY)
    assert (await credits.grant_allowance(user, "pro", 100, day(2), rollover=30)).balance == 130
    assert await grants(credits, user) == [130]


async def test_a_plan_may_change_how_much_rolls_over(credits, user, day, clock):
    plan = [("none", 100), (30, 100), ("all", 130), (30, 230), ("none", 260)]
    for number, (rollover, balance) in enumerate(plan):
        receipt = await credits.grant_allowance(user, "pro", 100, day(number), rollover=rollover)
        assert receipt.balance == balance, rollover
        await clock.forward(DAY)
    assert (await credits.verify_balance(user)).valid


@pytest.mark.parametrize("rollover", ["none", "all", 30])
async def test_an_allowance_can_be_revoked(credits, user, day, rollover):
    receipt = await credits.grant_allowance(user, "pro", 100, day(0), rollover=rollover)
    await credits.deduct(user, 40, "chat")
    revoked = await credits.revoke(user, receipt.tx_id)
    assert (revoked.amount, revoked.balance) == (60, 0)
    assert await grants(credits, user) == []
    with pytest.raises(TransactionError):
        await credits.refund(user, receipt.tx_id)


async def test_an_allowance_signs_up_a_new_user_where_the_app_wants_it(open_credits, user, day):
    credits = open_credits(auto_initialize=True, default_credits=25)
    assert (await credits.grant_allowance(user, "pro", 100, day(0))).balance == 125
    assert await grants(credits, user) == [100]


async def test_an_allowance_may_not_lift_the_balance_above_what_is_kept_exactly(credits, user, day):
    for _ in range(9):
        await credits.add(user, 10**15, "x")
    with pytest.raises(LimitExceededError) as refused:
        await credits.grant_allowance(user, "pro", 10**15, day(0))
    assert refused.value.rule == "max_balance"
    assert await grants(credits, user) == []


async def test_a_period_may_begin_before_1970(credits, user, day):
    period = Period(datetime(1960, 1, 1, tzinfo=UTC), day(0).end_ms)
    first = await credits.grant_allowance(user, "pro", 100, period)
    assert (await credits.grant_allowance(user, "pro", 100, period)).tx_id == first.tx_id
    assert (await credits.grant_allowance(user, "pro", 100, day(0))).balance == 200


async def test_an_account_that_was_deleted_starts_its_plan_afresh(credits, user, day):
    await credits.grant_allowance(user, "pro", 100, day(1), rollover=30)
    await credits.delete_account(user)
    assert (await credits.grant_allowance(user, "pro", 100, day(0), rollover=30)).balance == 100
    assert await grants(credits, user) == [100]
