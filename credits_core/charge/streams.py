"""Pieces delivered and paid one by one: a stream that ends, breaks, or is left in the middle."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from anyio import to_thread

from credits_core.charge.ledger import AsyncLedger
from credits_core.charge.nesting import inside
from credits_core.errors import BackendError, InsufficientCreditsError
from credits_core.pricing import Number

if TYPE_CHECKING:
    from credits_core.charge.charge import Charge
    from credits_core.charge.tab import Ending

__all__ = ["PieceCost", "delivered"]

T = TypeVar("T")

PieceCost: TypeAlias = Number | Callable[[T], Number]
"""Credits a piece, 0 or more, or a function of the piece."""

_END: Any = object()


def delivered(
    charge: Charge,
    pieces: AsyncIterable[T] | Iterable[T],
    piece_cost: PieceCost[T] | None,
    final: Callable[[Charge], T] | None,
) -> AsyncGenerator[T, None] | Generator[T, None, None]:
    """The pieces as they are delivered and paid; the end of them is the end of the charge."""
    charge.streaming = True
    if not isinstance(charge._ledger, AsyncLedger):  # noqa: SLF001 - the charge's own streams
        if isinstance(pieces, AsyncIterable):
            if charge.threaded:
                return _astream(charge, pieces, piece_cost, final)
            raise TypeError("an async stream is paid with an AsyncCredits, and this is a Credits")
        return _stream(charge, pieces, piece_cost, final)
    if not isinstance(pieces, AsyncIterable):
        pieces = _in_threads(iter(pieces))
    return _astream(charge, pieces, piece_cost, final)


async def _astream(
    charge: Charge,
    pieces: AsyncIterable[T],
    piece_cost: PieceCost[T] | None,
    final: Callable[[Charge], T] | None,
) -> AsyncGenerator[T, None]:
    charge.streaming = False  # from here on, whoever breaks it off is its end
    source = aiter(pieces)
    ending: Ending = "failed"
    try:
        while True:
            with inside(charge):
                piece = await anext(source, _END)
            if piece is _END:
                break
            cost = _cost(piece_cost, piece)
            if piece_cost is not None:
                try:
                    await charge.aspend(cost)
                except (InsufficientCreditsError, BackendError) as error:
                    charge.cut_off = error
                    break
            charge.tab.hand(cost)
            yield piece
        ending = "served"
    except BaseException as error:
        ending = _ending(charge, error, piece_cost)
        raise
    finally:
        try:
            await _aclosed(source)
        finally:
            await charge.aend(ending)
    if final is not None:
        yield final(charge)


def _stream(
    charge: Charge,
    pieces: Iterable[T],
    piece_cost: PieceCost[T] | None,
    final: Callable[[Charge], T] | None,
) -> Generator[T, None, None]:
    charge.streaming = False  # from here on, whoever breaks it off is its end
    source = iter(pieces)
    ending: Ending = "failed"
    try:
        while True:
            with inside(charge):
                piece = next(source, _END)
            if piece is _END:
                break
            cost = _cost(piece_cost, piece)
            if piece_cost is not None:
                try:
                    charge.spend(cost)
                except (InsufficientCreditsError, BackendError) as error:
                    charge.cut_off = error
                    break
            charge.tab.hand(cost)
            yield piece
        ending = "served"
    except BaseException as error:
        ending = _ending(charge, error, piece_cost)
        raise
    finally:
        try:
            if (close := getattr(source, "close", None)) is not None:
                close()
        finally:
            charge.end(ending)
    if final is not None:
        yield final(charge)


def _cost(piece_cost: PieceCost[T] | None, piece: T) -> Number:
    if piece_cost is None:
        return 0
    return piece_cost(piece) if callable(piece_cost) else piece_cost


def _ending(charge: Charge, error: BaseException, piece_cost: object) -> Ending:
    ending = charge.terms.ending(error)
    # Each piece was a sale of its own: what breaks after it does not undo it.
    return "left" if ending == "failed" and piece_cost is not None else ending


async def _aclosed(source: AsyncIterator[Any]) -> None:
    if (close := getattr(source, "aclose", None)) is not None:
        await close()


async def _in_threads(source: Iterator[T]) -> AsyncIterator[T]:
    """The pieces of a sync source, each made in a thread, so that the loop goes on meanwhile."""
    try:
        while (piece := await to_thread.run_sync(next, source, _END)) is not _END:
            yield piece
    finally:
        if (close := getattr(source, "close", None)) is not None:
            await to_thread.run_sync(close)
