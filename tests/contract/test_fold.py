"""Folding: what is old leaves the log for an archive, and nothing else changes."""

from __future__ import annotations

import asyncio
import json
import random
import time
from functools import reduce

import pytest
import redis.asyncio

from credits_core import (
    AccountStateError,
    AsyncCredits,
    Credits,
    InvalidRequestError,
    TransactionError,
)
from credits_core.plans import verify
from tests.contract.flavours import FLAVOURS
from tests.contract.store import Store, entry
from tests.support import moving_clock
from tests.support.typescript import TypeScriptSDK

pytestmark = pytest.mark.stores

DAY = 86_400_000
OLD = int(time.time() * 1000) - 100 * DAY


class Kept:
    """An archive in memory; each `write` is a call."""

    def __init__(self):
        self.calls = []

    def write(self, entries, /):
        self.calls.append(list(entries))

    @property
    def members(self):
        return list(dict.fromkeys(entry.member for call in self.calls for entry in call))


@pytest.fixture
def store(credits):
    return Store(credits)


@pytest.fixture
def archive():
    return Kept()


async def old_log(store, user, count, *, step=1, start=OLD):
    """An account with so many old entries of another app; answers its members."""
    dice = random.Random(count)
    pairs = [
        (start + n * step, entry(n, dice.randint(-4, 9), start + n * step)) for n in range(count)
    ]
    await store.append(user, pairs)
    await store.run("SET", f"balance:{user}", sum(json.loads(text)["amount"] for _, text in pairs))
    return [text for _, text in pairs]


def fields(look):
    """The log with all its fields, oldest first."""
    return [json.loads(member) for member in look.members]


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
    members = await old_log(store, user, 100, step=DAY)
    report = await credits.fold(user, archive, older_than=60 * DAY / 1000)
    look = await store.look(user)
    assert archive.members == members[: report.folded]
    assert look.members[1:] == members[report.folded :]
    assert 39 <= report.folded <= 41


async def test_younger_than_thirty_days_is_refused_by_client_and_script(
    credits, store, user, archive, monkeypatch
):
    await old_log(store, user, 100, step=DAY)
    with pytest.raises(InvalidRequestError, match="30 days"):
        await credits.fold(user, archive, older_than=29 * DAY / 1000)
    before = await store.look(user)
    monkeypatch.setattr("credits_core.validation.MIN_FOLD_AGE_MS", 0)
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


class TestOwnEntries:
    """Entries that this library wrote, on a server whose clock is moved on."""

    @pytest.fixture(
        params=[f for f in FLAVOURS if f.name in ("tcp-async", "tcp-sync", "rest-async")],
        ids=lambda flavour: flavour.name,
    )
    def flavour(self, request):
        return request.param

    @pytest.fixture
    def clock(self, monkeypatch, server, user):
        moving_clock.install(monkeypatch)
        with server.client() as raw:
            raw.delete(moving_clock.KEY)

            def move(days):
                raw.incrby(moving_clock.KEY, int(days * DAY))

            yield move
            raw.delete(moving_clock.KEY)

    @pytest.fixture
    def later(self, clock, open_credits):
        """A client that has seen the clock move."""

        async def move(days):
            clock(days)
            client = open_credits()
            await client.get_balance("nobody")
            return client

        return move

    async def test_open_holds_stay_and_are_folded_once_they_close(
        self, credits, store, user, archive, later
    ):
        await credits.add(user, 1000, "purchase")
        held = await credits.hold(user, 100, "train", expires_in=300 * 86400)
        await credits.extend(user, held.id, 50)
        done = await credits.hold(user, 10, "train")
        await credits.settle(user, done.id, 4)
        original = (await store.look(user)).members
        credits = await later(100)
        assert (await credits.fold(user, archive)).folded == 3
        look = await store.look(user)
        assert [found.get("kind") for found in fields(look)] == ["hold", "extend", "checkpoint"]
        assert (await credits.verify_balance(user)).valid
        assert (await credits.get_account(user)).held == 150
        await credits.release(user, held.id)
        credits = await later(100)
        assert (await credits.fold(user, archive)).folded == 3
        look = await store.look(user)
        assert [(found["kind"], found["amount"]) for found in fields(look)] == [("checkpoint", 996)]
        assert set(original) <= set(archive.members)
        assert len(archive.members) == 6

    async def test_a_hold_that_closes_amid_a_fold(self, credits, store, user, later):
        await credits.add(user, 1000, "purchase")
        held = await credits.hold(user, 100, "train", expires_in=300 * 86400)
        credits = await later(100)
        loop = asyncio.get_running_loop()

        class Releasing(Kept):
            def write(self, entries, /):
                super().write(entries)
                if len(self.calls) == 1:
                    ended = credits.release(user, held.id)
                    asyncio.run_coroutine_threadsafe(ended, loop).result(10)

        kept = Releasing()
        assert (await credits.fold(user, kept)).folded == 1
        assert (await credits.fold(user, kept)).folded == 1
        assert [json.loads(text)["amount"] for text in kept.members] == [1000, -100]
        look = await store.look(user)
        assert [found["kind"] for found in fields(look)] == ["checkpoint", "release"]
        assert look.total == int(look.balance) == 1000

    async def test_a_hold_that_expired_long_ago_is_given_back_and_folded(
        self, credits, store, user, archive, later
    ):
        await credits.add(user, 100, "purchase")
        await credits.hold(user, 60, "train", expires_in=60)
        credits = await later(100)
        assert (await credits.fold(user, archive)).folded == 2
        assert await credits.get_balance(user) == 100
        assert (await credits.verify_balance(user)).valid

    async def test_refunds_and_revocations_of_what_is_folded_say_so(
        self, credits, store, user, archive, later
    ):
        added = await credits.add(user, 1000, "purchase", idempotency_key="payment")
        spent = await credits.deduct(user, 10, "chat")
        credits = await later(100)
        await credits.fold(user, archive)
        for call in (
            credits.refund(user, spent.tx_id),
            credits.revoke(user, added.tx_id),
            credits.revoke(user, added_with="payment"),
        ):
            with pytest.raises(TransactionError, match="older than the last fold"):
                await call
        assert await credits.get_balance(user) == 990
        again = await credits.add(user, 1000, "purchase", idempotency_key="payment")
        assert again.replayed
        assert again.balance == 990

    async def test_records_of_who_paid_go_with_their_charges(
        self, credits, store, user, archive, later
    ):
        await credits.add(user, 100, "promo", expires_in=300 * 86400)
        await credits.deduct(user, 10, "chat")
        refunded = await credits.deduct(user, 10, "chat")
        paid = f"credits:additions:{user}"
        assert await store.run("HLEN", paid) == 2
        credits = await later(100)
        await credits.refund(user, refunded.tx_id, 4)
        kept = await credits.deduct(user, 1, "chat")
        await credits.fold(user, archive)
        left = set(await store.run("HKEYS", paid))
        # The refund of these days may still be asked for its outcome.
        assert left == {f"paid\n{refunded.tx_id}", f"paid\n{kept.tx_id}"}
        assert (await credits.get_account(user)).grants[0].remaining == 83

    async def test_grants_and_holds_can_be_told_from_the_last_checkpoint_on(
        self, credits, store, user, archive, later
    ):
        dice = random.Random(11)
        await live(credits, user, dice, 25)
        for _ in range(3):
            credits = await later(40)
            await live(credits, user, dice, 25)
            await credits.fold(user, archive, older_than=30 * DAY / 1000)
            await live(credits, user, dice, 25)
            look = await store.look(user)
            account = await credits.get_account(user)
            look = await store.look(user)
            grants, holds = told(look)
            assert grants == {grant.id: grant.remaining for grant in account.grants}
            assert holds == {hold.id: hold.amount for hold in account.holds}
            assert look.total == account.balance
        assert len(archive.members) > 50


async def live(credits, user, dice, turns):
    """A life with grants, charges and holds of some days."""
    await credits.add(user, 500, "purchase")
    for _ in range(turns):
        turn = dice.randrange(5)
        days = dice.choice((1, 20, 35, 90, 200)) * 86400
        if turn == 0:
            priority = dice.randint(-2, 2)
            await credits.add(
                user, dice.randint(20, 60), "promo", expires_in=days, priority=priority
            )
        elif turn == 1:
            held = await credits.hold(user, dice.randint(1, 20), "train", expires_in=days)
            if dice.random() < 0.5:
                await credits.settle(user, held.id, dice.randint(0, 20), shortfall="take")
            elif dice.random() < 0.5:
                await credits.extend(user, held.id, 3)
        else:
            await credits.deduct(user, dice.randint(1, 9), "chat")


def told(look):
    """Grants and holds by the log alone: the last checkpoint, and what was written since."""
    checkpoints = [found for found in fields(look) if found.get("kind") == "checkpoint"]
    start = checkpoints[-1] if checkpoints else {"as_of": 0, "open": []}
    grants, holds = {}, {}
    for field, text in start["open"]:
        kind, _, name = field.partition(" ")
        if kind == "grant":
            grants[tuple(name.split(" "))] = int(text)
        else:
            words = text.partition("\n")[0].split(" ", 2)
            sources = [part.rpartition("=")[::2] for part in _sources(words[2:])]
            holds[name] = (int(words[0]), [(tuple(n.split(" ")), int(a)) for n, a in sources])
    since = [
        found
        for found, score in zip(fields(look), look.scores, strict=True)
        if score > start["as_of"] and found.get("kind") != "checkpoint"
    ]
    grants, holds = reduce(step, since, (grants, holds))
    return {name[2]: left for name, left in grants.items()}, {
        name: held for name, (held, _) in holds.items()
    }


def _sources(words):
    # '<priority> <expires> <id>=<amount> ...': three words each.
    parts = words[0].split(" ") if words and words[0] else []
    return [" ".join(parts[n : n + 3]) for n in range(0, len(parts), 3)]


def burn(grants, amount):
    paid = []
    for name in sorted(grants):
        part = min(grants[name], amount)
        if part:
            paid.append((name, part))
            grants[name] -= part
            amount -= part
    for name in [name for name, left in grants.items() if not left]:
        del grants[name]
    return paid


def bring_back(grants, paid, total, back):
    """What never expires first, then to the last that paid."""
    back -= total - sum(part for _, part in paid)
    for name, part in reversed(paid):
        given = max(0, min(part, back))
        back -= given
        if given:
            grants[name] = grants.get(name, 0) + given


def step(state, found):
    grants, holds = dict(state[0]), dict(state[1])
    kind, amount = found.get("kind"), found["amount"]
    if isinstance(found.get("grant"), str) and kind != "expire":
        grants[tuple(found["grant"].split(" "))] = amount
    elif kind == "expire" and "grant" in found:
        for name in [name for name in grants if name[2] == found["grant"]]:
            grants[name] += amount
            if not grants[name]:
                del grants[name]
    elif kind == "hold":
        holds[found["id"]] = (-amount, burn(grants, -amount))
    elif kind == "extend":
        held, paid = holds[found["hold"]]
        holds[found["hold"]] = (held - amount, paid + burn(grants, -amount))
    elif kind in ("settle", "release", "expire"):
        held, paid = holds.pop(found["hold"])
        if amount > 0:
            bring_back(grants, paid, held, amount)
        else:
            burn(grants, -amount)
    elif amount < 0:
        burn(grants, -amount)
    return grants, holds


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
