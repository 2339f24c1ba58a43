"""What admins do by the account API: only with a reason, once, and not for themselves."""

from __future__ import annotations

import json

import pytest

from credits_core import AsyncCredits, BackendUnavailableError, Credits, InvalidRequestError
from credits_core.api import AccountApi
from credits_core.errors import OutcomeUnknownError
from credits_core.http.exchange import Who
from credits_core.http.steps import run
from tests.core.api import ask, asked, route_of

API = AccountApi()
GOOD = {"targetUserId": "alice", "amount": 50, "reason": "a bug ate them"}


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


async def post(credits, name, body, user="root", kind="application/json", **headers):
    request = asked(user, body=body, content_type=kind, **headers)
    return await ask(credits, route_of(API, name), request)


async def log(credits):
    answer = await ask(credits, route_of(API, "history"), asked("alice"))
    return answer.body["transactions"]


def test_only_admins_are_let_in():
    assert {route.name for route in API.routes if route.who is Who.ADMIN} == {"grant", "refund"}


async def test_a_grant_is_in_the_log_with_who_and_why(credits):
    status, headers, body = await post(credits, "grant", GOOD)
    entry = (await log(credits))[0]
    assert body == {
        "success": True,
        "txId": entry["id"],
        "newBalance": 150,
        "amount": 50,
        "targetUserId": "alice",
        "replayed": False,
    }
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert (entry["amount"], entry["action"]) == (50, "admin_grant")
    assert entry["metadata"] == {
        "granted_by": "root",
        "admin_action": True,
        "reason": "a bug ate them",
    }


async def test_a_charge_is_given_back_whole_or_in_part(credits):
    charge = credits.deduct("alice", 30, "video")
    charge = await charge if isinstance(credits, AsyncCredits) else charge
    body = {"targetUserId": "alice", "txId": charge.tx_id, "reason": "blurred"}
    part = await post(credits, "refund", {**body, "amount": 10})
    assert (part.status, part.body["amount"], part.body["newBalance"]) == (200, 10, 80)
    rest = await post(credits, "refund", {**body, "amount": None})
    assert (rest.body["amount"], rest.body["newBalance"]) == (20, 100)
    entry = (await log(credits))[0]
    assert entry["kind"] == "refund"
    assert entry["metadata"] == {"refunded_by": "root", "admin_action": True, "reason": "blurred"}
    more = await post(credits, "refund", {**body, "amount": 1})
    assert (more.status, more.body["rule"]) == (409, "refundable")


async def test_what_is_no_charge_is_not_given_back(credits):
    body = {"targetUserId": "alice", "txId": "tx_1_nothing", "reason": "x"}
    assert (await post(credits, "refund", body)).status == 409


@pytest.mark.parametrize("name", ["grant", "refund"])
async def test_nobody_does_it_to_an_own_account(credits, name):
    body = {**GOOD, "txId": "tx_1_a"}
    answer = await post(credits, name, body, user="alice")
    assert answer.status == 403
    assert len(await log(credits)) == 1


async def test_the_boilerplates_name_of_the_user_does(credits):
    body = {"userId": "alice", "amount": 5, "reason": "x"}
    assert (await post(credits, "grant", body)).body["targetUserId"] == "alice"
    assert (await post(credits, "grant", body, user="alice")).status == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("amount", bad) for bad in (0, -5, True, 1.0, 1.5, "5", None, [], 10**16, 10**400)),
        ("amount", 10_001),
        *(("targetUserId", value) for value in ("", " a", "a\n", 5, None, "x" * 300, ["alice"])),
        *(("reason", value) for value in ("", "  ", "x" * 501, "a\x00b", None, 5)),
    ],
)  # fmt: skip
async def test_a_field_that_is_wrong_is_named(credits, field, value):
    status, headers, body = await post(credits, "grant", {**GOOD, field: value})
    # A number of more digits than any parser takes is no JSON.
    assert status == 422
    assert [error["field"] for error in body["errors"]] == [field]
    assert headers["Content-Type"] == "application/problem+json"
    json.dumps(body)
    assert len(await log(credits)) == 1


@pytest.mark.parametrize("field", ["targetUserId", "amount", "reason"])
async def test_a_field_that_is_missing_is_named(credits, field):
    answer = await post(credits, "grant", {name: GOOD[name] for name in GOOD if name != field})
    assert [error["field"] for error in answer.body["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"amount": NaN', 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b'{"targetUserId": "\\ud800", "amount": 5, "reason": "x"}', 400),
        (b'{"targetUserId": "alice", "amount": NaN, "reason": "x"}', 422),
        (b'{"targetUserId": "alice", "amount": 1e400, "reason": "x"}', 422),
        (b'{"targetUserId": "alice", "amount": ' + b"9" * 50_000 + b', "reason": "x"}', 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"x"', 422),
        (b"0", 422),
        (b" " * 65_537, 413),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(credits, body, status):
    for name in ("grant", "refund"):
        assert (await post(credits, name, body)).status == status
    assert len(await log(credits)) == 1


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x", "json"],
)
async def test_what_a_form_of_another_site_can_send_is_not_read(credits, kind):
    assert (await post(credits, "grant", GOOD, kind=kind)).status == 415
    assert (
        await post(credits, "grant", GOOD, kind="Application/JSON; charset=utf-8")
    ).status == 200


async def test_a_key_grants_once(credits):
    first = await post(credits, "grant", GOOD, idempotency_key="a")
    again = await post(credits, "grant", GOOD, idempotency_key='"a"')
    assert (first.body["replayed"], again.body["replayed"]) == (False, True)
    assert first.body["txId"] == again.body["txId"]
    assert again.body["newBalance"] == 150
    other = await post(credits, "grant", {**GOOD, "amount": 7}, idempotency_key="a")
    assert other.status == 409
    another_admin = await post(credits, "grant", GOOD, user="other root", idempotency_key="a")
    assert another_admin.body["newBalance"] == 200


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\x00b", '""'])
async def test_a_key_that_is_none_is_named(credits, key):
    answer = await post(credits, "grant", GOOD, idempotency_key=key)
    assert (answer.status, answer.body["parameter"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize("cap", [0, -1, True, 1.5, "5", 10**16])
def test_a_cap_that_is_none_is_refused(cap):
    with pytest.raises(InvalidRequestError, match="max_grant"):
        AccountApi(max_grant=cap)


async def test_the_cap_can_be_set(credits):
    route = route_of(AccountApi(max_grant=50), "grant")
    for amount, status in ((50, 200), (51, 422)):
        request = asked("root", body={**GOOD, "amount": amount}, content_type="application/json")
        assert (await ask(credits, route, request)).status == status


class Lossy:
    """A client whose addition is not answered; asked again it says `found`, or fails."""

    def __init__(self, found):
        self.found = found

    def add(self, *args, **kwargs):
        raise OutcomeUnknownError("no answer", None, 1)

    def resolve(self, error):
        assert isinstance(error, OutcomeUnknownError)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def lost(found):
    request = asked("root", body=GOOD, content_type="application/json")
    return run(Lossy(found), route_of(API, "grant").handler(request))


def test_a_lost_answer_is_asked_for_again():
    with Credits.from_url("memory://") as client:
        receipt = client.add("alice", 50, "admin_grant")
    assert lost(receipt).body["txId"] == receipt.tx_id
    nothing = lost(None)
    assert (nothing.status, nothing.headers["Retry-After"]) == (503, "5")
    assert "nothing was done" in nothing.body["detail"]
    unknown = lost(BackendUnavailableError("away"))
    assert unknown.status == 503
    assert unknown.body["type"].endswith("outcome-unknown")
    assert "Idempotency-Key" in unknown.body["detail"]
