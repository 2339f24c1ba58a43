"""`Credits` and `AsyncCredits` are twins: names, parameters, results and words."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from credits_core import (
    AsyncCredits,
    Credits,
    Item,
    OutcomeUnknownError,
    Period,
    PriceBook,
    commands,
)
from credits_core.command import Call
from credits_core.keys import KeySpace

TWINS = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
PLAIN = {"users", "iter_transactions"}  # they answer an iterator at once, in both


def public(client, more):
    """The methods of a client, those of its capabilities included."""
    return sorted(
        name
        for name in dir(client)
        if callable(getattr(client, name)) and (not name.startswith("_") or name in more)
    )


PUBLIC = public(AsyncCredits, TWINS)


def twin(name):
    return getattr(Credits, TWINS.get(name, name))


def as_sync(annotation):
    """An annotation of the async client as the sync one has it."""
    text = str(annotation)
    text = re.sub(r"Iterable\[(\w+)\] \| AsyncIterable\[\1\]", r"Iterable[\1]", text)
    return text.replace("AsyncIterator", "Iterator").replace("AsyncBackend", "Backend")


def test_the_same_methods():
    ours = {TWINS.get(name, name) for name in PUBLIC}
    theirs = set(public(Credits, TWINS.values()))
    assert ours == theirs
    assert {"deduct", "hold", "refund", "transfer", "deduct_many", "fold", "close"} <= ours


@pytest.mark.parametrize("name", [*PUBLIC, "__init__"])
def test_the_same_parameters_and_results(name):
    ours, theirs = inspect.signature(getattr(AsyncCredits, name)), inspect.signature(twin(name))
    assert list(ours.parameters) == list(theirs.parameters)
    for mine, other in zip(ours.parameters.values(), theirs.parameters.values(), strict=True):
        assert (mine.kind, mine.default) == (other.kind, other.default), mine
        assert as_sync(mine.annotation) == str(other.annotation), mine
    assert as_sync(ours.return_annotation) == str(theirs.return_annotation)


@pytest.mark.parametrize("name", [name for name in PUBLIC if not name.startswith("from_")])
def test_one_is_awaited_and_the_other_is_not(name):
    assert inspect.iscoroutinefunction(getattr(AsyncCredits, name)) is (name not in PLAIN)
    assert not inspect.iscoroutinefunction(twin(name))
    assert not inspect.isasyncgenfunction(twin(name))


@pytest.mark.parametrize("name", [name for name in PUBLIC if not name.startswith("__")])
def test_both_say_the_same(name):
    ours, theirs = getattr(AsyncCredits, name), twin(name)
    assert ours.__doc__, name
    first = ours.__doc__.splitlines()[0]
    assert theirs.__doc__.splitlines()[0] == first


class Shelf:
    """An archive in memory."""

    def __init__(self):
        self.kept = []

    def write(self, entries):
        self.kept += entries


class Side:
    """One of the twins, with what its calls brought."""

    def __init__(self, client):
        self.client = client
        self.got = {}
        self.shelf = Shelf()


NOW = datetime.now(UTC)
OLD = '{"id":"tx_1000_a","amount":7,"action":"gift","timestamp":1000}'
CALLS = [
    ("initialize_user", lambda c, _: c.initialize_user("alice", 500)),
    ("deduct", lambda c, _: c.deduct("alice", 5, "chat")),
    ("collect", lambda c, _: c.collect("alice", 5, "chat", idempotency_key="job")),
    ("add", lambda c, _: c.add("alice", 5, "chat")),
    ("get_balance", lambda c, _: c.get_balance("alice")),
    ("has_credits", lambda c, _: c.has_credits("alice", 5)),
    ("hold", lambda c, _: c.hold("alice", 5, "training")),
    ("extend", lambda c, side: c.extend("alice", side.got["hold"].id, 1)),
    ("settle", lambda c, side: c.settle("alice", side.got["hold"].id, 4)),
    ("hold", lambda c, _: c.hold("alice", 5, "training")),
    ("release", lambda c, side: c.release("alice", side.got["hold"].id)),
    ("refund", lambda c, side: c.refund("alice", side.got["deduct"].tx_id)),
    ("revoke", lambda c, side: c.revoke("alice", side.got["add"].tx_id)),
    ("waive", lambda c, side: c.waive("alice", side.got["revoke"].tx_id)),
    ("transfer", lambda c, _: c.transfer("alice", "bob", 5, idempotency_key="gift")),
    ("merge_accounts", lambda c, _: c.merge_accounts("bob", "alice")),
    ("deduct_many", lambda c, _: c.deduct_many([Item("alice", 1, "a"), Item("bob", 9, "b")])),
    ("add_many", lambda c, _: c.add_many([Item("alice", 1, "a")] * 2, atomic=True)),
    (
        "grant_allowance",
        lambda c, _: c.grant_allowance(
            "alice", "pro", 10, Period(NOW - timedelta(days=1), NOW + timedelta(days=1))
        ),
    ),
    ("get_account", lambda c, _: c.get_account("alice")),
    ("set_floor", lambda c, _: c.set_floor("alice", -10)),
    ("freeze", lambda c, _: c.freeze("alice", "a dispute")),
    ("unfreeze", lambda c, _: c.unfreeze("alice")),
    ("begin_request", lambda c, _: c.begin_request("alice", "POST /", "k", fingerprint="f")),
    (
        "finish_request",
        lambda c, side: c.finish_request(
            "alice", "POST /", "k", side.got["begin_request"].owner, "done"
        ),
    ),
    ("note_payment", lambda c, _: c.note_payment("pi_1", "seen", "today")),
    ("abandon_request", lambda c, _: c.abandon_request("alice", "POST /", "k", "nobody")),
    ("fold", lambda c, side: c.fold("carol", side.shelf)),
    ("get_history", lambda c, _: c.get_history("alice", limit=2)),
    ("usage", lambda c, _: c.usage("alice", 3)),
    ("get_transactions", lambda c, _: c.get_transactions("alice")),
    ("reprice", lambda c, _: c.reprice("alice", PriceBook.from_dict({"actions": {"chat": 1}}))),
    ("verify_balance", lambda c, _: c.verify_balance("alice")),
    ("rebuild_balance", lambda c, _: c.rebuild_balance("alice")),
    ("reconcile", lambda c, _: c.reconcile(["alice", "bob", "carol"])),
    ("reconcile_within", lambda c, _: c.reconcile_within(60)),
    (
        "resolve",
        lambda c, _: c.resolve(
            OutcomeUnknownError(
                "lost", commands.initialize(KeySpace(), "zoe", 5, now_ms=1), deadline_ms=1
            )
        ),
    ),
    ("export_account", lambda c, _: c.export_account("alice")),
    ("delete_account", lambda c, _: c.delete_account("alice")),
]


def kinds(answer):
    """The type of an answer, and of what it lists."""
    return type(answer), [type(one) for one in answer] if isinstance(answer, list) else None


async def test_what_comes_back_corresponds():
    calls = (Call(None, (), ("SET", "balance:carol", "7")),
             Call(None, (), ("ZADD", "txs:carol", "1000", OLD)))  # fmt: skip
    with Credits.from_url("memory://") as sync:
        async with AsyncCredits.from_url("memory://") as async_:
            sync._backend.execute(calls, 1.0)
            await async_._backend.execute(calls, 1.0)
            ours, theirs = Side(async_), Side(sync)
            for name, call in CALLS:
                answer = call(ours.client, ours)
                assert isinstance(answer, Awaitable), name
                ours.got[name], theirs.got[name] = await answer, call(theirs.client, theirs)
                assert kinds(ours.got[name]) == kinds(theirs.got[name]), name
            assert [entry.member for entry in ours.shelf.kept] == [OLD]
            assert ours.shelf.kept == theirs.shelf.kept
            assert ours.got["reconcile"].verified == theirs.got["reconcile"].verified == 3
            for name, args in {"users": (), "iter_transactions": ("alice",)}.items():
                assert isinstance(getattr(async_, name)(*args), AsyncIterator), name
                assert isinstance(getattr(sync, name)(*args), Iterator), name


def test_every_method_is_called_here():
    named = {name for name, _ in CALLS} | PLAIN
    assert named == {name for name in PUBLIC if not name.startswith(("_", "from_"))} - {"aclose"}
