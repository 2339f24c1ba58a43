"""Payments: each grants once and is taken back once, whatever comes, how often, in which order."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credits_core import IdempotencyConflictError, TransactionError
from credits_core.http.steps import arun, run
from credits_core.payments import Linked, Paid, Restored, Returned, apply
from tests.contract.accounts import grants, sound
from tests.contract.passing import all_at_once

pytestmark = pytest.mark.stores
DAY = 86_400_000


async def tell(credits, told):
    """Take the steps as an app of this client does: async, or sync in a thread."""
    if (client := getattr(credits, "sync", None)) is not None:
        return await asyncio.to_thread(run, client, apply(told))
    return await arun(credits, apply(told))


class Payment:
    """A payment of 500 credits for 39.99, and what may be told of it."""

    def __init__(self, user, amount=3999):
        self.user, self.id, self.amount = user, f"pi_{user}", amount

    def paid(self, **more):
        return Paid(self.id, self.user, "pro", 500, self.amount, "USD", **more)

    def refund(self, name, amount=None, **more):
        return Returned(self.id, name, amount, "USD", **more)

    def dispute(self, name="dp_1", amount=None):
        return Returned(self.id, name, amount, "USD", "dispute")

    def won(self, name="dp_1"):
        return Restored(self.id, name)


@pytest.fixture
def payment(user):
    return Payment(user)


async def test_a_payment_is_granted_once(credits, payment, user):
    first = await tell(credits, payment.paid())
    assert (first.granted, first.taken, first.receipt.balance) == (500, 0, 500)
    for _ in range(2):
        assert (await tell(credits, payment.paid())) == first._replace(receipt=None)
    (entry,) = await credits.get_transactions(user)
    assert (entry.amount, entry.action) == (500, "purchase")
    assert entry.metadata == {"payment_id": payment.id, "package": "pro"}


async def test_it_is_the_payment_that_was_credited_by_hand(credits, payment, user):
    """An app that credited payments itself, as the how-to said, may change over at any time."""
    await credits.add(user, 500, "purchase", idempotency_key=f"payment:{payment.id}")
    await tell(credits, payment.paid())
    await tell(credits, payment.refund("re_1"))
    await sound(credits, user, 0)


async def test_the_same_payment_credited_otherwise_is_a_conflict(credits, payment, user):
    await credits.add(user, 400, "purchase", idempotency_key=f"payment:{payment.id}")
    with pytest.raises(IdempotencyConflictError):
        await tell(credits, payment.paid())
    await sound(credits, user, 400)


async def test_the_table_may_change_between_two_deliveries(credits, payment, user):
    await tell(credits, payment.paid())
    changed = Paid(payment.id, user, "pro", 600, 3999, "USD")
    assert (await tell(credits, changed)).granted == 500
    await sound(credits, user, 500)


async def test_told_again_for_another_user_it_stays_where_it_is(
    credits, payment, user, new_user, caplog
):
    await tell(credits, payment.paid())
    other = new_user()
    await tell(credits, Paid(payment.id, other, "pro", 500, 3999, "USD"))
    assert await credits.get_balance(other) == 0
    await sound(credits, user, 500)
    assert "told again" in caplog.text


async def test_a_refund_that_comes_first_waits_for_its_payment(credits, payment, user):
    early = await tell(credits, payment.refund("re_1"))
    assert early.user_id is None
    assert await credits.get_balance(user) == 0
    applied = await tell(credits, payment.paid())
    assert (applied.granted, applied.taken) == (500, 500)
    await sound(credits, user, 0)


async def test_a_refund_takes_what_is_left_and_no_more(credits, payment, user):
    await tell(credits, payment.paid())
    await credits.deduct(user, 300, "video")
    for _ in range(2):
        assert (await tell(credits, payment.refund("re_1"))).taken == 200
    await sound(credits, user, 0)


async def test_parts_are_taken_in_proportion_each_once(credits, payment, user):
    await tell(credits, payment.paid())
    for _ in range(2):
        await tell(credits, payment.refund("re_1", 8))
    await sound(credits, user, 499)
    await tell(credits, payment.refund("re_2", 1992))
    await sound(credits, user, 250)
    await tell(credits, payment.refund("ch_1:3999", 3999, so_far=True))
    await sound(credits, user, 0)


async def test_a_won_dispute_gives_back_what_was_taken(credits, payment, user):
    await tell(credits, payment.paid())
    await credits.deduct(user, 300, "video")
    await tell(credits, payment.dispute())
    await sound(credits, user, 0)
    for _ in range(2):
        applied = await tell(credits, payment.won())
    assert (applied.taken, applied.restored) == (200, 200)
    await sound(credits, user, 200)


async def test_what_a_won_dispute_gave_back_can_be_taken_again(credits, payment, user):
    for told in (payment.paid(), payment.dispute(), payment.won()):
        await tell(credits, told)
    await tell(credits, payment.refund("re_1", 2000))
    await sound(credits, user, 250)
    await tell(credits, payment.dispute("dp_2"))
    await sound(credits, user, 0)
    await tell(credits, payment.won("dp_2"))
    await sound(credits, user, 250)


async def test_credits_of_other_payments_stay(credits, payment, user):
    await credits.add(user, 70, "promotion", expires_in=3600)
    for told in (payment.paid(), payment.refund("re_1")):
        await tell(credits, told)
    await sound(credits, user, 70)
    assert await grants(credits, user) == [70]


async def test_whose_account_was_deleted_is_not_granted_anew(credits, payment, user):
    await tell(credits, payment.paid())
    await credits.delete_account(user)
    await tell(credits, payment.paid())
    for told in (payment.refund("re_1", 40), payment.dispute(), payment.won()):
        with pytest.raises(TransactionError):
            await tell(credits, told)
    assert await credits.get_balance(user) == 0
    await credits.initialize_user(user, 100)
    with pytest.raises(TransactionError):
        await tell(credits, payment.won())
    await sound(credits, user, 100)


async def test_an_invoice_and_the_intent_that_pays_it_are_one_payment(credits, user):
    intent, invoice = Payment(user), Paid(f"in_{user}", user, "pro", 500, 3999, "USD")
    story = [intent.refund("re_1", 2000), Linked(intent.id, invoice.payment_id), invoice]
    for told in story:
        await tell(credits, told)
    await sound(credits, user, 250)
    applied = await tell(credits, intent.refund("re_2", 1999))
    assert (applied.payment_id, applied.taken) == (invoice.payment_id, 500)
    await sound(credits, user, 0)


async def test_two_ids_that_name_each_other_are_followed_once(credits, user):
    one, two = f"pi_{user}", f"in_{user}"
    for told in (Linked(one, two), Linked(two, one), Returned(one, "re_1"), Returned(two, "re_2")):
        assert (await tell(credits, told)).user_id is None


async def test_a_payment_under_one_of_its_ids_is_not_granted_under_the_other(credits, user):
    payment = Payment(user)
    link = Linked(payment.id, f"in_{user}")
    for told in (payment.paid(), link, payment.paid(), payment.refund("re_1", 2000), link):
        await tell(credits, told)
    await sound(credits, user, 250)
    bought = [entry.amount for entry in await credits.get_transactions(user)]
    assert bought == [-250, 500]


async def test_a_period_is_granted_as_an_allowance_and_taken_back(credits, store, payment, user):
    now = int(float((await store.run("TIME"))[0])) * 1000
    month = {"subscription_id": "sub_1", "period": (now - DAY, now + 29 * DAY), "rollover": "none"}
    for _ in range(2):
        await tell(credits, payment.paid(**month))
    assert await grants(credits, user) == [500]
    await credits.deduct(user, 100, "video")
    await tell(credits, payment.refund("re_1", 2000))
    assert await grants(credits, user) == [150]
    await tell(credits, payment.refund("re_2"))
    await sound(credits, user, 0)


async def test_a_period_that_is_over_grants_nothing(credits, payment, user, caplog):
    month = {"subscription_id": "sub_1", "period": (10**12, 10**12 + DAY)}
    assert (await tell(credits, payment.paid(**month))).granted == 0
    assert (await tell(credits, payment.refund("re_1"))).taken == 0
    assert await credits.get_balance(user) == 0
    assert "is over" in caplog.text


async def test_a_period_before_the_last_one_grants_nothing_and_says_so(
    credits, store, payment, user, caplog
):
    now = int(float((await store.run("TIME"))[0])) * 1000
    month = {"subscription_id": "sub_1", "rollover": "all"}
    await tell(credits, payment.paid(period=(now, now + 30 * DAY), **month))
    before = Paid("in_before", user, "pro", 500, period=(now - 30 * DAY, now + DAY), **month)
    assert (await tell(credits, before)).granted == 0
    await sound(credits, user, 500)
    assert "in_before is for a period before" in caplog.text


@pytest.mark.parametrize(("rollover", "left"), [("all", 750), ("none", 750), (200, 700)])
async def test_a_refund_of_a_period_before_the_last_takes_what_is_left_of_it(
    credits, store, payment, user, rollover, left
):
    now = int(float((await store.run("TIME"))[0])) * 1000
    plan = {"subscription_id": "sub_1", "rollover": rollover}
    await tell(credits, payment.paid(period=(now - 29 * DAY, now + DAY), **plan))
    renewed = Paid(f"in_{user}", user, "pro", 500, period=(now + DAY, now + 31 * DAY), **plan)
    await tell(credits, renewed)
    await tell(credits, payment.refund("re_1", 2000))
    await sound(credits, user, left)


async def test_what_is_on_hold_is_taken_when_it_comes_back(credits, payment, user, caplog):
    await tell(credits, payment.paid())
    hold = await credits.hold(user, 400, "video")
    for _ in range(2):
        applied = await tell(credits, payment.refund("re_1"))
        assert (applied.taken, applied.claimed) == (100, 400)
    assert not caplog.records
    await credits.release(user, hold.id)
    await sound(credits, user, 0)
    assert (await tell(credits, payment.refund("re_1"))).taken == 100


async def test_only_what_is_spent_is_warned_of(credits, payment, user, caplog):
    await tell(credits, payment.paid())
    await credits.deduct(user, 50, "video")
    await credits.hold(user, 400, "video")
    await tell(credits, payment.refund("re_1"))
    assert "takes 500 credits" in caplog.text
    assert "50 of them left, and 400 on hold" in caplog.text


@pytest.mark.parametrize("used", [0, 150, 400])
@pytest.mark.parametrize("ended", [True, False])
async def test_a_won_dispute_gives_back_what_was_taken_of_holds_and_lets_go_the_others(
    credits, payment, user, used, ended
):
    await tell(credits, payment.paid())
    hold = await credits.hold(user, 400, "video")
    assert (await tell(credits, payment.dispute())).claimed == 400
    if ended:
        await credits.settle(user, hold.id, used)
        await sound(credits, user, 0)
    for _ in range(2):
        applied = await tell(credits, payment.won())
        back = 500 - used if ended else 100
        assert (applied.taken, applied.claimed, applied.restored) == (back, 0, back)
    if not ended:
        await credits.settle(user, hold.id, used)
    await tell(credits, payment.won())
    await sound(credits, user, 500 - used)
    await tell(credits, payment.dispute("dp_2"))
    await sound(credits, user, 0)


async def test_what_another_return_claims_stays_when_a_dispute_is_won(credits, payment, user):
    await tell(credits, payment.paid())
    hold = await credits.hold(user, 500, "video")
    for told in (payment.refund("re_1", 2000), payment.dispute(), payment.won()):
        applied = await tell(credits, told)
    assert (applied.taken, applied.claimed, applied.restored) == (0, 250, 0)
    await credits.release(user, hold.id)
    await sound(credits, user, 250)


async def test_what_is_claimed_of_one_addition_is_not_claimed_of_another(credits, payment, user):
    for told in (payment.paid(), payment.dispute(), payment.won()):
        await tell(credits, told)
    await credits.add(user, 100, "purchase")
    hold = await credits.hold(user, 600, "video")
    assert (await tell(credits, payment.refund("re_1"))).claimed == 500
    await credits.release(user, hold.id)
    await sound(credits, user, 100)


async def test_a_hundred_at_once_shuffled_with_refund_and_dispute(credits, user):
    payment, shuffled = Payment(user), random.Random(user)
    story = [payment.paid()] * 60 + [payment.refund("re_1", 2000)] * 20
    story += [payment.dispute()] * 10 + [payment.won()] * 10
    shuffled.shuffle(story)
    done = await all_at_once(*(tell(credits, told) for told in story))
    assert not [error for error in done if isinstance(error, BaseException)]
    found = await sound(credits, user, 250)
    bought = [entry["amount"] for entry in found.entries if entry["action"] == "purchase"]
    assert bought == [500]
    assert (await credits.verify_balance(user)).valid
    for told in story[:5]:
        await tell(credits, told)
    assert len((await sound(credits, user, 250)).entries) == len(found.entries)


STORY = ["paid", "half", "rest", "dispute", "won"]


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
async def test_any_order_and_any_repetition_end_alike(credits, new_user, data):
    payment = Payment(new_user())
    told = {
        "paid": payment.paid(),
        "half": payment.refund("re_1", 1999),
        "rest": payment.refund("re_2", 500),
        "dispute": payment.dispute(),
        "won": payment.won(),
    }
    some = data.draw(st.sets(st.sampled_from(STORY[1:])))
    story = data.draw(st.permutations(["paid", *some]))
    story = data.draw(st.permutations([*story, *data.draw(st.lists(st.sampled_from(story)))]))
    for name in story:
        await tell(credits, told[name])
    money = 1999 * ("half" in some) + 500 * ("rest" in some)
    lost = 500 if "dispute" in some and "won" not in some else 500 * money // 3999
    await sound(credits, payment.user, 500 - lost)
