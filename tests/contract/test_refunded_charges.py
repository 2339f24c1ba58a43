"""Which charge a refund means: found by its id wherever it stands, whoever wrote it."""

from __future__ import annotations

import json

import pytest

from credits_core import LimitExceededError, TransactionError
from tests.contract.folding import Kept
from tests.contract.passing import typescript_app
from tests.contract.store import entry

pytestmark = pytest.mark.stores
DAY_MS = 86_400_000


async def test_a_charge_of_a_typescript_app_is_refunded(credits, store, user):
    app = typescript_app(store)
    await app.initialize_user(user, 100)
    charge = await app.deduct(user, 30, "ts", {"model": "small"})
    assert (await credits.refund(user, charge.tx_id, 10)).balance == 80
    assert (await credits.refund(user, charge.tx_id)).balance == 100
    with pytest.raises(LimitExceededError):
        await credits.refund(user, charge.tx_id, 1)


@pytest.mark.parametrize("skew", [-DAY_MS, -700_000, -300_000, 300_000, 700_000, 30 * DAY_MS])
async def test_a_charge_whose_clock_was_wrong_is_found(credits, store, user, skew):
    await credits.initialize_user(user, 100)
    charge = await typescript_app(store, skew).deduct(user, 30, "ts")
    assert (await credits.refund(user, charge.tx_id)).balance == 100


@pytest.mark.parametrize("away", [-200 * DAY_MS, -660_000, -540_000, 540_000, 660_000])
@pytest.mark.parametrize("around", [0, 1300])
async def test_a_charge_that_stands_far_from_where_its_id_says_is_found(
    credits, store, user, away, around
):
    first = await credits.initialize_user(user, 100)
    at = first.timestamp
    noise = [(at + away / 2 + n, entry(n, 0, int(at + away / 2) + n)) for n in range(around)]
    charge = entry(777_777, -30, at, action="ts")
    await store.append(user, [*noise, (at + away, charge)])
    await store.run("SET", f"balance:{user}", "70")
    assert (await credits.refund(user, f"tx_{at}_777777")).balance == 100
    assert (await credits.refund(user, f"tx_{at}_777777")).replayed


@pytest.mark.parametrize(
    "tx_id",
    [
        "01J9ZQ4M8T2K6V3X5B7N9P0R1S",
        "order-17",
        "tx_abc_1",
        "tx__x",
        "tx_1763612345678",
        "tx_99999999999999999999_x",
        "TX_1_x",
        "größe 🦊",
        "a=b%d[x]",
        "x" * 255,
    ],
)
async def test_a_charge_with_an_id_of_another_shape_is_refunded(credits, store, user, tx_id):
    at = (await credits.initialize_user(user, 100)).timestamp
    fields = {"id": tx_id, "amount": -30, "action": "php", "timestamp": at}
    await store.append(user, [(at, json.dumps(fields, ensure_ascii=False))])
    await store.run("SET", f"balance:{user}", "70")
    first = await credits.refund(user, tx_id, 10)
    assert first.balance == 80
    assert (await credits.refund(user, tx_id)).balance == 100
    assert (await credits.refund(user, tx_id)).replayed


async def test_the_id_of_a_charge_in_the_metadata_of_others_is_no_charge(credits, user, charge):
    before = await credits.deduct(user, 7, "note", {"id": charge.tx_id, "amount": -1000})
    await credits.deduct(user, 7, "note", {"about": f'{{"id":"{charge.tx_id}","amount":-1000}}'})
    with pytest.raises(LimitExceededError, match="30 credits are left"):
        await credits.refund(user, charge.tx_id, 31)
    assert (await credits.refund(user, charge.tx_id)).amount == 30
    ghost = f"tx_{before.timestamp}_0000000000000000"
    await credits.deduct(user, 1, "note", {"id": ghost, "amount": -1000})
    with pytest.raises(TransactionError) as missing:
        await credits.refund(user, ghost)
    assert missing.value.tx_id == ghost


async def test_a_charge_is_found_among_many_of_the_same_moment(credits, store, user, charge):
    at = charge.timestamp
    await store.append(user, [(at - 50, entry(n, 0, at)) for n in range(1500)])
    assert (await credits.refund(user, charge.tx_id)).balance == 100


async def test_what_is_no_charge_is_not_refunded(credits, store, new_user):
    user, friend = new_user(), new_user()
    sign_up = await credits.initialize_user(user, 100)
    addition = await credits.add(user, 50, "purchase")
    grant = await credits.add(user, 50, "promo", expires_in=60)
    charge = await credits.deduct(user, 60, "video")
    back = await credits.refund(user, charge.tx_id)
    taken = await credits.revoke(user, addition.tx_id)
    hold = await credits.hold(user, 5, "video")
    await credits.extend(user, hold.id, 5)
    released = await credits.release(user, hold.id)
    sent = await credits.transfer(user, friend, 5, idempotency_key="t")
    log = await credits.get_transactions(user)
    extended = next(entry for entry in log if entry.kind == "extend")
    kinds = {
        sign_up.tx_id: "add",
        addition.tx_id: "add",
        grant.tx_id: "grant",
        back.tx_id: "refund",
        taken.tx_id: "revoke",
        hold.id: "hold",
        extended.id: "extend",
        released.tx_id: "release",
        sent.tx_id: "transfer",
    }
    before = await store.look(user)
    for tx_id, kind in kinds.items():
        with pytest.raises(TransactionError, match=f"'{kind}'") as refused:
            await credits.refund(user, tx_id)
        assert refused.value.tx_id == tx_id
    assert (await store.look(user)).found == before.found


async def test_a_checkpoint_is_no_charge(credits, store, user):
    at = (await credits.initialize_user(user, 100)).timestamp
    member = {"id": f"checkpoint_{at}_1", "amount": -30, "action": "checkpoint", "timestamp": at,
              "kind": "checkpoint"}  # fmt: skip
    await store.append(user, [(at, json.dumps(member))])
    await store.run("SET", f"balance:{user}", "70")
    with pytest.raises(TransactionError, match="checkpoint"):
        await credits.refund(user, f"checkpoint_{at}_1")
    assert await credits.get_balance(user) == 70


@pytest.mark.parametrize("tx_id", ["tx_1763612345678_0123456789abcdef", "nothing", "tx_0_x"])
async def test_an_unknown_id_is_told_as_such_and_nothing_changes(credits, store, user, tx_id):
    for exists in (False, True):
        if exists:
            await credits.initialize_user(user, 100)
        before = await store.look(user)
        with pytest.raises(TransactionError, match="no entry") as missing:
            await credits.refund(user, tx_id, idempotency_key="k")
        assert missing.value.tx_id == tx_id
        assert (await store.look(user)).found == before.found


async def test_a_folded_charge_says_so(credits, user, charge, clock):
    await clock.forward(40 * DAY_MS / 1000)
    await credits.fold(user, Kept(), older_than=30 * DAY_MS / 1000)
    with pytest.raises(TransactionError, match="fold") as folded:
        await credits.refund(user, charge.tx_id)
    assert folded.value.tx_id == charge.tx_id
    assert await credits.get_balance(user) == 70


async def test_a_charge_of_another_account_is_unknown(credits, user, new_user, charge):
    with pytest.raises(TransactionError, match="no entry"):
        await credits.refund(new_user(), charge.tx_id)


async def test_a_fraction_that_another_app_charged_is_refunded_in_whole_credits(
    credits, store, user
):
    app = typescript_app(store)
    await app.initialize_user(user, 100)
    charge = await app.deduct(user, 2.5, "ts")
    await app.deduct(user, 0.5, "ts")
    with pytest.raises(LimitExceededError, match="2 credits are left"):
        await credits.refund(user, charge.tx_id, 3)
    assert (await credits.refund(user, charge.tx_id)).balance == 99
