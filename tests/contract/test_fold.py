"""Folding: what is old leaves the log for an archive, and nothing else changes."""

from __future__ import annotations

import json
import random

import pytest
import redis.asyncio

from credits_core import AsyncCredits, InvalidRequestError
from tests.contract.folding import DAY, OLD, Kept, fields, old_log
from tests.contract.store import entry
from tests.support.typescript import TypeScriptSDK

pytestmark = pytest.mark.stores


async def test_old_entries_become_one_that_carries_their_sum(credits, store, user, archive):
    old = await old_log(store, user, 1234)
    balance = await credits.get_balance(user)
    young = await credits.add(user, 5, "purchase")
    report = await credits.fold(user, archive)
    look = await store.look(user)
    assert archive.members == old
    assert (report.user_id, report.folded, report.up_to) == (user, 1234, OLD + 1233)
    assert [found["kind"] for found in fields(look)[:1]] == ["checkpoint"]
    assert (fields(look)[0]["amount"], fields(look)[0]["entries"]) == (balance, 1234)
    assert [found["id"] for found in fields(look)[1:]] == [young.tx_id]
    assert int(look.balance) == look.total == balance + 5
    assert (await credits.verify_balance(user)).valid
    assert await credits.rebuild_balance(user) == balance + 5
    assert [found.kind for found in await credits.get_transactions(user)] == ["add", "checkpoint"]


async def test_again_it_changes_nothing(credits, store, user, archive):
    await old_log(store, user, 700)
    await credits.fold(user, archive)
    before = await store.look(user)
    again = Kept()
    report = await credits.fold(user, again)
    assert (report.folded, report.up_to, again.calls) == (0, None, [])
    assert (await store.look(user)).found == before.found


async def test_the_last_checkpoint_becomes_part_of_the_next(credits, store, user, archive):
    first = await old_log(store, user, 600)
    await credits.fold(user, archive)
    later = [(OLD + DAY + n, entry(n, 2, OLD + DAY + n)) for n in range(3)]
    await store.append(user, later)
    await store.run("INCRBY", f"balance:{user}", 6)
    assert (await credits.fold(user, archive)).folded == 3
    look = await store.look(user)
    assert [found["entries"] for found in fields(look)] == [603]
    assert look.total == int(look.balance)
    assert archive.members == first + [member for _, member in later]


async def test_the_typescript_sdk_agrees_before_and_after(user, server, archive):
    async with redis.asyncio.Redis(
        unix_socket_path=server.unix_path, decode_responses=True
    ) as client:
        app = TypeScriptSDK(client)
        await app.initialize_user(user, 100)
        pairs = {entry(n, n % 5 - 1, OLD + n): OLD + n for n in range(700)}
        await client.zadd(f"txs:{user}", pairs)
        await client.incrby(f"balance:{user}", sum(n % 5 - 1 for n in range(700)))
        before = await app.verify_balance(user)
        async with AsyncCredits.from_url(server.url) as credits:
            assert (await credits.fold(user, archive)).folded == 700
        after = await app.verify_balance(user)
        assert before.valid
        assert after.valid
        assert after.calculated == before.calculated
        assert await app.rebuild_balance(user) == before.cached
        found = await app.get_transactions(user, limit=10)
        assert [one["action"] for one in found] == ["user_initialized", "checkpoint"]


async def test_entries_younger_than_asked_for_stay(credits, store, user, archive):
    members = await old_log(store, user, 200, step=DAY)
    report = await credits.fold(user, archive, older_than=60 * DAY / 1000)
    look = await store.look(user)
    assert archive.members == members[: report.folded]
    assert look.members[1:] == members[report.folded :]
    assert 139 <= report.folded <= 141


async def test_younger_than_thirty_days_is_refused_by_client_and_script(
    credits, store, user, archive, monkeypatch
):
    await old_log(store, user, 200, step=DAY)
    with pytest.raises(InvalidRequestError, match="30 days"):
        await credits.fold(user, archive, older_than=29 * DAY / 1000)
    before = await store.look(user)
    monkeypatch.setattr("credits_core.validation.times.MIN_FOLD_AGE_MS", 0)
    with pytest.raises(InvalidRequestError, match="30 days"):
        await credits.fold(user, archive, older_than=10 * DAY / 1000)
    assert (await store.look(user)).found == before.found


async def test_many_entries_of_one_score(credits, store, user, archive):
    members = [(OLD, entry(n, 1, OLD)) for n in range(1700)]
    await store.append(user, members)
    await store.run("SET", f"balance:{user}", 1700)
    assert (await credits.fold(user, archive)).folded == 1700
    assert sorted(archive.members) == sorted(text for _, text in members)
    assert max(map(len, archive.calls)) == 500
    look = await store.look(user)
    assert [found["amount"] for found in fields(look)] == [1700]


async def test_pages_may_end_amid_a_score(credits, store, user, archive):
    dice = random.Random(3)
    pairs = [(OLD + dice.randint(0, 9), entry(n, n % 7 - 3, OLD)) for n in range(2600)]
    await store.append(user, pairs)
    await store.run("SET", f"balance:{user}", sum(n % 7 - 3 for n in range(2600)))
    assert (await credits.fold(user, archive)).folded == 2600
    assert sorted(archive.members) == sorted(text for _, text in pairs)
    assert len((await store.look(user)).members) == 1


async def test_heavy_entries_are_folded_a_few_at_a_time(credits, store, user, archive):
    pairs = [
        (
            OLD + n,
            json.dumps(
                {"id": f"tx_{n}", "amount": 1, "action": "a", "metadata": {"t": "x" * 4000}}
            ),
        )
        for n in range(200)
    ]
    await store.append(user, pairs)
    await store.run("SET", f"balance:{user}", 200)
    assert (await credits.fold(user, archive)).folded == 200
    assert archive.members == [text for _, text in pairs]
    assert max(len(call) for call in archive.calls) < 70


@pytest.mark.parametrize("state_lost", [False, True])
async def test_a_folded_user_is_not_signed_up_again(
    credits, store, user, archive, state_lost, open_credits
):
    member = json.dumps(
        {"id": "tx_1_a", "amount": 100, "action": "user_initialized", "timestamp": OLD}
    )
    await store.append(user, [(OLD, member)])
    await store.run("SET", f"balance:{user}", 100)
    await credits.fold(user, archive)
    if state_lost:
        await store.run("DEL", f"credits:state:{user}")
    assert not (await credits.initialize_user(user)).created
    assert await credits.get_balance(user) == 100
    assert (await credits.deduct(user, 10, "chat")).balance == 90


async def test_a_user_without_sign_up_may_still_sign_up(credits, store, user, archive):
    await old_log(store, user, 20)
    await credits.fold(user, archive)
    assert (await credits.initialize_user(user, 7)).created
    assert not (await credits.initialize_user(user, 7)).created


async def test_a_lost_state_and_a_further_fold_keep_all(credits, store, user, archive):
    await old_log(store, user, 600)
    await credits.fold(user, archive)
    await store.run("DEL", f"credits:state:{user}")
    await store.append(user, [(OLD + DAY, entry(1, 4, OLD + DAY)), (OLD - 5, entry(2, 3, OLD - 5))])
    await store.run("INCRBY", f"balance:{user}", 7)
    assert (await credits.fold(user, archive)).folded == 2
    look = await store.look(user)
    assert [found["entries"] for found in fields(look)] == [602]
    assert look.total == int(look.balance)
