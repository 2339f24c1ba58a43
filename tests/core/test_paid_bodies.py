"""Bodies whose end is the end of what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credits_core import AsyncCredits, BackendUnavailableError, Charge, Credits
from credits_core.charge.terms import hold_terms, price_terms
from credits_core.http.bodies import AsyncPaidBody, PaidBody
from credits_core.http.paid import PaidRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TERMS = price_terms("alice", 10, "story", None)


def paid_by(credits: Credits) -> PaidRequest:
    paid = PaidRequest()
    paid.charges.append(Charge(credits, TERMS).begin())
    return paid


@pytest.fixture
def credits() -> Iterator[Credits]:
    with Credits.from_url("memory://", auto_initialize=True) as client:
        yield client


def breaks() -> Iterator[bytes]:
    yield b"one"
    raise TimeoutError


def test_a_body_that_is_read_is_paid(credits: Credits) -> None:
    ends: list[Any] = []
    body = PaidBody([b"one", b"two"], paid_by(credits), ends.append)
    assert list(body) == [b"one", b"two"]
    body.close()
    assert (ends, credits.get_balance("alice")) == (["served"], 90)


def test_a_body_that_breaks_is_given_back(credits: Credits) -> None:
    body = PaidBody(breaks(), paid_by(credits))
    with pytest.raises(TimeoutError):
        list(body)
    assert credits.get_balance("alice") == 100


@pytest.mark.parametrize(("taken", "balance"), [(0, 100), (1, 100), (2, 90), (3, 90)])
def test_a_body_that_is_left_is_paid_once_its_first_piece_was_sent(
    credits: Credits, taken: int, balance: int
) -> None:
    """A server that asks for the next piece has sent the one before; one that closes may not."""
    body = PaidBody([b"one", b"two", b"three"], paid_by(credits))
    for _ in range(taken):
        next(body)
    body.close()
    assert credits.get_balance("alice") == balance


@pytest.mark.parametrize(("taken", "cost"), [(0, 0), (1, 0), (2, 3), (3, 6)])
def test_a_metered_body_that_is_left_costs_what_was_sent(
    credits: Credits, taken: int, cost: int
) -> None:
    paid = PaidRequest()
    charge = Charge(credits, hold_terms("alice", 5, "story", None)).begin()
    paid.charges.append(charge)
    body = PaidBody(charge.stream([b"one", b"two", b"three"], 3), paid)
    for _ in range(taken):
        next(body)
    body.close()
    assert (charge.cost, credits.get_balance("alice")) == (cost, 100 - cost)
    assert credits.get_account("alice").held == 0


def test_what_was_metered_before_the_first_piece_is_paid_although_that_is_not_sent(
    credits: Credits,
) -> None:
    paid = PaidRequest()
    charge = Charge(credits, hold_terms("alice", 5, "story", None)).begin()
    charge.meter(2)  # what the model read
    paid.charges.append(charge)
    body = PaidBody(charge.stream([b"one", b"two"], 3), paid)
    next(body)
    body.close()
    assert charge.cost == 2


async def test_an_async_body_that_is_left_is_paid_once_its_first_piece_was_sent() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one", b"two", b"three"):
            yield piece

    async with AsyncCredits.from_url("memory://", auto_initialize=True) as credits:
        for taken, balance in ((0, 100), (1, 100), (2, 90)):
            paid = PaidRequest()
            paid.charges.append(await Charge(credits, TERMS).abegin())
            body = AsyncPaidBody(pieces(), paid)
            for _ in range(taken):
                await anext(body)
            await body.aclose()
            assert await credits.get_balance("alice") == balance


def test_a_body_that_nobody_would_pay_is_told_to_have_failed(credits: Credits) -> None:
    class Unwritable(PaidRequest):
        def end(self, *args: Any) -> None:
            raise BackendUnavailableError("the journal cannot be written")

    ends: list[Any] = []
    body = PaidBody([b"one"], Unwritable(), ends.append)
    with pytest.raises(BackendUnavailableError):
        list(body)
    assert ends == ["failed"]
