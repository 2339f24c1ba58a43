"""Charges around a piece of work: what users write, and what the checkers make of it."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from decimal import Decimal
from typing import assert_type

from credits_core import (
    AsyncCredits,
    Charge,
    Credits,
    CreditsError,
    Priced,
    charges,
    current_charge,
    hold_credits,
    holds,
    require_credits,
    resume_hold,
)
from credits_core.charge import adrain, drain


def sync(credits: Credits) -> None:
    with require_credits(credits, "alice", 10, "chat", {"model": "small"}) as charge:
        assert_type(charge, Charge)
        assert_type(charge.id, str | None)
        assert_type(charge.balance, int | None)
        assert_type(charge.amount, int)
        assert_type(charge.cost, int)
        charge.settle(2.5)
    with require_credits(credits, "alice", Priced("video_generation", Decimal("2.5"))) as charge:
        charge.refund()
    with hold_credits(credits, "alice", 50, "story", expires_in=60, step=10) as held:
        held.meter(Decimal("0.1"))
        held.spend(3)
        held.renew()
        assert_type(held.stream(["a", "b"], 1), Generator[str, None, None])
        assert_type(held.stream([1, 2], lambda piece: piece), Generator[int, None, None])
        assert_type(held.cut_off, CreditsError | None)
        job = assert_type(held.hand_over(), str)
    with resume_hold(credits, "alice", job, shortfall="owe", fails_when=is_failure) as held:
        assert_type(held, Charge)
    assert_type(current_charge(), Charge | None)
    drain(credits, 5)


async def pieces() -> AsyncIterator[bytes]:
    yield b"a"


async def aio(credits: AsyncCredits) -> None:
    async with require_credits(credits, "alice", 10, "chat", apart=True) as charge:
        assert_type(charge, Charge)
    async with hold_credits(credits, "alice", 50, "story") as held:
        await held.aspend(0.5)
        await held.arenew()
        stream = held.stream(pieces(), len, final=lambda ended: str(ended.cost).encode())
        assert_type(stream, AsyncGenerator[bytes, None])
        async for piece in stream:
            assert_type(piece, bytes)
    await adrain(credits, 5)


def is_failure(error: BaseException) -> bool:
    return isinstance(error, TimeoutError)


def client() -> Credits:
    return Credits.from_url("memory://")


def aclient() -> AsyncCredits:
    return AsyncCredits.from_url("memory://")


@charges(10, user="user_id", client=client)
def chat(user_id: str, text: str) -> str:
    return text


@charges(
    lambda user_id, text: len(text), user="user_id", client=aclient, exempt_when=lambda *_: False
)
async def achat(user_id: str, text: str) -> str:
    return text


@holds(Priced("chat_message", 3), user=lambda user_id: user_id, client=client, piece_cost=len)
def story(user_id: str) -> Iterator[str]:
    yield "a"


@holds(5, user="user_id", client=aclient, piece_cost=1)
async def astory(user_id: str) -> AsyncIterator[str]:
    yield "a"


class Studio:
    @charges(10, user="user_id", client=client)
    def draw(self, user_id: str) -> int:
        return 1


async def decorated() -> None:
    assert_type(chat("alice", "hi"), str)
    assert_type(await achat("alice", text="hi"), str)
    assert_type(story("alice"), Iterator[str])
    assert_type(astory("alice"), AsyncIterator[str])
    assert_type(Studio().draw("alice"), int)


def refused(credits: Credits) -> None:
    require_credits(credits, "alice", 1.5, "chat")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    hold_credits(credits, "alice", 5, "chat", shortfall="refuse")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    require_credits("memory://", "alice", 5, "chat")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chat(1, "hi")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    charges(10, client=client)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
