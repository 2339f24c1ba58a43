"""REST: which answers say that nothing was executed, and what a hostile one cannot do."""

from __future__ import annotations

import json

import httpx
import pytest
import upstash_redis
import upstash_redis.asyncio

from credits_core import (
    AsyncCredits,
    BackendUnavailableError,
    Credits,
    OutcomeUnknownError,
    Receipt,
)
from credits_core.backends.upstash import (
    AsyncUpstashClientBackend,
    UpstashBackend,
    UpstashClientBackend,
    client_failure,
    outcomes_of,
)
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import SCRIPTS, TOKEN, attempt, read_ledger, ready


@pytest.fixture
async def credits(gateway, opened, sync, user):
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(gateway.url, token=TOKEN, timeout=0.5)
    credits = opened(AsyncFace(client) if sync else client)
    await ready(credits, user)
    return credits


def executed(code: int, body: object) -> str:
    (failure,) = outcomes_of(httpx.Response(code, content=json.dumps(body)), 1)
    return failure.executed


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 429])
def test_statuses_with_which_upstash_refuses(code):
    assert executed(code, {"error": "no"}) == "no"


@pytest.mark.parametrize("code", [307, 402, 405, 408, 409, 421, 425, 499, 500, 502, 503, 504])
def test_other_statuses_leave_it_open(code):
    assert executed(code, {"error": "NOPERM says the gateway"}) == "unknown"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NOSCRIPT No matching script", "no"),
        ("LOADING the dataset", "no"),
        ("NOPERM this user has no permissions", "no"),
        ("WRONGPASS invalid or missing auth token", "no"),
        ("ERR max requests limit exceeded. Limit: 10000", "no"),
        ("ERR max daily request limit exceeded", "no"),
        ("ERR upstream timeout", "unknown"),
        ("ERR NOPERM in a script", "unknown"),
        ("EOF", "unknown"),
        ("DEADLINE exceeded", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_code_of_an_error_tells(text, expected):
    assert executed(200, [{"error": text}]) == expected
    error = type("UpstashError", (Exception,), {})(text)
    assert client_failure(error).executed == expected


@pytest.mark.parametrize("code", [408, 499])
async def test_a_gateway_that_gives_up_after_the_charge(credits, gateway, store, user, code):
    gateway.status(code, '{"error":"timeout"}', execute=True, times=2, matching=SCRIPTS)
    error = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(error, OutcomeUnknownError)
    assert read_ledger(store, user).of("charge") == [(error.tx_id, -10)]


@pytest.mark.parametrize("code", [500, 502])
async def test_a_gateway_before_a_client_of_the_apps_own(gateway, store, sync, user, code):
    if sync:
        http = upstash_redis.Redis(gateway.url, TOKEN, rest_retries=0)
        credits = AsyncFace(Credits(UpstashClientBackend(http), timeout=0.5))
    else:
        http = upstash_redis.asyncio.Redis(gateway.url, TOKEN, rest_retries=0)
        credits = AsyncCredits(AsyncUpstashClientBackend(http), timeout=0.5)
    await ready(credits, user)
    body = '{"error":"ERR upstream timeout"}' if code == 500 else '{"error":"EOF"}'
    gateway.status(code, body, execute=True, times=2, matching=SCRIPTS)
    error = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(error, OutcomeUnknownError)
    assert read_ledger(store, user).of("charge") == [(error.tx_id, -10)]
    http.close() if sync else await http.close()


async def test_a_body_of_brackets_only(credits, gateway, store, user):
    gateway.status(200, "[" * 200_000, execute=True, matching=SCRIPTS)
    receipt = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(receipt, Receipt)
    assert read_ledger(store, user).of("charge") == [(receipt.tx_id, -10)]


def test_a_result_nested_without_end():
    nested = "[" * 900 + "]" * 900
    response = httpx.Response(200, content=f'[{{"result":{nested}}}]')
    assert len(outcomes_of(response, 1)) == 1


@pytest.mark.parametrize("token", ["t\u00f6ken", "a\tb", "", "\x7f"])
def test_a_sync_token_that_no_header_can_carry_is_not_kept(token):
    backend = UpstashBackend("http://127.0.0.1:1", TOKEN)
    headers = [("Upstash-Sync-Token", token.encode())]
    backend._received(httpx.Response(200, headers=headers, content="[]"), 0)
    assert "Upstash-Sync-Token" not in backend._headers
    headers = [("Upstash-Sync-Token", "eyJ2IjoxfQ==")]
    backend._received(httpx.Response(200, headers=headers, content="[]"), 0)
    assert backend._headers["Upstash-Sync-Token"] == "eyJ2IjoxfQ=="
    backend.close()


async def test_no_proxy_stands_between_an_app_and_its_own_machine(gateway, sync, user, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(f"http://localhost:{gateway.port}", token=TOKEN)
    credits = AsyncFace(client) if sync else client
    told = await attempt(credits.add(user, 5, "opening"))
    await credits.aclose()
    assert not isinstance(told, BackendUnavailableError), told
