"""Requests with a key whose worker dies, or stands still: taken over once the lease has passed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.adapters.paths.books import PAID, log, spent, wait_for
from tests.adapters.paths.contract import piece
from tests.adapters.paths.reader import Reader
from tests.adapters.paths.sites import Framework, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from credits_core import Credits
    from tests.support.servers import Server

pytestmark = pytest.mark.long

LEASE = 1.0


@pytest.fixture
def mortal(framework: Framework, server: Server) -> Iterator[Site]:
    with Site(framework, server.url, lease=LEASE) as running:
        yield running


@pytest.fixture(scope="module")
def other(framework: Framework, server: Server) -> Iterator[Site]:
    """Another worker of the same app."""
    with Site(framework, server.url, lease=LEASE) as running:
        yield running


def asked_until_served(site: Site, path: str, user: str) -> list[httpx.Response]:
    answers = [site.post(path, user, "k", "")]
    while answers[-1].status_code == 409:
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
        assert len(answers) < 200
        time.sleep(0.05)
        answers.append(site.post(path, user, "k", ""))
    return answers


def test_work_of_a_worker_that_was_killed_is_done_again_and_charged_once(
    mortal: Site, other: Site, credits: Credits, payer: str
) -> None:
    path = "/echo?seconds=0.7"
    with Reader(mortal, path, payer, method="POST", key="k"):
        wait_for(lambda: log(credits, payer) == PAID)
        mortal.kill()
    blocked, *_, served = asked_until_served(other, path, payer)
    assert (blocked.status_code, served.status_code) == (409, 200)
    assert "Idempotency-Replayed" not in served.headers
    assert served.headers["Credits-Cost"] == "10"
    assert log(credits, payer) == PAID
    again = other.post(path, payer, "k", "")
    assert again.headers["X-Answer"] == served.headers["X-Answer"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert log(credits, payer) == PAID


def test_a_stream_of_a_worker_that_was_killed_is_served_whole_and_charged_once(
    mortal: Site, other: Site, credits: Credits, payer: str
) -> None:
    path = "/echo-stream?pieces=5&pause=0.1"
    with Reader(mortal, path, payer, method="POST", key="k") as reader:
        reader.read_until(piece(2))
        mortal.kill()
    *_, served = asked_until_served(other, path, payer)
    assert served.text == "".join(map(piece, range(1, 6)))
    assert log(credits, payer) == PAID


def test_a_lease_is_renewed_for_as_long_as_the_work_takes(
    other: Site, credits: Credits, payer: str
) -> None:
    path = f"/echo?seconds={2.5 * LEASE}"
    with Reader(other, path, payer, method="POST", key="k"):
        wait_for(lambda: log(credits, payer) == PAID)
        began, blocked_for = time.monotonic(), 0.0
        while (served := other.post(path, payer, "k", "")).status_code == 409:
            blocked_for = time.monotonic() - began
            time.sleep(0.05)
    assert blocked_for > LEASE
    assert served.headers["Idempotency-Replayed"] == "true"
    assert log(credits, payer) == PAID


def test_a_worker_that_stood_still_for_longer_than_its_lease_is_charged_once_too(
    mortal: Site, other: Site, credits: Credits, payer: str
) -> None:
    path = "/echo?seconds=0.3"
    with Reader(mortal, path, payer, method="POST", key="k") as reader:
        wait_for(lambda: log(credits, payer) == PAID)
        mortal.freeze()
        *_, served = asked_until_served(other, path, payer)
        mortal.thaw()
        assert b" 200 " in reader.read_until("echo")
    # It had been taken over: the answer that is kept is that of the one who took it.
    again = other.post(path, payer, "k", "")
    assert again.headers["X-Answer"] == served.headers["X-Answer"]
    assert spent(credits, payer) == 10
