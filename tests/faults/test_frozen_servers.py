"""A server that is silent: every call ends in bounded time, however many wait."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import AsyncCredits, BackendUnavailableError, Credits, OutcomeUnknownError
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import attempt, bounded, read_ledger, ready
from tests.support.rest import RestServer

THREADS = 5
"""How many threads asyncio gives to sync clients at least."""


@pytest.fixture(params=["tcp", "rest"])
async def open_credits(request, fragile, opened, sync):
    with RestServer(fragile.url, token="t") as gateway:

        def open_one(timeout: float):
            place = (fragile.url, None) if request.param == "tcp" else (gateway.url, "t")
            maker = Credits if sync else AsyncCredits
            client = maker.from_url(place[0], token=place[1], timeout=timeout)
            return opened(AsyncFace(client) if sync else client)

        yield open_one
        fragile.thaw()


async def test_one_call(open_credits, fragile, user):
    credits = open_credits(0.3)
    await ready(credits, user)
    fragile.freeze()
    for call in (
        credits.deduct(user, 1, "charge"),
        credits.add(user, 1, "charge", idempotency_key="k"),
        credits.get_balance(user),
    ):
        with bounded():
            error = await attempt(call)
        assert isinstance(error, (OutcomeUnknownError, BackendUnavailableError))


async def test_two_hundred_calls_at_once(open_credits, fragile, user):
    credits = open_credits(0.5)
    await ready(credits, user)
    tasks = THREADS if isinstance(credits, AsyncFace) else 200
    fragile.freeze()
    with bounded():
        errors = await asyncio.gather(
            *(attempt(credits.deduct(user, 1, "charge")) for _ in range(tasks))
        )
    fragile.thaw()
    assert {type(error) for error in errors} <= {OutcomeUnknownError, BackendUnavailableError}
    unknown = [error for error in errors if isinstance(error, OutcomeUnknownError)]
    assert set(await asyncio.gather(*map(credits.resolve, unknown))) <= {None}
    assert read_ledger(fragile, user).balance == 1000


async def test_two_hundred_first_calls_at_once(open_credits, fragile, user):
    credits = open_credits(0.4)
    fragile.freeze()
    tasks = THREADS if isinstance(credits, AsyncFace) else 200
    with bounded():
        errors = await asyncio.gather(*(attempt(credits.get_balance(user)) for _ in range(tasks)))
    assert {type(error) for error in errors} == {BackendUnavailableError}
    fragile.thaw()
    assert await credits.get_balance(user) == 0
