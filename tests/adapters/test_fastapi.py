"""What an endpoint that costs credits does, behind a real uvicorn on a real server."""

import asyncio
import time
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from credits_core import AsyncCredits, Credits, InsufficientCreditsError
from credits_fastapi import Charge, Paywall, require_credits
from tests.adapters.test_fastapi_support import Served
from tests.support.servers import Server


async def signed_in(request: Request) -> str:
    """The app's own authentication, as far as these tests need one."""
    if "X-User" not in request.headers:
        raise HTTPException(401, "who are you?")
    return request.headers["X-User"]


class Answer(BaseModel):
    number: int


def make_app(url: str) -> FastAPI:
    app, paywall = FastAPI(), Paywall(user=signed_in, url=url, timeout=10)
    paywall.install(app)
    ten = Depends(paywall.require_credits(10, "ten", {"why": "test"}))
    add_work(app, paywall, ten)
    add_work_that_fails(app, ten)
    add_sharing(app, paywall, ten)
    return app


def add_work(app: FastAPI, paywall: Paywall, ten: Any) -> None:
    @app.get("/ok")
    async def ok(charge: Annotated[Charge, ten]) -> dict[str, Any]:
        return {"balance": charge.balance, "amount": charge.amount, "tx_id": charge.id}

    @app.get("/named-by-endpoint")
    async def by_endpoint(
        charge: Annotated[Charge, Depends(paywall.require_credits(1))],
    ) -> str:
        return charge.action

    @app.get("/sync")
    def sync(charge: Annotated[Charge, ten], fail: bool = False) -> int | None:
        if fail:
            raise HTTPException(418)
        return charge.balance

    @app.get("/hidden-cost")
    async def hidden_cost(
        user: Annotated[str, Depends(signed_in)],
        client: Annotated[AsyncCredits, Depends(paywall.client)],
        seconds: int,
    ) -> int | None:
        async with require_credits(
            client, user, 10 * seconds, "video", {"seconds": seconds}
        ) as charge:
            return charge.balance

    @app.get("/free", dependencies=[Depends(paywall.require_credits(0))])
    async def free() -> str:
        return "free"

    @app.get("/big", dependencies=[Depends(paywall.require_credits(1000))])
    async def big() -> str:
        raise AssertionError("served without pay")


def add_work_that_fails(app: FastAPI, ten: Any) -> None:
    @app.get("/refused-by-endpoint", dependencies=[ten])
    async def refused() -> str:
        raise HTTPException(409, "not now")

    @app.get("/broken", dependencies=[ten])
    async def broken() -> str:
        raise KeyError("the endpoint broke")

    @app.get("/wrong-answer", dependencies=[ten], response_model=Answer)
    async def wrong_answer() -> dict[str, Any]:
        return {"number": "none"}

    @app.get("/needs-a-number", dependencies=[ten])
    async def needs_a_number(number: int) -> int:
        return number

    @app.get("/background", dependencies=[ten])
    async def background(tasks: BackgroundTasks) -> str:
        async def fails() -> None:
            raise KeyError("after the answer")

        tasks.add_task(fails)
        return "delivered"

    @app.get("/slow", dependencies=[ten])
    async def slow() -> str:
        await asyncio.sleep(30)
        return "slow"


def add_sharing(app: FastAPI, paywall: Paywall, ten: Any) -> None:
    async def inner(charge: Annotated[Charge, ten]) -> Charge:
        return charge

    @app.get("/shared", dependencies=[ten])
    async def shared(
        charge: Annotated[Charge, ten], same: Annotated[Charge, Depends(inner)]
    ) -> bool:
        return charge is same

    @app.get("/twice")
    async def twice(
        one: Annotated[Charge, ten],
        two: Annotated[Charge, Depends(paywall.require_credits(5, "five"))],
    ) -> list[int]:
        return [one.amount, two.amount]


@pytest.fixture(scope="module")
def served(server: Server) -> Iterator[Served]:
    with Served(make_app(server.url)) as running:
        yield running


def log(credits: Credits, user: str) -> list[tuple[int, str]]:
    """The log after the sign-up, oldest first; it adds up."""
    assert credits.verify_balance(user).valid
    entries = reversed(credits.get_transactions(user))
    return [(int(entry.amount), entry.action) for entry in entries][1:]


def get(served: Served, path: str, user: str) -> Any:
    return served.http.get(path, headers={"X-User": user})


TAKEN_AND_GIVEN_BACK = [(-10, "ten"), (10, "refund")]


def test_an_answer_is_paid(served: Served, credits: Credits, payer: str) -> None:
    response = get(served, "/ok", payer)
    newest = credits.get_transactions(payer)[0]
    assert response.status_code == 200
    assert response.json() == {"balance": 90, "amount": 10, "tx_id": newest.id}
    assert newest.metadata == {"why": "test"}
    assert log(credits, payer) == [(-10, "ten")]


def test_the_action_is_by_default_the_endpoints_name(
    served: Served, credits: Credits, payer: str
) -> None:
    assert get(served, "/named-by-endpoint", payer).json() == "by_endpoint"
    assert log(credits, payer) == [(-1, "by_endpoint")]


def test_a_sync_endpoint_is_paid_and_given_back(
    served: Served, credits: Credits, payer: str
) -> None:
    assert get(served, "/sync", payer).json() == 90
    assert get(served, "/sync?fail=1", payer).status_code == 418
    assert log(credits, payer) == [(-10, "ten"), *TAKEN_AND_GIVEN_BACK]


def test_a_shortage_is_402_with_problem_details(
    served: Served, credits: Credits, payer: str
) -> None:
    response = get(served, "/big", payer)
    assert response.status_code == 402
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:credits-sdk:problem:insufficient-credits",
        "title": "Insufficient credits",
        "status": 402,
        "detail": "This costs 1000 credits and you can spend 100: 900 more are needed.",
        "required": 1000,
        "available": 100,
        "action": "big",
        "rule": "balance",
        "error": "Insufficient credits",
        "message": "This costs 1000 credits and you can spend 100: 900 more are needed.",
    }
    assert log(credits, payer) == []


def test_a_shortage_inside_an_endpoint_is_the_same(
    served: Served, credits: Credits, payer: str
) -> None:
    assert get(served, "/hidden-cost?seconds=3", payer).json() == 70
    response = get(served, "/hidden-cost?seconds=30", payer)
    assert (response.status_code, response.json()["required"]) == (402, 300)
    assert log(credits, payer) == [(-30, "video")]


def test_what_is_free_needs_no_account(served: Served, credits: Credits, user: str) -> None:
    assert get(served, "/free", user).json() == "free"
    assert credits.get_transactions(user) == []


def test_without_a_user_nothing_is_charged(served: Served) -> None:
    assert served.http.get("/ok").status_code == 401
    assert served.http.get("/free").status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/refused-by-endpoint", 409),
        ("/broken", 500),
        ("/wrong-answer", 500),
        ("/needs-a-number?number=x", 422),
    ],
)
def test_work_that_fails_is_given_back_before_the_answer(
    served: Served, credits: Credits, payer: str, path: str, status: int
) -> None:
    assert get(served, path, payer).status_code == status
    assert log(credits, payer) == TAKEN_AND_GIVEN_BACK
    refund, charge = credits.get_transactions(payer)[:2]
    assert (refund.kind, refund.refers_to) == ("refund", charge.id)


def test_a_background_task_that_fails_does_not_refund_what_was_delivered(
    served: Served, credits: Credits, payer: str
) -> None:
    response = get(served, "/background", payer)
    assert (response.status_code, response.json()) == (200, "delivered")
    time.sleep(0.1)
    assert log(credits, payer) == [(-10, "ten")]


def test_a_shared_dependency_charges_once(served: Served, credits: Credits, payer: str) -> None:
    assert get(served, "/shared", payer).json() is True
    assert log(credits, payer) == [(-10, "ten")]


def test_two_dependencies_charge_twice(served: Served, credits: Credits, payer: str) -> None:
    assert get(served, "/twice", payer).json() == [10, 5]
    assert log(credits, payer) == [(-10, "ten"), (-5, "five")]


def test_when_the_second_charge_is_refused_the_first_is_given_back(
    served: Served, credits: Credits, user: str
) -> None:
    credits.initialize_user(user, 12)
    assert get(served, "/twice", user).status_code == 402
    assert log(credits, user) == TAKEN_AND_GIVEN_BACK


@pytest.mark.parametrize("user_id", ["x" * 257, "a\x7fb", "\u00a0", "tab\tinside"])
def test_hostile_user_ids_are_refused_without_an_echo(served: Served, user_id: str) -> None:
    for path in ("/ok", "/free"):
        response = served.http.get(path, headers={"X-User": user_id.encode("latin-1")})
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"
        assert user_id not in response.text


def test_an_odd_user_id_is_a_user_like_any_other(
    served: Served, credits: Credits, user: str
) -> None:
    odd = f"{user} {{}} <b> ' \" * \xe9"
    credits.initialize_user(odd, 100)
    response = served.http.get("/ok", headers={"X-User": odd.encode("latin-1")})
    assert response.json()["balance"] == 90


def test_a_paid_request_is_one_round_trip(server: Server, credits: Credits, payer: str) -> None:
    def scripts() -> int:
        stats: dict[str, Any] = client.info("commandstats")  # type: ignore[assignment]
        return sum(
            stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha")
        )

    with Served(make_app(server.url)) as served, server.client() as client:
        get(served, "/ok", payer)
        before = scripts()
        for _ in range(5):
            assert get(served, "/ok", payer).status_code == 200
        assert scripts() - before == 5


def test_an_app_may_answer_in_its_own_words(server: Server, user: str) -> None:
    app = make_app(server.url)

    @app.exception_handler(InsufficientCreditsError)
    async def own_words(request: Request, error: InsufficientCreditsError) -> Response:
        return JSONResponse({"short": error.required - error.available}, 402)

    with Served(app) as served:
        assert get(served, "/ok", user).json() == {"short": 10}
