"""Key names: the two that are shared, ours beside them, and no way from one into another."""

from __future__ import annotations

import fnmatch
import re
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core import Credits, InvalidRequestError, Item, Period, TransactionError
from credits_core.backends.memory import MemoryBackend
from credits_core.keys import KeySpace

PERIOD = Period(1_700_000_000_000, 9_000_000_000_000)
MONEY = re.compile("balance:|txs:|credits:")

names = st.text(st.sampled_from("ab:{}*?[]\\ 0txs"), min_size=1, max_size=12) | st.sampled_from(
    ["balance:x", "txs:x", "credits:due:x", "due:x", "charges:0:x", "0:x", "x:balance:y"]
)


def test_the_names():
    keys = KeySpace()
    assert keys.account("alice") == (
        "balance:alice",
        "txs:alice",
        "credits:state:alice",
        "credits:grants:alice",
        "credits:due:alice",
        "credits:charges:0:alice",
        "credits:charges:1:alice",
        "credits:additions:alice",
    )
    assert KeySpace("app:").account("alice")[0] == "app:balance:alice"
    assert KeySpace("app:", braces=True).account("alice")[1] == "app:txs:{alice}"
    told = "ca7702a7cf5eb2cf7567c3c8015de78a"
    assert keys.payment("pi_1") == "credits:payment:pi_1"
    assert KeySpace("app:", braces=True).payment("pi_1") == "app:credits:payment:{pi_1}"
    assert keys.request("alice", "POST /images", "k") == f"credits:request:{told}:alice"
    assert (
        KeySpace("app:", braces=True).request("alice", "POST /images", "k")
        == f"app:credits:request:{told}:{{alice}}"
    )


@given(names, names)
def test_two_users_share_no_key(one, two):
    keys = KeySpace()
    if one != two:
        assert not set(keys.account(one)) & set(keys.account(two))
    assert len(set(keys.account(one))) == 8


@given(names, names, names, names)
def test_two_requests_share_no_key_and_none_with_an_account(route, key, other_route, other_key):
    keys = KeySpace()
    record = keys.request("alice", route, key)
    if (route, key) != (other_route, other_key):
        assert record != keys.request("alice", other_route, other_key)
    assert record != keys.request("bob", route, key)
    assert record not in keys.account(record.removeprefix("credits:"))


@given(names)
def test_no_key_of_ours_looks_like_one_of_the_shared(name):
    for key in KeySpace().account(name)[2:]:
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


class Braced:
    """A store that keeps an account in one slot, and what it was sent."""

    braces = True

    def __init__(self):
        self._store = MemoryBackend()
        self.calls = []

    def execute(self, calls, timeout):
        self.calls += calls
        return self._store.execute(calls, timeout)

    def close(self):
        self._store.close()


@pytest.fixture
def store():
    return Braced()


@pytest.fixture
def credits(store):
    with Credits(store, prefix="p:", auto_initialize=True) as client:
        yield client


USERS_OF = {
    "initialize_user": lambda c, user: c.initialize_user(user, 5),
    "deduct": lambda c, user: c.deduct(user, 5, "chat"),
    "add": lambda c, user: c.add(user, 5, "chat"),
    "get_balance": lambda c, user: c.get_balance(user),
    "has_credits": lambda c, user: c.has_credits(user, 5),
    "get_transactions": lambda c, user: c.get_transactions(user),
    "iter_transactions": lambda c, user: list(c.iter_transactions(user)),
    "verify_balance": lambda c, user: c.verify_balance(user),
    "rebuild_balance": lambda c, user: c.rebuild_balance(user),
    "export_account": lambda c, user: c.export_account(user),
    "delete_account": lambda c, user: c.delete_account(user),
    "hold": lambda c, user: c.hold(user, 5, "chat"),
    "extend": lambda c, user: c.extend(user, "tx_1_a", 5),
    "settle": lambda c, user: c.settle(user, "tx_1_a", 5),
    "release": lambda c, user: c.release(user, "tx_1_a"),
    "refund": lambda c, user: c.refund(user, "tx_1_a"),
    "revoke": lambda c, user: c.revoke(user, added_with="k"),
    "waive": lambda c, user: c.waive(user, "tx_1_a"),
    "transfer from": lambda c, user: c.transfer(user, "x", 5, idempotency_key="k"),
    "transfer to": lambda c, user: c.transfer("x", user, 5, idempotency_key="k"),
    "merge from": lambda c, user: c.merge_accounts(user, "x"),
    "merge into": lambda c, user: c.merge_accounts("x", user),
    "deduct_many at once": lambda c, user: c.deduct_many([Item(user, 5, "chat")], atomic=True),
    "add_many at once": lambda c, user: c.add_many([Item(user, 5, "chat")], atomic=True),
    "grant_allowance": lambda c, user: c.grant_allowance(user, "pro", 5, PERIOD),
    "get_account": lambda c, user: c.get_account(user),
    "set_floor": lambda c, user: c.set_floor(user, -5),
    "freeze": lambda c, user: c.freeze(user),
    "unfreeze": lambda c, user: c.unfreeze(user),
    "fold": lambda c, user: c.fold(user, SimpleNamespace(write=print)),
    "begin_request": lambda c, user: c.begin_request(user, "r", "k", fingerprint="f"),
    "finish_request": lambda c, user: c.finish_request(user, "r", "k", "owner", "answer"),
    "note_payment": lambda c, user: c.note_payment(user, "n", "v"),
    "abandon_request": lambda c, user: c.abandon_request(user, "r", "k", "owner"),
}


@pytest.mark.parametrize("name", USERS_OF)
@pytest.mark.parametrize("user", ["{", "}", "a{b}c", "{alice}"])
def test_braces_in_a_user_id_are_refused_where_they_would_choose_the_slot(
    credits, store, name, user
):
    with pytest.raises(InvalidRequestError, match="brace"):
        USERS_OF[name](credits, user)
    assert all(call.script is None or not call.keys for call in store.calls), "nothing was sent"


@pytest.mark.parametrize("user", ["{", "}", "a{b}c", "{alice}"])
def test_braces_in_a_user_id_are_taken_where_they_choose_nothing(user):
    with Credits.from_url("memory://") as credits:
        assert credits.initialize_user(user, 5).balance == credits.get_balance(user) == 5


@pytest.mark.parametrize("name", USERS_OF)
def test_a_call_has_the_keys_of_one_account(credits, store, name):
    with suppress(TransactionError):  # there is no hold or charge of that id
        USERS_OF[name](credits, "u")
    keys = KeySpace("p:", braces=True)
    accounts = {
        user: {*keys.account(user), keys.request(user, "r", "k"), keys.payment(user)}
        for user in ("u", "x")
    }
    sent = [call for call in store.calls if call.script and call.keys]
    assert sent
    for call in sent:
        users = [user for user, keys in accounts.items() if set(call.keys) <= keys]
        assert len(users) == 1, call.keys
        assert all(f"{{{users[0]}}}" in key for key in call.keys)
    assert not MONEY.search("".join(call.script.text for call in sent)), "a key made in Lua"
