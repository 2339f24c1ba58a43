"""What other apps left in a log or a balance: told by its name, never a crash, never in the way."""

from __future__ import annotations

import json

import pytest

from credits_core import AccountStateError
from tests.contract.flavours import only
from tests.contract.store import entry

flavour = only("tcp-async", "tcp-sync", "rest-async", "memory-async")
HUGE = "9" * 400


async def history(credits, user):
    return [found async for found in credits.iter_transactions(user)]


def readers(credits, user):
    """Every way to read a log."""
    return (
        credits.get_transactions(user),
        history(credits, user),
        credits.export_account(user),
    )


@pytest.mark.parametrize("amount", [HUGE, "1e300", "9007199254740992", "-9007199254740992", "1e16"])
async def test_an_amount_beyond_what_is_exact_is_no_transaction(
    credits, store, user, new_user, amount
):
    good = new_user()
    await credits.add(good, 5, "purchase")
    await store.append(user, [(1, f'{{"id":"t","amount":{amount},"action":"a","timestamp":1}}')])
    await store.run("SET", f"balance:{user}", 1)
    for read in (*readers(credits, user), credits.verify_balance(user)):
        with pytest.raises(AccountStateError) as refusal:
            await read
        assert refusal.value.state == "malformed_entry"
    report = await credits.reconcile([user, good])
    assert (report.verified, report.errors) == (1, 1)
    assert report.problems[0][1].state == "malformed_entry"


@pytest.mark.parametrize("score", ["+inf", "-inf", "1e18", "-1e18", "253402300800000"])
async def test_an_entry_outside_of_time_is_named_and_still_counts(credits, store, user, score):
    await store.append(user, [(score, entry(1, 7, 1)), (5, entry(2, 3, 5))])
    await store.run("SET", f"balance:{user}", 10)
    for read in readers(credits, user):
        with pytest.raises(AccountStateError, match="tx_1_000001") as refusal:
            await read
        assert refusal.value.state == "malformed_entry"
    assert (await credits.verify_balance(user)).valid
    assert (await credits.reconcile([user])).verified == 1


@pytest.mark.parametrize("score", ["+inf", "-inf", "1e18"])
async def test_a_long_log_with_entries_outside_of_time_is_verified(credits, store, user, score):
    await store.append(user, [(score, entry(n, 1, 1)) for n in range(60)])
    await store.append(user, [(n, entry(n, 1, n)) for n in range(100, 2600)])
    await store.run("SET", f"balance:{user}", 2561)
    found = await credits.verify_balance(user)
    assert (found.calculated, found.difference) == (2560, 1)
    assert await credits.rebuild_balance(user) == 2560


async def test_the_last_instant_of_the_calendar_is_a_time(credits, store, user):
    await store.append(user, [("253402300799999", entry(1, 7, 1))])
    (found,) = await credits.get_transactions(user)
    assert found.time.year == 9999


async def test_a_lone_surrogate_of_another_app_becomes_a_replacement(credits, store, user):
    member = (
        r'{"id":"tx_\udc00","amount":30,"action":"\ud83d","metadata":'
        r'{"\uDFFF":["\ud83d\ude00","\\ud83d"]},"timestamp":1}'
    )
    await store.append(user, [(1, member)])
    await store.run("SET", f"balance:{user}", 30)
    (found,) = await credits.get_transactions(user)
    assert (found.id, found.action) == ("tx_\ufffd", "\ufffd")
    assert found.metadata == {"\ufffd": ["\N{GRINNING FACE}", "\\ud83d"]}
    export = await credits.export_account(user)
    assert json.dumps(export.to_dict(), ensure_ascii=False).encode()
    assert (await credits.verify_balance(user)).valid


@pytest.mark.parametrize("text", ["100.0", "1e2", "100.000", "1000e-1"])
async def test_a_whole_balance_in_other_words_is_rewritten_by_a_rebuild(credits, store, user, text):
    await store.append(user, [(1, entry(1, 100, 1))])
    await store.run("SET", f"balance:{user}", text)
    assert await credits.get_balance(user) == 100
    assert (await credits.verify_balance(user)).valid
    with pytest.raises(AccountStateError, match="rebuild_balance") as refusal:
        await credits.deduct(user, 1, "chat")
    assert refusal.value.state == "fractional"
    assert await credits.rebuild_balance(user) == 100
    assert (await store.look(user)).balance == "100"
    assert (await credits.deduct(user, 1, "chat")).balance == 99


async def test_a_balance_of_hundreds_of_digits_is_repaired(credits, store, user):
    await store.append(user, [(1, entry(1, 0.5, 1)), (2, entry(2, 0.5, 2))])
    await store.run("SET", f"balance:{user}", HUGE)
    assert (await credits.verify_balance(user)).valid is False
    assert await credits.rebuild_balance(user) == 1
