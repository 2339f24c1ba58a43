"""What is on hold when an addition is revoked is taken when the hold gives it back."""

from __future__ import annotations

import json

import pytest

from tests.contract.accounts import grants, sound
from tests.contract.passing import typescript_app
from tests.contract.returns import revocation
from tests.contract.told import tell

pytestmark = pytest.mark.stores

DAY = 86_400


async def claimed(credits, user):
    """What is claimed of each open hold."""
    return [hold.claimed for hold in (await credits.get_account(user)).holds]


def entries(found):
    """The log with all its fields."""
    return [json.loads(member) for member in found.members]


async def end(credits, user, hold, how):
    """End a hold in one of the ways that there are."""
    if how == "release":
        return await credits.release(user, hold.id)
    return await credits.settle(user, hold.id, how)


async def test_a_hold_that_is_released_after_the_revocation_gives_back_nothing(
    credits, user, purchase
):
    hold = await credits.hold(user, 100, "video")
    receipt = await credits.revoke(user, purchase.tx_id, reason="dispute")
    assert (receipt.amount, receipt.claimed, receipt.balance) == (0, 100, 0)
    account = await credits.get_account(user)
    assert [(one.amount, one.claimed) for one in account.holds] == [(100, 100)]
    released = await credits.release(user, hold.id)
    assert (released.amount, released.balance) == (0, 0)
    found = await sound(credits, user, 0)
    revoked, back, taken = entries(found)[-3:]
    assert (revoked["id"], revoked["amount"], revoked["claimed"]) == (receipt.tx_id, 0, 100)
    assert (back["kind"], back["amount"]) == ("release", 100)
    assert (taken["kind"], taken["action"], taken["amount"]) == ("revoke", "revoke", -100)
    assert taken["ref"] == receipt.tx_id
    newest = (await credits.get_transactions(user))[0]
    assert (newest.refers_to, newest.amount) == (receipt.tx_id, -100)


async def test_what_the_work_used_stays_used(credits, user, purchase):
    hold = await credits.hold(user, 100, "video")
    await credits.revoke(user, purchase.tx_id)
    settled = await credits.settle(user, hold.id, 70)
    assert (settled.amount, settled.balance) == (70, 0)
    assert (await credits.add(user, 50, "purchase")).balance == 50
    assert (await credits.refund(user, settled.tx_id)).balance == 120
    await sound(credits, user, 120)


async def test_a_hold_that_expires_gives_back_nothing(credits, user, purchase, clock):
    hold = await credits.hold(user, 60, "video", expires_in=60)
    receipt = await credits.revoke(user, purchase.tx_id)
    assert (receipt.amount, receipt.claimed) == (40, 60)
    await clock.forward(61)
    assert await credits.get_balance(user) == 0
    found = await sound(credits, user, 0)
    assert [(one["kind"], one["amount"]) for one in entries(found)[-2:]] == [
        ("expire", 60), ("revoke", -60),
    ]  # fmt: skip
    await credits.add(user, 50, "purchase")
    late = await credits.settle(user, hold.id, 30, if_expired="charge")
    assert late.balance == 20


@pytest.mark.parametrize("good", [0, 50, 150])
@pytest.mark.parametrize("size", [1, 99, 100])
@pytest.mark.parametrize("how", ["release", 0, 20, 60, 100])
async def test_it_is_as_if_what_was_used_had_been_charged_before(
    credits, new_user, good, size, how
):
    """Held and revoked, or charged and revoked: the same is left in the end."""
    first, second = new_user(), new_user()
    held = min(size, 100 + good)
    used = 0 if how == "release" else min(how, held)
    for user in (first, second):
        if good:
            await credits.add(user, good, "purchase")
    bad = await credits.add(first, 100, "purchase")
    hold = await credits.hold(first, held, "video")
    revoked = await credits.revoke(first, bad.tx_id)
    assert revoked.amount + revoked.claimed == 100
    await end(credits, first, hold, "release" if how == "release" else used)
    bad = await credits.add(second, 100, "purchase")
    if used:
        await credits.deduct(second, used, "video")
    await credits.revoke(second, bad.tx_id)
    await sound(credits, first, await credits.get_balance(second))
    assert await claimed(credits, first) == []


async def test_the_holds_that_expire_first_are_claimed_first(credits, user):
    await credits.add(user, 60, "purchase")
    bad = await credits.add(user, 100, "purchase")
    late = await credits.hold(user, 90, "video", expires_in=900)
    soon = await credits.hold(user, 70, "video", expires_in=60)
    assert (await credits.revoke(user, bad.tx_id)).claimed == 100
    assert await claimed(credits, user) == [70, 30]
    assert (await credits.release(user, late.id)).balance == 60
    assert (await credits.settle(user, soon.id, 10)).balance == 60
    await sound(credits, user, 60)


async def test_what_is_bought_later_is_left_alone(credits, user, purchase):
    hold = await credits.hold(user, 100, "video")
    await credits.revoke(user, purchase.tx_id)
    await credits.add(user, 50, "purchase")
    other = await credits.hold(user, 50, "video")
    assert (await credits.release(user, other.id)).balance == 50
    assert (await credits.release(user, hold.id)).balance == 50
    await sound(credits, user, 50)


async def test_what_a_hold_is_extended_by_pays_for_the_work_first(credits, user, purchase):
    hold = await credits.hold(user, 100, "video")
    await credits.revoke(user, purchase.tx_id)
    await credits.add(user, 80, "purchase")
    extended = await credits.extend(user, hold.id, 80)
    assert extended.amount == 180
    assert await claimed(credits, user) == [100]
    assert (await credits.settle(user, hold.id, 50)).balance == 30
    await sound(credits, user, 30)


async def test_a_hold_that_costs_more_gives_back_nothing_and_takes_the_rest(
    credits, user, purchase
):
    hold = await credits.hold(user, 100, "video")
    await credits.revoke(user, purchase.tx_id)
    await credits.add(user, 50, "purchase")
    assert (await credits.settle(user, hold.id, 130)).balance == 20
    await sound(credits, user, 20)


async def test_several_revocations_claim_one_hold(credits, user):
    first, second = [await credits.add(user, 100, "purchase") for _ in range(2)]
    await credits.add(user, 50, "purchase")
    hold = await credits.hold(user, 250, "video")
    one = await credits.revoke(user, first.tx_id, 30, idempotency_key="part")
    two = await credits.revoke(user, second.tx_id)
    three = await credits.revoke(user, first.tx_id)
    assert [one.claimed, two.claimed, three.claimed] == [30, 100, 70]
    assert await claimed(credits, user) == [200]
    assert (await credits.settle(user, hold.id, 90)).balance == 0
    found = await sound(credits, user, 0)
    assert [(entry["ref"], entry["amount"]) for entry in entries(found)[-3:]] == [
        (one.tx_id, -30), (two.tx_id, -100), (three.tx_id, -30),
    ]  # fmt: skip


async def test_no_more_than_the_addition_is_claimed(credits, user, purchase):
    await credits.add(user, 200, "purchase")
    await credits.hold(user, 300, "video")
    for asked, expected in ((60, 60), (60, 40), (60, 0), (None, 0)):
        receipt = await credits.revoke(user, purchase.tx_id, asked)
        assert (receipt.amount, receipt.claimed) == (0, expected)
    assert await claimed(credits, user) == [100]


async def test_what_the_work_used_of_a_claim_can_be_taken_by_another_part(credits, user, purchase):
    """As if it had been charged before: a part takes what is there, of whatever purchase."""
    hold = await credits.hold(user, 100, "video")
    assert (await credits.revoke(user, purchase.tx_id, 80)).claimed == 80
    await credits.settle(user, hold.id, 90)
    await credits.add(user, 500, "purchase")
    assert (await credits.revoke(user, purchase.tx_id, 80)).amount == 80
    assert (await credits.revoke(user, purchase.tx_id, 80)).amount == 10
    await sound(credits, user, 410)


async def test_told_again_it_tells_the_same_and_claims_nothing(credits, user, purchase):
    await credits.hold(user, 90, "video")
    await credits.add(user, 500, "purchase", idempotency_key="other")
    hold = await credits.hold(user, 500, "video")
    part = await credits.revoke(user, purchase.tx_id, 40, idempotency_key="k")
    whole = await credits.revoke(user, purchase.tx_id)
    assert [(one.amount, one.claimed) for one in (part, whole)] == [(10, 30), (0, 60)]
    before = await claimed(credits, user)
    for first, again in (
        (part, await credits.revoke(user, purchase.tx_id, 40, idempotency_key="k")),
        (whole, await credits.revoke(user, purchase.tx_id)),
    ):
        assert (again.tx_id, again.amount, again.claimed) == (
            first.tx_id,
            first.amount,
            first.claimed,
        )
        assert again.replayed
    assert await claimed(credits, user) == before
    await credits.release(user, hold.id)
    assert (await credits.revoke(user, purchase.tx_id)).claimed == 60


@pytest.mark.parametrize("amount", [None, 30])
@pytest.mark.parametrize("key", [None, "k"])
async def test_the_same_bytes_claim_once(credits, user, purchase, amount, key):
    await credits.hold(user, 100, "video")
    command = revocation(credits, user, purchase.tx_id, amount, key=key)
    assert await tell(credits, command, deadline=0) == ["late"]
    receipts = await tell(credits, command, times=3)
    receipts += await tell(credits, command, deadline=0)
    assert len(set(receipts)) == 1
    assert receipts[0].claimed == (amount or 100)
    assert await claimed(credits, user) == [amount or 100]


@pytest.mark.parametrize(("floor", "left"), [(-50, 0), (0, 0), (40, 40), (200, 100)])
async def test_a_balance_is_not_taken_below_its_floor_nor_below_zero(
    credits, user, purchase, floor, left
):
    hold = await credits.hold(user, 60, "video")
    await credits.set_floor(user, floor)
    await credits.revoke(user, purchase.tx_id)
    assert (await credits.release(user, hold.id)).balance == left
    await sound(credits, user, left)


async def test_a_debt_is_paid_first(credits, user, purchase):
    hold = await credits.hold(user, 60, "video")
    other = await credits.hold(user, 40, "video")
    await credits.settle(user, other.id, 70, shortfall="owe")
    assert (await credits.revoke(user, purchase.tx_id)).claimed == 60
    assert (await credits.release(user, hold.id)).balance == 0
    await sound(credits, user, 0)


async def test_what_a_grant_paid_of_a_hold_is_taken_when_it_comes_back(credits, rich):
    grant = await credits.add(rich, 40, "promo", expires_in=DAY)
    other = await credits.add(rich, 20, "promo", expires_in=2 * DAY)
    hold = await credits.hold(rich, 70, "train")
    spare = await credits.hold(rich, 20, "train", expires_in=1000)
    receipt = await credits.revoke(rich, grant.tx_id)
    assert (receipt.amount, receipt.claimed, receipt.balance) == (0, 40, 70)
    assert await claimed(credits, rich) == [40, 0]
    # What no grant paid comes back first, then what the last grant paid.
    assert (await credits.settle(rich, hold.id, 15)).balance == 70 + 30
    assert await grants(credits, rich) == [20]
    assert (await credits.release(rich, spare.id)).balance == 120
    again = await credits.revoke(rich, grant.tx_id)
    assert (again.replayed, again.balance) == (True, 120)
    assert (await credits.revoke(rich, other.tx_id)).amount == 20
    await sound(credits, rich, 100)


async def test_a_part_of_a_grant_is_taken_of_what_remains_first(credits, rich):
    grant = await credits.add(rich, 40, "promo", expires_in=DAY)
    hold = await credits.hold(rich, 30, "train")
    receipt = await credits.revoke(rich, grant.tx_id, 25)
    assert (receipt.amount, receipt.claimed) == (10, 15)
    assert (await credits.release(rich, hold.id)).balance == 115
    assert await grants(credits, rich) == [15]
    assert (await credits.revoke(rich, grant.tx_id)).amount == 15
    await sound(credits, rich, 100)


async def test_of_a_grant_that_is_over_nothing_comes_back_twice(credits, rich, clock):
    grant = await credits.add(rich, 40, "promo", expires_in=60)
    soon = await credits.hold(rich, 15, "train", expires_in=90)
    hold = await credits.hold(rich, 15, "train")
    await credits.revoke(rich, grant.tx_id)
    await clock.forward(61)
    await credits.release(rich, hold.id)
    await clock.forward(60)
    assert await credits.get_balance(rich) == 100
    assert soon
    await sound(credits, rich, 100)


async def test_many_holds_that_expire_together_are_taken_by_one_entry(credits, user, clock):
    bad = await credits.add(user, 300, "purchase")
    await credits.add(user, 50, "purchase")
    for _ in range(30):
        await credits.hold(user, 11, "video", expires_in=60)
    receipt = await credits.revoke(user, bad.tx_id)
    assert (receipt.amount, receipt.claimed) == (20, 280)
    await clock.forward(61)
    assert await credits.get_balance(user) == 50
    found = await sound(credits, user, 50)
    assert [one["amount"] for one in entries(found) if one.get("ref") == receipt.tx_id] == [-280]


async def test_ten_revocations_claim_one_hold_at_most(credits, user):
    bad = await credits.add(user, 100, "purchase")
    hold = await credits.hold(user, 100, "video")
    for number in range(12):
        receipt = await credits.revoke(user, bad.tx_id, 2)
        assert receipt.claimed == (2 if number < 10 else 0)
    assert (await credits.release(user, hold.id)).balance == 80


async def test_one_that_was_announced_claims_when_the_addition_comes(credits, user, purchase):
    hold = await credits.hold(user, 60, "video")
    other = await credits.hold(user, 40, "video")
    await credits.settle(user, other.id, 90, shortfall="owe")
    await credits.revoke(user, added_with="early")
    added = await credits.add(user, 80, "purchase", idempotency_key="early")
    assert added.balance == 0
    assert await claimed(credits, user) == [50]
    assert (await credits.release(user, hold.id)).balance == 10
    await sound(credits, user, 10)


async def test_the_claim_outlives_a_fold(credits, user, purchase, clock, archive):
    hold = await credits.hold(user, 100, "video", expires_in=300 * DAY)
    await credits.revoke(user, purchase.tx_id)
    await clock.forward(40 * DAY)
    assert (await credits.fold(user, archive, older_than=30 * DAY)).folded
    assert await claimed(credits, user) == [100]
    assert (await credits.release(user, hold.id)).balance == 0
    await sound(credits, user, 0)


async def test_a_typescript_app_reads_what_was_taken(credits, store, user, purchase):
    hold = await credits.hold(user, 100, "video")
    await credits.revoke(user, purchase.tx_id)
    await credits.settle(user, hold.id, 30)
    look = await store.look(user)
    assert [one["amount"] for one in look.entries[-3:]] == [0, 70, -70]
    assert int(look.balance) == look.total == 0


async def test_what_a_typescript_app_spent_is_not_taken_twice(credits, store, user, purchase):
    await credits.add(user, 20, "purchase")
    hold = await credits.hold(user, 60, "video")
    assert (await credits.revoke(user, purchase.tx_id)).claimed == 40
    await credits.release(user, hold.id)
    await typescript_app(store).deduct(user, 15, "ts")
    await sound(credits, user, 5)


async def test_an_export_tells_what_is_claimed(credits, user, purchase):
    await credits.hold(user, 100, "video")
    await credits.revoke(user, purchase.tx_id, 30)
    export = await credits.export_account(user)
    assert export.to_dict()["account"]["holds"][0]["claimed"] == 30


async def test_what_is_waived_comes_back_to_the_user_and_may_be_revoked_again(
    credits, user, purchase
):
    hold, other = [await credits.hold(user, 50, "video") for _ in range(2)]
    receipt = await credits.revoke(user, purchase.tx_id, reason="dispute")
    for _ in range(2):
        assert await credits.waive(user, receipt.tx_id) == 0
    assert await claimed(credits, user) == [0, 0]
    newest = (await credits.get_transactions(user))[:2]
    assert [(one.kind, one.amount, one.refers_to) for one in newest] == [
        ("waive", 0, receipt.tx_id), ("revoke", 0, purchase.tx_id),
    ]  # fmt: skip
    assert (await credits.release(user, hold.id)).balance == 50
    assert (await credits.revoke(user, purchase.tx_id)).replayed
    again = await credits.revoke(user, purchase.tx_id, 100)
    assert (again.amount, again.claimed, again.balance) == (50, 50, 0)
    assert await credits.waive(user, receipt.tx_id) == 0
    assert await claimed(credits, user) == [50]
    assert (await credits.release(user, other.id)).balance == 0
    assert await credits.waive(user, again.tx_id) == 50
    await sound(credits, user, 0)


async def test_what_was_taken_of_holds_before_is_told(credits, user, purchase):
    holds = [await credits.hold(user, 25, "video") for _ in range(4)]
    receipt = await credits.revoke(user, purchase.tx_id)
    await credits.settle(user, holds[0].id, 10)
    await credits.settle(user, holds[1].id, 25)
    await credits.release(user, holds[2].id)
    for _ in range(2):
        assert await credits.waive(user, receipt.tx_id) == 15 + 25
    assert (await credits.release(user, holds[3].id)).balance == 25
    assert (await credits.revoke(user, purchase.tx_id, 100)).amount == 25
    await sound(credits, user, 0)


async def test_others_claims_stay_and_so_does_what_is_claimed_of_a_grant(credits, rich):
    grant = await credits.add(rich, 40, "promo", expires_in=DAY)
    bought = await credits.add(rich, 60, "purchase")
    hold = await credits.hold(rich, 200, "train")
    first = await credits.revoke(rich, grant.tx_id)
    second = await credits.revoke(rich, bought.tx_id)
    assert (first.claimed, second.claimed) == (40, 60)
    assert await credits.waive(rich, first.tx_id) == 0
    assert await claimed(credits, rich) == [60]
    assert (await credits.release(rich, hold.id)).balance == 140
    assert await grants(credits, rich) == [40]
    await sound(credits, rich, 140)


async def test_what_has_fallen_due_is_taken_before_it_could_be_waived(
    credits, user, purchase, clock
):
    await credits.hold(user, 60, "video", expires_in=60)
    receipt = await credits.revoke(user, purchase.tx_id)
    await clock.forward(61)
    assert await credits.waive(user, receipt.tx_id) == 60
    await sound(credits, user, 0)


async def test_what_claims_nothing_has_nothing_to_waive(credits, store, user, purchase):
    hold = await credits.hold(user, 100, "video")
    await credits.revoke(user, purchase.tx_id)
    before = await store.look(user)
    for tx_id in (purchase.tx_id, hold.id, "nothing"):
        assert await credits.waive(user, tx_id) == 0
    assert await store.look(user) == before
    assert await credits.waive("nobody", "nothing") == 0
