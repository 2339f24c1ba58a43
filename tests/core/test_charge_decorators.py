"""Functions and generators that cost credits when they are called."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from credits_core import (
    AsyncCredits,
    Credits,
    InsufficientCreditsError,
    InvalidRequestError,
    PricingConfigError,
)
from credits_core.charge import Priced, charges, current_charge, holds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
def sync() -> Iterator[Credits]:
    with Credits.from_url("memory://") as credits:
        credits.initialize_user("alice", 100)
        yield credits


@pytest.fixture
async def aio() -> AsyncIterator[AsyncCredits]:
    async with AsyncCredits.from_url("memory://") as credits:
        await credits.initialize_user("alice", 100)
        yield credits


def log(credits: Credits) -> list[tuple[int, str]]:
    found = credits.get_transactions("alice")
    assert credits.verify_balance("alice").valid
    return [(int(entry.amount), entry.action) for entry in reversed(found)][1:]


async def alog(credits: AsyncCredits) -> list[tuple[int, str]]:
    found = await credits.get_transactions("alice")
    assert (await credits.verify_balance("alice")).valid
    return [(int(entry.amount), entry.action) for entry in reversed(found)][1:]


def test_a_function_is_paid_when_it_is_called(sync: Credits) -> None:
    @charges(10, user="user_id", client=sync)
    def chat(text: str, user_id: str = "alice") -> str:
        """Answer."""
        charge = current_charge()
        assert charge is not None
        assert charge.balance == 90
        return text.upper()

    assert (chat("hi"), log(sync)) == ("HI", [(-10, "chat")])
    assert (chat.__name__, chat.__doc__) == ("chat", "Answer.")
    assert list(inspect.signature(chat).parameters) == ["text", "user_id"]
    assert current_charge() is None


def test_a_function_that_raises_costs_nothing(sync: Credits) -> None:
    @charges(10, user=lambda *_: "alice", client=lambda: sync, fails_when=lambda e: e.args != (2,))
    def chat(number: int) -> str:
        raise KeyError(number)

    for number in (1, 2):
        with pytest.raises(KeyError):
            chat(number)
    assert log(sync) == [(-10, "chat"), (10, "refund"), (-10, "chat")]


async def test_a_coroutine(aio: AsyncCredits) -> None:
    @charges(Priced("chat_message"), user="user_id", client=aio)
    async def chat(user_id: str, text: str) -> str:
        await asyncio.sleep(0)
        if not text:
            raise KeyError
        return text.upper()

    assert inspect.iscoroutinefunction(chat)
    assert await chat("alice", text="hi") == "HI"
    with pytest.raises(KeyError):
        await chat(user_id="alice", text="")
    assert await alog(aio) == [(-10, "chat_message"), (-10, "chat_message"), (10, "refund")]


def test_a_generator_is_paid_when_its_first_piece_is_taken(sync: Credits) -> None:
    @holds(5, user="user_id", client=sync, action="tale", piece_cost=2, step=5)
    def story(user_id: str) -> Iterator[str]:
        assert current_charge() is not None
        yield from "abc"

    assert inspect.isgeneratorfunction(story)
    story("alice")
    assert log(sync) == []
    assert list(story("alice")) == ["a", "b", "c"]
    assert log(sync) == [(-5, "tale"), (-5, "hold_extended"), (4, "tale")]
    assert current_charge() is None
    for piece in story("alice"):
        assert piece == "a"
        break
    assert sync.get_balance("alice") == 92


async def test_an_async_generator(aio: AsyncCredits) -> None:
    @holds(5, user="user_id", client=aio, piece_cost=2)
    async def story(user_id: str) -> AsyncIterator[str]:
        for piece in "abc":
            yield piece

    assert inspect.isasyncgenfunction(story)
    assert [piece async for piece in story("alice")] == ["a", "b", "c"]
    pieces = story("alice")
    assert await anext(pieces) == "a"
    await pieces.aclose()  # type: ignore[attr-defined]
    assert await aio.get_balance("alice") == 92


def test_what_is_thrown_into_a_generator_is_a_failure(sync: Credits) -> None:
    @contextmanager
    @charges(10, user="user_id", client=sync)
    def session(user_id: str) -> Iterator[int]:
        yield 1

    with session("alice"):
        pass
    with pytest.raises(KeyError), session("alice"):
        raise KeyError
    assert sync.get_balance("alice") == 90


async def test_what_is_thrown_into_an_async_generator_is_a_failure(aio: AsyncCredits) -> None:
    @asynccontextmanager
    @charges(10, user="user_id", client=aio)
    async def session(user_id: str) -> AsyncIterator[int]:
        yield 1

    async with session("alice"):
        pass
    with pytest.raises(KeyError):
        async with session("alice"):
            raise KeyError
    assert await aio.get_balance("alice") == 90


async def test_a_call_that_does_not_fit_costs_nothing(sync: Credits, aio: AsyncCredits) -> None:
    @charges(10, user=lambda *_: "alice", client=sync)
    def pieces(one: int) -> Iterator[int]:
        yield one

    @charges(10, user=lambda *_: "alice", client=aio)
    async def apieces(one: int) -> AsyncIterator[int]:
        yield one

    @charges(10, user="user_id", client=sync)
    def chat(user_id: str) -> None:
        pass

    with pytest.raises(TypeError):
        list(pieces(1, 2))  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        await anext(apieces(1, 2))  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        chat()  # type: ignore[call-arg]
    assert (sync.get_balance("alice"), await aio.get_balance("alice")) == (100, 100)


def test_prices_and_exemptions_of_the_arguments(sync: Credits) -> None:
    @holds(
        lambda user_id, text: Priced("video_generation", len(text)),
        user=lambda user_id, text: user_id,
        client=sync,
        exempt_when=lambda user_id, text: text == "free",
    )
    def film(user_id: str, text: str) -> None:
        charge = current_charge()
        assert charge is not None
        charge.settle(3)

    film("alice", "abcd")
    film("alice", "free")
    assert log(sync) == [(-40, "video_generation"), (37, "video_generation")]
    with pytest.raises(InsufficientCreditsError):
        film("alice", "x" * 10)


def test_an_action_of_its_own_beats_that_of_the_price(sync: Credits) -> None:
    @charges(lambda user_id: Priced("chat_message"), user="user_id", client=sync, action="talk")
    def chat(user_id: str) -> None:
        pass

    chat("alice")
    assert log(sync) == [(-10, "talk")]


def test_a_price_below_zero_is_told_when_it_is_known(sync: Credits) -> None:
    @charges(lambda user_id: -1, user="user_id", client=sync)
    def chat(user_id: str) -> None:
        pytest.fail("the work ran")

    with pytest.raises(PricingConfigError):
        chat("alice")
    assert log(sync) == []


async def test_methods_of_classes(sync: Credits, aio: AsyncCredits) -> None:
    class Studio:
        def __init__(self, owner: str) -> None:
            self.owner = owner

        @charges(1, user=lambda self: self.owner, client=sync)
        def draw(self) -> str:
            return self.owner

        @charges(2, user="user_id", client=aio)
        async def film(self, user_id: str) -> str:
            return self.owner + user_id

        @classmethod
        @charges(4, user="user_id", client=sync)
        def open(cls, user_id: str) -> Studio:
            return cls(user_id)

        @staticmethod
        @charges(8, user="user_id", client=sync)
        def tell(user_id: str) -> str:
            return user_id

    studio = Studio.open("alice")
    assert (studio.draw(), studio.tell("alice")) == ("alice", "alice")
    assert await studio.film("alice") == "alicealice"
    assert log(sync) == [(-4, "open"), (-1, "draw"), (-8, "tell")]
    assert await alog(aio) == [(-2, "film")]


def test_paid_functions_in_paid_functions(sync: Credits) -> None:
    @charges(10, user="user_id", client=sync)
    def inner(user_id: str) -> None:
        pass

    @holds(50, user="user_id", client=sync)
    def outer(user_id: str) -> None:
        for _ in range(3):
            inner(user_id)

    outer("alice")
    assert log(sync) == [(-50, "outer"), (20, "outer")]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"user": "nobody"}, "has no argument 'nobody'"),
    ({"user": None}, "user"),
    ({"client": None}, "client"),
    ({"client": "memory://"}, "client"),
    ({"exempt_when": True}, "exempt_when"),
    ({"action": ""}, "action"),
    ({"action": "x" * 65}, "action"),
    ({"cost": 1.5}, "amount"),
    ({"cost": True}, "amount"),
    ({"cost": "10"}, "amount"),
    ({"cost": -1}, "0 is the least"),
    ({"cost": Priced("no such action")}, "no price"),
    ({"metadata": {"a": object()}}, "metadata"),
    ({"shortfall": "refuse"}, "shortfall"),
    ({"step": 0}, "amount"),
    ({"expires_in": -1}, "expires_in"),
    ({"piece_cost": -1}, "piece"),
    ({"piece_cost": "1"}, "piece"),
    ({"piece_cost": 1}, "generator"),
]


@pytest.mark.parametrize(("wrong", "told"), BAD)
def test_what_could_never_work_is_refused_at_once(
    sync: Credits, wrong: dict[str, Any], told: str
) -> None:
    def chat(user_id: str) -> None: ...
    def story(user_id: str) -> Iterator[str]:
        yield "a"

    options: dict[str, Any] = {"user": "user_id", "client": sync, **wrong}
    cost = options.pop("cost", 10)
    needs_hold = {"shortfall", "step", "expires_in", "piece_cost"} & set(wrong)
    for decorator in (holds,) if needs_hold else (charges, holds):
        with pytest.raises((InvalidRequestError, PricingConfigError), match=told):
            decorator(cost, **options)(chat if told == "generator" else story)


async def test_the_client_must_be_of_the_functions_kind(sync: Credits, aio: AsyncCredits) -> None:
    async def coro(user_id: str) -> None: ...
    def plain(user_id: str) -> None: ...

    with pytest.raises(InvalidRequestError, match="coro is async and needs AsyncCredits"):
        charges(1, user="user_id", client=sync)(coro)
    with pytest.raises(InvalidRequestError, match="plain is not async and needs Credits"):
        charges(1, user="user_id", client=aio)(plain)
    with pytest.raises(InvalidRequestError, match="needs AsyncCredits"):
        await charges(1, user="user_id", client=lambda: sync)(coro)("alice")


def test_what_is_no_function_is_refused(sync: Credits) -> None:
    with pytest.raises(InvalidRequestError, match="under @classmethod"):
        charges(1, user="user_id", client=sync)(classmethod(lambda cls, user_id: 1))  # type: ignore[type-var, arg-type]
