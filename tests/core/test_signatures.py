"""`Credits` and `AsyncCredits` are twins: names, parameters, results and words."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator

import pytest

from credits_core import AsyncCredits, Credits

TWINS = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
PLAIN = {"users", "iter_transactions"}  # they answer an iterator at once, in both

PUBLIC = sorted(
    name
    for name, member in vars(AsyncCredits).items()
    if callable(getattr(AsyncCredits, name)) and (not name.startswith("_") or name in TWINS)
)


def twin(name):
    return getattr(Credits, TWINS.get(name, name))


def hints(method):
    names = {"Self": typing.Self, "Any": typing.Any}
    names |= {"Iterable": Iterable, "AsyncIterable": AsyncIterable}
    return {name: str(text) for name, text in inspect.get_annotations(method).items()} | names


def as_sync(annotation):
    """An annotation of the async client as the sync one has it."""
    text = str(annotation)
    text = re.sub(r"Iterable\[(\w+)\] \| AsyncIterable\[\1\]", r"Iterable[\1]", text)
    return text.replace("AsyncIterator", "Iterator").replace("AsyncBackend", "Backend")


def test_the_same_methods():
    ours = {TWINS.get(name, name) for name in PUBLIC}
    theirs = {
        name
        for name in vars(Credits)
        if callable(getattr(Credits, name)) and (not name.startswith("_") or name in TWINS.values())
    }
    assert ours == theirs
    assert {"deduct", "add", "initialize_user", "reconcile", "resolve", "close"} <= ours


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


async def test_what_comes_back_corresponds():
    sync, async_ = Credits.from_url("memory://"), AsyncCredits.from_url("memory://")
    arguments = {
        "initialize_user": ("alice", 50),
        "deduct": ("alice", 5, "chat"),
        "add": ("alice", 5, "chat"),
        "get_balance": ("alice",),
        "has_credits": ("alice", 5),
        "get_transactions": ("alice",),
        "verify_balance": ("alice",),
        "rebuild_balance": ("alice",),
        "reconcile": (["alice"],),
        "export_account": ("alice",),
        "delete_account": ("alice",),
    }
    for name, args in arguments.items():
        answer = getattr(async_, name)(*args)
        assert isinstance(answer, Awaitable), name
        assert type(await answer) is type(getattr(sync, name)(*args)), name
    for name, args in {"users": (), "iter_transactions": ("alice",)}.items():
        assert isinstance(getattr(async_, name)(*args), AsyncIterator), name
        assert isinstance(getattr(sync, name)(*args), Iterator), name
