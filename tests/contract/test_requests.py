"""Requests with an idempotency key of the client: one worker at a time, and one answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest

from credits_core import AccountStateError, InvalidRequestError, RequestRecord, commands
from credits_core.keys import KeySpace
from tests.contract.told import FAR, tell

ROUTE, KEY, PRINT = "POST /images", "k-1", "sha256:1"
DAY = 86_400
HOUR = 3600


def begin(credits, user, owner=None, *, lease=60.0, fingerprint=PRINT, route=ROUTE, key=KEY):
    return credits.begin_request(
        user, route, key, fingerprint=fingerprint, lease=lease, owner=owner
    )


def finish(credits, user, owner, answer="done", **more):
    return credits.finish_request(user, ROUTE, KEY, owner, answer, **more)


def abandon(credits, user, owner):
    return credits.abandon_request(user, ROUTE, KEY, owner)


def record_of(user, route=ROUTE, key=KEY):
    return KeySpace().request(user, route, key)


def begun_by(owner, token=None, *, again=False):
    return RequestRecord("begun", owner, token=token or owner, again=again)


def answered(asker, answer):
    return RequestRecord("answered", asker, answer=answer)


async def lives(store, user):
    """For how many whole seconds the record is kept, rounded."""
    return round(await store.run("PTTL", record_of(user)) / 1000)


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


async def test_many_at_once_are_one_and_the_rest_wait(credits, user):
    records = await asyncio.gather(*(begin(credits, user) for _ in range(20)))
    assert sorted(record.state for record in records) == ["begun", *["running"] * 19]
    assert len({record.owner for record in records}) == 20


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


def made(credits, user, owner, **more):
    """The three calls as commands, whose bytes can be told again."""
    keys, given = credits._keys, (user, ROUTE, KEY)
    return {
        "begin": commands.begin_request(
            keys, *given, fingerprint=PRINT, lease=more.get("lease", 60), owner=owner
        ),
        "finish": commands.finish_request(keys, *given, owner, "done", keep=60),
        "abandon": commands.abandon_request(keys, *given, owner),
    }


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


BAD_SPANS = ["nan", "inf", "0x10", "1e3", "-1", "0", "1.5", " 5", "", "9" * 400]


async def test_the_scripts_check_for_themselves(credits, store, user):
    client = getattr(credits, "sync", credits)

    async def invalid(command, position, text):
        call = command.bind(FAR)
        args = [*call.args]
        args[position - 1] = text
        found = await store.run("EVAL", call.script.text, 1, *call.keys, *args)
        return (found[0], found[2]) if len(found) > 2 else found[0]

    told = made(client, user, "me")
    for text in [*BAD_SPANS, "3600001"]:
        assert await invalid(told["begin"], 4, text) == ("invalid", "lease"), text
    assert await store.run("EXISTS", record_of(user)) == 0
    await tell(credits, told["begin"])
    for text in [*BAD_SPANS, "2592000001"]:
        assert await invalid(told["finish"], 4, text) == ("invalid", "keep"), text
    assert await invalid(told["finish"], 3, "x" * (2**20 + 1)) == ("invalid", "answer")
    assert await finish(credits, user, "me") is True


LONE = "x\ud800y"
LINES = {
    "empty": "",
    "blank": " \t ",
    "blank edge": "x ",
    "newline": "a\nb",
    "nul": "a\x00b",
    "lone surrogate": LONE,
    "none": None,
    "int": 5,
    "bytes": b"x",
}
SPANS = {
    "zero": 0,
    "negative": -1,
    "below a ms": 0.0005,
    "true": True,
    "nan": float("nan"),
    "inf": float("inf"),
    "str": "60",
    "none": None,
    "huge": 10**5000,
    "negative delta": timedelta(seconds=-1),
    "longest delta": timedelta.max,
}
GIVEN = {"user_id": "u", "route": ROUTE, "key": KEY}
BEGIN = GIVEN | {"fingerprint": PRINT, "lease": 60, "owner": "me"}
FINISH = GIVEN | {"owner": "me", "answer": "done", "keep": 60}
BAD = {
    "user_id": LINES | {"over-long": "x" * 257},
    "route": LINES | {"over-long": "r" * 513},
    "key": LINES | {"over-long": "k" * 256},
    "fingerprint": LINES | {"over-long": "f" * 129},
    "owner": LINES | {"over-long": "o" * 256},
    "lease": SPANS | {"over an hour": 3600.001, "long delta": timedelta(hours=1, seconds=1)},
    "answer": {"none": None, "int": 5, "bytes": b"x", "dict": {}, "lone surrogate": LONE,
               "over-long": "x" * (2**20 + 1), "over-long in bytes": "ü" * (2**19 + 1)},
    "keep": SPANS | {"over 30 days": 30 * DAY + 1, "long delta": timedelta(days=31)},
}  # fmt: skip
CALLS = {"begin_request": BEGIN, "finish_request": FINISH, "abandon_request": GIVEN | {"owner": ""}}
HOSTILE = [(name, argument) for name, given in CALLS.items() for argument in given]


@pytest.mark.parametrize(("name", "argument"), HOSTILE)
async def test_bad_arguments_are_refused_by_their_name(credits, store, user, name, argument):
    size = await store.run("DBSIZE")
    for told, value in BAD[argument].items():
        if (name, argument, told) == ("begin_request", "owner", "none"):
            continue  # one is made
        with pytest.raises(InvalidRequestError) as refusal:
            await getattr(credits, name)(**(CALLS[name] | {"user_id": user, argument: value}))
        assert argument in str(refusal.value), told
        assert len(str(refusal.value)) < 300
    assert await store.run("DBSIZE") == size


async def test_every_owner_is_another(credits, user):
    keys = getattr(credits, "sync", credits)._keys
    owners = {
        commands.begin_request(
            keys, user, ROUTE, KEY, fingerprint=PRINT, lease=60, owner=None
        ).call.args[0]
        for _ in range(1000)
    }
    assert len(owners) == 1000
