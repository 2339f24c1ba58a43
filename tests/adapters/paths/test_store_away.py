"""The store is away: nothing is served, in bounded time, and nothing is taken for nothing."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from credits_core import BackendUnavailableError, Credits
from credits_core.http.problems import problem
from tests.adapters.paths.books import log, spent, wait_for
from tests.adapters.paths.contract import piece
from tests.adapters.paths.reader import Reader
from tests.adapters.paths.sites import Framework, Site
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

pytestmark = pytest.mark.long

_BOUND = 10
"""Seconds within which every answer comes: far more than 1.5, for loaded machines."""

PATHS = ["/ok", "/stream", "/held", "/metered", "/big", "/priced?seconds=1", "/echo"]


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    with Server(persistent=True) as running:
        yield running


@pytest.fixture(scope="module")
def site(framework: Framework, own: Server) -> Iterator[Site]:
    with Site(framework, own.url) as running:
        yield running


@pytest.fixture
def credits(own: Server) -> Iterator[Credits]:
    with Credits.from_url(own.url, timeout=10) as client:
        yield client


@contextmanager
def killed(own: Server) -> Iterator[None]:
    own.kill()
    try:
        yield
    finally:
        own.start()


@contextmanager
def frozen(own: Server) -> Iterator[None]:
    own.freeze()
    try:
        yield
    finally:
        own.thaw()


def assert_away(response: httpx.Response, site: Site) -> None:
    wanted = problem(BackendUnavailableError("of this store"))
    assert response.status_code == 503
    assert response.content == json.dumps(wanted.body).encode()
    assert response.headers["Retry-After"] == "5"
    assert response.headers["Content-Type"] == wanted.headers["Content-Type"]
    assert "Credits-Cost" not in response.headers


def asked_at_once(site: Site, user: str) -> list[httpx.Response]:
    """The answers of all paths, and of a request with a key; each comes within the bound."""

    def ask(path: str) -> httpx.Response:
        began = time.monotonic()
        response = site.post(path, user, "k") if path == "/echo" else site.get(path, user)
        assert time.monotonic() - began < _BOUND
        return response

    with ThreadPoolExecutor(len(PATHS)) as pool:
        return list(pool.map(ask, PATHS))


@pytest.mark.parametrize("away", [killed, frozen])
def test_nothing_is_served_while_the_store_is_away(
    site: Site, own: Server, credits: Credits, payer: str, away: object
) -> None:
    assert callable(away)
    assert site.get("/ok", payer).status_code == 200
    with away(own):
        for answer in asked_at_once(site, payer):
            assert_away(answer, site)
        assert site.get("/free", payer).status_code == 200
        assert site.get("/exempt", f"staff-{payer}").status_code == 200
    wait_for(lambda: site.get("/ok", payer).status_code == 200)
    # What the frozen store did when it thawed is given back.
    wait_for(lambda: credits.get_account(payer).held == 0 and spent(credits, payer) == 20)
    assert site.post("/echo", payer, "k").status_code in (200, 409)


def test_work_whose_store_goes_away_is_served_and_settled_when_it_is_back(
    site: Site, own: Server, credits: Credits, payer: str
) -> None:
    with Reader(site, "/held-slow?seconds=0.4", payer) as reader:
        wait_for(lambda: credits.get_account(payer).held == 4)
        with killed(own):
            assert b" 200 " in reader.read_until("done").split(b"\r\n")[0]
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 2


def test_a_failure_whose_store_goes_away_is_given_back_when_it_is_back(
    site: Site, own: Server, credits: Credits, payer: str
) -> None:
    with Reader(site, "/stream?pause=0.4", payer) as reader:
        wait_for(lambda: log(credits, payer) != [])
        with killed(own):
            reader.leave()
            time.sleep(0.8)
    wait_for(lambda: spent(credits, payer) == 0)


def test_a_metered_stream_ends_when_what_comes_cannot_be_paid(
    site: Site, own: Server, credits: Credits, payer: str
) -> None:
    with Reader(site, "/metered?pieces=40&pause=0.1", payer) as reader:
        reader.read_until(piece(1))
        with killed(own):
            body = reader.read_until("event: credits").decode()
            assert "credits-unavailable" in reader.read_until("}").decode()
    delivered = body.split("event: credits")[0].count("data: ")
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == delivered
    entries = credits.get_transactions(payer)
    assert delivered <= -sum(one.amount for one in entries if one.kind in ("hold", "extend"))


def test_a_retry_of_what_the_store_refused_is_charged_once(
    site: Site, own: Server, credits: Credits, payer: str
) -> None:
    with frozen(own):
        assert_away(site.post("/echo", payer, "k"), site)
    answers: list[int] = []

    def comes_again() -> bool:
        answers.append(site.post("/echo", payer, "k").status_code)
        return answers[-1] == 200

    wait_for(comes_again)
    assert set(answers) <= {200, 409, 503}
    wait_for(lambda: spent(credits, payer) == 10)
