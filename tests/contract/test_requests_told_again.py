"""Calls of a request that come twice, late or not at all: each has one effect."""

from __future__ import annotations

from credits_core import InvalidRequestError
from tests.contract.keyed_requests import begin, begun_by, made, record_of
from tests.contract.told import tell


async def test_the_same_call_again_says_the_same_even_past_its_deadline(credits, user):
    client = getattr(credits, "sync", credits)
    told = made(client, user, "me")
    assert await tell(credits, told["begin"], 3) == [begun_by("me")] * 3
    assert await tell(credits, told["begin"], deadline=0) == [begun_by("me")]
    assert await tell(credits, told["finish"], 2) == [True, True]
    assert await tell(credits, told["finish"], deadline=0) == [True]

    told = made(client, f"{user}-2", "me")
    await tell(credits, told["begin"])
    assert await tell(credits, told["abandon"], 2) == [True, True]
    assert await tell(credits, told["abandon"], deadline=0) == [True]


async def test_past_its_deadline_a_call_that_was_not_made_does_nothing(credits, store, user):
    client = getattr(credits, "sync", credits)
    for call in made(client, user, "me").values():
        assert await tell(credits, call, deadline=0) == ["late"]
    assert await store.run("EXISTS", record_of(user)) == 0
    await begin(credits, user, "me", lease=60)
    before = await store.run("GET", record_of(user))
    for call in made(client, user, "me").values():
        assert await tell(credits, call, deadline=0) == ["late"], "a renewal is a call of its own"
    assert await store.run("GET", record_of(user)) == before


async def test_a_first_copy_that_comes_after_it_was_abandoned_begins_nothing(credits, user):
    client = getattr(credits, "sync", credits)
    told = made(client, user, "me")
    await tell(credits, told["begin"])
    await tell(credits, told["abandon"])
    (refused,) = await tell(credits, told["begin"])
    assert isinstance(refused, InvalidRequestError)
    assert (await begin(credits, user)).state == "begun"
