"""Folding beside other folders, apps that write meanwhile, and what they left in the log."""

from __future__ import annotations

import asyncio
import json

import pytest

from credits_core import AccountStateError, Credits
from credits_core.plans import verify
from tests.contract.folding import OLD, Kept, fields, old_log
from tests.contract.store import entry

pytestmark = pytest.mark.stores


async def test_what_comes_late_into_a_folded_past_is_folded_next(credits, store, user, archive):
    old = await old_log(store, user, 600)
    await credits.fold(user, archive)
    late = [(OLD + n + 0.5, entry(9000 + n, 1, OLD + n)) for n in range(5)]
    await store.append(user, late)
    await store.run("INCRBY", f"balance:{user}", 5)
    assert (await credits.verify_balance(user)).valid
    report = await credits.fold(user, archive)
    look = await store.look(user)
    assert (report.folded, report.up_to) == (5, OLD + 599)
    assert [found["entries"] for found in fields(look)] == [605]
    assert look.total == int(look.balance)
    assert archive.members == old + [member for _, member in late]


async def test_an_entry_that_comes_between_reading_and_folding_stays_until_the_next_fold(
    credits, store, user
):
    old = await old_log(store, user, 300)
    late = entry(7777, 3, OLD)
    kept = Kept()
    loop = asyncio.get_running_loop()

    async def meddle():
        await store.append(user, [(OLD + 1.5, late)])
        await store.run("INCRBY", f"balance:{user}", 3)

    class Meddling(Kept):
        def write(self, entries, /):
            kept.write(entries)
            if len(kept.calls) == 1:
                asyncio.run_coroutine_threadsafe(meddle(), loop).result(10)

    assert (await credits.fold(user, Meddling())).folded == 300
    look = await store.look(user)
    assert fields(look)[0]["amount"] == 3
    assert look.total == int(look.balance)
    assert (await credits.fold(user, kept)).folded == 1
    assert sorted(kept.members) == sorted([*old, late])
    look = await store.look(user)
    assert look.total == int(look.balance)


async def test_an_account_that_is_deleted_meanwhile_ends_the_fold(credits, store, user):
    await old_log(store, user, 800)
    loop = asyncio.get_running_loop()

    class Deleting(Kept):
        def write(self, entries, /):
            super().write(entries)
            if len(self.calls) == 1:
                asyncio.run_coroutine_threadsafe(credits.delete_account(user), loop).result(10)

    report = await credits.fold(user, Deleting())
    assert report.folded == 0
    assert (await store.look(user)).kept == {}


async def test_what_replaced_an_entry_unseen_is_not_folded_unarchived(credits, store, user):
    """The count of a range may be the same while its entries are not."""
    old = await old_log(store, user, 500)
    mine = entry(4242, json.loads(old[0])["amount"], OLD)
    loop = asyncio.get_running_loop()

    async def swap():
        await store.run("ZREM", f"txs:{user}", old[0])
        await store.append(user, [(OLD, mine)])

    class Swapping(Kept):
        def write(self, entries, /):
            super().write(entries)
            if len(self.calls) == 1:
                asyncio.run_coroutine_threadsafe(swap(), loop).result(10)

    kept = Swapping()
    await credits.fold(user, kept)
    assert mine in kept.members
    assert len((await store.look(user)).members) == 1


@pytest.mark.parametrize(
    ("member", "state"),
    [
        ('{"id":"h","amount":0.5,"action":"a","timestamp":1}', "fractional"),
        ("no entry", "malformed_entry"),
        ('{"id":"h","amount":"5"}', "malformed_entry"),
        ('{"id":"h","amount":1e400}', "malformed_entry"),
        ("[1]", "malformed_entry"),
    ],
)
async def test_what_cannot_be_added_up_stops_the_fold_and_loses_nothing(
    credits, store, user, archive, member, state
):
    await old_log(store, user, 600)
    await store.append(user, [(OLD + 550.5, member)])
    with pytest.raises(AccountStateError) as refused:
        await credits.fold(user, archive)
    assert refused.value.state == state
    look = await store.look(user)
    assert member in look.members
    folded = {text for text in archive.members if text not in look.members}
    left = [text for text in look.members if "checkpoint" not in text and text != member]
    assert len(folded) + len(left) == 600
    await store.run("ZREM", f"txs:{user}", member)
    assert (await credits.verify_balance(user)).valid
    await credits.fold(user, archive)
    assert len(archive.members) == 600


async def test_odd_fields_of_other_apps_are_no_holds(credits, store, user, archive):
    odd_fields = [
        {"hold": None},
        {"hold": 5},
        {"hold": ["x"]},
        {"hold": True},
        {"kind": "checkpoint"},
    ]
    odd = [
        json.dumps({"id": f"tx_{n}", "amount": 1, "action": "a", "timestamp": OLD} | more)
        for n, more in enumerate(odd_fields)
    ]
    quoting = '{"id":"tx_q","amount":1,"action":"a","metadata":{"x":{"kind":"checkpoint"}}}'
    unnamed = '{"amount":1,"action":"\\ud83d cut"}'
    members = [*odd, quoting, unnamed]
    await store.append(user, [(OLD, member) for member in members])
    await store.run("SET", f"balance:{user}", len(members))
    await credits.fold(user, archive)
    # At the score of the checkpoint: what looks like one is none.
    more = quoting.replace("tx_q", "tx_r")
    await store.append(user, [(OLD, more)])
    await store.run("INCRBY", f"balance:{user}", 1)
    await credits.fold(user, archive)
    assert sorted(archive.members) == sorted([*members, more])
    look = await store.look(user)
    assert [found["amount"] for found in fields(look)] == [8]


async def test_bytes_that_are_no_text_stay_where_they_are(user, server, archive):
    member = b'{"id":"tx_x","amount":5,"action":"a\xff\xfeb"}'
    with server.client() as raw, Credits.from_url(server.url) as credits:
        raw.zadd(f"txs:{user}", {member: OLD + 1, entry(1, 3, OLD): OLD, entry(2, 1, OLD): OLD + 2})
        raw.set(f"balance:{user}", 9)
        assert credits.fold(user, archive).folded == 2
        assert credits.verify_balance(user).valid
        assert raw.zscore(f"txs:{user}", member) == OLD + 1
    assert archive.members == [entry(1, 3, OLD), entry(2, 1, OLD)]


async def test_concurrent_folders_archive_each_entry_and_count_it_once(
    credits, store, user, open_credits, flavour
):
    old = await old_log(store, user, 6000)
    others = [credits, credits, credits] if not flavour.real else [open_credits() for _ in range(3)]
    archives = [Kept() for _ in others]
    reports = await asyncio.gather(
        *(client.fold(user, archive) for client, archive in zip(others, archives, strict=True))
    )
    assert sum(report.folded for report in reports) == 6000
    assert {member for archive in archives for member in archive.members} == set(old)
    look = await store.look(user)
    assert [found["entries"] for found in fields(look)] == [6000]
    assert look.total == int(look.balance)


async def test_a_repair_sees_that_what_it_summed_was_folded(user, server, archive, monkeypatch):
    """Even where as many entries stand in every range as before."""
    members = {entry(n, n % 9 - 3, OLD + n * 1000): OLD + n * 1000 for n in range(600)}
    total = sum(n % 9 - 3 for n in range(600))
    late = {entry(9000 + n, 1, OLD + n * 1000): OLD + n * 1000 for n in range(599)}
    repair = verify._repair
    with server.client() as raw, Credits.from_url(server.url) as credits:
        raw.zadd(f"txs:{user}", members)
        raw.set(f"balance:{user}", 5)

        def amid_a_fold(keys, user_id, account):
            if not archive.calls:
                credits.fold(user, archive)
                raw.zadd(f"txs:{user}", late)
            return repair(keys, user_id, account)

        monkeypatch.setattr(verify, "_repair", amid_a_fold)
        assert credits.rebuild_balance(user) == total + 599
        assert credits.verify_balance(user).valid
