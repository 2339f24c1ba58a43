"""The scripts check for themselves what Python has checked before them."""

from __future__ import annotations

import pytest

from credits_core import commands, scripts
from credits_core.command import Call
from credits_core.commands import SignUp
from credits_core.keys import KeySpace

BAD = [
    *("nan", "inf", "-inf", "0x10", "1e3", "-5", "-1", "1.5", "1.0", " 5", "5 ", "5\n", "+5", ""),
    *("1e400", "9999999999999999", "1000000000000001", "9" * 400, "5;", "five", "--5", "5\x00"),
    "\N{ARABIC-INDIC DIGIT FIVE}",
]
FAR = 2**50
NOW = 1_700_000_000_000


async def execute(store, call):
    """A call past every check of Python."""
    words = (call.script.text, len(call.keys), *call.keys, *call.args)
    return await store.run("EVAL", *words)


def tampered(call, position, text):
    """The same call with another word as ARGV[position]."""
    args = list(call.args)
    args[position - 1] = text
    return Call(call.script, call.keys, tuple(args))


def entry(kind, user, key=None, grant=None):
    build = commands.deduct if kind == "deduct" else commands.add
    command = build(KeySpace(), user, 5, "chat", None, idempotency_key=key,
                    sign_up=SignUp(grant), now_ms=NOW)  # fmt: skip
    return command.bind(FAR)


@pytest.mark.parametrize("kind", ["deduct", "add"])
@pytest.mark.parametrize("key", [None, "k"])
async def test_bad_amounts_are_refused_before_anything_is_written(credits, store, user, kind, key):
    await credits.initialize_user(user, 50)
    before = await store.look(user)
    for text in (*BAD, "0", "-0"):
        reply = await execute(store, tampered(entry(kind, user, key), 3, text))
        assert (reply[0], reply[2]) == ("invalid", "amount"), text
        assert await store.look(user) == before, text
    assert (await execute(store, entry(kind, user, key)))[0] == "ok"


async def test_bad_sign_up_credits_are_refused(store, user):
    call = commands.initialize(KeySpace(), user, 5, now_ms=NOW).bind(FAR)
    for text in BAD:
        reply = await execute(store, tampered(call, 3, text))
        assert (reply[0], reply[2]) == ("invalid", "credits"), text
        assert (await store.look(user)).kept == {}
    assert (await execute(store, call))[2] == "5"


@pytest.mark.parametrize("kind", ["deduct", "add"])
async def test_a_first_touch_with_bad_credits_gives_none(store, user, kind):
    for number, text in enumerate(BAD):
        name = f"{user}-{number}"
        await store.run("SET", f"balance:{name}", 7)
        await store.append(name, [(1, '{"id":"a","amount":7,"action":"x","timestamp":1}')])
        reply = await execute(store, tampered(entry(kind, name, grant=30), 5, text))
        look = await store.look(name)
        assert reply[0] == "ok"
        assert look.total == int(look.balance) == (12 if kind == "add" else 2)


async def test_a_call_past_its_deadline_changes_nothing(credits, store, user):
    await credits.initialize_user(user, 50)
    look = commands.stored_balance(KeySpace(), user).bind(FAR)
    now = int(float((await execute(store, look))[1]))
    calls = {
        "deduct": entry("deduct", user),
        "deduct with a key": entry("deduct", user, "k"),
        "add with a first touch": entry("add", user, grant=30),
        "initialize": commands.initialize(KeySpace(), f"{user}-new", 5, now_ms=NOW).bind(FAR),
        "first touch": commands.balance(
            KeySpace(), f"{user}-new", sign_up=SignUp(30), now_ms=NOW
        ).bind(FAR),
        "delete": commands.delete(KeySpace(), user).bind(FAR),
    }
    before = await store.look(user)
    for name, call in calls.items():
        for deadline in ("0", str(now - 1), "-1"):
            assert (await execute(store, tampered(call, 1, deadline)))[0] == "late", name
    assert await store.look(user) == before
    assert (await store.look(f"{user}-new")).kept == {}


async def test_what_was_done_is_answered_past_the_deadline(credits, store, user):
    await credits.initialize_user(user, 50)
    for key in (None, "k"):
        call = entry("deduct", user, key)
        first = await execute(store, call)
        again = await execute(store, tampered(call, 1, "0"))
        assert (first[0], again[0]) == ("ok", "ok")
        assert (again[2], float(again[3])) == (first[2], float(first[3]))
    other = tampered(tampered(call, 2, "other bytes"), 1, "0")
    assert (await execute(store, other))[0] == "replayed"
    assert await credits.get_balance(user) == 40


@pytest.mark.parametrize("amount", ["NaN", "nan", "-nan", "Infinity", "0x10", "1e999", "[]", '"5"'])
async def test_a_repair_sums_only_numbers(store, user, amount):
    await store.append(user, [(1, f'{{"id":"a","amount":{amount},"action":"x","timestamp":1}}')])
    await store.run("SET", f"balance:{user}", 7)
    keys = KeySpace().account(user)[:3]
    reply = await execute(
        store, Call(scripts.REPAIR, keys, ("2000", "0", "1", "-inf", "+inf", "0 0", ""))
    )
    assert reply[0] in ("state", "limit", "ok")
    text = (await store.look(user)).balance
    assert text == "7" if reply[0] != "ok" else text == "16", reply
