"""The ways in which people write their endpoints; this module has string annotations."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from credits_core import AsyncCredits
from credits_fastapi import Charge, Paywall
from tests.adapters.paths.books import wait_for
from tests.adapters.test_fastapi_support import client_of

bearer = HTTPBearer()
Token: TypeAlias = Annotated[HTTPAuthorizationCredentials, Security(bearer)]


async def user_of_token(token: Token) -> str:
    if token.credentials == "nobody":
        raise HTTPException(401)
    return token.credentials


def paywall_on_memory(user: object = user_of_token) -> Paywall:
    assert callable(user)
    return Paywall(user, url="memory://", auto_initialize=True, default_credits=100)


paywall = paywall_on_memory()
require_credits = paywall.require_credits
Chat: TypeAlias = Annotated[Charge, Depends(require_credits(10, "chat"))]
Ledger: TypeAlias = Annotated[AsyncCredits, Depends(paywall.client)]
User: TypeAlias = Annotated[str, Depends(user_of_token)]

paid = APIRouter(prefix="/paid", dependencies=[Depends(require_credits(3, "router"))])


@paid.get("/plain")
async def plain() -> str:
    return "plain"


@paid.get("/more")
async def more(chat: Chat) -> int | None:
    return chat.balance


class Assistant:
    """A dependency that is a class and has a charge of its own."""

    def __init__(self, charge: Chat, tone: str = "kind") -> None:
        self.charge = charge
        self.tone = tone


free = APIRouter()


@free.get("/assistant")
async def assistant(assistant: Annotated[Assistant, Depends()]) -> list[object]:
    return [assistant.tone, assistant.charge.balance]


@free.get("/default")
async def by_default(charge: Charge = Depends(require_credits(1, "default"))) -> int:  # noqa: B008
    return charge.amount


@free.get("/balance")
async def balance(user: User, ledger: Ledger) -> int:
    return await ledger.get_balance(user)


def app_with(*routers: APIRouter) -> FastAPI:
    app = FastAPI()
    paywall.install(app)
    for router in routers:
        app.include_router(router)
    return app


AS_ALICE = {"Authorization": "Bearer alice"}


def test_string_annotations_routers_classes_and_defaults() -> None:
    with client_of(app_with(paid, free)) as http:
        http.headers.update(AS_ALICE)
        assert http.get("/paid/plain").json() == "plain"
        assert http.get("/paid/more").json() == 100 - 3 - 3 - 10
        assert http.get("/assistant").json() == ["kind", 74]
        assert http.get("/default").json() == 1
        assert http.get("/balance").json() == 73


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("user_initialized", "request"),
        ("line\nbreak", "request"),
        ("\ud83d", "request"),
        ("  ", "request"),
        (" x" * 40, "x" + " x" * 31),
    ],
)
def test_an_endpoint_may_have_a_name_that_is_no_action(name: str, action: str) -> None:
    async def endpoint(charge: Annotated[Charge, Depends(require_credits(1))]) -> str:
        return charge.action

    endpoint.__annotations__["charge"] = Annotated[Charge, Depends(require_credits(1))]
    app = app_with()
    app.add_api_route("/", endpoint, name=name)
    with client_of(app) as http:
        assert http.get("/", headers=AS_ALICE).json() == action


def test_the_apps_authentication_answers_first() -> None:
    with client_of(app_with(paid)) as http:
        assert http.get("/paid/plain").status_code == 401
        nobody = {"Authorization": "Bearer nobody"}
        assert http.get("/paid/plain", headers=nobody).status_code == 401


def test_the_apps_authentication_is_in_its_description() -> None:
    path = app_with(paid).openapi()["paths"]["/paid/plain"]["get"]
    assert path["security"] == [{"HTTPBearer": []}]
    assert "parameters" not in path


def test_a_request_cannot_say_who_pays_or_how_much() -> None:
    with client_of(app_with(free)) as http:
        http.headers.update(AS_ALICE)
        query = {"user_id": "bob", "user": "bob", "cost": "0", "charge": "0", "action": "x"}
        assert http.get("/default", params=query).json() == 1
        assert http.get("/balance").json() == 99


def test_an_override_of_the_authentication_is_followed() -> None:
    app = app_with(free)
    app.dependency_overrides[user_of_token] = lambda: "bob"
    with client_of(app) as http:
        assert http.get("/default").json() == 1


def test_a_mounted_app_charges_with_the_same_client() -> None:
    app, sub = app_with(), FastAPI()
    paywall.install(sub)
    sub.include_router(free)
    sub.add_api_route("/big", plain, dependencies=[Depends(require_credits(1000))])
    app.mount("/sub", sub)
    with client_of(app) as http:
        http.headers.update(AS_ALICE)
        assert http.get("/sub/default").json() == 1
        refused = http.get("/sub/big")
        assert refused.status_code == 402
        assert refused.headers["content-type"] == "application/problem+json"


def user_is_a_number() -> int:
    return 7


def user_is_missing() -> None:
    return None


@pytest.mark.parametrize("user", [user_is_a_number, user_is_missing])
def test_a_user_that_is_no_id_is_a_mistake_of_the_app(
    user: object, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = paywall_on_memory(user)
    app = FastAPI()
    wrong.install(app)
    app.add_api_route("/", plain, dependencies=[Depends(wrong.require_credits(0))])
    with client_of(app) as http:
        assert http.get("/").status_code == 500
    # The server logs when it has answered.
    wait_for(lambda: "the id of the user as a str" in caplog.text)


def test_a_user_from_a_generator_or_a_sync_function() -> None:
    def from_header(x_user: Annotated[str, Header()]):
        yield x_user

    from_header.__annotations__["x_user"] = Annotated[str, Header()]
    sync = paywall_on_memory(from_header)
    app = FastAPI()
    sync.install(app)
    app.add_api_route("/", plain, dependencies=[Depends(sync.require_credits(101))])
    with client_of(app) as http:
        refused = http.get("/", headers={"X-User": "carol"})
        assert refused.json()["available"] == 100


def test_a_price_above_the_route_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    app, router, gate = FastAPI(), APIRouter(prefix="/r"), paywall_on_memory(lambda: "alice")
    gate.install(app)

    @gate.charges(10)
    @app.get("/wrong")
    async def wrong() -> str:
        return "for nothing"

    @gate.holds(10)
    @router.get("/wrong")
    async def wrong_too() -> str:
        return "for nothing"

    @app.get("/right")
    @gate.charges(10)
    async def right() -> str:
        return "paid"

    app.include_router(router)
    with client_of(app) as http:
        assert [http.get(path).headers.get("Credits-Cost") for path in ("/wrong", "/right")] == [
            None,
            "10",
        ]
    warned = [one.args for one in caplog.records if one.name == "credits_fastapi.unpaid"]
    assert warned == [
        ("/wrong", "wrong"),
        ("/r/wrong", "wrong_too"),
    ]


def test_a_method_and_a_function_with_two_prices_are_paid_and_not_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, gate = FastAPI(), paywall_on_memory(lambda: "alice")
    gate.install(app)

    class Studio:
        async def draw(self) -> str:
            return "drawn"

    async def answer() -> str:
        return "answered"

    app.get("/draw")(gate.charges(1)(Studio().draw))
    app.get("/cheap")(gate.charges(2)(answer))
    app.get("/dear")(gate.charges(3)(answer))
    with client_of(app) as http:
        costs = [http.get(path).headers["Credits-Cost"] for path in ("/draw", "/cheap", "/dear")]
    assert costs == ["1", "2", "3"]
    assert [one for one in caplog.records if one.name == "credits_fastapi.unpaid"] == []


def test_two_decorators_are_two_charges() -> None:
    app, gate = FastAPI(), paywall_on_memory(lambda: "alice")
    gate.install(app)

    @app.get("/both")
    @gate.charges(10)
    @gate.holds(5, "more")
    async def both(charge: Charge) -> str:
        charge.settle(2)
        return charge.action

    with client_of(app) as http:
        answer = http.get("/both")
    assert (answer.json(), answer.headers["Credits-Cost"]) == ("more", "12")
