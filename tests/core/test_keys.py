"""Key names: the two that are shared, ours beside them, and no way from one into another."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core import InvalidRequestError, commands, cursors
from credits_core.commands import SignUp
from credits_core.keys import KeySpace
from credits_core.plans.verify import rebuild, verify

names = st.text(st.sampled_from("ab:{}*?[]\\ 0txs"), min_size=1, max_size=12) | st.sampled_from(
    ["balance:x", "txs:x", "credits:state:x", "state:x", "charges:0:x", "0:x", "x:balance:y"]
)


def test_the_names():
    keys = KeySpace()
    assert keys.everything("alice") == (
        "balance:alice",
        "txs:alice",
        "credits:state:alice",
        "credits:charges:0:alice",
        "credits:charges:1:alice",
        "credits:additions:alice",
    )
    assert KeySpace("app:").account("alice")[0] == "app:balance:alice"
    assert KeySpace("app:", braces=True).account("alice")[1] == "app:txs:{alice}"


@given(names, names)
def test_two_users_share_no_key(one, two):
    keys = KeySpace()
    if one != two:
        assert not set(keys.everything(one)) & set(keys.everything(two))
    assert len(set(keys.everything(one))) == 6


@given(names)
def test_no_key_of_ours_looks_like_one_of_the_shared(name):
    for key in KeySpace().everything(name)[2:]:
        assert not key.startswith(("balance:", "txs:"))


@given(names, st.booleans())
def test_a_key_names_its_user(name, braces):
    keys = KeySpace("app:", braces=braces)
    for key in keys.account(name)[:2]:
        assert keys.user_of(key) == name


def test_a_key_of_another_scheme_names_nobody():
    assert KeySpace(braces=True).user_of("balance:alice") is None
    assert KeySpace(braces=True).user_of("txs:{alice}:more") is None


@pytest.mark.parametrize("prefix", ["", "app:", "a*b:", "a?[b]:", "a\\b:", "[", "{x}"])
def test_the_patterns_find_the_keys_of_the_prefix_alone(prefix):
    keys = KeySpace(prefix)
    pattern = keys.balance_pattern()
    # fnmatch knows no backslash: an escaped sign is a class of one.
    for sign in "*?[":
        pattern = pattern.replace(f"\\{sign}", f"[{sign}]")
    pattern = pattern.replace("\\]", "]").replace("\\\\", "\\")
    assert fnmatch.fnmatchcase(keys.account("alice")[0], pattern)
    assert not fnmatch.fnmatchcase(keys.account("alice")[1], pattern)
    assert not fnmatch.fnmatchcase("x" + keys.account("alice")[0], pattern)


@pytest.mark.parametrize("user", ["{", "}", "a{b}c", "{alice}"])
def test_braces_in_a_user_id_are_refused_where_they_would_choose_the_slot(user):
    keys, now = KeySpace(braces=True), 1
    entry = {"idempotency_key": None, "sign_up": SignUp(), "now_ms": now}
    attempts = [
        lambda: commands.initialize(keys, user, 5, now_ms=now),
        lambda: commands.deduct(keys, user, 5, "chat", None, **entry),
        lambda: commands.add(keys, user, 5, "chat", None, **entry),
        lambda: commands.balance(keys, user, sign_up=SignUp(), now_ms=now),
        lambda: commands.stored_balance(keys, user),
        lambda: commands.delete(keys, user),
        lambda: cursors.LogCursor(keys, user),
        lambda: next(verify(keys, user)),
        lambda: next(rebuild(keys, user)),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidRequestError, match="brace"):
            attempt()
    commands.balance(KeySpace(), user, sign_up=SignUp(), now_ms=now)


def test_every_key_that_a_call_touches_is_declared_and_of_its_account():
    keys = KeySpace("p:", braces=True)
    entry = {"idempotency_key": "k", "sign_up": SignUp(30), "now_ms": 1}
    for command in (
        commands.initialize(keys, "u", 5, now_ms=1),
        commands.deduct(keys, "u", 5, "chat", None, **entry),
        commands.add(keys, "u", 5, "chat", None, **entry),
        commands.delete(keys, "u"),
    ):
        assert set(command.call.keys) <= set(keys.everything("u"))
        assert all("{u}" in key for key in command.call.keys)
        if command.witness:
            assert command.witness.keys == command.call.keys
