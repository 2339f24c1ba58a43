"""The most holds and grants of an account, and all of them falling due in one touch."""

from __future__ import annotations

import json

import pytest

from credits_core import Credits, Grant, Hold, LimitExceededError, Receipt, commands
from credits_core.commands import SignUp
from tests.contract import accounts
from tests.contract.clock import movable
from tests.contract.flavours import AsyncFace, only
from tests.contract.store import Store
from tests.contract.told import keys, tell_all

flavour = only("tcp-async", "tcp-sync", "rest-async")

MOST = 1000
HOUR = 3600


async def server_ms(credits):
    seconds, _ = await Store(credits).run("TIME")
    return int(seconds) * 1000


async def make_holds(credits, user, count, expires_in=3600):
    now = await server_ms(credits)
    given = {"expires_in": expires_in, "idempotency_key": None, "sign_up": SignUp(), "now_ms": now}
    made = [
        commands.hold(keys(credits), user, 1 + n % 3, f"job-{n}", None, **given)
        for n in range(count)
    ]
    return await tell_all(credits, made)


async def make_grants(credits, user, count, expires_in=3600, amount=1):
    now = await server_ms(credits)
    given = {"expires_in": expires_in, "idempotency_key": None, "sign_up": SignUp(), "now_ms": now}
    made = [
        commands.add(keys(credits), user, amount, f"promo-{n}", None, **given) for n in range(count)
    ]
    return await tell_all(credits, made)


async def sound(credits, user, balance):
    found = await accounts.sound(credits, user, balance)
    assert (await credits.verify_balance(user)).valid
    return found


async def test_there_is_room_for_a_thousand_holds(credits, user, clock):
    await credits.initialize_user(user, 5000)
    made = await make_holds(credits, user, MOST)
    assert all(isinstance(hold, Hold) for hold in made)
    before = await Store(credits).look(user)
    with pytest.raises(LimitExceededError, match=r"1000 open holds.*settle or release") as refusal:
        await credits.hold(user, 1, "one more", idempotency_key="k")
    assert refusal.value.rule == "max_holds"
    assert await Store(credits).look(user) == before

    account = await credits.get_account(user)
    assert (len(account.holds), account.held) == (MOST, 1999)
    assert {hold.id for hold in account.holds} == {hold.id for hold in made}
    assert (await credits.extend(user, made[7].id, 1)).amount == 3
    await credits.add(user, 10, "promo", expires_in=7200)
    await credits.release(user, made[0].id)
    last = await credits.hold(user, 1, "one more", expires_in=3600, idempotency_key="k")
    assert last.amount == 1
    with pytest.raises(LimitExceededError):
        await credits.hold(user, 1, "another")

    await clock.ahead(HOUR - 60)
    assert len((await credits.get_account(user)).holds) == MOST
    await clock.ahead(HOUR + 60)
    assert (await credits.hold(user, 1, "next")).balance == 5009
    (only,) = (await credits.get_account(user)).holds
    assert only.action == "next"
    found = await sound(credits, user, 5009)
    expired = [json.loads(m) for m in found.members if '"kind":"expire"' in m]
    assert len(expired) == MOST
    by_hold = {entry["hold"]: entry for entry in expired}
    for hold in made[1:]:
        entry = by_hold[hold.id]
        assert entry["amount"] == hold.amount + (hold.id == made[7].id)
    assert by_hold[last.id]["action"] == "one more"


async def test_there_is_room_for_a_thousand_grants(credits, user, clock):
    await credits.initialize_user(user, 7)
    made = await make_grants(credits, user, MOST)
    assert all(isinstance(receipt, Receipt) for receipt in made)
    before = await Store(credits).look(user)
    with pytest.raises(LimitExceededError, match=r"1000 grants.*spend or revoke") as refusal:
        await credits.add(user, 1, "one more", expires_in=60, idempotency_key="k")
    assert refusal.value.rule == "max_grants"
    assert await Store(credits).look(user) == before

    account = await credits.get_account(user)
    assert [grant.remaining for grant in account.grants] == [1] * MOST
    assert all(isinstance(grant, Grant) for grant in account.grants)
    assert (await credits.add(user, 5, "purchase")).balance == 1012
    assert (await credits.hold(user, 1, "train")).balance == 1011
    last = await credits.add(user, 1, "one more", expires_in=7200, idempotency_key="k")

    await clock.ahead(HOUR + 60)
    assert await credits.get_balance(user) == 13
    (only,) = (await credits.get_account(user)).grants
    assert (only.id, only.remaining) == (last.tx_id, 1)
    found = await sound(credits, user, 13)
    expired = [json.loads(m) for m in found.members if '"kind":"expire"' in m and '"grant"' in m]
    assert {entry["action"] for entry in expired} == {"grant_expired"}
    assert sum(entry["amount"] for entry in expired) == -MOST


async def test_a_thousand_of_both_fall_due_in_one_touch(credits, user, clock):
    await credits.initialize_user(user, 5000)
    holds = await make_holds(credits, user, MOST)
    grants = await make_grants(credits, user, MOST)
    await clock.ahead(HOUR + 60)
    assert await credits.get_balance(user) == 5000
    account = await credits.get_account(user)
    assert (account.holds, account.grants) == ((), ())
    found = await sound(credits, user, 5000)
    expired = [json.loads(member) for member in found.members[-2 * MOST :]]
    assert {entry["hold"] for entry in expired[:MOST]} == {hold.id for hold in holds}
    assert {entry["grant"] for entry in expired[MOST:]} == {receipt.tx_id for receipt in grants}
    assert set(found.kept) == {found.keys[0], found.keys[1], found.keys[2], found.keys[5]}


async def test_one_charge_may_be_paid_by_a_thousand_grants(credits, user):
    await make_grants(credits, user, MOST, amount=2)
    charge = await credits.deduct(user, 1999, "all but one")
    (last,) = (await credits.get_account(user)).grants
    assert (last.remaining, charge.balance) == (1, 1)
    assert (await credits.refund(user, charge.tx_id)).balance == 2000
    assert [grant.remaining for grant in (await credits.get_account(user)).grants] == [2] * MOST
    await sound(credits, user, 2000)


async def test_what_comes_back_to_more_grants_than_there_may_be_stays(server, user, monkeypatch):
    # Holds keep grants out of the count that are theirs again afterwards.
    with Credits.from_url(server.url, timeout=10.0) as client:
        credits = AsyncFace(client)
        async with movable(credits, monkeypatch) as clock:
            for _ in range(9):
                await make_grants(credits, user, MOST)
                client.hold(user, MOST, "train", expires_in=1800)
            await clock.ahead(HOUR / 2 + 60)
            assert client.get_balance(user) == 9 * MOST
            assert len(client.get_account(user).grants) == MOST
            await clock.ahead(HOUR + 60)
            assert client.get_balance(user) == 8 * MOST
            await sound(credits, user, 8 * MOST)
