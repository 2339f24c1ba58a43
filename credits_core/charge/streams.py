"""Pieces delivered and paid one by one: a stream that ends, breaks, or is left in the middle."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from anyio import CancelScope, to_thread

from credits_core.charge.ledger import AsyncLedger
from credits_core.charge.nesting import inside
from credits_core.errors import CreditsError, InvalidRequestError
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
    sync = not isinstance(charge._ledger, AsyncLedger)  # noqa: SLF001 - the charge's own streams
    if sync and isinstance(pieces, AsyncIterable) and not charge.threaded:
        raise TypeError("an async stream is paid with an AsyncCredits, and this is a Credits")
    charge.streaming = True
    if piece_cost is not None:
        charge.tab.meter(0)  # without pieces it costs nothing, and not the estimate
    if isinstance(pieces, AsyncIterable):
        return _AsyncStream(charge, _astream(charge, pieces, piece_cost, final))
    if sync:
        return _Stream(charge, _stream(charge, pieces, piece_cost, final))
    return _AsyncStream(charge, _astream(charge, _in_threads(iter(pieces)), piece_cost, final))


class _AsyncStream(AsyncGenerator[T, None]):
    """The pieces; it ends the charge also when it is closed before it began.

    A generator that has not begun runs nothing when it is closed.
    """

    def __init__(self, charge: Charge, pieces: AsyncGenerator[T, None]) -> None:
        self._charge = charge
        self._pieces = pieces

    def __anext__(self) -> Coroutine[Any, Any, T]:
        return self._pieces.__anext__()

    def asend(self, value: None) -> Coroutine[Any, Any, T]:
        return self._pieces.asend(value)

    def athrow(self, *error: Any) -> Coroutine[Any, Any, T]:
        return self._pieces.athrow(*error)

    async def aclose(self) -> None:
        await self._pieces.aclose()
        await self._charge.aend("left")


class _Stream(Generator[T, None, None]):
    """See `_AsyncStream`."""

    def __init__(self, charge: Charge, pieces: Generator[T, None, None]) -> None:
        self._charge = charge
        self._pieces = pieces

    def __next__(self) -> T:
        return next(self._pieces)

    def send(self, value: None) -> T:
        return self._pieces.send(value)

    def throw(self, *error: Any) -> T:
        return self._pieces.throw(*error)

    def close(self) -> None:
        self._pieces.close()
        self._charge.end("left")


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
                except InvalidRequestError:
                    raise  # a mistake of the app's
                except CreditsError as error:
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
                except InvalidRequestError:
                    raise  # a mistake of the app's
                except CreditsError as error:
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
    at_work = Lock()

    def make() -> T:
        with at_work:
            return next(source, _END)

    def close() -> None:
        with at_work:  # who is cancelled leaves a piece in the making behind
            if (close := getattr(source, "close", None)) is not None:
                close()

    try:
        while (piece := await to_thread.run_sync(make)) is not _END:
            yield piece
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(close)
