"""docs/examples/flask behind gunicorn: accounts of its own, four workers, one ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.docs.examples import ROOT
from tests.docs.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Server

EXAMPLE = ROOT / "docs" / "examples" / "flask" / "app.py"


@pytest.fixture
def address(server: Server) -> Iterator[str]:
    folder = Folder({"CREDITS_URL": server.url, "SECRET_KEY": "of these tests"})
    try:
        folder.write("app.py", EXAMPLE.read_text())
        folder.serve(["gunicorn", "--preload", "--workers", "4", "app:create_app()"])
        yield folder.address
    finally:
        folder.close()


def browser(address: str) -> httpx.Client:
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(base_url=address, trust_env=False, timeout=15, limits=limits)


@pytest.fixture
def http(address: str, user: str) -> Iterator[httpx.Client]:
    """Signed up, and so signed in."""
    with browser(address) as client:
        form = {"name": user, "password": "hush"}
        assert client.post("/account/sign-up", data=form).json() == {"balance": 100}
        yield client


def balance(http: httpx.Client) -> int:
    found: int = http.get("/account/").json()["balance"]
    return found


def test_who_is_signed_in_pays_and_nobody_else(address: str, http: httpx.Client, user: str) -> None:
    assert http.post("/chat", data={"text": "Hello"}).json()["left"] == 90
    assert http.post("/chat", data={"text": "crash"}).status_code == 502
    with browser(address) as other:
        assert other.post("/chat", data={"text": "Hello"}).status_code == 401
        wrong = {"name": user, "password": "wrong"}
        assert other.post("/account/login", data=wrong).status_code == 401
        assert other.post("/account/login", data={**wrong, "password": "hush"}).json() == {
            "balance": 90
        }
        assert other.post("/account/sign-up", data=wrong).status_code == 409
    assert balance(http) == 90


def test_a_shortage_sells_and_a_payment_counts_once(http: httpx.Client, user: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(http.post, "/chat", data={"text": "Hi"}) for _ in range(16)]
    answers = [call.result() for call in calls]
    refused = [answer.json() for answer in answers if answer.status_code == 402]
    assert refused == 6 * [{"missing": 10, "buy": "/account/payments"}]
    payment = {"id": f"pay-{user}", "user": user, "credits": 500}
    again = [http.post("/account/payments", json=payment).json()["again"] for _ in range(3)]
    assert again == [False, True, True]
    assert balance(http) == 500


def test_a_story_costs_its_words(http: httpx.Client) -> None:
    assert '"cost": 9, "remaining": 91' in http.get("/story?words=9").text
    assert balance(http) == 91
