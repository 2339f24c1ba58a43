"""Requests with an idempotency key of the client: one worker at a time, and one answer."""

from __future__ import annotations

import asyncio
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest

from credits_core import InvalidRequestError, RequestRecord
from tests.contract.keyed_requests import (
    DAY,
    HOUR,
    abandon,
    answered,
    begin,
    begun_by,
    finish,
    lives,
    record_of,
)


async def test_the_first_to_begin_has_the_request(credits, user):
    record = await begin(credits, user)
    assert record == begun_by(record.owner)
    assert len(record.owner) == 32
    assert int(record.owner, 16)
    with pytest.raises(FrozenInstanceError):
        record.state = "answered"


async def test_while_it_is_worked_on_others_learn_no_more_than_that(credits, user):
    first = await begin(credits, user, lease=60)
    other = await begin(credits, user)
    assert other.owner != first.owner
    assert 50_000 < other.lease_left <= 60_000
    assert replace(other, lease_left=None) == RequestRecord("running", other.owner)


async def test_an_answer_is_told_to_whoever_asks_again(credits, user):
    first = await begin(credits, user)
    assert await finish(credits, user, first.owner, "200 fox.png") is True
    for owner in (None, first.owner):
        told = await begin(credits, user, owner)
        assert told == answered(told.owner, "200 fox.png")
    assert "fox.png" not in repr(told)


async def test_a_key_of_another_request_is_told_first_whatever_has_become_of_it(
    credits, user, clock
):
    async def told(owner=None):
        found = await begin(credits, user, owner, fingerprint="sha256:2")
        return replace(found, owner="") == RequestRecord("mismatch", "")

    first = await begin(credits, user, lease=10)
    assert await told()
    assert await told(first.owner), "even its own worker"
    await clock.forward(11)
    assert await told(), "even when nobody works on it"
    assert await begin(credits, user, first.owner) == begun_by(first.owner)
    assert await finish(credits, user, first.owner)
    assert await told(), "even when it is answered"
    assert (await begin(credits, user)).answer == "done"


async def test_what_is_not_the_same_user_route_and_key_is_another_request(credits, new_user):
    user = new_user()
    requests = [
        (user, "POST /a", "b"),
        (user, "POST /a", "c"),
        (user, "POST /a b", "b"),
        (user, "POST /", "a b"),
        (user, "POST", "/a b"),
        (new_user(), "POST /a", "b"),
    ]
    for one, route, key in requests:
        assert (await begin(credits, one, route=route, key=key)).state == "begun", (route, key)
        assert (await begin(credits, one, route=route, key=key)).state == "running"


async def test_its_worker_renews_the_lease_and_keeps_the_token(credits, store, user, clock):
    first = await begin(credits, user, lease=10)
    for _ in range(5):
        await clock.forward(8)
        assert await begin(credits, user, first.owner, lease=10) == first
    assert (await begin(credits, user)).state == "running"
    assert await begin(credits, user, first.owner, lease=timedelta(hours=1)) == first
    assert await lives(store, user) == HOUR + DAY
    await clock.forward(HOUR - 5)
    assert (await begin(credits, user)).state == "running"
    # Also after it has passed, as long as nobody came.
    await clock.forward(10)
    assert await begin(credits, user, first.owner, lease=10) == first


async def test_a_request_whose_worker_died_is_taken_over_with_its_token(credits, user, clock):
    first = await begin(credits, user, lease=10)
    await clock.forward(11)
    second = await begin(credits, user, lease=10)
    assert second == begun_by(second.owner, first.token, again=True)
    assert second.owner != first.owner
    assert await begin(credits, user, second.owner, lease=10) == second, "also when it renews"
    assert (await begin(credits, user)).state == "running"
    await clock.forward(11)
    third = await begin(credits, user)
    assert third == begun_by(third.owner, first.token, again=True)


async def test_who_lost_a_request_hears_of_it_and_may_take_it_back(credits, user, clock):
    first = await begin(credits, user, lease=10)
    await clock.forward(11)
    second = await begin(credits, user, lease=10)
    assert (await begin(credits, user, first.owner)).state == "running"
    await clock.forward(11)
    back = await begin(credits, user, first.owner)
    assert back == begun_by(first.owner, first.token, again=True)
    assert await finish(credits, user, second.owner) is False
    assert await finish(credits, user, first.owner) is True


async def test_a_worker_that_takes_over_is_not_charged_twice(credits, user, clock):
    await credits.initialize_user(user, 100)
    first = await begin(credits, user, lease=10)
    await credits.deduct(user, 30, "image", idempotency_key=first.token)
    await clock.forward(11)
    second = await begin(credits, user)
    receipt = await credits.deduct(user, 30, "image", idempotency_key=second.token)
    assert (receipt.replayed, receipt.balance) == (True, 70)


async def test_a_late_worker_overwrites_nothing(credits, user, clock):
    first = await begin(credits, user, lease=10)
    await clock.forward(11)
    second = await begin(credits, user)
    assert await finish(credits, user, first.owner, "late") is False
    assert await abandon(credits, user, first.owner) is False
    assert await finish(credits, user, second.owner, "in time") is True
    assert await finish(credits, user, first.owner, "late") is False
    assert await finish(credits, user, first.owner, "in time") is False
    assert (await begin(credits, user)).answer == "in time"


async def test_a_worker_that_overran_its_lease_may_finish_where_nobody_came(credits, user, clock):
    first = await begin(credits, user, lease=10)
    await clock.forward(3 * HOUR)
    assert await finish(credits, user, first.owner) is True
    assert (await begin(credits, user)).answer == "done"


async def test_an_answer_is_given_once(credits, store, user):
    first = await begin(credits, user)
    assert await finish(credits, user, first.owner, "one", keep=100) is True
    assert await finish(credits, user, first.owner, "one", keep=HOUR) is True
    assert await finish(credits, user, first.owner, "two") is False
    assert await abandon(credits, user, first.owner) is False
    assert (await begin(credits, user)).answer == "one"
    assert 95 <= await lives(store, user) <= 100


async def test_nobody_finishes_or_abandons_what_was_never_begun(credits, store, user):
    assert await finish(credits, user, "nobody") is False
    assert await abandon(credits, user, "nobody") is False
    assert await store.run("EXISTS", record_of(user)) == 0


async def test_what_is_abandoned_begins_anew_under_another_token(credits, user):
    first = await begin(credits, user)
    assert await abandon(credits, user, first.owner) is True
    assert await abandon(credits, user, first.owner) is True, "told again it says the same"
    assert await finish(credits, user, first.owner) is False
    second = await begin(credits, user, fingerprint="sha256:2")
    assert second == begun_by(second.owner)
    assert second.token != first.token
    assert await abandon(credits, user, first.owner) is False, "nothing of the second's"
    assert await begin(credits, user, second.owner, fingerprint="sha256:2") == second


async def test_who_abandoned_a_request_does_not_begin_it_again_by_a_late_renewal(credits, user):
    first = await begin(credits, user)
    await abandon(credits, user, first.owner)
    with pytest.raises(InvalidRequestError, match=r"abandoned.*as another"):
        await begin(credits, user, first.owner)
    second = await begin(credits, user)
    assert second.state == "begun"
    assert (await begin(credits, user, first.owner)).state == "running"


async def test_many_at_once_are_one_and_the_rest_wait(credits, user):
    records = await asyncio.gather(*(begin(credits, user) for _ in range(20)))
    assert sorted(record.state for record in records) == ["begun", *["running"] * 19]
    assert len({record.owner for record in records}) == 20
