"""What callers must not hand in to holds, grants, batches: calls, and values that are none."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from credits_core import Item, Period

HUGE = 10**5000
NAN, INF = math.nan, math.inf
NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001 - that is what is refused
LONE = "x\ud800y"
NUMBERS = {
    "true": True,
    "fraction": 1.5,
    "whole float": 1.0,
    "nan": NAN,
    "inf": INF,
    "decimal": Decimal(5),
    "str": "5",
    "bytes": b"5",
    "list": [5],
    "complex": 5j,
    "huge": HUGE,
    "huge below": -HUGE,
}
NO_NUMBERS = NUMBERS | {"none": None}
AMOUNTS = NO_NUMBERS | {"zero": 0, "negative": -1, "one too many": 10**15 + 1}
AMOUNTS_OR_ZERO = {name: value for name, value in AMOUNTS.items() if name != "zero"}
FLOORS = NO_NUMBERS | {"too high": 10**15 + 1, "too low": -(10**15) - 1}
PRIORITIES = NO_NUMBERS | {"too high": 1001, "too low": -1001}
LINES = {
    "empty": "",
    "blank": " \t ",
    "blank edge": "x ",
    "newline": "a\nb",
    "nul": "a\x00b",
    "lone surrogate": LONE,
    "int": 5,
    "bytes": b"x",
    "list": ["x"],
}
IDS = LINES | {"none": None, "over-long": "x" * 256}
KEYS = LINES | {"over-long": "k" * 256}
USERS = LINES | {"none": None, "over-long": "x" * 257, "over-long in bytes": "ü" * 129}
ACTIONS = LINES | {"none": None, "over-long": "a" * 65, "of a sign-up": "user_initialized"}
METADATA = {"str": "{}", "list": [1], "nan": {"a": NAN}, "object": {"a": object()}, "key": {1: 2}}
DURATIONS = {
    "zero": 0,
    "negative": -1,
    "negative delta": timedelta(seconds=-1),
    "no delta": timedelta(0),
    "below a ms": 0.0005,
    "true": True,
    "nan": NAN,
    "inf": INF,
    "inf below": -INF,
    "str": "60",
    "decimal": Decimal(60),
    "list": [60],
    "huge": HUGE,
    "huge float": 1e300,
    "longest delta": timedelta.max,
}
HOLD_TIMES = DURATIONS | {"over a year": 366 * 86_400 + 1, "long delta": timedelta(days=367)}
INSTANTS = {
    "naive": NAIVE,
    "seconds": 1_900_000_000,
    "zero": 0,
    "negative": -1,
    "float": 1.5e12,
    "true": True,
    "nan": NAN,
    "str": "2030-01-01",
    "delta": timedelta(seconds=5),
    "after the calendar": 253_402_300_800_000,
    "huge": 2**53,
    "far too huge": HUGE,
}
WORDS = {"empty": "", "other": "charge it", "none": None, "true": True, "int": 0, "case": "REFUSE"}
REASONS = LINES | {"over-long": "r" * 256}


class Closet:
    """An archive that nothing comes to."""

    def write(self, entries):
        raise AssertionError(entries)


MONTH = Period.monthly(datetime(2026, 1, 31, tzinfo=UTC))
CALLS = {
    # holds
    "hold: user": (lambda c, v: c.hold(v, 1, "x"), USERS),
    "hold: amount": (lambda c, v: c.hold("alice", v, "x"), AMOUNTS),
    "hold: action": (lambda c, v: c.hold("alice", 1, v), ACTIONS),
    "hold: metadata": (lambda c, v: c.hold("alice", 1, "x", v), METADATA),
    "hold: time": (
        lambda c, v: c.hold("alice", 1, "x", expires_in=v),
        HOLD_TIMES | {"none": None},
    ),
    "hold: key": (lambda c, v: c.hold("alice", 1, "x", idempotency_key=v), KEYS),
    "extend: user": (lambda c, v: c.extend(v, "tx_1_a", 1), USERS),
    "extend: hold": (lambda c, v: c.extend("alice", v, 1), IDS),
    "extend: amount": (lambda c, v: c.extend("alice", "tx_1_a", v), AMOUNTS),
    "extend: time": (lambda c, v: c.extend("alice", "tx_1_a", 1, expires_in=v), HOLD_TIMES),
    "extend: key": (lambda c, v: c.extend("alice", "tx_1_a", 1, idempotency_key=v), KEYS),
    "settle: user": (lambda c, v: c.settle(v, "tx_1_a", 1), USERS),
    "settle: hold": (lambda c, v: c.settle("alice", v, 1), IDS),
    "settle: amount": (
        lambda c, v: c.settle("alice", "tx_1_a", v),
        {name: value for name, value in AMOUNTS_OR_ZERO.items() if name != "none"},
    ),
    "settle: shortfall": (lambda c, v: c.settle("alice", "tx_1_a", 1, shortfall=v), WORDS),
    "settle: if expired": (
        lambda c, v: c.settle("alice", "tx_1_a", 1, if_expired=v),
        WORDS | {"take": "take"},
    ),
    "release: user": (lambda c, v: c.release(v, "tx_1_a"), USERS),
    "release: hold": (lambda c, v: c.release("alice", v), IDS),
    # grants
    "add: time": (lambda c, v: c.add("alice", 1, "x", expires_in=v), DURATIONS),
    "add: instant": (lambda c, v: c.add("alice", 1, "x", expires_at=v), INSTANTS),
    "add: priority": (lambda c, v: c.add("alice", 1, "x", expires_in=60, priority=v), PRIORITIES),
    "add: both": (
        lambda c, v: c.add("alice", 1, "x", expires_in=60, expires_at=v),
        {"ms": 1_900_000_000_000},
    ),
    "add: priority alone": (lambda c, v: c.add("alice", 1, "x", priority=v), {"one": 1}),
    # accounts
    "get_account": (lambda c, v: c.get_account(v), USERS),
    "set_floor: user": (lambda c, v: c.set_floor(v, 1), USERS),
    "set_floor: floor": (lambda c, v: c.set_floor("alice", v), FLOORS),
    "freeze: user": (lambda c, v: c.freeze(v), USERS),
    "freeze: reason": (
        lambda c, v: c.freeze("alice", v),
        {name: value for name, value in REASONS.items() if name != "empty"} | {"none": None},
    ),
    "unfreeze": (lambda c, v: c.unfreeze(v), USERS),
    # what comes back
    "refund: user": (lambda c, v: c.refund(v, "tx_1_a"), USERS),
    "refund: charge": (lambda c, v: c.refund("alice", v), IDS),
    "refund: amount": (
        lambda c, v: c.refund("alice", "tx_1_a", v),
        {name: value for name, value in AMOUNTS.items() if name != "none"},
    ),
    "refund: reason": (lambda c, v: c.refund("alice", "tx_1_a", reason=v), REASONS),
    "refund: key": (lambda c, v: c.refund("alice", "tx_1_a", 1, idempotency_key=v), KEYS),
    "revoke: addition": (
        lambda c, v: c.revoke("alice", v),
        {name: value for name, value in IDS.items() if name != "none"} | {"neither": None},
    ),
    "revoke: key": (lambda c, v: c.revoke("alice", added_with=v), KEYS),
    "revoke: one key for both": (
        lambda c, v: c.revoke("alice", added_with=v, idempotency_key=v),
        {"the same": "pay_1"},
    ),
    "waive: revocation": (lambda c, v: c.waive("alice", v), IDS),
    "revoke: both": (lambda c, v: c.revoke("alice", "tx_1_a", added_with=v), {"key": "pay"}),
    # from account to account
    "transfer: from": (lambda c, v: c.transfer(v, "bob", 1, idempotency_key="k"), USERS),
    "transfer: to": (lambda c, v: c.transfer("alice", v, 1, idempotency_key="k"), USERS),
    "transfer: amount": (lambda c, v: c.transfer("alice", "bob", v, idempotency_key="k"), AMOUNTS),
    "transfer: key": (
        lambda c, v: c.transfer("alice", "bob", 1, idempotency_key=v),
        KEYS | {"none": None},
    ),
    "transfer: itself": (
        lambda c, v: c.transfer("alice", v, 1, idempotency_key="k"),
        {"same": "alice"},
    ),
    "merge: from": (lambda c, v: c.merge_accounts(v, "bob"), USERS),
    "merge: into": (lambda c, v: c.merge_accounts("alice", v), USERS | {"same": "alice"}),
    # allowances
    "allowance: name": (
        lambda c, v: c.grant_allowance("alice", v, 1, MONTH),
        LINES | {"none": None, "over-long": "n" * 65},
    ),
    "allowance: amount": (lambda c, v: c.grant_allowance("alice", "pro", v, MONTH), AMOUNTS),
    "allowance: rollover": (
        lambda c, v: c.grant_allowance("alice", "pro", 1, MONTH, rollover=v),
        NO_NUMBERS | {"negative": -1, "word": "some"},
    ),
    "allowance: priority": (
        lambda c, v: c.grant_allowance("alice", "pro", 1, MONTH, priority=v),
        PRIORITIES,
    ),
    "allowance: period": (
        lambda c, v: c.grant_allowance("alice", "pro", 1, v),
        {"tuple": (MONTH.start, MONTH.end), "none": None, "str": "2026-11", "int": MONTH.start_ms},
    ),
    # folds and lost answers
    "fold: archive": (
        lambda c, v: c.fold("alice", v),
        {"path": "archive.jsonl", "none": None, "no function": type("Closet", (), {"write": 1})()},
    ),
    "fold: age": (
        lambda c, v: c.fold("alice", Closet(), older_than=v),
        DURATIONS | {"too young": 86_400, "none": None},
    ),
    "resolve": (
        lambda c, v: c.resolve(v),
        {"another error": ValueError("x"), "none": None, "id": "tx_1_a"},
    ),
    # many
    "deduct_many: items": (
        lambda c, v: c.deduct_many(v),
        {
            "one": Item("alice", 1, "x"),
            "none": None,
            "int": 5,
            "tuples": [("alice", 1, "x")],
            "dicts": [{"user_id": "alice", "amount": 1, "action": "x"}],
            "dict": {"alice": 1},
            "str": "alice",
            "nones": [Item("alice", 1, "x"), None],
        },
    ),
    "add_many: atomic items": (
        lambda c, v: c.add_many(v, atomic=True),
        {
            "none": None,
            "tuples": [("alice", 1, "x")],
            "nones": [Item("alice", 1, "x"), None],
            "two users": [Item("alice", 1, "x"), Item("bob", 1, "x")],
            "501": [Item("alice", 1, "x")] * 501,
            "key of an item": [Item("alice", 1, "x", idempotency_key="k")],
            "metadata of an item": [Item("alice", 1, "x", {"a": {1}})],
        },
    ),
    "deduct_many: atomic amount": (
        lambda c, v: c.deduct_many([Item("alice", 1, "x"), Item("alice", v, "x")], atomic=True),
        AMOUNTS,
    ),
    "deduct_many: atomic user": (
        lambda c, v: c.deduct_many([Item(v, 1, "x")], atomic=True),
        {name: value for name, value in USERS.items() if name != "list"},
    ),
    "deduct_many: atomic action": (
        lambda c, v: c.deduct_many([Item("alice", 1, v)], atomic=True),
        ACTIONS,
    ),
    "deduct_many: atomic key": (
        lambda c, v: c.deduct_many([Item("alice", 1, "x")], atomic=True, idempotency_key=v),
        KEYS,
    ),
    "add_many: key": (
        lambda c, v: c.add_many([Item("alice", 1, "x")], idempotency_key=v),
        {"any": "k"},
    ),
}
CASES = {
    f"{call}, {name}": (call, value)
    for call, (_, values) in CALLS.items()
    for name, value in values.items()
}
