"""Accounts that something broke: each state is told by its name, and nothing gets worse."""

from __future__ import annotations

import pytest

from credits_core import (
    AccountStateError,
    BalanceVerificationError,
    InsufficientCreditsError,
    Period,
)
from tests.contract.store import entry


def writes(credits, user):
    """Every way to write to an account."""
    return {
        "deduct": lambda: credits.deduct(user, 1, "chat"),
        "deduct with a key": lambda: credits.deduct(user, 1, "chat", idempotency_key="new"),
        "add": lambda: credits.add(user, 1, "purchase"),
        "add with a key": lambda: credits.add(user, 1, "purchase", idempotency_key="new"),
        "initialize": lambda: credits.initialize_user(user),
    }


async def refused(credits, store, user, state, calls=None):
    """Check that every write, or each of `calls`, is refused for `state`, with no trace."""
    before = await store.look(user)
    for name, call in (calls or writes(credits, user)).items():
        with pytest.raises(AccountStateError) as refusal:
            await call()
        assert (refusal.value.state, refusal.value.user_id) == (state, user), name
        assert await store.look(user) == before, name


async def test_a_missing_balance_is_an_error_until_it_is_rebuilt(credits, store, user):
    await credits.initialize_user(user, 50)
    await credits.deduct(user, 8, "chat")
    await store.run("DEL", f"balance:{user}")

    reads = {"get": lambda: credits.get_balance(user), "has": lambda: credits.has_credits(user, 1)}
    await refused(credits, store, user, "missing_balance", writes(credits, user) | reads)
    assert len(await credits.get_transactions(user)) == 2
    found = await credits.verify_balance(user)
    assert (found.valid, found.cached, found.calculated) == (False, None, 42)
    assert found.difference == -42
    assert await credits.rebuild_balance(user) == 42
    assert (await credits.deduct(user, 42, "chat")).balance == 0


async def test_a_missing_balance_counts_as_drift_in_a_reconciliation(credits, store, user):
    await credits.add(user, 42, "purchase")
    await store.run("DEL", f"balance:{user}")
    report = await credits.reconcile([user], repair=False)
    ((name, problem),) = report.problems
    assert (report.errors, name, type(problem)) == (1, user, BalanceVerificationError)
    assert (problem.cached, problem.calculated) == (None, 42)
    assert (await credits.reconcile([user])).fixed == 1
    assert await credits.get_balance(user) == 42


@pytest.mark.parametrize(
    "text", ["", "abc", "nan", "inf", "-inf", "0x10", " 12 ", "12\n", "1_0", "١٢"]
)
async def test_a_balance_that_is_no_number_is_repaired(credits, store, user, text):
    await credits.add(user, 42, "purchase")
    await store.run("SET", f"balance:{user}", text)

    reads = {"get": lambda: credits.get_balance(user)}
    await refused(credits, store, user, "not_a_number", writes(credits, user) | reads)
    found = await credits.verify_balance(user)
    assert (found.valid, found.cached, found.calculated) == (False, None, 42)
    assert (await credits.reconcile([user])).fixed == 1
    assert await credits.get_balance(user) == 42


async def test_a_balance_without_a_log_gets_an_opening_entry(credits, store, user):
    await store.run("SET", f"balance:{user}", 70)
    assert await credits.get_balance(user) == 70
    again = await credits.initialize_user(user)
    assert (again.created, again.balance) == (False, 70)
    with pytest.raises(InsufficientCreditsError):
        await credits.deduct(user, 71, "chat")
    await refused(credits, store, user, "missing_log", {"r": lambda: credits.rebuild_balance(user)})
    report = await credits.reconcile([user])
    assert (report.errors, report.problems[0][1].state) == (1, "missing_log")

    assert (await credits.deduct(user, 20, "chat")).balance == 50
    newest, opening = await credits.get_transactions(user)
    assert (newest.amount, newest.kind) == (-20, "deduct")
    assert (opening.amount, opening.action, opening.kind) == (70, "opening_balance", "opening")
    assert (await credits.verify_balance(user)).valid
    assert (await credits.initialize_user(user)).created is False


async def test_a_log_that_was_lost_is_noticed_by_every_write(credits, store, user):
    await credits.initialize_user(user, 100)
    await store.run("DEL", f"txs:{user}")
    assert (await credits.verify_balance(user)).valid is False
    calls = writes(credits, user)
    calls |= {"rebuild": lambda: credits.rebuild_balance(user)}
    await refused(credits, store, user, "missing_log", calls)
    assert (await credits.reconcile([user])).errors == 1


@pytest.mark.parametrize("write", ["deduct", "add", "deduct with a key", "add with a key"])
async def test_a_lost_log_is_opened_again_when_its_loss_is_accepted(credits, store, user, write):
    await credits.initialize_user(user, 100)
    await store.run("DEL", f"txs:{user}", f"credits:state:{user}")
    receipt = await writes(credits, user)[write]()
    look = await store.look(user)
    assert look.total == int(look.balance) == receipt.balance
    assert look.entries[0]["action"] == "opening_balance"
    assert (await credits.reconcile([user])).verified == 1
    assert (await credits.initialize_user(user)).created is False


async def test_an_account_that_another_app_deleted_begins_anew(credits, store, user):
    await credits.initialize_user(user, 100)
    await store.run("DEL", f"txs:{user}", f"balance:{user}")
    assert (await credits.initialize_user(user, 50)).balance == 50


@pytest.mark.parametrize("key", ["balance", "txs", "credits:state"])
async def test_a_key_of_another_type_is_left_alone(credits, store, user, key):
    await credits.initialize_user(user, 50)
    await store.run("DEL", f"{key}:{user}")
    await store.run("RPUSH", f"{key}:{user}", "somebody's list")
    await refused(credits, store, user, "wrong_type")
    if key != "credits:state":
        calls = {
            "v": lambda: credits.verify_balance(user),
            "r": lambda: credits.rebuild_balance(user),
        }
        await refused(credits, store, user, "wrong_type", calls)
        report = await credits.reconcile([user])
        assert (report.errors, report.problems[0][1].state) == (1, "wrong_type")
    if key == "txs":
        await refused(
            credits, store, user, "wrong_type", {"t": lambda: credits.get_transactions(user)}
        )


@pytest.mark.parametrize("family", ["charges:0", "charges:1", "additions"])
async def test_idempotency_records_of_another_type_refuse_the_calls_with_keys(
    credits, store, user, family
):
    await credits.initialize_user(user, 50)
    await store.run("RPUSH", f"credits:{family}:{user}", "somebody's list")
    keyed = {name: call for name, call in writes(credits, user).items() if "key" in name}
    await refused(credits, store, user, "wrong_type", keyed)
    assert (await credits.deduct(user, 1, "chat")).balance == 49


@pytest.mark.parametrize("family", ["grants", "due"])
async def test_lists_of_grants_and_holds_of_another_type_refuse_what_opens_one(
    credits, store, user, family
):
    await credits.initialize_user(user, 50)
    await store.run("RPUSH", f"credits:{family}:{user}", "somebody's list")
    period = Period(1_700_000_000_000, 9_000_000_000_000)
    calls = {
        "hold": lambda: credits.hold(user, 1, "training"),
        "grant": lambda: credits.add(user, 1, "promotion", expires_in=60),
        "allowance": lambda: credits.grant_allowance(user, "pro", 1, period),
        "floor": lambda: credits.set_floor(user, -1),
        "freeze": lambda: credits.freeze(user),
        "account": lambda: credits.get_account(user),
    }
    await refused(credits, store, user, "wrong_type", calls)
    assert (await credits.deduct(user, 1, "chat")).balance == 49


async def test_fractions_of_another_app_are_read_and_never_written(credits, store, user):
    await store.append(
        user, [(1, entry(1, 10.25, 1)), (2, entry(2, 0.5, 2)), (3, entry(3, 0.1, 3))]
    )
    await store.run("SET", f"balance:{user}", "10.850000000000000001")

    assert await credits.get_balance(user) == 10
    assert await credits.has_credits(user, 10)
    assert not await credits.has_credits(user, 11)
    assert [e.amount for e in await credits.get_transactions(user)] == [0.1, 0.5, 10.25]
    assert (await credits.verify_balance(user)).valid
    await refused(credits, store, user, "fractional")
    await store.run("SET", f"balance:{user}", "12.5")
    found = await credits.verify_balance(user)
    assert (found.valid, found.cached) == (False, 12.5)
    assert found.difference == pytest.approx(1.65)
    assert await credits.rebuild_balance(user) == 10
    assert (await credits.verify_balance(user)).valid


async def test_fractions_that_make_a_whole_can_be_spent_again(credits, store, user):
    await store.append(user, [(1, entry(1, 10.5, 1)), (2, entry(2, -0.5, 2))])
    await store.run("SET", f"balance:{user}", "10")
    assert (await credits.deduct(user, 4, "chat")).balance == 6
    found = await credits.verify_balance(user)
    assert (found.valid, found.cached, found.calculated) == (True, 6, 6.0)


@pytest.mark.parametrize(
    "text", ["9007199254740992", "-9007199254740992", "1e16", "99999999999999999999"]
)
async def test_a_balance_beyond_what_is_exact_is_not_written_to(credits, store, user, text):
    await credits.add(user, 5, "purchase")
    await store.run("SET", f"balance:{user}", text)
    await refused(credits, store, user, "fractional")
    assert await credits.get_balance(user) == int(float(text)) or text.startswith("999")
    assert (await credits.verify_balance(user)).valid is False
    assert await credits.rebuild_balance(user) == 5


@pytest.mark.parametrize(
    "member",
    ["", "rubbish", "[]", "null", "7", '{"id":"x"}', '{"amount":"5"}', '{"amount":true}',
     '{"amount":null}', '{"amount":NaN}', '{"amount":1e999}', '{"amount":5'],
)  # fmt: skip
async def test_a_log_entry_that_is_no_transaction_is_named(credits, store, user, member):
    await credits.initialize_user(user, 50)
    await store.append(user, [(5, member)])
    calls = {
        "verify": lambda: credits.verify_balance(user),
        "rebuild": lambda: credits.rebuild_balance(user),
        "history": lambda: credits.get_transactions(user),
    }
    await refused(credits, store, user, "malformed_entry", calls)
    report = await credits.reconcile([user])
    assert (report.errors, report.problems[0][1].state) == (1, "malformed_entry")
    # It holds no amount, so that charges go on.
    assert (await credits.deduct(user, 1, "chat")).balance == 49


@pytest.mark.parametrize("metadata", [r'"\ud800"', r'"\\\ud800\udc00\uDFFF"', '"\\u0000"', "1e400"])
async def test_what_other_apps_put_into_metadata_stops_no_repair(credits, store, user, metadata):
    member = (
        f'{{"id":"tx_1_a","amount":30,"action":"x","metadata":{{"m":{metadata}}},"timestamp":1}}'
    )
    await store.append(user, [(1, member)])
    await store.run("SET", f"balance:{user}", 90)
    assert (await credits.verify_balance(user)).difference == 60
    assert await credits.rebuild_balance(user) == 30
    assert (await credits.initialize_user(user, 1)).balance == 31


async def test_rebuilding_an_unknown_user_creates_nothing(credits, store, user):
    assert await credits.rebuild_balance(user) == 0
    assert (await credits.verify_balance(user)).valid
    assert (await store.look(user)).kept == {}


@pytest.mark.parametrize("drift", [1, -1, 2**52, -(2**53), 10**18, -(10**18)])
async def test_a_drift_of_any_size_is_undone(credits, store, user, drift):
    await credits.initialize_user(user, 50)
    await credits.deduct(user, 8, "chat")
    await store.run("SET", f"balance:{user}", 42 + drift)
    found = await credits.verify_balance(user)
    assert (found.valid, found.cached, found.calculated) == (False, 42 + drift, 42)
    assert found.difference == drift
    assert await credits.rebuild_balance(user) == 42
    assert (await credits.verify_balance(user)).valid


async def test_a_log_that_sums_beyond_what_is_exact_is_not_made_a_balance(credits, store, user):
    await store.append(user, [(n, entry(n, 9 * 10**15, n)) for n in (1, 2)])
    await store.run("SET", f"balance:{user}", 1)
    before = await store.look(user)
    report = await credits.reconcile([user])
    assert report.errors == 1
    assert report.problems[0][1].rule == "max_balance"
    assert await store.look(user) == before
