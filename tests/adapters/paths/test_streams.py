"""Streams: they end, break, run out of credits, or are left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.adapters.paths.books import GIVEN_BACK, PAID, log, spent, wait_for
from tests.adapters.paths.contract import TOP_UP_URL, piece
from tests.adapters.paths.reader import Reader

if TYPE_CHECKING:
    from credits_core import Credits
    from tests.adapters.paths.sites import Site


def pieces(count: int) -> str:
    return "".join(piece(number) for number in range(1, count + 1))


def final_event(cost: int, remaining: int) -> str:
    return f"event: credits\ndata: {json.dumps({'cost': cost, 'remaining': remaining})}\n\n"


def read(site: Site, path: str, user: str) -> tuple[str, bool]:
    """As much of the body as comes, and whether it broke off."""
    seen = ""
    try:
        with site.http.stream("GET", path, headers={"X-User": user}) as response:
            assert response.status_code == 200
            for text in response.iter_text():
                seen += text
    except httpx.RemoteProtocolError:
        return seen, True
    return seen, False


def test_a_whole_stream_is_paid_and_tells_the_price_at_its_beginning(
    site: Site, credits: Credits, payer: str
) -> None:
    with Reader(site, "/stream?pieces=2&pause=0.3", payer) as reader:
        head = reader.read_until("\r\n\r\n").lower()
        assert b"credits-cost: 10\r\n" in head
        assert b"credits-remaining: 90\r\n" in head
        reader.read_until(piece(2))
    assert log(credits, payer) == PAID


def test_a_stream_that_breaks_at_once_is_given_back(
    site: Site, credits: Credits, payer: str
) -> None:
    assert read(site, "/stream-breaks?pieces=0", payer) == ("", True)
    wait_for(lambda: log(credits, payer) == GIVEN_BACK)


@pytest.mark.parametrize("count", [1, 3])
def test_a_stream_that_breaks_later_is_given_back_too(
    site: Site, credits: Credits, payer: str, count: int
) -> None:
    assert read(site, f"/stream-breaks?pieces={count}", payer) == (pieces(count), True)
    wait_for(lambda: log(credits, payer) == GIVEN_BACK)


@pytest.mark.parametrize("count", [1, 4, 5, 30])
def test_a_metered_stream_costs_its_pieces_and_says_so_at_the_end(
    site: Site, credits: Credits, payer: str, count: int
) -> None:
    body, broken = read(site, f"/metered?pieces={count}", payer)
    assert (body, broken) == (pieces(count) + final_event(count, 100 - count), False)
    assert spent(credits, payer) == count


def test_a_metered_stream_without_a_piece_costs_nothing(
    site: Site, credits: Credits, payer: str
) -> None:
    body, _ = read(site, "/metered?pieces=0", payer)
    assert body == final_event(spent(credits, payer), credits.get_balance(payer))


def test_a_metered_stream_has_no_headers_of_a_cost_that_nobody_knows_yet(
    site: Site, payer: str
) -> None:
    response = site.get("/metered", payer)
    assert "Credits-Cost" not in response.headers
    assert "Credits-Remaining" not in response.headers
    assert response.headers["Content-Type"].startswith("text/event-stream")


def test_when_the_credits_run_out_the_stream_ends_with_the_reason(
    site: Site, credits: Credits, user: str
) -> None:
    credits.initialize_user(user, 7)
    body, broken = read(site, "/metered?pieces=20", user)
    assert not broken
    assert body.startswith(pieces(7) + "event: credits\ndata: ")
    event = json.loads(body.removeprefix(pieces(7)).split("data: ")[1])
    assert (event["cost"], event["remaining"]) == (7, 0)
    assert event["problem"]["type"] == "urn:credits-sdk:problem:insufficient-credits"
    assert (event["problem"]["required"], event["problem"]["available"]) == (1, 0)
    assert event["problem"]["action"] == "held"
    assert spent(credits, user) == 7


def test_the_last_event_says_where_to_top_up(site: Site, credits: Credits, user: str) -> None:
    credits.initialize_user(user, 4)
    assert TOP_UP_URL in read(site, "/metered?pieces=9", user)[0]


def test_who_cannot_pay_the_estimate_gets_no_stream(
    site: Site, credits: Credits, user: str
) -> None:
    credits.initialize_user(user, 3)
    response = site.get("/metered", user)
    assert (response.status_code, response.json()["required"]) == (402, 4)
    assert log(credits, user) == []


def test_a_metered_stream_that_breaks_costs_the_pieces_that_came(
    site: Site, credits: Credits, payer: str
) -> None:
    assert read(site, "/metered-breaks?pieces=6", payer) == (pieces(6), True)
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 6


def test_a_metered_stream_that_breaks_at_once_costs_nothing(
    site: Site, credits: Credits, payer: str
) -> None:
    assert read(site, "/metered-breaks?pieces=0", payer) == ("", True)
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 0


@pytest.mark.parametrize("path", ["/stream", "/metered"])
def test_the_head_of_a_stream_costs_nothing_for_nothing_of_it_is_sent(
    site: Site, credits: Credits, payer: str, path: str
) -> None:
    head = site.http.head(f"{path}?pieces=3&pause=5", headers={"X-User": payer})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"].startswith("text/event-stream")
    assert head.headers["Credits-Cost"] == "0"
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 0


def test_the_head_of_an_answer_in_one_piece_is_paid(
    site: Site, credits: Credits, payer: str
) -> None:
    head = site.http.head("/ok", headers={"X-User": payer})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Credits-Cost"] == "10"
    assert log(credits, payer) == PAID
