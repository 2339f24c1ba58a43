"""Views of every style that cost credits, by WSGI and by ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from django.template import engines
from django.test import RequestFactory, override_settings
from django.test.client import AsyncClient

from credits_core import PriceBook
from credits_django import RequestCredits
from tests.adapters.django.asking import GIVEN_BACK, amounts, asked, body_of
from tests.adapters.django.project import MIDDLEWARE

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import Client

    from credits_core import Credits

STYLES = {
    "function": "function",
    "afunction": "afunction",
    "dispatched": "Dispatched",
    "adispatched": "ADispatched",
    "method": "Method",
    "direct": "Direct",
    "adirect": "ADirect",
    "mixed": "Mixed",
    "amixed": "AMixed",
}


@pytest.fixture(params=["wsgi", "asgi"])
def side(request: pytest.FixtureRequest, http: Client, ahttp: AsyncClient) -> Any:
    return http if request.param == "wsgi" else ahttp


async def get(side: Any, path: str) -> Any:
    """As a server of its kind asks: of sync code in a thread that has no loop."""
    if isinstance(side, AsyncClient):
        return await asked(side, path)
    return await sync_to_async(side.get, thread_sensitive=False)(path)


@pytest.mark.parametrize(("path", "action"), STYLES.items())
async def test_each_style_is_paid(
    side: Any, credits: Credits, payer: str, path: str, action: str
) -> None:
    response = await get(side, f"/{path}")
    assert response.json() == {"balance": 90, "action": action, "status": "done"}
    assert (response["Credits-Cost"], response["Credits-Remaining"]) == ("10", "90")
    assert amounts(credits, payer) == [-10]


@pytest.mark.parametrize("path", STYLES)
async def test_each_style_gives_back_what_it_answers_as_a_failure(
    side: Any, credits: Credits, payer: str, path: str
) -> None:
    response = await get(side, f"/{path}?status=409")
    assert (response.status_code, response["Credits-Cost"]) == (409, "0")
    assert amounts(credits, payer) == GIVEN_BACK


@pytest.mark.parametrize("path", ["function", "afunction"])
@pytest.mark.parametrize(("error", "status"), [("404", 404), ("KeyError", 500)])
async def test_what_is_raised_is_given_back(
    side: Any, credits: Credits, payer: str, path: str, error: str, status: int
) -> None:
    assert (await get(side, f"/{path}?raise={error}")).status_code == status
    assert amounts(credits, payer) == GIVEN_BACK


async def test_a_method_that_is_not_paid_or_not_there_is_free(
    http: Client, credits: Credits, payer: str
) -> None:
    def ask() -> list[int]:
        return [
            http.post("/method").status_code,
            http.post("/mixed").status_code,
            http.options("/mixed").status_code,
        ]

    assert await sync_to_async(ask, thread_sensitive=False)() == [200, 405, 200]
    assert amounts(credits, payer) == []


async def test_the_price_is_that_of_the_setting_or_of_the_request(
    side: Any, credits: Credits, payer: str, change: Callable[..., Any]
) -> None:
    with change(PRICES={"drawing": 7}):
        drawn = await get(side, "/priced?size=big")
    assert drawn.json()["action"] == "drawing"
    assert credits.get_transactions(payer)[0].metadata == {"size": "big"}
    book = PriceBook.from_dict({"actions": {"drawing": 9}})
    with change(PRICES=book):
        assert (await get(side, "/priced?size=xl"))["Credits-Cost"] == "9"
    kept = {"size": "xl", **(book.quote("drawing").metadata or {})}
    assert credits.get_transactions(payer)[0].metadata == kept
    assert (await get(side, "/apriced?seconds=4"))["Credits-Cost"] == "8"
    assert (await get(side, "/apriced?seconds=4&free"))["Credits-Cost"] == "0"
    assert amounts(credits, payer) == [-7, -9, -8]


async def test_a_template_tells_the_balance_and_is_part_of_the_work(
    side: Any, credits: Credits, payer: str
) -> None:
    response = await get(side, "/rendered")
    assert response.content == b"90 90 True"
    assert (await get(side, "/rendered?fail")).status_code == 500
    assert amounts(credits, payer) == [-10, *GIVEN_BACK]


async def test_a_template_without_a_charge_asks_for_the_balance(side: Any, payer: str) -> None:
    assert (await get(side, "/unpaid")).content == b"100,100"


def test_a_request_without_a_charge_says_so_in_python_and_nothing_in_a_template() -> None:
    state = RequestCredits(RequestFactory().get("/"))
    with pytest.raises(RuntimeError, match="no charge"):
        _ = state.charge
    template = engines["django"].from_string("{{ credits.charge.amount }}.")
    assert template.render({"credits": state}) == "."


def test_a_template_for_nobody_tells_nothing(http: Client) -> None:
    http.defaults.pop("HTTP_X_USER")
    assert http.get("/unpaid", headers={"X-User": None}).content in (b",None", b",")


async def test_metered_streams_are_settled_by_their_pieces(
    side: Any, credits: Credits, payer: str
) -> None:
    path = "/ametered" if isinstance(side, AsyncClient) else "/metered"
    response = await get(side, path)
    assert "Credits-Cost" not in response
    body = await body_of(response)
    assert body.startswith(b"onetwothree")
    assert b'"remaining": 97' in body
    assert sum(amounts(credits, payer)) == -3


async def test_a_sync_stream_of_an_async_view_is_paid(
    ahttp: AsyncClient, credits: Credits, payer: str
) -> None:
    response = await asked(ahttp, "/sync-stream")
    assert response["Credits-Remaining"] == "90"
    with pytest.warns(Warning, match="must consume synchronous iterators"):
        assert [piece async for piece in response] == [b"one", b"two", b"three"]
    assert amounts(credits, payer) == [-10]


def test_an_async_stream_by_wsgi_is_paid_by_its_pieces(
    http: Client, credits: Credits, payer: str
) -> None:
    response: Any = http.get("/ametered")
    with pytest.warns(Warning, match="must consume asynchronous iterators"):
        body = b"".join(iter(response))
    assert body.startswith(b"onetwothree")
    response.close()
    assert sum(amounts(credits, payer)) == -3


def test_a_stream_that_is_closed_before_it_begins_is_given_back(
    http: Client, credits: Credits, payer: str
) -> None:
    for path in ("/metered", "/ametered"):
        http.get(path).close()
        assert sum(amounts(credits, payer)) == 0


async def test_an_async_stream_that_is_closed_in_a_thread_ends_on_its_loop(
    ahttp: AsyncClient, credits: Credits, payer: str
) -> None:
    response = await asked(ahttp, "/ametered")
    pieces = aiter(response)
    assert [await anext(pieces), await anext(pieces)] == [b"one", b"two"]
    await sync_to_async(response.close)()
    await pieces.aclose()
    assert sum(amounts(credits, payer)) == -1  # who hangs up has not taken the last


async def test_work_inside_draws_on_the_charge_of_the_view(
    side: Any, credits: Credits, payer: str
) -> None:
    assert (await get(side, "/nested")).status_code == 200
    assert sum(amounts(credits, payer)) == -9


async def test_a_charge_by_hand_ends_with_its_block(
    http: Client, ahttp: AsyncClient, credits: Credits, payer: str
) -> None:
    for side in (http, ahttp):
        assert (await get(side, "/aby-hand")).json()["balance"] == credits.get_balance(payer)
        assert (await get(side, "/by-hand")).json()["balance"] == credits.get_balance(payer)
        assert (await get(side, "/by-hand?fail")).status_code == 500
    assert amounts(credits, payer) == [-3, -3, -3, 3] * 2


async def test_a_shortage_is_402(side: Any, credits: Credits, payer: str) -> None:
    response = await get(side, "/big")
    assert (response.status_code, response.json()["required"]) == (402, 1000)
    assert response["Content-Type"] == "application/problem+json"
    assert amounts(credits, payer) == []


class SyncOnly:
    """A middleware of an app, which knows no async."""

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response

    def __call__(self, request: Any) -> Any:
        return self._get_response(request)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("path", ["function", "afunction", "adispatched"])
async def test_a_sync_middleware_around_or_inside_changes_nothing(
    ahttp: AsyncClient, credits: Credits, payer: str, place: int, path: str
) -> None:
    names = [*MIDDLEWARE]
    names.insert(place, "tests.adapters.django.test_views.SyncOnly")
    with override_settings(MIDDLEWARE=names):
        assert (await asked(ahttp, f"/{path}")).json()["balance"] == 90
        assert (await asked(ahttp, f"/{path}?status=500")).status_code == 500
        response = await asked(ahttp, "/ametered")
        assert (await body_of(response)).startswith(b"onetwothree")
    assert sum(amounts(credits, payer)) == -13


def test_without_the_middleware_nothing_is_charged(
    http: Client, credits: Credits, payer: str
) -> None:
    http.raise_request_exception = True
    with (
        override_settings(MIDDLEWARE=MIDDLEWARE[1:]),
        pytest.raises(RuntimeError, match="CreditsMiddleware"),
    ):
        http.get("/function")
    assert amounts(credits, payer) == []


def test_twice_in_the_list_it_settles_once(http: Client, credits: Credits, payer: str) -> None:
    with override_settings(MIDDLEWARE=[MIDDLEWARE[0], *MIDDLEWARE]):
        assert http.get("/function")["Credits-Cost"] == "10"
    assert amounts(credits, payer) == [-10]


def test_what_is_a_failure_is_for_the_app_to_say(
    http: Client, credits: Credits, payer: str, change: Callable[..., Any]
) -> None:
    with change(FAILS_ON=lambda status: status >= 500):
        assert http.get("/function?status=404")["Credits-Cost"] == "10"
        assert http.get("/function?status=500")["Credits-Cost"] == "0"
    assert amounts(credits, payer) == [-10, *GIVEN_BACK]


@pytest.mark.parametrize("path", ["nested-stream", "anested-stream"])
async def test_work_inside_a_stream_draws_on_the_charge_of_the_view(
    side: Any, credits: Credits, payer: str, path: str
) -> None:
    response = await get(side, f"/{path}")
    if response.is_async:
        await body_of(response)
    else:
        await sync_to_async(lambda: b"".join(response), thread_sensitive=False)()
    await sync_to_async(response.close, thread_sensitive=False)()
    assert sum(amounts(credits, payer)) == -6
    assert {one.action for one in credits.get_transactions(payer)} == {"user_initialized", "story"}


@pytest.mark.parametrize("path", ["dispatched", "adispatched"])
async def test_options_is_free(side: Any, credits: Credits, payer: str, path: str) -> None:
    if isinstance(side, AsyncClient):
        response = await side.options(f"/{path}")
    else:
        response = await sync_to_async(side.options, thread_sensitive=False)(f"/{path}")
    assert response.status_code == 200
    assert amounts(credits, payer) == []
