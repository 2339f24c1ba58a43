"""The account API's reading routes: what they answer, and how they refuse."""

from __future__ import annotations

import pytest

from credits_core import AsyncCredits, Credits, InvalidRequestError
from credits_core.api import PATHS, AccountApi
from tests.core.api import ask, asked, route_of

API = AccountApi()


@pytest.fixture(params=["async", "sync"])
async def credits(request):
    if request.param == "sync":
        with Credits.from_url("memory://") as client:
            client.initialize_user("alice", 100)
            yield client
    else:
        async with AsyncCredits.from_url("memory://") as client:
            await client.initialize_user("alice", 100)
            yield client


async def test_the_balance_is_that_of_who_is_signed_in(credits):
    status, headers, body = await ask(credits, route_of(API, "balance"), asked("alice"))
    assert (status, body["balance"], body["userId"]) == (200, 100, "alice")
    assert headers["Cache-Control"] == "no-store"
    assert body["timestamp"] > 1_700_000_000_000


@pytest.mark.parametrize("name", sorted({route.name for route in API.routes}))
async def test_nobody_is_refused(credits, name):
    for user in (None, ""):
        answer = await ask(credits, route_of(API, name), asked(user, {"userId": "alice"}))
        assert (answer.status, answer.headers["Cache-Control"]) == (401, "no-store")


async def test_a_user_in_the_query_is_not_looked_at(credits):
    query = {"userId": "alice", "user_id": "alice"}
    body = (await ask(credits, route_of(API, "balance"), asked("bob", query))).body
    assert (body["userId"], body["balance"]) == ("bob", 0)


async def test_the_history_is_json_as_the_typescript_routes_have_it(credits):
    body = (await ask(credits, route_of(API, "history"), asked("alice"))).body
    (entry,) = body.pop("transactions")
    assert body == {"count": 1, "userId": "alice", "nextCursor": None}
    assert entry.pop("id").startswith("tx_")
    assert entry.pop("timestamp") > 1_700_000_000_000
    assert entry == {
        "amount": 100,
        "action": "user_initialized",
        "metadata": {"starting_credits": 100},
        "kind": "sign_up",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("limit", value)
            for value in ("0", "101", "-1", "1.0", "x", "", "١٢", "1_0", "9" * 5000)
        ),
        *(("startTime", value) for value in ("x", "-1", "1e3", "", str(2**53), "2026-01-01")),
        ("endTime", "NaN"),
        *(("cursor", value) for value in ("", "x", "=", "AAAA", "\x00", "é", "A" * 5000)),
    ],
)
async def test_a_wrong_parameter_is_named(credits, name, value):
    status, headers, body = await ask(
        credits, route_of(API, "history"), asked("alice", {name: value})
    )
    assert (status, body["parameter"]) == (400, name)
    assert body["detail"].startswith(f"{name} is ")
    assert headers == {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}


def test_routes_are_moved_left_out_and_given_twice():
    paths = {"balance": ("/me/credits", "/api/credits"), "history": None}
    api = AccountApi(paths=paths)
    assert [(route.name, route.path) for route in api.routes if route.name in paths] == [
        ("balance", "/me/credits"),
        ("balance", "/api/credits"),
    ]
    told = [route.operation["operationId"] for route in api.routes]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        ({"balence": "/x"}, "did you mean 'balance'"),
        ({"zzzzzz": "/x"}, "there are"),
        ({"balance": "x"}, "begins with /"),
        ({"balance": "/a b"}, "begins with /"),
        ({"balance": "/a%20b"}, "begins with /"),
        ({"balance": "/a/<user>"}, "begins with /"),
        ({"balance": 5}, "begins with /"),
        ({"balance": PATHS["history"]}, "two routes"),
    ],
)
def test_paths_that_cannot_be_are_refused(paths, told):
    with pytest.raises(InvalidRequestError, match=told):
        AccountApi(paths=paths)
