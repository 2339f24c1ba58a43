"""The charge around a piece of work, with a store that breaks at chosen moments."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import anyio
import pytest

from credits_core import (
    AsyncCredits,
    InsufficientCreditsError,
    InvalidRequestError,
    PricingConfigError,
)
from credits_core.backends.memory import AsyncMemoryBackend
from credits_core.charge import adrain, pending, require_credits
from credits_core.command import Call, Failure, Reply


class Breaking:
    """A store that breaks calls of chosen scripts: before or after they are executed."""

    braces = False
    concurrency = 1

    def __init__(self) -> None:
        self._store = AsyncMemoryBackend()
        # script name or "question": "away", "lost" or "never_arrives"
        self.broken: dict[str, str] = {}
        self.seconds = 0.0  # how long a write takes, before and after
        self.calls: list[str] = []
        self.done: list[str] = []

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        return [await self._one(call, timeout) for call in calls]

    async def aclose(self) -> None:
        await self._store.aclose()

    async def _one(self, call: Call, timeout: float) -> Reply | Failure:
        name = _name(call)
        self.calls.append(name)
        how = self.broken.get(name)
        if name in ("deduct", "refund"):
            await asyncio.sleep(self.seconds)
        if how == "away":
            return Failure("no", "away")
        if how == "never_arrives":
            return Failure("unknown", "no answer")
        reply = (await self._store.execute([call], timeout))[0]
        if name in ("deduct", "refund"):
            await asyncio.sleep(self.seconds)
        self.done.append(name)
        return Failure("unknown", "lost") if how == "lost" else reply


def _name(call: Call) -> str:
    if call.script is None:
        return call.args[0]
    # With a deadline in the past a call only asks whether it happened.
    return "question" if call.args[:1] == ("0",) else call.script.name


class Setting:
    def __init__(self) -> None:
        self.store = Breaking()
        self.credits = AsyncCredits(self.store, timeout=0.2)

    async def log(self) -> list[tuple[int, str]]:
        entries = await self.credits.get_transactions("alice")
        return [(int(entry.amount), entry.action) for entry in reversed(entries)]

    async def balance(self) -> int:
        found = await self.credits.verify_balance("alice")
        assert found.valid
        return await self.credits.get_balance("alice")


@pytest.fixture
async def setting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    monkeypatch.setattr(pending, "PAUSES", (0.02,) * 60)
    setting = Setting()
    await setting.credits.initialize_user("alice", 100)
    yield setting
    await adrain(setting.credits)
    await setting.credits.aclose()


async def test_work_is_paid_before_it_begins(setting: Setting) -> None:
    setting.store.calls.clear()
    async with require_credits(setting.credits, "alice", 10, "chat", {"model": "m"}) as paid:
        assert setting.store.calls == ["deduct"]  # one round trip
        assert await setting.balance() == 90
    assert (paid.user_id, paid.action, paid.amount, paid.balance) == ("alice", "chat", 10, 90)
    newest = (await setting.credits.get_transactions("alice"))[0]
    assert (newest.id, newest.metadata) == (paid.id, {"model": "m"})
    assert await setting.balance() == 90


async def test_work_that_fails_is_given_back(setting: Setting) -> None:
    with pytest.raises(KeyError):
        async with require_credits(setting.credits, "alice", 10, "chat") as paid:
            raise KeyError("the work")
    assert await setting.balance() == 100
    assert (await setting.log())[1:] == [(-10, "chat"), (10, "refund")]
    newest = (await setting.credits.get_transactions("alice"))[0]
    assert (newest.kind, newest.refers_to) == ("refund", paid.id)


async def test_a_give_back_happens_once(setting: Setting) -> None:
    with pytest.raises(KeyError):
        async with require_credits(setting.credits, "alice", 10, "chat") as paid:
            raise KeyError
    assert paid.id is not None
    again = await setting.credits.refund("alice", paid.id)
    assert again.replayed
    assert await setting.balance() == 100


async def test_a_refusal_charges_nothing_and_runs_nothing(setting: Setting) -> None:
    with pytest.raises(InsufficientCreditsError) as refused:
        async with require_credits(setting.credits, "alice", 101, "chat"):
            pytest.fail("the work ran")
    assert (refused.value.required, refused.value.available) == (101, 100)
    assert await setting.balance() == 100


async def test_what_is_free_touches_nothing(setting: Setting) -> None:
    setting.store.calls.clear()
    with pytest.raises(KeyError):
        async with require_credits(setting.credits, "alice", 0, "chat") as paid:
            raise KeyError
    assert (paid.amount, paid.cost, paid.balance, paid.id) == (0, 0, None, None)
    assert setting.store.calls == []


@pytest.mark.parametrize("user_id", ["", " ", "a\nb", "x" * 257])
async def test_what_is_free_still_needs_a_user(setting: Setting, user_id: str) -> None:
    with pytest.raises(InvalidRequestError):
        async with require_credits(setting.credits, user_id, 0, "chat"):
            pytest.fail("the work ran")


async def test_costs_that_are_none(setting: Setting) -> None:
    with pytest.raises(PricingConfigError, match="0 is the least"):
        require_credits(setting.credits, "alice", -1, "chat")
    for cost in (True, False, 1.0, "5", None, 10**15 + 1):
        with pytest.raises(InvalidRequestError):
            require_credits(setting.credits, "alice", cost, "chat")  # type: ignore[arg-type]
    assert await setting.balance() == 100


async def test_cancelled_work_is_given_back(setting: Setting) -> None:
    async def work() -> None:
        async with require_credits(setting.credits, "alice", 10, "chat"):
            await asyncio.sleep(60)

    working = asyncio.create_task(work())
    await asyncio.sleep(0.02)
    assert await setting.balance() == 90
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await setting.balance() == 100


async def test_work_in_a_scope_that_ends_is_given_back_before_it_is_left(setting: Setting) -> None:
    setting.store.seconds = 0.03
    with anyio.CancelScope() as scope:
        async with require_credits(setting.credits, "alice", 10, "chat"):
            scope.cancel()
            await anyio.sleep(60)
    assert scope.cancelled_caught
    assert setting.store.done[-1] == "refund"
    assert (await setting.log())[1:] == [(-10, "chat"), (10, "refund")]


async def test_work_under_a_timeout_of_asyncio_is_given_back(setting: Setting) -> None:
    setting.store.seconds = 0.03

    async def work() -> None:
        async with (
            asyncio.timeout(None) as timeout,
            require_credits(setting.credits, "alice", 10, "chat"),
        ):
            timeout.reschedule(0)
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await work()
    assert (await setting.log())[1:] == [(-10, "chat"), (10, "refund")]


async def test_a_second_cancel_does_not_stop_the_give_back(setting: Setting) -> None:
    async def work() -> None:
        async with require_credits(setting.credits, "alice", 10, "chat"):
            await asyncio.sleep(60)

    working = asyncio.create_task(work())
    await asyncio.sleep(0.02)
    setting.store.broken = {"refund": "away"}
    for _ in range(3):
        working.cancel()
        await asyncio.sleep(0.002)
    with pytest.raises(asyncio.CancelledError):
        await working
    setting.store.broken = {}
    await adrain(setting.credits)
    assert await setting.balance() == 100


async def test_a_generator_that_is_closed_keeps_its_price(setting: Setting) -> None:
    """Who leaves in the middle has had a part of it."""

    async def stream() -> AsyncIterator[int]:
        async with require_credits(setting.credits, "alice", 10, "chat"):
            yield 1
            yield 2

    chunks = stream()
    assert await anext(chunks) == 1
    assert await setting.balance() == 90
    await chunks.aclose()  # type: ignore[attr-defined]
    assert await setting.balance() == 90


@pytest.mark.parametrize("moment", [0.01, 0.05])
async def test_cancelled_while_the_charge_is_on_its_way(setting: Setting, moment: float) -> None:
    setting.store.seconds = 0.03  # once before and once after it is executed

    async def work() -> None:
        async with require_credits(setting.credits, "alice", 10, "chat"):
            pytest.fail("the work ran")

    working = asyncio.create_task(work())
    await asyncio.sleep(moment)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await adrain(setting.credits)
    assert (await setting.log())[1:] == [(-10, "chat"), (10, "refund")]


async def test_cancelled_while_a_refusal_is_on_its_way(setting: Setting) -> None:
    setting.store.seconds = 0.03
    entering = asyncio.create_task(
        require_credits(setting.credits, "alice", 101, "chat").__aenter__()
    )
    await asyncio.sleep(0.01)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    await adrain(setting.credits)
    assert (await setting.log())[1:] == []


async def test_drain_waits_for_open_blocks_and_not_for_ever(setting: Setting) -> None:
    async with require_credits(setting.credits, "alice", 10, "chat"):
        before = asyncio.get_running_loop().time()
        await adrain(setting.credits, seconds=0.1)
        assert asyncio.get_running_loop().time() - before >= 0.1
    await adrain(setting.credits, seconds=60)


async def test_drain_of_a_client_that_never_charged() -> None:
    async with AsyncCredits.from_url("memory://") as credits:
        await adrain(credits)


async def test_many_charges_at_once_of_which_some_fail(setting: Setting) -> None:
    patient = AsyncCredits(setting.store, timeout=20)

    async def work(number: int) -> None:
        async with require_credits(patient, "alice", 1, "chat"):
            await asyncio.sleep(0)
            if number % 2:
                raise KeyError

    await asyncio.gather(*(work(number) for number in range(60)), return_exceptions=True)
    assert await setting.balance() == 70
