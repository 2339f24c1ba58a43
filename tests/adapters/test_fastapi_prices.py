"""Endpoints that name an action of a price book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI

from credits_core import Credits, PriceBook, Priced, current_charge
from credits_fastapi import Paywall
from tests.adapters.test_fastapi_support import client_of

if TYPE_CHECKING:
    import pytest

    from tests.support.servers import Server

JUNE = 1_811_808_000  # 2027-06-01, in seconds
BOOK = PriceBook.from_toml("""
[actions]
chat = 10
video = { rate = 2, unit = "second" }
[multipliers.complexity]
low = 1
high = 2
[[versions]]
starts = 2027-06-01
actions.chat = 12
""")


def video_price(seconds: float, complexity: str = "low") -> Priced:
    return BOOK.priced("video", seconds, complexity=complexity)


def make_app(url: str, payer: str) -> FastAPI:
    app, paywall = FastAPI(), Paywall(lambda: payer, url=url, timeout=10)
    paywall.install(app)

    @app.get("/chat")
    @paywall.charges(BOOK.priced("chat"))
    async def chat() -> str:
        return "hello"

    @app.get("/video", dependencies=[Depends(paywall.require_credits(video_price))])
    async def video() -> str:
        return "video"

    @app.get("/job")
    @paywall.holds(video_price)
    async def job(used: float) -> str:
        current_charge().settle(BOOK.priced("video", used))
        return "job"

    return app


def test_a_price_is_that_of_the_book_at_the_time_of_the_request(
    server: Server, credits: Credits, payer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at(seconds: int) -> None:
        monkeypatch.setattr("credits_core.pricing.book.time.time", lambda: seconds)

    costs: list[str] = []
    with client_of(make_app(server.url, payer)) as http:
        for when in (JUNE - 1, JUNE - 1, JUNE):
            at(when)
            costs.append(http.get("/chat").headers["Credits-Cost"])
    assert costs == ["10", "10", "12"]
    entries = credits.get_transactions(payer, limit=3)[::-1]
    assert [told(entry)["version"] for entry in entries] == ["first", "first", "2027-06-01"]
    assert credits.get_balance(payer) == 68


def test_a_request_says_how_much_and_the_log_keeps_it(
    server: Server, credits: Credits, payer: str
) -> None:
    with client_of(make_app(server.url, payer)) as http:
        answer = http.get("/video?seconds=4.5&complexity=high")
        assert answer.headers["Credits-Cost"] == "18"
        assert http.get("/job?seconds=30&used=10.5").status_code == 200
        document = http.get("/openapi.json").json()
    report = credits.reprice(payer, BOOK)
    assert [(one.action, one.quantity, one.charged) for one in report.actions] == [
        ("video", 15, 39)
    ]
    assert report.difference == 0
    (chat,) = document["paths"]["/chat"]["get"]["x-credits"]
    assert (chat["action"], chat["held"]) == ("chat", False)


def told(entry: Any) -> Any:
    return entry.metadata["priced"]
