"""Clients that leave before the answer, or in its middle."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.adapters.paths.books import GIVEN_BACK, PAID, log, spent, wait_for, wait_for_quiet
from tests.adapters.paths.contract import piece
from tests.adapters.paths.reader import Reader

if TYPE_CHECKING:
    from credits_core import Credits
    from tests.adapters.paths.sites import Site

pytestmark = pytest.mark.long


def test_work_whose_client_left_is_done_and_paid(site: Site, credits: Credits, payer: str) -> None:
    """Nobody can tell an answer that was read from one that was not; Django breaks the work off."""
    with Reader(site, "/slow?seconds=0.3", payer) as reader:
        wait_for(lambda: log(credits, payer) == PAID)
        reader.leave()
    if site.cancels:
        wait_for(lambda: log(credits, payer) == GIVEN_BACK)
    else:
        wait_for_quiet(credits, payer, 0.6)
        assert log(credits, payer) == PAID


def test_a_hold_whose_client_left_is_settled_at_what_the_work_says(
    site: Site, credits: Credits, payer: str
) -> None:
    with Reader(site, "/held-slow?seconds=0.3", payer) as reader:
        wait_for(lambda: credits.get_account(payer).held == 4)
        reader.leave()
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 2


def test_a_stream_whose_client_left_before_the_first_piece_is_given_back(
    site: Site, credits: Credits, payer: str
) -> None:
    with Reader(site, "/stream?pause=0.5", payer) as reader:
        wait_for(lambda: log(credits, payer) == PAID)
        reader.leave()
    wait_for(lambda: log(credits, payer) == GIVEN_BACK)


def test_a_metered_stream_whose_client_left_before_the_first_piece_costs_nothing(
    site: Site, credits: Credits, payer: str
) -> None:
    with Reader(site, "/metered?pause=0.5", payer) as reader:
        wait_for(lambda: credits.get_account(payer).held == 4)
        reader.leave()
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 0


def test_a_stream_that_is_left_in_its_middle_is_paid(
    site: Site, credits: Credits, payer: str
) -> None:
    with Reader(site, "/stream?pieces=100&pause=0.02", payer) as reader:
        reader.read_until(piece(3))
        reader.leave()
    wait_for_quiet(credits, payer)
    assert log(credits, payer) == PAID


def test_a_metered_stream_that_is_left_in_its_middle_costs_what_was_delivered(
    site: Site, credits: Credits, payer: str
) -> None:
    with Reader(site, "/metered?pieces=90&pause=0.03", payer) as reader:
        seen = reader.read_until(piece(8)).count(b"data: ")
        reader.leave()
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert seen <= spent(credits, payer) <= seen + 20


def test_many_clients_that_leave_at_any_moment_leave_nothing_on_hold(
    site: Site, credits: Credits, payer: str
) -> None:
    credits.add(payer, 10_000, "top_up")
    for number in range(20):
        with Reader(site, "/metered?pieces=500&pause=0.005", payer) as reader:
            time.sleep(number / 400)
            reader.leave()
    wait_for_quiet(credits, payer)
    assert -10_000 <= spent(credits, payer) < -9_000
    assert site.get("/ok", payer).status_code == 200
