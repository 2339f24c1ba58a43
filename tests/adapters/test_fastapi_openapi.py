"""The OpenAPI document of an app with paid routes."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from openapi_spec_validator import validate

from credits_fastapi import Charge, Paywall, Priced


def make_app() -> FastAPI:
    app, paywall = FastAPI(), Paywall(lambda: "alice", url="memory://")
    paywall.install(app)
    ten = paywall.require_credits(10, "ten")

    @app.get("/fixed", dependencies=[Depends(ten)])
    async def fixed(charge: Annotated[Charge, Depends(ten)]) -> str:
        return "one"

    @app.post("/two")
    @paywall.holds(20)
    async def two(charge: Annotated[Charge, Depends(ten)]) -> str:
        return "two"

    @app.get("/priced", dependencies=[Depends(paywall.require_credits(Priced("chat_message")))])
    async def priced() -> str:
        return "priced"

    @app.get("/asked", dependencies=[Depends(paywall.require_credits(lambda seconds: seconds))])
    async def asked() -> str:
        return "asked"

    @app.get("/own", dependencies=[Depends(ten)], responses={402: {"description": "Buy more"}})
    async def own() -> str:
        return "own"

    @app.get("/free")
    async def free() -> str:
        return "free"

    router = APIRouter(prefix="/more", dependencies=[Depends(paywall.require_credits(3, "router"))])
    router.get("/{name}")(lambda name: name)
    app.include_router(router, prefix="/v1")
    return app


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_app().openapi()


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)


@pytest.mark.parametrize(
    ("path", "method", "costs"),
    [
        ("/fixed", "get", [("ten", 10, False)]),
        ("/two", "post", [("ten", 10, False), ("two", 20, True)]),
        ("/priced", "get", [("chat_message", 10, False)]),
        ("/asked", "get", [("asked", None, False)]),
        ("/own", "get", [("ten", 10, False)]),
        ("/v1/more/{name}", "get", [("router", 3, False)]),
    ],
)
def test_each_paid_route_tells_what_it_costs(
    document: dict[str, Any], path: str, method: str, costs: list[tuple[str, int | None, bool]]
) -> None:
    operation = document["paths"][path][method]
    told = [(one["action"], one["cost"], one["held"]) for one in operation["x-credits"]]
    assert sorted(told, key=str) == sorted(costs, key=str)
    assert {"402", "503"} <= set(operation["responses"])
    assert set(operation["responses"]["200"]["headers"]) == {"Credits-Cost", "Credits-Remaining"}
    assert "application/problem+json" in operation["responses"]["503"]["content"]


def test_an_answer_that_the_app_describes_stays(document: dict[str, Any]) -> None:
    assert document["paths"]["/own"]["get"]["responses"]["402"] == {"description": "Buy more"}


def test_what_is_free_tells_nothing(document: dict[str, Any]) -> None:
    operation = document["paths"]["/free"]["get"]
    assert "x-credits" not in operation
    assert set(operation["responses"]) == {"200"}


def test_it_is_made_once() -> None:
    app = make_app()
    assert app.openapi() is app.openapi()
