"""Sync views behind an ASGI server, whose clients leave: each charge ends, once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.adapters.paths.books import GIVEN_BACK, PAID, log, spent, wait_for
from tests.adapters.paths.contract import piece
from tests.adapters.paths.reader import Reader
from tests.adapters.paths.sites import Framework, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_core import Credits
    from tests.support.servers import Server

COMMAND = ("-m", "uvicorn", "tests.adapters.django.asgi_sync:app", "--log-level", "warning")


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[Site]:
    with Site(Framework("sync views by ASGI", COMMAND), server.url) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "cost"),
    [("/ok", 200, 10), ("/raised-404", 404, 0), ("/broken", 500, 0), ("/held-7", 200, 7)],
)
def test_each_way_out_is_settled(
    site: Site, credits: Credits, payer: str, path: str, status: int, cost: int
) -> None:
    assert site.get(path, payer).status_code == status
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == cost


def test_a_stream_is_collected_by_django_and_metered(
    site: Site, credits: Credits, payer: str
) -> None:
    body = site.get("/metered?pieces=6", payer).text
    assert body.startswith(piece(1) + piece(2))
    assert spent(credits, payer) == 6


def test_a_view_whose_client_left_is_paid_or_given_back(
    site: Site, credits: Credits, payer: str
) -> None:
    with Reader(site, "/slow?seconds=0.3", payer) as reader:
        wait_for(lambda: log(credits, payer) == PAID)
        reader.leave()
    time.sleep(0.8)
    assert log(credits, payer) in (PAID, GIVEN_BACK)
    assert site.get("/ok", payer).status_code == 200


def test_a_hold_whose_client_left_ends(site: Site, credits: Credits, payer: str) -> None:
    with Reader(site, "/held-slow?seconds=2", payer) as reader:
        wait_for(lambda: credits.get_account(payer).held == 4)
        reader.leave()
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 2


def test_a_key_whose_client_left_can_be_used_again(
    site: Site, credits: Credits, payer: str
) -> None:
    path = "/echo?seconds=2"
    with Reader(site, path, payer, method="POST", key="k") as reader:
        wait_for(lambda: log(credits, payer) == PAID)
        reader.leave()
    wait_for(lambda: site.post(path, payer, "k", "").status_code == 200)
    assert spent(credits, payer) == 10
