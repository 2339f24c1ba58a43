"""Error replies: which of them say that nothing was executed, and which say nothing."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from credits_core import (
    AsyncCredits,
    BackendUnavailableError,
    Credits,
    OutcomeUnknownError,
    Receipt,
)
from credits_core.backends.redis_urls import open_async, open_sync
from credits_core.command import Call, Failure
from credits_core.scripts import Script
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import attempt, read_ledger, ready
from tests.faults.relay import relayed

SILENT_ON_THE_OUTCOME = [
    b"-ERR upstream failure",
    b"-ERR Connection timed out",
    b"-ERR user_script:1: attempt to index a nil value script: 0, on @user_script:1.",
    b"-ERR The user executing the script can't run this command or subcommand NOPERM",
    b"-ERR NOPERM from afar",
    b"-PROXYDOWN no idea",
]
REFUSALS = [
    b"-LOADING Redis is loading the dataset in memory",
    b"-BUSY Redis is busy running a script.",
    b"-NOAUTH Authentication required.",
    b"-NOPERM User app has no permissions to run the 'evalsha' command",
    b"-READONLY You can't write against a read only replica.",
    b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    b"-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to.",
    b"-NOREPLICAS Not enough good replicas to write.",
    b"-OOM command not allowed when used memory > 'maxmemory'.",
    b"-CLUSTERDOWN The cluster is down",
    b"-TRYAGAIN Multiple keys request during rehashing of slot",
    b"-MOVED 3999 127.0.0.1:6381",
    b"-ASK 3999 127.0.0.1:6381",
    b"-CROSSSLOT Keys in request don't hash to the same slot",
]
OF_A_CONNECTION = [REFUSALS[0], REFUSALS[2]]


@pytest.fixture
def relay(store):
    with relayed(store) as running:
        yield running


@pytest.fixture
async def credits(relay, sync, opened, user):
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(relay.url, timeout=0.5)
    credits = opened(AsyncFace(client) if sync else client)
    await ready(credits, user)
    return credits


@pytest.mark.parametrize("line", SILENT_ON_THE_OUTCOME)
async def test_an_error_without_a_known_code_may_follow_a_charge(credits, relay, store, user, line):
    relay.answer(line, execute=True)
    receipt = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(receipt, Receipt)
    relay.answer(line, execute=True, times=2)
    error = await attempt(credits.deduct(user, 10, "other"))
    assert isinstance(error, OutcomeUnknownError)
    found = await credits.resolve(error)
    ledger = read_ledger(store, user)
    assert ledger.of("charge") == [(receipt.tx_id, -10)]
    assert ledger.of("other") == [(found.tx_id, -10)]


@pytest.mark.parametrize("line", REFUSALS, ids=lambda line: line.split()[0].decode())
async def test_a_known_code_says_that_nothing_changed(credits, relay, store, user, line):
    relay.answer(line, execute=False, times=2)
    error = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(error, BackendUnavailableError)
    assert "nothing changed" in str(error)
    assert isinstance(await attempt(credits.deduct(user, 10, "charge")), Receipt)
    assert len(read_ledger(store, user).of("charge")) == 1


@pytest.mark.parametrize("line", OF_A_CONNECTION, ids=["loading", "noauth"])
async def test_a_refused_connection_tells_every_merged_call_the_same(relay, opened, user, line):
    credits = opened(AsyncCredits.from_url(relay.url, timeout=0.5))
    await ready(credits, user)
    relay.answer(line, execute=False, times=100)
    outcomes = await asyncio.gather(
        *(attempt(credits.deduct(user, 1, f"charge-{n}")) for n in range(3))
    )
    relay.clear()
    assert {type(outcome) for outcome in outcomes} == {BackendUnavailableError}
    assert isinstance(await attempt(credits.deduct(user, 1, "charge")), Receipt)


@pytest.mark.parametrize("line", OF_A_CONNECTION, ids=["loading", "noauth"])
async def test_a_refused_connection_is_left(relay, store, sync, line):
    text = "return 1"
    script = Script("one", text, hashlib.sha1(text.encode()).hexdigest())
    store.call("SCRIPT", "LOAD", text)
    calls = [Call(script, (), ())] * 3
    backend = (open_sync if sync else open_async)(relay.url, 0.5)

    async def execute():
        return backend.execute(calls, 0.5) if sync else await backend.execute(calls, 0.5)

    def logins() -> int:
        return store.call("INFO", "stats")["total_connections_received"]

    assert await execute() == [1, 1, 1]
    relay.answer(line, execute=False)
    failures = await execute()
    assert [failure.executed for failure in failures if isinstance(failure, Failure)] == ["no"] * 3
    before = logins()
    assert await execute() == [1, 1, 1]
    assert logins() > before + 1  # one more than the look itself
    backend.close() if sync else await backend.aclose()
