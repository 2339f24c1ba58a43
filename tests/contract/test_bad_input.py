"""What callers must not hand in: refused by name before a byte is sent, and nothing changes."""

from __future__ import annotations

import itertools
from datetime import datetime
from decimal import Decimal

import pytest

from credits_core import InvalidRequestError
from tests.contract.store import Store

HUGE = 10**5000
LONE = "x\ud800y"

USER_IDS = {
    "empty": "",
    "blank": "   ",
    "blank before": " alice",
    "blank after": "alice ",
    "newline after": "alice\n",
    "no-break space after": "alice\u00a0",
    "over-long": "x" * 257,
    "over-long in bytes": "ü" * 129,
    "over-long emoji": "🦊" * 65,
    "newline": "a\nb",
    "nul": "a\x00b",
    "delete": "a\x7fb",
    "c1 control": "a\x85b",
    "lone surrogate": LONE,
    "none": None,
    "int": 7,
    "bytes": b"alice",
    "list": ["alice"],
}
AMOUNTS = {
    "zero": 0,
    "negative": -1,
    "true": True,
    "fraction": 1.5,
    "whole float": 1.0,
    "decimal": Decimal(5),
    "nan": float("nan"),
    "inf": float("inf"),
    "str": "5",
    "none": None,
    "one too many": 10**15 + 1,
    "huge": HUGE,
    "huge negative": -HUGE,
    "complex": 5j,
    "list": [5],
}
CREDITS = {name: value for name, value in AMOUNTS.items() if name not in ("zero", "none")}
LINES = {
    "empty": "",
    "blank": " \t ",
    "blank edge": "chat ",
    "newline": "a\nb",
    "escape": "a\x1b[31mb",
    "lone surrogate": LONE,
    "none": None,
    "int": 5,
    "bytes": b"chat",
}
ACTIONS = LINES | {"over-long": "a" * 65, "of a sign-up": "user_initialized"}
KEYS = {name: value for name, value in LINES.items() if name != "none"} | {"over-long": "k" * 256}


def nested(levels):
    value = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def circle():
    value = {}
    value["self"] = [value]
    return value


METADATA = {
    "list": [1],
    "str": '{"a":1}',
    "pairs": [("a", 1)],
    "set": {"a": {1, 2}},
    "object": {"a": object()},
    "bytes": {"a": b"x"},
    "decimal": {"a": Decimal(1)},
    "datetime": {"a": datetime(2026, 1, 1)},  # noqa: DTZ001 - any datetime is refused
    "bytes key": {b"a": 1},
    "int key": {1: 2},
    "none key": {None: 1},
    "inner int key": {"a": [{1: 2}]},
    "circular": circle(),
    "nan": {"a": float("nan")},
    "inf": {"a": [float("-inf")]},
    "huge int": {"a": HUGE},
    "lone surrogate": {"a": LONE},
    "lone surrogate key": {LONE: 1},
    "too long": {"a": "x" * 4096},
    "too long in bytes": {"a": "🦊" * 1100},
    "too many": {"a": [0] * 5000},
    "too deep": nested(10),
    "far too deep": nested(100_000),
}
INSTANTS = {
    "naive": datetime(2026, 1, 1),  # noqa: DTZ001 - that is what is refused
    "negative": -1,
    "float": 1.5,
    "str": "2026-01-01",
    "true": True,
    "huge": 2**53,
}
LIMITS = {"zero": 0, "negative": -1, "float": 1.5, "whole float": 5.0, "true": True, "many": 1001,
          "str": "5", "none": None, "huge": HUGE}  # fmt: skip


async def walk(credits, user, **bounds):
    return [entry async for entry in credits.iter_transactions(user, **bounds)]


ON_A_USER = {
    "initialize_user": lambda credits, user: credits.initialize_user(user),
    "deduct": lambda credits, user: credits.deduct(user, 1, "chat"),
    "collect": lambda credits, user: credits.collect(user, 1, "chat", idempotency_key="k"),
    "add": lambda credits, user: credits.add(user, 1, "chat"),
    "get_balance": lambda credits, user: credits.get_balance(user),
    "has_credits": lambda credits, user: credits.has_credits(user, 1),
    "get_transactions": lambda credits, user: credits.get_transactions(user),
    "verify_balance": lambda credits, user: credits.verify_balance(user),
    "rebuild_balance": lambda credits, user: credits.rebuild_balance(user),
    "export_account": lambda credits, user: credits.export_account(user),
    "delete_account": lambda credits, user: credits.delete_account(user),
    "iter_transactions": walk,
}


async def refused(credits, user, calls):
    """Check that each call is refused for its arguments, and that the account stays as it is."""
    store = Store(credits)
    await credits.initialize_user(user, 50)
    before = await store.look(user)
    size = await store.run("DBSIZE")
    taken = {}
    for name, call in calls.items():
        with pytest.raises(InvalidRequestError) as refusal:
            taken[name] = await call()
        assert isinstance(refusal.value, ValueError)
        assert len(str(refusal.value)) < 300, name
        assert refusal.value.__cause__ is None, name
    assert await store.look(user) == before
    assert await store.run("DBSIZE") <= size  # what other tests left may end meanwhile


def product(calls, values):
    """Each call with each value: name -> call without arguments."""
    pairs = itertools.product(calls.items(), values.items())
    return {
        f"{c}: {v}": (lambda call=call, value=value: call(value)) for (c, call), (v, value) in pairs
    }


async def test_bad_user_ids(credits, user):
    calls = {
        name: (lambda value, call=call: call(credits, value)) for name, call in ON_A_USER.items()
    }
    await refused(credits, user, product(calls, USER_IDS))


async def test_bad_amounts(credits, user):
    calls = {
        "deduct": lambda value: credits.deduct(user, value, "chat"),
        "deduct with a key": lambda value: credits.deduct(user, value, "x", idempotency_key="k"),
        "collect": lambda value: credits.collect(user, value, "x", idempotency_key="k"),
        "add": lambda value: credits.add(user, value, "chat"),
        "has_credits": lambda value: credits.has_credits(user, value),
    }
    await refused(credits, user, product(calls, AMOUNTS))


async def test_bad_credits_of_a_sign_up(credits, new_user):
    user, other = new_user(), new_user()
    calls = {"sign-up": lambda value: credits.initialize_user(other, value)}
    await refused(credits, user, product(calls, CREDITS))


async def test_bad_actions(credits, user):
    calls = {
        "deduct": lambda value: credits.deduct(user, 1, value),
        "collect": lambda value: credits.collect(user, 1, value, idempotency_key="k"),
        "add": lambda value: credits.add(user, 1, value),
    }
    await refused(credits, user, product(calls, ACTIONS))


async def test_bad_metadata(credits, user):
    calls = {
        "deduct": lambda value: credits.deduct(user, 1, "chat", value),
        "collect": lambda value: credits.collect(user, 1, "x", value, idempotency_key="k"),
        "add": lambda value: credits.add(user, 1, "chat", value),
    }
    await refused(credits, user, product(calls, METADATA))


async def test_bad_idempotency_keys(credits, user):
    calls = {
        "deduct": lambda value: credits.deduct(user, 1, "chat", idempotency_key=value),
        "collect": lambda value: credits.collect(user, 1, "chat", idempotency_key=value),
        "add": lambda value: credits.add(user, 1, "chat", idempotency_key=value),
    }
    await refused(credits, user, product(calls, KEYS))


async def test_bad_limits(credits, user):
    calls = {"history": lambda value: credits.get_transactions(user, limit=value)}
    await refused(credits, user, product(calls, LIMITS))


async def test_bad_instants(credits, user):
    calls = {
        "history from": lambda value: credits.get_transactions(user, start_time=value),
        "history to": lambda value: credits.get_transactions(user, end_time=value),
        "walk from": lambda value: walk(credits, user, start_time=value),
        "walk to": lambda value: walk(credits, user, end_time=value),
    }
    await refused(credits, user, product(calls, INSTANTS))


async def test_what_is_just_good_enough(credits, new_user):
    user = new_user() + "ü" * 100
    user += "x" * (256 - len(user.encode()))
    await credits.initialize_user(user, 0)
    await credits.add(user, 10**15, "a" * 64, nested(8), idempotency_key="k" * 255)
    await credits.deduct(user, 1, "🦊", {"a": "x" * (4096 - len('{"a":""}'))})
    assert len(await credits.get_transactions(user, limit=1000, start_time=0)) == 3
    assert await credits.has_credits(user, 10**15) is False


async def test_whole_numbers_of_other_kinds_are_taken_as_ints(credits, user):
    class Price(int):
        def __str__(self):
            return "a lot"

        __repr__ = __format__ = __str__

    await credits.initialize_user(user, Price(50))
    assert (await credits.deduct(user, Price(8), "chat", {"price": Price(8)})).balance == 42
    (entry, _) = await credits.get_transactions(user, limit=Price(2))
    assert (entry.amount, entry.metadata) == (-8, {"price": 8})
