"""Members, ids, and what replies mean."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core import (
    AccountStateError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    decoding,
    validation,
)
from credits_core.entries import member, new_tx_id, parse, sign_up_member, transaction
from credits_core.models import MAX_AMOUNT, Receipt
from tests.support.typescript import parse_transaction

lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64).filter(
    lambda text: text.strip() == text
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def test_ids_are_unlike_each_other():
    ids = {new_tx_id(1_800_000_000_000) for _ in range(10_000)}
    assert len(ids) == 10_000
    assert all(re.fullmatch(r"tx_1800000000000_[0-9a-f]{16}", found) for found in ids)


@given(st.integers(-MAX_AMOUNT, MAX_AMOUNT), lines)
def test_a_member_is_read_by_both(amount, action):
    text = member("tx_1_a", amount, action, None, 5)
    fields = {"id": "tx_1_a", "amount": amount, "action": action, "timestamp": 5}
    assert parse(text) == parse_transaction(text) == fields
    assert list(parse(text)) == list(fields)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), json_values))
def test_metadata_comes_back_as_it_was_given(metadata):
    try:
        text = validation.metadata(metadata)
    except InvalidRequestError:
        return
    assert json.loads(text) == metadata
    assert "\n" not in text
    read = parse(member("tx_1_a", -1, "chat", text, 5))
    assert transaction(read, 5.5).metadata == metadata


def test_the_bytes_of_a_sign_up():
    assert sign_up_member("tx_1_a", 50, 7) == (
        '{"id":"tx_1_a","amount":50,"action":"user_initialized",'
        '"metadata":{"starting_credits":50},"timestamp":7}'
    )


MALFORMED = [
    *("", "x", "[]", "7", "null", "{}", "[" * 100_000),
    *('{"amount":"5"}', '{"amount":true}', '{"amount":NaN}', '{"amount":1e999}'),
    *('{"amount":-Infinity}', '{"amount":' + "9" * 5000 + "}"),
    *('{"amount":' + "9" * 400 + "}", '{"amount":9007199254740992}', '{"amount":-1e16}'),
]


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: text[:20])
def test_what_is_no_transaction(text):
    assert parse(text) is None
    with pytest.raises(AccountStateError) as refusal:
        decoding.entry(text, "alice")
    assert refusal.value.state == "malformed_entry"
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"amount": 5, "action": "user_initialized"}, "sign_up"),
        ({"amount": 0, "action": "user_initialized"}, "sign_up"),
        ({"amount": 5, "action": "x"}, "add"),
        ({"amount": -5, "action": "x"}, "deduct"),
        ({"amount": -0.5, "action": "x"}, "deduct"),
        ({"amount": 5, "action": "opening_balance", "kind": "opening"}, "opening"),
        ({"amount": 5, "action": "x", "kind": "unheard of"}, "add"),
        ({"amount": 5}, "add"),
    ],
)
def test_kinds(fields, kind):
    found = transaction(fields, 1_800_000_000_000.75)
    assert (found.kind, found.timestamp) == (kind, 1_800_000_000_000)
    assert found.time.tzinfo is not None


def test_what_is_known_of_an_entry_is_told():
    text = member("tx_1_a", 5, "x", None, 1, allowance="pro", period=7, kept=3, payment="pay_1")
    found = transaction(json.loads(text), 1.0)
    assert (found.allowance, found.period, found.kept, found.payment) == ("pro", 7, 3, "pay_1")


@pytest.mark.parametrize("odd", [None, True, 1.5, [], {}, 10**30])
def test_facts_of_another_shape_are_left_out(odd):
    names = ("allowance", "payment", "period", "kept", "expires")
    found = transaction({"amount": 1} | dict.fromkeys(names, odd), 1.0)
    assert (found.allowance, found.payment, found.period) == (None, None, None)
    assert (found.kept, found.expires_at) == (None, None)


@pytest.mark.parametrize("metadata", [None, [], "x", 5, True])
def test_metadata_that_is_no_object_is_left_out(metadata):
    assert transaction({"amount": 1, "metadata": metadata}, 1).metadata is None


@pytest.mark.parametrize("score", ["inf", "-inf", "1e18", "-1e18", "253402300800000"])
def test_an_entry_outside_of_the_calendar_is_malformed(score):
    with pytest.raises(AccountStateError, match="tx_1_a") as refusal:
        decoding.transaction(member("tx_1_a", 5, "chat", None, 1), score, "alice")
    assert refusal.value.state == "malformed_entry"


@pytest.mark.parametrize("text", ['"\\udc00"', '"\udcff"', '["\\uD83D"]', '{"\\udfff":1}'])
def test_a_lone_surrogate_is_replaced(text):
    found = json.dumps(parse(f'{{"amount":1,"metadata":{{"m":{text}}}}}'), ensure_ascii=False)
    assert "\ufffd" in found.encode().decode()


def test_what_only_looks_like_a_lone_surrogate_is_kept():
    found = parse(r'{"amount":1,"action":"\\\\ud83d \ud83d\ude00"}')
    assert found["action"] == "\\\\ud83d \N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("text", "whole"),
    [("100.0", True), ("1e2", True), ("1.5", False), ("9007199254740992", False), ("1e16", False)],
)
def test_the_way_out_is_told_where_a_balance_is_whole(text, whole):
    with pytest.raises(AccountStateError) as refusal:
        decoding.accepted(["state", "9", "fractional", text], user_id="alice")
    assert refusal.value.state == "fractional"
    assert ("rebuild_balance" in str(refusal.value)) is whole


WHOLE = {"0": 0, "-0": 0, "12": 12, "-12": -12, "007": 7, "9007199254740993": 9007199254740993}
FRACTIONS = {"1.5": 1.5, "-1.5": -1.5, "1e3": 1000.0, "1E+3": 1000.0, "10.0": 10.0}
NONE = [
    *("", " 1", "1 ", "+1", "1.", ".5", "1e", "nan", "inf", "0x10", "1_0", "1\n", "\u0661"),
    *("1e999", "9" * 5000, "9" * 400),
]


@pytest.mark.parametrize(
    ("text", "value"),
    (WHOLE | FRACTIONS | dict.fromkeys(NONE)).items(),
    ids=lambda value: str(value)[:12],
)
def test_stored_numbers(text, value):
    found = decoding.number(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "credits"), [("1.9", 1), ("-0.5", -1), ("-3", -3), ("0.99999", 0)]
)
def test_a_fraction_cannot_be_spent(text, credits):
    assert decoding.spendable(text, "alice") == credits


def receipt(*reply):
    return decoding.receipt(list(reply), user_id="alice", tx_id="tx_me", amount=5)


def test_receipts():
    assert receipt("ok", "9.5", "45", "7.75") == Receipt("tx_me", 5, 45, 7)
    record = "deduct 5 a b\ntx_first 7"
    assert receipt("replayed", "9", "45", record) == Receipt("tx_first", 5, 45, 7, replayed=True)
    assert receipt("exists", "9.5", "45") == Receipt("already_initialized", 0, 45, 9, created=False)


def test_refusals():
    with pytest.raises(InsufficientCreditsError) as shortage:
        receipt("insufficient", "9", "3")
    assert (shortage.value.required, shortage.value.available) == (5, 3)
    with pytest.raises(IdempotencyConflictError, match="add 7 x y") as conflict:
        receipt("conflict", "9", "3", "add 7 x y\ntx_first 7")
    assert (conflict.value.tx_id, conflict.value.request) == ("tx_first", "add 7 x y")
    with pytest.raises(LimitExceededError, match="because") as frozen:
        receipt("frozen", "9", "because")
    assert frozen.value.rule == "frozen"
    with pytest.raises(InvalidRequestError, match="amount"):
        receipt("invalid", "9", "amount")
    with pytest.raises(ValueError, match="gibberish"):  # which leaves the outcome unknown
        receipt("gibberish", "9")


@pytest.mark.parametrize("rule", sorted(decoding.refusals._LIMITS))
def test_every_limit_has_words(rule):
    with pytest.raises(LimitExceededError, match="90") as limit:
        receipt("limit", "9", rule, "90")
    assert limit.value.rule == rule
    assert "alice" in str(limit.value)


@pytest.mark.parametrize("state", sorted(decoding.refusals._STATES))
def test_every_state_has_words(state):
    with pytest.raises(AccountStateError) as refusal:
        receipt("state", "9", state, "{detail}")
    assert refusal.value.state == state
    assert "alice" in str(refusal.value)


@pytest.mark.parametrize("side", ["to", "from"])
@pytest.mark.parametrize(("kind", "other"), [("transfer", "bob"), ("merge", "bob"), (None, None)])
def test_a_move_names_the_other_account_and_nothing_else_does(side, kind, other):
    text = member("tx_1_a", 5, "x", None, 1, kind=kind, **{side: "bob"})
    assert transaction(json.loads(text), 1.0).other_user == other
