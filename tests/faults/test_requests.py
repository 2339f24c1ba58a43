"""Requests with an idempotency key of the client, when answers do not come or workers race."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from credits_core import (
    BackendError,
    BackendUnavailableError,
    Credits,
    CreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
)
from credits_core.keys import KeySpace
from tests.faults.helpers import NOTE, attempt
from tests.faults.test_processes import python
from tests.support.servers import Server

ROUTE, KEY, PRINT = "POST /images", "k-1", "sha256:1"
FAULTS = ("lose_reply", "drop_request", "cut_reply", "swallow_reply")

RACER = """
import asyncio, json, sys
from credits_core import AsyncCredits, Credits

kind, url, user, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
asked = (user, "POST /images", "k-1")

async def merged():
    async with AsyncCredits.from_url(url, timeout=10) as credits:
        begins = (credits.begin_request(*asked, fingerprint="f") for _ in range(count))
        return [record.state for record in await asyncio.gather(*begins)]

def alone():
    with Credits.from_url(url, timeout=10) as credits:
        return [credits.begin_request(*asked, fingerprint="f").state for _ in range(count)]

sys.stdin.readline()
print(json.dumps(asyncio.run(merged()) if kind == "async" else alone()))
"""


@pytest.fixture
async def credits(slow_line, opened):
    return opened(slow_line.open(timeout=0.5))


@pytest.fixture(scope="module")
def ruled():
    with Server() as server:
        yield server


def record_of(user):
    return KeySpace().request(user, ROUTE, KEY)


def begin(credits, user, owner=None, lease=60.0):
    return credits.begin_request(user, ROUTE, KEY, fingerprint=PRINT, lease=lease, owner=owner)


def finish(credits, user, owner):
    return credits.finish_request(user, ROUTE, KEY, owner, NOTE)


def abandon(credits, user, owner):
    return credits.abandon_request(user, ROUTE, KEY, owner)


async def warm(credits, user):
    """Every script is known to the server from now on."""
    record = await begin(credits, user)
    await finish(credits, user, record.owner)
    await abandon(credits, user, record.owner)


@pytest.mark.parametrize("kinds", [("async", "async"), ("async", "sync")])
def test_of_two_processes_that_race_for_a_request_one_call_begins_it(store, user, kinds):
    racers = [python(RACER, kind, store.url, user, "100") for kind in kinds]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60)[0] for racer in racers]
    states = Counter(state for answer in answers for state in json.loads(answer))
    assert states == {"begun": 1, "running": 199}


async def test_one_broken_try_of_each_call_has_one_effect(slow_line, credits, store, new_user):
    await warm(credits, new_user())
    for fault in FAULTS:
        user = new_user()
        getattr(slow_line, fault)()
        record = await attempt(begin(credits, user))
        assert (record.state, record.token, record.again) == ("begun", record.owner, False), fault
        assert slow_line.faults.armed == 0
        getattr(slow_line, fault)()
        assert await attempt(abandon(credits, user, record.owner)) is True, fault
        again = await begin(credits, user)
        assert again.state == "begun"
        getattr(slow_line, fault)()
        assert await attempt(finish(credits, user, again.owner)) is True, fault
        assert slow_line.faults.armed == 0
        assert (await begin(credits, user)).answer == NOTE


async def test_a_request_is_taken_over_once_whatever_is_not_answered(
    slow_line, credits, store, new_user
):
    await warm(credits, new_user())
    for fault in FAULTS:
        user = new_user()
        first = await begin(credits, user, lease=0.01)
        await asyncio.sleep(0.02)
        getattr(slow_line, fault)()
        second = await attempt(begin(credits, user))
        told = (second.state, second.token, second.again)
        assert told == ("begun", first.token, True), fault
        assert slow_line.faults.armed == 0
        assert await finish(credits, user, first.owner) is False


@pytest.mark.parametrize("fault", ["lose_reply", "drop_request"])
async def test_when_no_answer_comes_repeating_is_safe(slow_line, credits, store, user, fault):
    await warm(credits, f"{user}-warm")

    async def broken(call):
        getattr(slow_line, fault)(2)
        error = await attempt(call())
        assert isinstance(error, OutcomeUnknownError)
        assert slow_line.faults.armed == 0
        with pytest.raises(InvalidRequestError, match="repeating it is safe"):
            await credits.resolve(error)
        return await call()

    record = await broken(lambda: begin(credits, user, "worker"))
    assert (record.state, record.token, record.again) == ("begun", "worker", False)
    assert await broken(lambda: abandon(credits, user, "worker")) is True
    assert (await begin(credits, user, "other")).state == "begun"
    assert await broken(lambda: finish(credits, user, "other")) is True
    assert (await begin(credits, user)).answer == NOTE


async def test_a_refusal_after_a_lost_answer_is_told_for_sure(slow_line, credits, store, user):
    await warm(credits, f"{user}-warm")
    holder = await begin(credits, user)
    slow_line.lose_reply()
    record = await attempt(begin(credits, user))
    assert record.state == "running"
    slow_line.lose_reply()
    assert await attempt(finish(credits, user, record.owner)) is False
    assert await finish(credits, user, holder.owner) is True


async def test_a_begin_that_comes_late_begins_nothing_that_was_abandoned(
    slow_line, credits, store, user
):
    await warm(credits, f"{user}-warm")
    # Longer than one try takes, and within the deadline that both carry.
    slow_line.hold_request(0.3)
    record = await attempt(begin(credits, user))
    assert not isinstance(record, CreditsError)
    assert await abandon(credits, user, record.owner) is True
    await slow_line.all_arrived()
    assert (await begin(credits, user)).state == "begun"


@pytest.mark.parametrize("forbidden", ["get", "set"])
def test_nothing_moves_that_access_rules_forbid(ruled, user, forbidden):
    def login(*rules):
        ruled.call("ACL", "SETUSER", "app", "reset", "on", ">secret", "~*", "+@all", *rules)
        return Credits.from_url(f"redis://app:secret@127.0.0.1:{ruled.port}/0", timeout=0.3)

    with login(f"-{forbidden}") as credits, pytest.raises(BackendError):
        begin(credits, user)
    assert ruled.call("EXISTS", record_of(user)) == 0
    with login() as credits:
        begin(credits, user, "me")
    kept = ruled.call("GET", record_of(user))
    with login(f"-{forbidden}") as credits:
        for call in (begin, finish, abandon):
            with pytest.raises(BackendError):
                call(credits, user, "me")
    assert ruled.call("GET", record_of(user)) == kept
    assert ruled.call("PTTL", record_of(user)) > 86_400_000
    with login() as credits:
        assert finish(credits, user, "me") is True


def test_a_full_server_refuses_whole_calls(ruled, user):
    with Credits.from_url(f"redis://127.0.0.1:{ruled.port}/0", timeout=0.3) as credits:
        begin(credits, user, "me")
        kept = ruled.call("GET", record_of(user))
        ruled.call("CONFIG", "SET", "maxmemory", "1")
        try:
            for call in (begin, finish, abandon):
                with pytest.raises(BackendUnavailableError, match="maxmemory"):
                    call(credits, user, "me")
            assert ruled.call("GET", record_of(user)) == kept
        finally:
            ruled.call("CONFIG", "SET", "maxmemory", "0")
        assert finish(credits, user, "me") is True
