"""Django REST framework and Django Ninja, the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings
from django.test.client import Client
from ninja import NinjaAPI
from ninja.testing import TestClient
from rest_framework.settings import api_settings

from credits_core import InsufficientCreditsError
from credits_django import ninja
from tests.adapters.django.asking import GIVEN_BACK, amounts, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test.client import AsyncClient

    from credits_core import Credits

PROBLEM = "application/problem+json"


@pytest.fixture(params=["own handler", "ours"])
def _handler(request: pytest.FixtureRequest) -> Iterator[None]:
    """With REST framework's own handler of errors, and with ours."""
    ours = {"EXCEPTION_HANDLER": "credits_django.rest.exception_handler"}
    with override_settings(REST_FRAMEWORK=ours if request.param == "ours" else {}):
        api_settings.reload()
        yield
    api_settings.reload()


@pytest.mark.usefixtures("_handler")
def test_rest_framework_is_paid_and_given_back(http: Client, credits: Credits, payer: str) -> None:
    assert http.get("/rest/function").json() == {"balance": 90}
    assert http.get("/rest/function?raise=404").status_code == 404
    assert http.get("/rest/function?raise=KeyError").status_code == 500
    assert amounts(credits, payer) == [-10, *GIVEN_BACK, *GIVEN_BACK]


@pytest.mark.usefixtures("_handler")
def test_rest_framework_answers_a_shortage_as_problem_details(http: Client) -> None:
    response = http.get("/rest/big")
    assert (response.status_code, response["Content-Type"]) == (402, PROBLEM)
    assert response.json()["required"] == 1000


@pytest.mark.parametrize(("path", "action"), [("view", "RestView"), ("mixed", "RestMixed")])
def test_an_api_view_is_paid_by_its_method_or_by_the_mixin(
    http: Client, credits: Credits, payer: str, path: str, action: str
) -> None:
    assert http.get(f"/rest/{path}").json() == {"action": action}
    assert http.options(f"/rest/{path}").status_code == 200
    assert http.delete(f"/rest/{path}").status_code == 405
    assert amounts(credits, payer) == [-10]


def test_nobody_gets_401_or_what_rest_framework_says() -> None:
    nobody = Client()
    statuses = [
        nobody.get(f"/{path}").status_code
        for path in ("function", "afunction", "rest/view", "rest/mixed", "rest/permitted?needed=1")
    ]
    assert statuses == [401, 401, 401, 403, 403]


@pytest.mark.parametrize("path", ["function", "afunction", "rest/view", "ninja/async?size=1"])
def test_nobody_is_told_as_the_account_api_tells_it(path: str) -> None:
    answer = Client().get(f"/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer.json()["type"] == "urn:credits-sdk:problem:not-signed-in"


@pytest.mark.usefixtures("_handler")
def test_a_permission_asks_whether_somebody_could_pay(
    http: Client, credits: Credits, payer: str
) -> None:
    assert http.get("/rest/permitted?needed=100").json() == {"permitted": True}
    refused = http.get("/rest/permitted?needed=101")
    assert (refused.status_code, refused.json()["available"]) == (402, 100)
    assert amounts(credits, payer) == []


def test_ninja_is_paid_and_given_back(http: Client, credits: Credits, payer: str) -> None:
    assert http.get("/ninja/sync?size=3").json() == {"size": 3, "balance": 90}
    assert http.get("/ninja/sync?size=404").status_code == 404
    assert http.get("/ninja/sync?size=500").status_code == 500
    assert http.get("/ninja/async?size=5").json() == {"size": 5, "balance": 85}
    assert amounts(credits, payer) == [-10, *GIVEN_BACK, *GIVEN_BACK, -5]
    assert credits.get_transactions(payer)[0].action == "ninja_async"


async def test_ninja_by_asgi(ahttp: AsyncClient, credits: Credits, payer: str) -> None:
    assert (await asked(ahttp, "/ninja/async?size=5")).json() == {"size": 5, "balance": 95}
    refused = await asked(ahttp, "/ninja/async?size=500")
    assert (refused.status_code, refused["Content-Type"]) == (402, PROBLEM)
    assert amounts(credits, payer) == [-5]


@override_settings(DEBUG=True)
def test_ninja_answers_errors_of_credits_in_debugging_too() -> None:
    api = NinjaAPI(urls_namespace="debugging")
    ninja.install(api)

    @api.get("/")
    def refused(request: Any) -> None:
        raise InsufficientCreditsError(10, 4)

    response: Any = TestClient(api).get("/")
    assert (response.status_code, response["Content-Type"]) == (402, PROBLEM)
    assert response.json()["required"] == 10
