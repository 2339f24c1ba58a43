"""Accounts shared with apps that run the TypeScript SDK: who reads, writes and checks what."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
import redis.asyncio

from credits_core import InsufficientCreditsError
from tests.contract.flavours import FLAVOURS, only
from tests.contract.store import Store, entry
from tests.support import typescript
from tests.support.typescript import TypeScriptSDK, parse_transaction

flavour = only(*(flavour.name for flavour in FLAVOURS if flavour.real))
MINUTE = 60_000
SKEWS = (0, 0, -3 * MINUTE, -2_000, 1_500, 4 * MINUTE)


@pytest.fixture
async def foreign(server):
    client = redis.asyncio.Redis(unix_socket_path=server.unix_path, decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture
def sdk(foreign):
    return TypeScriptSDK(foreign)


async def spend(app, user, told, calls, number):
    """Charge and add in turns, and keep what the app said it did."""
    for call in range(calls):
        adds = (call + number) % 3 == 0
        amount = 1 + (7 * call + number) % 9
        try:
            result = await (app.add if adds else app.deduct)(user, amount, f"w{number}")
        except (InsufficientCreditsError, typescript.InsufficientCreditsError):
            continue
        told[result.tx_id] = amount if adds else -amount


async def test_nobodys_write_is_lost_and_the_sums_agree_at_every_look(
    credits, store, foreign, user
):
    await credits.initialize_user(user, 60)
    apps = [TypeScriptSDK(foreign, skew) for skew in SKEWS] + [credits] * 6
    told = {}
    tasks = [
        asyncio.create_task(spend(app, user, told, 25, number)) for number, app in enumerate(apps)
    ]
    looks = 0
    while not all(task.done() for task in tasks):
        look = await store.look(user)
        assert int(look.balance) == look.total >= 0
        looks += 1
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)

    assert looks > 5
    look = await store.look(user)
    assert int(look.balance) == look.total == 60 + sum(told.values())
    assert told.items() <= {entry["id"]: entry["amount"] for entry in look.entries}.items()
    assert len(look.entries) == len(told) + 1
    assert (await credits.verify_balance(user)).valid


async def test_charges_of_both_stop_at_zero(credits, store, foreign, user):
    await credits.initialize_user(user, 50)
    apps = [TypeScriptSDK(foreign), credits] * 10
    results = await asyncio.gather(
        *(app.deduct(user, 4, "chat") for app in apps), return_exceptions=True
    )
    refused = (InsufficientCreditsError, typescript.InsufficientCreditsError)
    assert sum(isinstance(result, refused) for result in results) == 8
    assert (await store.look(user)).balance == "2"


async def test_a_typescript_user_is_not_granted_twice(credits, sdk, user):
    await sdk.initialize_user(user, 80)
    await sdk.deduct(user, 5, "ts")
    receipt = await credits.initialize_user(user)
    assert (receipt.created, receipt.tx_id, receipt.balance) == (False, "already_initialized", 75)
    assert (await credits.deduct(user, 5, "py")).balance == 70
    assert (await credits.initialize_user(user)).created is False


@pytest.mark.parametrize("entries", [1, 9, 10, 11, 60])
async def test_a_sign_up_is_found_behind_entries_of_clocks_that_are_slow(
    credits, foreign, user, entries
):
    await TypeScriptSDK(foreign).initialize_user(user, 80)
    slow = TypeScriptSDK(foreign, -5 * MINUTE)
    for _ in range(entries):
        await slow.deduct(user, 1, "ts")
    receipt = await credits.initialize_user(user)
    assert (receipt.created, receipt.balance) == (False, 80 - entries)


async def test_a_first_touch_does_not_grant_a_typescript_user_again(open_credits, sdk, user):
    credits = open_credits(auto_initialize=True, default_credits=30)
    await sdk.initialize_user(user, 80)
    assert await credits.get_balance(user) == 80
    assert (await credits.add(user, 5, "py")).balance == 85
    assert (await credits.deduct(user, 1, "py")).balance == 84


async def test_a_python_user_is_not_granted_again_by_typescript(credits, sdk, user):
    await credits.initialize_user(user, 50)
    again = await sdk.initialize_user(user, 80)
    assert (again.tx_id, again.balance) == ("already_initialized", 50)
    found = await sdk.verify_balance(user)
    assert (found.valid, found.cached, found.calculated) == (True, 50, 50)


@pytest.mark.parametrize("auto", [False, True])
async def test_a_sign_up_is_remembered_however_much_lands_before_it(open_credits, user, auto):
    credits = open_credits(auto_initialize=auto, default_credits=30)
    store = Store(credits)
    if auto:
        assert await credits.get_balance(user) == 30
    else:
        await credits.initialize_user(user, 30)
    await store.append(user, [(n, entry(n, 0, n)) for n in range(1100)])
    assert (await credits.initialize_user(user)).created is False
    assert (await credits.add(user, 1, "x")).balance == 31


async def test_two_sign_ups_at_once_give_one_grant(credits, store, sdk, new_user):
    for user in (new_user() for _ in range(20)):
        await asyncio.gather(credits.initialize_user(user, 40), sdk.initialize_user(user, 40))
        look = await store.look(user)
        assert (look.balance, look.total, len(look.entries)) == ("40", 40, 1)


async def test_typescript_reads_what_python_wrote(credits, sdk, user):
    await credits.initialize_user(user, 50)
    await credits.deduct(user, 8, "chat", {"model": "small", "tags": ["a", None]})
    await credits.add(user, 5, "purchase", {"ünï": "🦊\u2028"}, idempotency_key="pay-1")
    await credits.deduct(user, 1, "chat", idempotency_key="k")

    assert await sdk.get_balance(user) == 46
    assert (await sdk.verify_balance(user)).valid
    read = await sdk.get_transactions(user)
    ours = await credits.get_transactions(user)
    assert [entry["id"] for entry in read] == [entry.id for entry in ours]
    assert [entry["amount"] for entry in read] == [-1, 5, -8, 50]
    assert [entry.get("metadata") for entry in read] == [entry.metadata for entry in ours]
    middle = ours[1].timestamp
    bounded = await sdk.get_transactions(user, start_time=middle, end_time=middle + 1)
    assert ours[1].id in {entry["id"] for entry in bounded}


async def test_python_reads_what_typescript_wrote(credits, sdk, user):
    await sdk.initialize_user(user, 50)
    sdk.clock_skew_ms = 10  # entries of one millisecond have no order
    charge = await sdk.deduct(user, 8, "chat", {"model": "small", "10": 1, "2": 0.1})
    sdk.clock_skew_ms = 20
    await sdk.add(user, 5, "purchase")
    newest, middle, oldest = await credits.get_transactions(user)
    assert (newest.amount, newest.action, newest.metadata, newest.kind) == (
        5,
        "purchase",
        None,
        "add",
    )
    assert (middle.id, middle.amount, middle.timestamp) == (charge.tx_id, -8, charge.timestamp)
    assert middle.metadata == {"model": "small", "10": 1, "2": 0.1}
    assert (oldest.kind, oldest.metadata) == ("sign_up", {"starting_credits": 50})
    assert await credits.get_balance(user) == 47
    assert (await credits.verify_balance(user)).valid


async def test_what_a_typescript_rebuild_broke_is_found_and_repaired(credits, store, sdk, user):
    await credits.initialize_user(user, 50)
    old = await sdk._calculate(user)  # its first step; the second comes after other writes
    await credits.deduct(user, 20, "chat")
    await sdk.deduct(user, 7, "chat")
    await store.run("SET", f"balance:{user}", str(old))
    assert not (await sdk.verify_balance(user)).valid

    found = await credits.verify_balance(user)
    assert (found.valid, found.cached, found.calculated, found.difference) == (False, 50, 23, 27)
    assert await credits.rebuild_balance(user) == 23
    assert (await sdk.verify_balance(user)).valid


async def test_fractions_that_python_rebuilt_are_right_to_typescript_to_the_last_bit(
    credits, store, sdk, user
):
    for amount in (0.1, 0.2, 0.3, 1e-9, 7.7):
        await sdk.add(user, amount, "x")
    await sdk.deduct(user, 0.05, "x")
    await store.run("SET", f"balance:{user}", "99.5")
    assert await credits.rebuild_balance(user) == 8
    assert (await sdk.verify_balance(user)).difference == 0
    assert (await credits.verify_balance(user)).valid


async def test_what_racing_typescript_rebuilds_broke_is_found_and_repaired(
    credits, store, foreign, sdk, user
):
    await credits.initialize_user(user, 10_000)
    told = {}
    writers = [
        asyncio.create_task(spend(app, user, told, 30, number))
        for number, app in enumerate([sdk, credits, sdk, credits])
    ]
    while not all(task.done() for task in writers):
        await sdk.rebuild_balance(user)
    await asyncio.gather(*writers)
    await credits.rebuild_balance(user)
    look = await store.look(user)
    assert int(look.balance) == look.total == 10_000 + sum(told.values())


async def test_the_retry_of_a_typescript_client_is_found_and_repaired(credits, store, sdk, user):
    await credits.initialize_user(user, 50)
    _, now, member = sdk._entry(-5, "chat", None)
    for _ in range(2):  # the same member twice: the log takes it once, the balance moves twice
        await sdk._eval(typescript.DEDUCT, user, 5, now, member)
    assert (await credits.verify_balance(user)).difference == -5
    report = await credits.reconcile([user])
    assert report.fixed == 1
    assert (await store.look(user)).balance == "45"


async def test_the_bytes_of_a_member(credits, store, user):
    await credits.initialize_user(user, 50)
    await credits.deduct(user, 8, 'say "hi"\\ ünï 🦊\u2028/')
    await credits.add(user, 5, "purchase", {"b": [1, 2.5, None, True], "a": {"ü": '"'}})
    await credits.deduct(user, 1, "chat", {}, idempotency_key="k")
    patterns = [
        r'{"id":"(ID)","amount":50,"action":"user_initialized","metadata":{"starting_credits":50},'
        r'"timestamp":(\d+)}',
        r'{"id":"(ID)","amount":-8,"action":"say \\"hi\\"\\\\ ünï 🦊\u2028/","timestamp":(\d+)}',
        r'{"id":"(ID)","amount":5,"action":"purchase","metadata":{"b":\[1,2.5,null,true\],'
        r'"a":{"ü":"\\""}},"timestamp":(\d+)}',
        r'{"id":"(ID)","amount":-1,"action":"chat","metadata":{},"timestamp":(\d+)}',
    ]
    look = await store.look(user)
    for member, pattern, score in zip(look.members, patterns, look.scores, strict=True):
        found = re.fullmatch(
            pattern.replace("{", r"\{").replace("ID", r"tx_\d{13}_[0-9a-f]{16}"), member
        )
        assert found, member
        assert found[1].split("_")[1] == found[2]
        assert abs(int(found[2]) - score) < MINUTE
        entry = parse_transaction(member)
        order = [
            name for name in ("id", "amount", "action", "metadata", "timestamp") if name in entry
        ]
        assert list(json.loads(member)) == order


async def test_the_keys_of_an_account(credits, store, user):
    await credits.initialize_user(user, 50)
    await credits.deduct(user, 8, "chat", idempotency_key="k1")
    await credits.add(user, 8, "chat", idempotency_key="k2")
    await credits.get_balance(user)
    await credits.reconcile([user])
    names = await store.run("KEYS", f"*{user}*")
    look = await store.look(user)
    assert sorted(names) == sorted(look.kept)
    assert {f"balance:{user}", f"txs:{user}"} < set(names)
    assert set(look.kept.values()) == {-1}, "no key of an account may expire"
    others = set(names) - {f"balance:{user}", f"txs:{user}"}
    assert others
    assert all(name.startswith("credits:") and name.endswith(f":{user}") for name in others)


async def test_a_refusal_leaves_no_key_behind(credits, store, user):
    for key in (None, "k"):
        with pytest.raises(InsufficientCreditsError):
            await credits.deduct(user, 1, "chat", idempotency_key=key)
    assert (await store.look(user)).kept == {}
