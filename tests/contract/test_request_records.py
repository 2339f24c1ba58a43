"""The record of a request: how long it is kept, and what else may stand in its place."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from credits_core import AccountStateError, commands
from tests.contract.keyed_requests import (
    DAY,
    HOUR,
    KEY,
    PRINT,
    ROUTE,
    abandon,
    begin,
    begun_by,
    finish,
    lives,
    record_of,
)


async def test_an_answer_is_kept_as_long_as_is_asked(credits, store, user):
    first = await begin(credits, user)
    await finish(credits, user, first.owner)
    assert await lives(store, user) == DAY
    for number, (keep, seconds) in enumerate(
        [(1, 1), (timedelta(hours=2), 2 * HOUR), (30 * DAY, 30 * DAY)]
    ):
        key = f"k-{number + 2}"
        record = await begin(credits, user, key=key)
        await credits.finish_request(user, ROUTE, key, record.owner, "done", keep=keep)
        ttl = await store.run("PTTL", record_of(user, key=key))
        assert seconds * 1000 - 5000 < ttl <= seconds * 1000


async def test_when_an_answer_is_no_longer_kept_the_request_is_new(credits, user):
    first = await begin(credits, user)
    assert await finish(credits, user, first.owner, keep=0.05)
    await asyncio.sleep(0.1)
    assert await finish(credits, user, first.owner) is False
    again = await begin(credits, user)
    assert again == begun_by(again.owner)
    assert again.token != first.token


async def test_a_record_outlives_its_lease_by_a_day(credits, store, user):
    for lease in (0.001, 60, HOUR):
        record = await begin(credits, user, "worker", lease=lease)
        assert record.state == "begun"
        assert await lives(store, user) == round(lease) + DAY
    await abandon(credits, user, record.owner)
    assert await lives(store, user) == DAY


ANSWERS = {
    "empty": "",
    "lines": "\n\n200\n{}\n",
    "a record": "running\na\nb\n1.000\n1\nc\nd\n",
    "nul": "a\x00b\x00",
    "json": json.dumps({"body": 'a "quoted" \\ text', "list": []}),
    "unicode": "日本語 🦊 \u2028",
    "ok": "OK",
    "a number": "9007199254740993",
    "long": "🦊" * 2**18,
    "long and quoted": '"' * 2**20,
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_comes_back_as_it_was_given(credits, user, name):
    first = await begin(credits, user)
    assert await finish(credits, user, first.owner, ANSWERS[name]) is True
    assert await finish(credits, user, first.owner, ANSWERS[name]) is True
    assert (await begin(credits, user)).answer == ANSWERS[name]


async def test_what_is_just_good_enough(credits, user):
    route, key, fingerprint, owner = "r" * 512, "k" * 255, "f" * 128, "o" * 255
    record = await credits.begin_request(
        user, route, key, fingerprint=fingerprint, lease=HOUR, owner=owner
    )
    assert record == begun_by(owner)
    assert await credits.finish_request(user, route, key, owner, "x" * 2**20, keep=30 * DAY)


@pytest.mark.parametrize("call", ["begin", "finish", "abandon"])
async def test_a_key_of_another_type_is_told_and_left_alone(credits, store, user, call):
    await store.run("RPUSH", record_of(user), "x")
    with pytest.raises(AccountStateError, match="request key of another Redis type") as refusal:
        await {
            "begin": lambda: begin(credits, user),
            "finish": lambda: finish(credits, user, "owner"),
            "abandon": lambda: abandon(credits, user, "owner"),
        }[call]()
    assert (refusal.value.state, refusal.value.user_id) == ("wrong_type", user)
    assert await store.run("LRANGE", record_of(user), 0, -1) == ["x"]


@pytest.mark.parametrize("text", ["", "x", "running", "running\na\nb\nnan\n\nc\nd\n", "{}" * 99])
async def test_what_is_no_record_is_taken_for_nothing(credits, store, user, text):
    await store.run("SET", record_of(user), text)
    assert await finish(credits, user, "a") is False
    assert await abandon(credits, user, "a") is False
    assert (await begin(credits, user)).state == "begun"


async def test_it_touches_no_account(credits, store, user):
    first = await begin(credits, user)
    await finish(credits, user, first.owner)
    assert (await store.look(user)).kept == {}
    await credits.initialize_user(user, 5)
    await credits.delete_account(user)
    assert (await begin(credits, user)).answer == "done", "it goes by itself, in its time"


async def test_every_owner_is_another(credits, user):
    keys = getattr(credits, "sync", credits)._keys
    owners = {
        commands.begin_request(
            keys, user, ROUTE, KEY, fingerprint=PRINT, lease=60, owner=None
        ).call.args[0]
        for _ in range(1000)
    }
    assert len(owners) == 1000
