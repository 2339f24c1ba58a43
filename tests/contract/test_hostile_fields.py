"""Entries of other apps that bear our fields: given a name or a right answer, never believed."""

from __future__ import annotations

import itertools
import json
import re
import time

import pytest

from credits_core import AccountStateError, CreditsError
from tests.contract.accounts import grants
from tests.contract.folding import OLD, Kept

pytestmark = pytest.mark.stores

DAY = 86_400
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e300", "-1e300", "9007199254740993")
KINDS = ("null", "true", "[]", "{}", "7", '"settle"', '"grant"', '"allowance"', '"refund"',
         '"checkpoint"', '"hold"', '"expire"', '"nothing of ours"')  # fmt: skip
GRANTS = ("null", "true", "[1]", "{}", "7", '""', '"tx"', '"1000 1 x"', "OURS")
HOSTILE = {
    ("settle", "kept"): ('"nan"', '"0x10"', '"5000"', "5000", "-5", "1.5", "null", "[9]", *NUMBERS),
    ("settle", "hold"): ("null", "true", "[1]", "{}", "7", '""', "HOLD"),
    ("grant", "grant"): GRANTS,
    ("allowance", "grant"): GRANTS,
    ("allowance", "allowance"): ("null", "true", "[1]", '"pro"', '"a b"'),
    ("checkpoint", "entries"): ("NaN", "3", "-3", "null", '"nan"', "Infinity"),
}


@pytest.fixture
async def foreign(credits, store, rich):
    """Puts entries of another app into a log beside a grant and a hold; answers their ids."""
    given = await credits.add(rich, 40, "promo", expires_in=DAY)
    (name,) = await store.run("ZRANGE", f"credits:grants:{rich}", 0, -1)
    hold = await credits.hold(rich, 9, "train")
    assert name.endswith(given.tx_id)
    numbers = itertools.count(int(time.time() * 1000) - 500)
    ours = {"OURS": json.dumps(name), "HOLD": json.dumps(hold.id)}

    async def put(amount, **fields):
        at = next(numbers)
        more = "".join(f',"{field}":{ours.get(text, text)}' for field, text in fields.items())
        member = f'{{"id":"tx_{at}_ts","amount":{amount},"action":"a","timestamp":{at}{more}}}'
        await store.append(rich, [(at, member)])
        return f"tx_{at}_ts"

    return put


async def told(call):
    """What a caller is told: a receipt, or an error of ours."""
    try:
        return await call
    except CreditsError as error:
        return error


async def asked_for(credits, user, tx_id):
    """A refund, whole and in part, and a revocation of an entry: what each of them moved."""
    answers = [
        (1, await told(credits.refund(user, tx_id, 1, idempotency_key=f"r {tx_id}"))),
        (1, await told(credits.refund(user, tx_id))),
        (-1, await told(credits.revoke(user, tx_id, 1, idempotency_key=f"v {tx_id}"))),
        (-1, await told(credits.revoke(user, tx_id))),
    ]
    return [
        sign * answer.amount
        for sign, answer in answers
        if not isinstance(answer, Exception) and not answer.replayed
    ]


def cases():
    """Every kind alone, and hostile fields under the kinds that they belong to."""
    yield {}
    for kind in KINDS:
        yield {"kind": kind}
    for (kind, field), texts in HOSTILE.items():
        for text in texts:
            yield {"kind": f'"{kind}"', field: text}


@pytest.mark.parametrize("amount", [-30, 30])
async def test_no_more_than_the_entry_goes_back_whatever_it_says(
    credits, store, rich, foreign, amount
):
    for fields in cases():
        await store.run("INCRBY", f"balance:{rich}", amount)
        tx_id = await foreign(amount, **fields)
        before, open_before = await credits.get_balance(rich), await grants(credits, rich)
        moved = await asked_for(credits, rich, tx_id)
        balance = (await store.look(rich)).balance
        assert re.fullmatch(r"-?\d+", balance), fields
        assert int(balance) == before + sum(moved), fields
        # A settlement may be refunded up to what it says it kept, which only Python writes.
        kept = 5000 if fields.get("kept") == "5000" else 30
        assert abs(sum(moved)) <= kept, fields
        assert await grants(credits, rich) == open_before, fields
        if int(balance) < 2000:
            await credits.add(rich, 2000, "fills up")
    assert (await credits.verify_balance(rich)).valid
    assert len([found async for found in credits.iter_transactions(rich)]) >= 65


@pytest.mark.parametrize("amount", [*NUMBERS, "null", "true", '"5"', "[]", "{}", "1.5"])
async def test_an_amount_that_is_none_moves_nothing(credits, store, rich, foreign, amount):
    for fields in ({}, {"kind": '"settle"', "kept": "1"}, {"kind": '"grant"', "grant": "OURS"}):
        tx_id = await foreign(amount, **fields)
        before = (await store.look(rich)).balance
        moved = await asked_for(credits, rich, tx_id)
        assert int((await store.look(rich)).balance) == int(before) + sum(moved)
        assert sum(map(abs, moved)) <= (amount == "1.5")
        assert await grants(credits, rich) == [31]
    if amount == "1.5":
        return
    for call in (
        credits.get_transactions(rich),
        credits.verify_balance(rich),
        credits.rebuild_balance(rich),
        credits.export_account(rich),
    ):
        with pytest.raises(AccountStateError) as refusal:
            await call
        assert refusal.value.state == "malformed_entry"
    assert int((await store.look(rich)).balance) == 131


@pytest.mark.parametrize("score", ["-inf", "+inf", "1e18", "-1e18"])
async def test_an_entry_outside_of_time_is_refunded_or_named(credits, store, rich, score):
    at = int(time.time() * 1000)
    member = f'{{"id":"tx_{at}_ts","amount":-30,"action":"a","timestamp":{at}}}'
    await store.append(rich, [(score, member)])
    await store.run("INCRBY", f"balance:{rich}", -30)
    assert sum(await asked_for(credits, rich, f"tx_{at}_ts")) == 30
    assert int((await store.look(rich)).balance) == 100
    assert (await credits.verify_balance(rich)).valid
    for call in (credits.get_transactions(rich), credits.export_account(rich)):
        with pytest.raises(AccountStateError) as refusal:
            await call
        assert refusal.value.state == "malformed_entry"


def old(n, amount="1", score=None, **fields):
    more = "".join(f',"{field}":{text}' for field, text in fields.items())
    member = f'{{"id":"o{n}","amount":{amount},"action":"a","timestamp":{OLD}{more}}}'
    return (OLD + n if score is None else score, member)


async def test_hostile_fields_fold_like_any_others(credits, store, user):
    entries = [old(n, **fields) for n, fields in enumerate(cases())
               if not {"HOLD", "OURS"} & set(fields.values())]  # fmt: skip
    await store.append(user, entries)
    await store.run("SET", f"balance:{user}", len(entries))
    kept = Kept()
    assert (await credits.fold(user, kept)).folded == len(entries)
    assert sorted(kept.members) == sorted(member for _, member in entries)
    (checkpoint,) = (await store.look(user)).members
    found = json.loads(checkpoint)
    assert (found["amount"], found["entries"]) == (len(entries), len(entries))
    assert (await credits.verify_balance(user)).valid
    assert await credits.get_balance(user) == len(entries)


@pytest.mark.parametrize("entries", ["NaN", "Infinity", "-3", "1.5", "null", '"3"', "1e300"])
async def test_a_checkpoint_that_counts_nothing_is_one_entry(credits, store, user, entries):
    member = (
        f'{{"id":"checkpoint_{OLD}_3","amount":5,"action":"checkpoint","timestamp":{OLD},'
        f'"kind":"checkpoint","entries":{entries},"initialized":"yes"}}'
    )
    await store.append(user, [(OLD, member), old(1), old(2)])
    await store.run("SET", f"balance:{user}", 7)
    answer = await told(credits.fold(user, Kept()))
    (checkpoint,) = (await store.look(user)).members
    found = json.loads(checkpoint)
    assert (found["amount"], found["entries"], found["initialized"]) == (7, 3, False), answer
    assert (await credits.verify_balance(user)).valid


@pytest.mark.parametrize(
    "bad", [old(0, amount) for amount in (*NUMBERS, "null", '"5"')] + [old(0, score="-inf")]
)
async def test_what_cannot_be_summed_is_named_by_a_fold_and_stays(credits, store, user, bad):
    await store.append(user, [bad, *(old(n) for n in range(1, 60))])
    await store.run("SET", f"balance:{user}", 60)
    before = await store.look(user)
    with pytest.raises(AccountStateError) as refusal:
        await credits.fold(user, Kept())
    assert refusal.value.state == "malformed_entry"
    assert await store.look(user) == before
