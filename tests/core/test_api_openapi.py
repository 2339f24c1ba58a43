"""What the account API says of itself is what it does."""

from __future__ import annotations

import jsonschema
import openapi_spec_validator
import pytest

from credits_core import Credits, InvalidRequestError
from credits_core.api import PATHS, AccountApi, openapi
from credits_core.http.exchange import Route, Who, answer
from tests.core.api import ask, asked, route_of

SECRET = "a-secret-of-thirty-two-characters"
API = AccountApi(
    paths={
        "balance": ("/api/credits/balance", "/api/credits"),
        "grant": ("/grant", "/api/credits"),
    },
    cron_secret=SECRET,
)
BODY = {"content_type": "application/json"}
GOOD = {"targetUserId": "alice", "amount": 5, "reason": "x"}


def test_the_document_is_valid_and_has_every_route():
    document = openapi(API.routes)
    openapi_spec_validator.validate(document)
    found = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert found == {(route.method, route.path) for route in API.routes}
    assert "cronSecret" in document["components"]["securitySchemes"]
    assert set(PATHS) <= {route.name for route in API.routes}


def test_a_document_without_the_cron_job_names_no_secret():
    document = openapi(AccountApi(paths={"reconcile": None}).routes)
    openapi_spec_validator.validate(document)
    assert "components" not in document


REQUESTS = [
    ("balance", asked("alice")),
    ("balance", asked()),
    ("history", asked("alice")),
    ("history", asked("alice", {"limit": "1"})),
    ("history", asked("alice", {"cursor": "x"})),
    ("usage", asked("alice")),
    ("usage", asked("alice", {"days": "91"})),
    ("account", asked("alice")),
    ("account", asked("bob")),
    ("grant", asked("root", body=GOOD, **BODY)),
    ("grant", asked("root", body=GOOD)),
    ("grant", asked("alice", body=GOOD, **BODY)),
    ("grant", asked("root", body={}, **BODY)),
    ("grant", asked("root", body=b"{", **BODY)),
    ("grant", asked("root", body=b" " * 70_000, **BODY)),
    ("refund", asked("root", body={**GOOD, "txId": "tx_1_a"}, **BODY)),
    ("refund", asked("root", body={**GOOD, "txId": 5}, **BODY)),
    ("reconcile", asked(authorization=f"Bearer {SECRET}")),
    ("reconcile", asked()),
]
STATUSES = {"GET": {200, 503}, "POST": {200, 413, 503}}
"""What any route of a method may answer, unless it needs no store."""


@pytest.fixture(scope="module")
def client():
    with Credits.from_url("memory://") as client:
        client.initialize_user("alice", 100)
        client.add("alice", 10, "promotion", expires_in=60)
        client.hold("alice", 5, "video")
        client.deduct("alice", 3, "chat", {"model": "small"})
        yield client


@pytest.mark.parametrize(("name", "request_"), REQUESTS)
async def test_an_answer_is_one_that_is_told(client, name, request_):
    route = route_of(API, name)
    status, headers, body = await ask(client, route, request_)
    told = route.operation["responses"][str(status)]["content"]
    jsonschema.Draft202012Validator(told[headers["Content-Type"]]["schema"]).validate(body)


def test_what_any_route_may_answer_is_told():
    for route in API.routes:
        told = {int(status) for status in route.operation["responses"]}
        assert told >= STATUSES[route.method], (route.method, route.name)


@pytest.mark.parametrize(
    "parts",
    [{"packages": {"starter": {}}}, {"checkout": "stripe"}, {"webhooks": ["clerk"]}],
    ids=str,
)
def test_what_has_no_routes_of_its_own_is_refused(parts):
    with pytest.raises(InvalidRequestError, match=f"^{next(iter(parts))} takes what has routes"):
        AccountApi(**parts)


def test_other_parts_bring_routes_that_are_moved_by_their_names():
    def handler(asked):
        yield lambda _: None
        return answer({})

    def part(name):
        return Route(name, "GET", f"/{name}", Who.ANYBODY, handler)

    class Several:
        routes = (part("packages"), part("shelf"))

    class Hook:
        route = part("stripe")

    api = AccountApi(packages=Several, webhooks=[Hook()], paths={"stripe": "/hooks/stripe"})
    assert [route.path for route in api.routes][-3:] == ["/packages", "/shelf", "/hooks/stripe"]
