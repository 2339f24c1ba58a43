"""What follows from what was told of a payment: a pure function, whatever the order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core import InvalidRequestError, PaymentNote
from credits_core.payments.plan import paid_of, steps_of
from credits_core.payments.told import Linked, Paid, Restored, Returned, note_of, read_notes

PAID = Paid("pi_1", "alice", "pro", 500, 3999, "USD")


def refund(number, amount, **more):
    return Returned("pi_1", f"re_{number}", amount, "USD", **more)


def taken(paid, *told):
    """What is taken in the end, of an account whose credits were not spent."""
    taken, restored = {}, 0
    for step in steps_of(paid, told):
        if step.credits > 0:
            taken[step.return_id] = step.credits
        else:
            restored += step.given(taken, restored)
    return sum(taken.values()) - restored


@pytest.mark.parametrize(
    ("told", "credits"),
    [
        ([refund(1, 3999)], 500),
        ([refund(1, None)], 500),
        ([refund(1, 0)], 0),
        ([refund(1, 1)], 0),
        ([refund(1, 8)], 1),
        ([refund(1, 2000)], 250),
        ([refund(1, 2000), refund(2, 1999)], 500),
        ([refund(1, 2000), refund(2, 2000), refund(3, 5000)], 500),
        ([refund(1, 100), Returned("pi_1", "re_2", 100, "EUR")], 500),
        ([refund(1, 2000), refund("1:2000", 2000, so_far=True)], 250),
        ([refund("1:1000", 1000, so_far=True), refund("1:2000", 2000, so_far=True)], 250),
        ([refund(1, 2000), refund(2, 3999, reason="dispute")], 500),
        ([refund(1, 3999, reason="dispute"), Restored("pi_1", "re_1")], 0),
        ([Restored("pi_1", "re_1"), refund(1, 3999, reason="dispute")], 0),
        ([refund(1, None, reason="dispute"), refund(2, 2000), Restored("pi_1", "re_1")], 250),
        ([refund(1, 2000), refund("1:2000", 2000, so_far=True), Restored("pi_1", "re_1")], 0),
    ],
)
def test_the_share_of_the_money_is_taken(told, credits):
    assert taken(PAID, *told) == credits


def test_what_was_paid_is_not_told_or_nothing():
    for amount in (None, 0):
        paid = Paid("pi_1", "alice", "pro", 500, amount, "USD")
        assert taken(paid, refund(1, 10)) == 500


RETURNS = st.lists(
    st.tuples(st.integers(0, 4000), st.sampled_from(["refund", "dispute"])), max_size=4
)


@st.composite
def stories(draw):
    """What may be told of one payment, in any order, and what lasted of it."""
    told, lasting = [], 0
    for number, (amount, reason) in enumerate(draw(RETURNS)):
        told.append(refund(number, amount, reason=reason))
        if draw(st.booleans()):
            told.append(Restored("pi_1", f"re_{number}"))
        else:
            lasting += amount
    return draw(st.permutations(told)), lasting


@given(stories(), st.integers(1, 10**6), st.integers(1, 10**4))
def test_the_order_does_not_matter(story, credits, amount):
    told, money = story
    paid = Paid("pi_1", "alice", "pro", credits, amount, "USD")
    assert taken(paid, *told) == (credits if money >= amount else credits * money // amount)


@given(stories(), st.data())
def test_nobody_gets_back_more_than_was_taken(story, data):
    got, restored = {}, 0
    for step in steps_of(PAID, story[0]):
        if step.credits > 0:
            got[step.return_id] = data.draw(st.integers(0, step.credits))
        else:
            given_back = step.given(got, restored)
            assert 0 <= given_back <= sum(got.values()) - restored
            restored += given_back


def test_a_return_told_later_changes_no_step_before_it():
    told = [refund(1, 700), refund(2, 1300), Restored("pi_1", "re_1"), refund(3, 50)]
    steps = steps_of(PAID, told)
    for end in range(len(told)):
        assert steps_of(PAID, told[:end]) == steps[:end]


@pytest.mark.parametrize(
    "told",
    [
        PAID,
        Paid("p", "é\n", "x", 1, None, None, "sub_1", (1, 2), 7),
        refund(1, 5, so_far=True),
        Returned("p", "ch_1:500", None, None, "dispute"),
        Restored("p", "du_1"),
        Linked("p", "in_1"),
    ],
)
def test_what_is_noted_is_read_as_it_was_told(told):
    note = PaymentNote(*note_of(told))
    assert read_notes(told.payment_id, [PaymentNote("mine", "?"), note]) == [told]


def test_the_payment_is_what_was_told_first():
    assert paid_of([refund(1, 5), PAID]) is PAID
    assert paid_of([refund(1, 5)]) is None


@pytest.mark.parametrize("return_id", ["", "x" * 97, "a\nb", None])
def test_a_return_has_an_id(return_id):
    for kind in (Returned, Restored):
        with pytest.raises(InvalidRequestError, match="return_id"):
            kind("pi_1", return_id)


@pytest.mark.parametrize("amount", [-1, True, 1.0, "5", 10**16])
def test_what_is_no_amount_of_money(amount):
    with pytest.raises(InvalidRequestError, match="amount"):
        refund(1, amount)
