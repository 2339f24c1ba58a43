"""What callers must not hand in to holds, grants, batches: told in a sentence, never sent."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from credits_core import AsyncCredits, Credits, InvalidRequestError, Item, Period
from credits_core.backends.memory import AsyncMemoryBackend, MemoryBackend
from tests.core.bad_arguments import ACTIONS, AMOUNTS, CALLS, CASES, HUGE, KEYS, METADATA


class Watched(MemoryBackend):
    """A store that notes which scripts it was told."""

    def __init__(self):
        super().__init__()
        self.told = []

    def execute(self, calls, timeout):
        self.told += [call.script.name for call in calls if call.script]
        return super().execute(calls, timeout)


class AsyncWatched(AsyncMemoryBackend):
    """The same for async code."""

    def __init__(self):
        super().__init__()
        self.told = []

    async def execute(self, calls, timeout):
        self.told += [call.script.name for call in calls if call.script]
        return await super().execute(calls, timeout)


@pytest.fixture
def watched():
    backend = Watched()
    with Credits(backend, auto_initialize=True) as credits:
        yield credits, backend


def told_well(error):
    """A sentence of a reasonable length, with no error behind it."""
    assert isinstance(error, ValueError)
    text = str(error)
    assert 15 < len(text) < 300
    assert " " in text
    assert error.__cause__ is None
    text.encode()


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_told_and_nothing_is_sent(watched, case):
    credits, backend = watched
    call, value = CASES[case]
    with pytest.raises(InvalidRequestError) as refusal:
        CALLS[call][0](credits, value)
    told_well(refusal.value)
    assert backend.told == []


async def test_the_async_client_refuses_the_same():
    backend = AsyncWatched()
    async with AsyncCredits(backend, auto_initialize=True) as credits:
        for case, (call, value) in CASES.items():
            with pytest.raises(InvalidRequestError) as refusal:
                print(case, await CALLS[call][0](credits, value))
            told_well(refusal.value)
    assert backend.told == []


def test_an_extension_of_nothing_is_refused(watched):
    credits, backend = watched
    with pytest.raises(InvalidRequestError, match="more credits, more time"):
        credits.extend("alice", "tx_1_a")
    assert backend.told == []


@pytest.mark.parametrize(
    ("call", "name", "words"),
    [
        ("hold: amount", "true", "amount is a whole int, not bool"),
        ("hold: amount", "fraction", "amount is a whole int, not float: 1.5"),
        (
            "hold: amount",
            "one too many",
            "amount is from 1 to 1000000000000000, not 1000000000000001",
        ),
        ("settle: amount", "negative", "amount is from 0 to"),
        ("hold: time", "over a year", "within 366 days, which are 31622400 seconds, not"),
        ("hold: time", "zero", r"expires_in is above 0 seconds .* not 0 seconds"),
        ("hold: time", "str", "expires_in is seconds or a timedelta, not str"),
        ("extend: hold", "blank", "hold_id is blank"),
        (
            "settle: shortfall",
            "other",
            "shortfall is one of 'refuse', 'take', 'owe', not 'charge it'",
        ),
        ("settle: if expired", "take", "if_expired is one of 'refuse', 'charge', not 'take'"),
        ("add: instant", "naive", "expires_at is a datetime without a time zone"),
        ("add: instant", "seconds", "would be in the year 1970; multiply seconds by 1000"),
        ("add: instant", "after the calendar", "by the end of the year 9999"),
        ("add: both", "ms", "expires_in and expires_at exclude each other"),
        ("add: priority", "too high", "priority is from -1000 to 1000, not 1001"),
        ("add: priority alone", "one", "pass expires_in, too"),
        ("add: time", "no delta", "above 0 seconds .* not 0.0 seconds"),
        ("allowance: period", "tuple", r"not tuple: pass Period\(start, end\)"),
        ("fold: archive", "path", r"such as JsonLinesArchive\(path\) .* not 'archive.jsonl'"),
        ("fold: age", "too young", "30 days or more, .* not after 86400 seconds"),
        ("resolve", "another error", "takes an OutcomeUnknownError, not ValueError"),
        ("set_floor: floor", "too low", "floor is from -1000000000000000 to 1000000000000000"),
        ("freeze: reason", "over-long", "reason is longer than 255 characters"),
        ("transfer: itself", "same", "alice"),
        ("deduct_many: items", "one", r"items are several, not Item: pass \[Item"),
        ("deduct_many: items", "tuples", r"not tuple: pass Item\(user_id, amount, action\)"),
        ("add_many: atomic items", "two users", "one account: these items are of 2"),
        ("add_many: atomic items", "501", "the number of items is from 1 to 500, not 501"),
        ("add_many: atomic items", "key of an item", "pass it beside the items"),
        ("add_many: key", "any", "idempotency keys of their own"),
    ],
)
def test_the_sentence_says_what_to_pass_instead(watched, call, name, words):
    make, values = CALLS[call]
    with pytest.raises(InvalidRequestError, match=words):
        make(watched[0], values[name])


@pytest.mark.parametrize("many", ["deduct_many", "add_many"])
def test_of_items_apart_the_wrong_ones_are_told_in_their_places(many):
    wrong = itertools.chain(
        (Item("alice", value, "x") for value in AMOUNTS.values()),
        (Item("alice", 1, value) for value in ACTIONS.values()),
        (Item("alice", 1, "x", value) for value in METADATA.values()),
        (Item("alice", 1, "x", None, value) for value in KEYS.values()),
    )
    backend = Watched()
    with Credits(backend) as credits:
        results = getattr(credits, many)(wrong)
    assert len(results) == sum(map(len, (AMOUNTS, ACTIONS, METADATA, KEYS)))
    for result in results:
        assert isinstance(result, InvalidRequestError)
        told_well(result)
    assert backend.told == []


class Whole(int):
    """An int of another type, as frameworks have them."""


@pytest.mark.parametrize(
    ("span", "ms"),
    [(0.001, 1), (Whole(2), 2000), (1.5, 1500), (timedelta(days=366), 366 * 86_400_000)],
)
def test_what_is_just_good_enough(span, ms):
    with Credits.from_url("memory://") as credits:
        credits.initialize_user("alice", 100)
        made = credits.hold("alice", Whole(1), "x" * 64, expires_in=span, idempotency_key="k" * 255)
        asked = credits._executor.now_ms()
        assert 0 <= asked - (made.expires_at - ms) < 60_000
        assert credits.set_floor("alice", -(10**15)).floor == -(10**15)
        assert credits.freeze("alice", "r" * 255).frozen_reason == "r" * 255


def test_the_ends_of_priorities_and_of_the_calendar_are_good_enough():
    with Credits.from_url("memory://") as credits:
        last = datetime.max.replace(tzinfo=UTC)
        credits.add("alice", 1, "x", expires_at=last, priority=1000)
        credits.add("alice", 1, "x", expires_at=253_402_300_799_999, priority=-1000)
        first, second = credits.get_account("alice").grants
        assert (first.priority, second.priority) == (-1000, 1000)
        assert {first.expires_at, second.expires_at} == {253_402_300_799_999}


def test_credits_that_have_expired_already_are_refused_by_the_clock_of_the_store():
    with Credits.from_url("memory://") as credits:
        for past in (1_000_000_000_000, datetime(1960, 1, 1, tzinfo=UTC)):
            with pytest.raises(InvalidRequestError, match="expired before"):
                credits.add("alice", 1, "x", expires_at=past)
        assert credits.get_transactions("alice") == []


@pytest.mark.parametrize("users", [5, True, 1.5, object()])
async def test_users_to_reconcile_are_several(users):
    with pytest.raises(InvalidRequestError, match="users are several"):
        Credits(MemoryBackend()).reconcile(users)
    with pytest.raises(InvalidRequestError, match="users are several"):
        await AsyncCredits(AsyncMemoryBackend()).reconcile(users)


@pytest.mark.parametrize("kind", [Period.daily, Period.weekly, Period.monthly, Period.yearly])
def test_a_period_that_ends_after_the_calendar_is_refused(kind):
    last = datetime.max.replace(tzinfo=UTC)
    with pytest.raises(InvalidRequestError, match="calendar"):
        kind(last, last)


def test_what_is_no_datetime_is_named_in_short():
    with pytest.raises(InvalidRequestError, match="cannot be shown"):
        Period.monthly(HUGE)
