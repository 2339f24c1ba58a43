"""Paid work while the store dies and comes back: the background ends what was open."""

from __future__ import annotations

import asyncio
import logging

import pytest

from credits_core import BackendError
from credits_core.charge import pending
from tests.contract.paid import fixed, held
from tests.faults.helpers import Line, check_secrets, read_ledger
from tests.faults.test_charges import drained, fail, prepared
from tests.support.proxy import Proxy

KINDS = pytest.mark.parametrize("kind", [fixed, held])


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """The background does not wait as long as in life."""
    monkeypatch.setattr(pending, "PAUSES", (0.05,) * 400)


@pytest.fixture
async def credits(fragile, opened, user, sync):
    with Proxy(fragile) as proxy:
        yield await prepared(opened(Line(proxy, sync=sync).open(timeout=0.3)), user)


def errors(caplog):
    return [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.ERROR]


@KINDS
@pytest.mark.parametrize("fails", [False, True])
async def test_the_end_of_the_work_is_told_when_the_store_is_back(
    credits, fragile, user, kind, fails, caplog
):
    work = kind(credits, user, 10, "job")
    if fails:
        with pytest.raises(KeyError, match="the work") as failed:
            await fail(work, fragile.kill)
        assert "has not come through" in failed.value.__notes__[0]
        check_secrets(failed.value)
    else:
        async with work:
            work.settle(4)
            fragile.kill()
    assert not work.open
    assert work.cost == (0 if fails else 4)
    fragile.start()
    await drained(credits)
    assert read_ledger(fragile, user).balance == (100 if fails else 96)
    assert errors(caplog) == []


@KINDS
async def test_no_work_while_the_store_is_away(credits, fragile, user, kind):
    fragile.kill()
    with pytest.raises(BackendError):
        async with kind(credits, user, 10, "job"):
            pytest.fail("the work ran")
    fragile.start()
    await drained(credits)
    assert read_ledger(fragile, user).balance == 100


async def test_a_stream_ends_when_the_store_is_away(credits, fragile, user):
    async with held(credits, user, 5, "job") as work:
        stream = work.stream(range(50), 1, final=lambda charge: charge.cost)
        pieces = await stream.take(3)
        fragile.kill()
        pieces += [piece async for piece in stream]
    assert pieces == [0, 1, 2, 3, 4, 5]  # what was held, and the final one: it cost five
    assert isinstance(work.cut_off, BackendError)
    fragile.start()
    await drained(credits)
    assert read_ledger(fragile, user).balance == 95


async def test_a_hold_that_expires_while_the_store_is_away(credits, fragile, user, caplog):
    """Of work that failed: it has what it wanted, and nobody needs to look."""
    with pytest.raises(KeyError):
        await fail(held(credits, user, 50, "job", expires_in=0.3), fragile.kill)
    await asyncio.sleep(0.4)
    fragile.start()
    await drained(credits)
    assert read_ledger(fragile, user).balance == 100
    assert errors(caplog) == []


async def test_an_account_that_is_frozen_before_the_store_went_away(credits, fragile, user, caplog):
    async with held(credits, user, 50, "job", shortfall="owe") as work:
        work.settle(70)
        await credits.freeze(user)
        fragile.kill()
    fragile.start()
    await drained(credits)
    assert read_ledger(fragile, user).balance == 50
    assert (await credits.get_account(user)).held == 0
    assert errors(caplog) == []
