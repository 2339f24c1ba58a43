"""An export has all that is stored of an account, as it stands at one instant."""

from __future__ import annotations

import json

import pytest

from tests.contract.store import entry


async def test_grants_holds_floor_and_freeze_are_exported(credits, user):
    await credits.initialize_user(user)
    promo = await credits.add(user, 40, "promo", expires_in=3600, priority=-5)
    hold = await credits.hold(user, 60, "train", {"job": 7}, expires_in=1800)
    await credits.set_floor(user, -10)
    await credits.freeze(user, "a dispute")

    export = await credits.export_account(user)
    assert export.account == await credits.get_account(user)
    assert [(grant.id, grant.remaining) for grant in export.account.grants] == []
    assert [(open_.id, open_.amount) for open_ in export.account.holds] == [(hold.id, 60)]
    document = json.loads(json.dumps(export.to_dict()))
    assert document["account"]["holds"][0]["expires_at"] == hold.expires_at
    assert (document["account"]["floor"], document["account"]["frozen"]) == (-10, True)
    assert document["account"]["frozen_reason"] == "a dispute"
    assert document["transactions"][1]["grant_id"] == promo.tx_id
    assert document["transactions"][2]["metadata"] == {"job": 7}

    await credits.release(user, hold.id)
    again = (await credits.export_account(user)).account
    assert [(grant.id, grant.remaining, grant.priority) for grant in again.grants] == [
        (promo.tx_id, 40, -5)
    ]


async def test_what_has_fallen_due_is_in_the_log_of_the_export(credits, clock, user):
    await credits.initialize_user(user)
    promo = await credits.add(user, 40, "promo", expires_in=60)
    hold = await credits.hold(user, 100, "train", expires_in=60)
    await clock.forward(120)
    export = await credits.export_account(user)
    assert (export.account.grants, export.account.holds) == ((), ())
    assert export.balance == export.account.balance == 100
    assert sum(entry.amount for entry in export.transactions) == 100
    ended, lost = export.transactions[-2:]
    assert (ended.kind, ended.hold_id, ended.amount) == ("expire", hold.id, 100)
    assert (lost.kind, lost.grant_id, lost.amount) == ("expire", promo.tx_id, -40)


async def test_a_transfer_is_exported_with_the_other_account(credits, user, new_user):
    other = new_user()
    await credits.initialize_user(user)
    await credits.transfer(user, other, 30, idempotency_key="gift")
    await credits.merge_accounts(other, user)
    ours = (await credits.export_account(user)).transactions
    assert [(entry.kind, entry.amount, entry.other_user) for entry in ours] == [
        ("sign_up", 100, None),
        ("transfer", -30, other),
        ("merge", 30, other),
    ]
    theirs = (await credits.export_account(other)).transactions
    assert [(entry.amount, entry.other_user) for entry in theirs] == [(30, user), (-30, user)]


@pytest.mark.parametrize(("stored", "balance"), [("12.5", 12), ("x", None)])
async def test_an_account_that_cannot_be_worked_on_is_exported_all_the_same(
    credits, store, user, stored, balance
):
    await store.append(user, [(1, entry(1, 12, 1))])
    await store.run("SET", f"balance:{user}", stored)
    export = await credits.export_account(user)
    assert (export.balance, export.account) == (balance, None)
    assert [entry.amount for entry in export.transactions] == [12]
    assert export.to_dict()["account"] is None


async def test_nothing_is_exported_of_nobody(credits, user):
    export = await credits.export_account(user)
    assert (export.balance, export.transactions) == (0, ())
    assert (export.account.grants, export.account.holds) == ((), ())
    assert (export.account.floor, export.account.frozen) == (0, False)
    assert user not in [name async for name in credits.users()]
