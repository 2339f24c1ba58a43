"""Merging and its edges, over backends that answer what no server does."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import AsyncCredits, BackendError, BackendUnavailableError, Credits
from credits_core.command import Failure
from credits_core.errors import OutcomeUnknownError

TIME = ["1800000000", "0"]
OK = ["ok", "1800000000000", "90", "1800000000000"]
LOG = ["ok", "1800000000000"]


class Scripted:
    """A backend that answers every script with what `answer` makes of the call."""

    braces = False
    concurrency = 2

    def __init__(self, answer):
        self.answer = answer
        self.flights = []

    def execute_now(self, calls):
        if calls[0].script is None:
            return [TIME, ""]
        self.flights.append([call.script.name for call in calls])
        return [self.answer(call) for call in calls]

    async def execute(self, calls, timeout):
        await asyncio.sleep(0)
        return self.execute_now(calls)

    async def aclose(self):
        pass


class ScriptedSync(Scripted):
    def execute(self, calls, timeout):
        return self.execute_now(calls)

    def close(self):
        pass


NONSENSE = [
    [],
    ["ok"],
    None,
    "ok",
    7,
    {},
    [None, "1"],
    ["ok", "soon"],
    ["odd", "1"],
    ["ok", "1", None],
]


@pytest.mark.parametrize("reply", NONSENSE, ids=repr)
async def test_an_answer_that_means_nothing_leaves_a_charge_unknown(reply):
    async with AsyncCredits(Scripted(lambda call: reply), timeout=0.2) as credits:
        with pytest.raises(OutcomeUnknownError):
            await credits.deduct("alice", 1, "chat")
        with pytest.raises(BackendUnavailableError):
            await credits.get_transactions("alice")
    sync = Credits(ScriptedSync(lambda call: reply), timeout=0.2)
    with pytest.raises(OutcomeUnknownError):
        sync.deduct("alice", 1, "chat")


async def test_a_backend_that_raises_leaves_a_charge_unknown(caplog):
    def fail(call):
        raise RuntimeError("a fault of the backend")

    async with AsyncCredits(Scripted(fail), timeout=0.2) as credits:
        with pytest.raises(OutcomeUnknownError, match="RuntimeError"):
            await credits.deduct("alice", 1, "chat")
    sync = Credits(ScriptedSync(fail), timeout=0.2)
    with pytest.raises(OutcomeUnknownError, match="RuntimeError"):
        sync.deduct("alice", 1, "chat")
    assert "a fault of the backend" in caplog.text


async def test_a_backend_that_answers_too_few_calls_leaves_them_unknown():
    backend = Scripted(lambda call: OK)
    whole = backend.execute_now
    backend.execute_now = lambda calls: whole(calls)[: 2 if calls[0].script is None else 0]
    async with AsyncCredits(backend, timeout=0.2) as credits:
        with pytest.raises(OutcomeUnknownError, match="0 answers"):
            await credits.deduct("alice", 1, "chat")


async def at_once(backend, count):
    """How many of so many charges travelled together."""
    async with AsyncCredits(backend) as credits:
        await credits.get_balance("alice")
        backend.flights.clear()
        await asyncio.gather(*(credits.deduct("alice", 1, "chat") for _ in range(count)))
    return [len(flight) for flight in backend.flights]


async def test_calls_of_one_turn_travel_together():
    assert await at_once(Scripted(lambda call: OK), 100) == [100]


@pytest.mark.parametrize(
    ("count", "flights"), [(1, [1]), (15, [15]), (16, [8, 8]), (101, [50, 51]), (300, [150, 150])]
)
async def test_half_of_them_leave_first_where_that_is_worth_a_flight(count, flights):
    backend = Scripted(lambda call: OK)
    backend.min_flight = 8
    assert await at_once(backend, count) == flights


async def test_pages_of_logs_do_not_travel_with_charges():
    backend = Scripted(lambda call: LOG if call.script.bulky else OK)
    async with AsyncCredits(backend) as credits:
        await credits.get_balance("alice")
        backend.flights.clear()
        reads = [credits.get_transactions("alice") for _ in range(20)]
        charges = [credits.deduct("alice", 1, "chat") for _ in range(20)]
        await asyncio.gather(*reads, *charges)
    kinds = [set(flight) for flight in backend.flights]
    assert all(kind in ({"read_log"}, {"deduct"}) for kind in kinds)
    assert backend.flights.count(["deduct"] * 20) == 1
    assert kinds.index({"deduct"}) <= 1
    assert max(len(flight) for flight in backend.flights if "read_log" in flight) <= 8


async def test_pages_of_logs_leave_also_while_charges_never_cease():
    backend = Scripted(lambda call: LOG if call.script.bulky else OK)
    stop = False

    async def charge_on():
        while not stop:
            await credits.deduct("alice", 1, "chat")

    async with AsyncCredits(backend) as credits:
        chargers = [asyncio.create_task(charge_on()) for _ in range(50)]
        for _ in range(20):
            assert await credits.get_transactions("alice") == []
        stop = True
        await asyncio.gather(*chargers)


def test_a_client_says_that_it_belongs_to_another_loop():
    credits = AsyncCredits.from_url("memory://", auto_initialize=True)
    assert asyncio.run(credits.get_balance("alice")) == 100
    for call in (lambda: credits.get_balance("alice"), credits.aclose):
        with pytest.raises(BackendError, match="another event loop"):
            asyncio.run(call())


def test_a_store_that_went_away_is_asked_once_more_not_once_for_each_account():
    backend = ScriptedSync(lambda call: Failure("unknown", "silent"))
    with Credits(backend, timeout=0.2) as credits, pytest.raises(BackendUnavailableError):
        credits.reconcile([f"user-{number}" for number in range(30)])
    assert len(backend.flights) < 15


async def test_a_late_answer_of_a_clock_ahead_is_believed():
    """A node of a cluster whose clock is ahead: the second try goes by that clock."""
    ahead = 1_800_000_003_000

    def answer(call):
        if float(call.args[0]) < ahead:
            return ["late", str(ahead)]
        return ["ok", str(ahead), "90", str(ahead)]

    async with AsyncCredits(Scripted(answer)) as credits:
        assert (await credits.deduct("alice", 1, "chat")).balance == 90


@pytest.mark.parametrize("replies", [[], [TIME], RuntimeError("a fault of the backend")], ids=repr)
async def test_a_backend_that_cannot_greet_is_unavailable(replies):
    def greet(calls):
        if isinstance(replies, Exception):
            raise replies
        return replies

    backend, sync_backend = Scripted(None), ScriptedSync(None)
    backend.execute_now = sync_backend.execute_now = greet
    async with AsyncCredits(backend, timeout=0.2) as credits:
        with pytest.raises(BackendUnavailableError, match="nothing was executed"):
            await credits.deduct("alice", 1, "chat")
    with pytest.raises(BackendUnavailableError, match="nothing was executed"):
        Credits(sync_backend, timeout=0.2).deduct("alice", 1, "chat")
