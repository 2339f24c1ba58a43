"""How an app of FastAPI's mounts the account API: who may ask, and what its document says."""

from collections import Counter
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.responses import PlainTextResponse
from openapi_spec_validator import validate

from credits_core import CreditsError
from credits_core.api import AccountApi
from credits_fastapi import Paywall

SECRET = "a-secret-of-the-tests-and-of-nobody-else"
GRANT = "/api/admin/credits/grant"
BODY = {"targetUserId": "bob", "amount": 5, "reason": "an apology"}


async def signed_in(x_user: Annotated[str | None, Header()] = None) -> str:
    if x_user is None:
        raise HTTPException(401)
    return x_user


def answering(who: Any) -> Any:
    return lambda: who


def make_app(**more: Any) -> FastAPI:
    app = FastAPI()
    paywall = Paywall(signed_in, url="memory://", auto_initialize=True, **more)
    paywall.install(app, api=AccountApi(cron_secret=SECRET))
    return app


async def ask(app: FastAPI, method: str, path: str, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as http,
    ):
        return await http.request(method, path, **more)


async def test_without_an_admin_of_the_apps_own_nobody_is_one() -> None:
    response = await ask(make_app(), "POST", GRANT, json=BODY, headers={"X-User": "root"})
    assert (response.status_code, response.json()["type"]) == (
        403,
        "urn:credits-sdk:problem:not-an-admin",
    )


@pytest.mark.parametrize("nobody", [None, ""])
async def test_an_admin_who_is_nobody_is_refused(nobody: Any) -> None:
    response = await ask(make_app(admin=answering(nobody)), "POST", GRANT, json=BODY)
    assert response.status_code == 403


@pytest.mark.parametrize("wrong", [True, 7, b"root"])
async def test_an_admin_who_is_no_id_is_a_mistake_of_the_app(wrong: Any) -> None:
    response = await ask(make_app(admin=answering(wrong)), "POST", GRANT, json=BODY)
    assert response.status_code == 500


async def test_the_answer_of_the_app_to_who_is_no_admin_stays() -> None:
    async def admin(user: Annotated[str, Depends(signed_in)]) -> str:
        if user != "root":
            raise HTTPException(403, "not you")
        return user

    app = make_app(admin=admin)
    refused = await ask(app, "POST", GRANT, json=BODY, headers={"X-User": "bob"})
    assert (refused.status_code, refused.json()) == (403, {"detail": "not you"})
    granted = await ask(app, "POST", GRANT, json=BODY, headers={"X-User": "root"})
    assert granted.json()["newBalance"] == 105


async def test_errors_are_answered_as_documented_whatever_else_the_app_says_to_them() -> None:
    app = make_app()
    app.add_exception_handler(CreditsError, lambda *_: PlainTextResponse("no", 418))
    response = await ask(app, "GET", "/api/credits/balance", headers={"X-User": "x" * 300})
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"


async def test_as_a_router_it_is_where_the_app_puts_it() -> None:
    app = FastAPI()
    paywall = Paywall(signed_in, url="memory://", auto_initialize=True)
    paywall.install(app)
    app.include_router(paywall.api_router(AccountApi()), prefix="/v1", tags=["mine"])
    response = await ask(app, "GET", "/v1/api/credits/balance", headers={"X-User": "alice"})
    assert response.json()["balance"] == 100
    assert app.openapi()["paths"]["/v1/api/credits/balance"]["get"]["tags"] == ["mine", "Credits"]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_app(admin=signed_in).openapi()


def test_the_document_is_valid_and_has_every_route(document: dict[str, Any]) -> None:
    validate(document)
    told = {(method, path) for path, item in document["paths"].items() for method in item}
    routes = AccountApi(cron_secret=SECRET).routes
    assert told == {(route.method.lower(), route.path) for route in routes}
    assert document["components"]["securitySchemes"].keys() == {"cronSecret"}


def test_each_operation_is_told_once_and_as_the_core_tells_it(document: dict[str, Any]) -> None:
    for route in AccountApi(cron_secret=SECRET).routes:
        found, wanted = document["paths"][route.path][route.method.lower()], route.operation
        for key in wanted.keys() - {"parameters", "responses"}:
            assert found[key] == wanted[key], (route.name, key)
        names = Counter((one["name"], one["in"]) for one in found.get("parameters", ()))
        assert set(names.values()) <= {1}
        told = {(one["name"], one["in"]) for one in wanted.get("parameters", ())}
        # Beside ours is what the app's own dependency asks for.
        assert names.keys() - told <= {("x-user", "header")}
        assert wanted["responses"]["200"] == found["responses"]["200"]
        assert wanted["responses"].keys() == found["responses"].keys() - {"422"} | (
            {"422"} & wanted["responses"].keys()
        )


def test_who_asks_for_no_parameters_gets_no_default_of_theirs() -> None:
    app = FastAPI()
    Paywall(answering("alice"), url="memory://").install(app, api=AccountApi())
    assert "422" not in app.openapi()["paths"]["/api/credits/balance"]["get"]["responses"]
    assert "HTTPValidationError" not in str(app.openapi())
