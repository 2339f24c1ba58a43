"""Notes of a payment: each once, in one order, seen by whoever writes."""

from __future__ import annotations

import pytest

from credits_core import (
    AccountStateError,
    InvalidRequestError,
    LimitExceededError,
    PaymentNote,
    commands,
)
from tests.contract.passing import all_at_once
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores


@pytest.fixture
def payment(user):
    return f"pi_{user}"


async def test_a_note_is_written_once_and_all_are_answered(credits, store, payment):
    assert await credits.note_payment(payment, "a", "1") == (PaymentNote("a", "1"),)
    assert await credits.note_payment(payment, "b", "é\n{}") == (
        PaymentNote("a", "1"),
        PaymentNote("b", "é\n{}"),
    )
    assert await credits.note_payment(payment, "a", "2") == (
        PaymentNote("a", "1"),
        PaymentNote("b", "é\n{}"),
    )
    assert await store.run("PTTL", keys(credits).payment(payment)) == -1


async def test_whoever_writes_sees_all_that_was_written_before(credits, payment):
    seen = await all_at_once(*(credits.note_payment(payment, str(n % 20), "x") for n in range(60)))
    orders = sorted(([note.name for note in notes] for notes in seen), key=len)
    assert set(orders[-1]) == {str(n) for n in range(20)}
    assert all(order == orders[-1][: len(order)] for order in orders)


async def test_a_payment_has_at_most_a_hundred_notes(credits, payment):
    for number in range(100):
        await credits.note_payment(payment, str(number), "")
    with pytest.raises(LimitExceededError, match="100 things") as refused:
        await credits.note_payment(payment, "more", "")
    assert (refused.value.rule, refused.value.limit) == ("max_notes", 100)
    assert len(await credits.note_payment(payment, "7", "")) == 100


async def test_a_late_note_is_not_written(credits, store, payment):
    command = commands.note_payment(keys(credits), payment, "a", "1")
    assert await tell(credits, command, deadline=0) == ["late"]
    assert await store.run("EXISTS", keys(credits).payment(payment)) == 0
    await credits.note_payment(payment, "a", "1")
    assert await tell(credits, command, deadline=0) == [(PaymentNote("a", "1"),)]


async def test_a_key_of_another_type(credits, store, payment):
    await store.run("SET", keys(credits).payment(payment), "mine")
    with pytest.raises(AccountStateError, match="payment key of another Redis type"):
        await credits.note_payment(payment, "a", "1")


@pytest.mark.parametrize(
    ("payment_id", "name", "value"),
    [
        ("", "a", "1"),
        ("x" * 129, "a", "1"),
        ("a\nb", "a", "1"),
        (None, "a", "1"),
        ("pi", "", "1"),
        ("pi", "x" * 256, "1"),
        ("pi", "a", 1),
        ("pi", "a", None),
        ("pi", "a", "x" * 4097),
        ("pi", "a", "\ud800"),
    ],
)
async def test_what_is_no_note(credits, payment_id, name, value):
    with pytest.raises(InvalidRequestError):
        await credits.note_payment(payment_id, name, value)
