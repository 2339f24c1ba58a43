"""The body of an answer, piece by piece: its end is the end of what it was charged.

For frameworks whose answers are iterables, as WSGI's are: a server closes one that it does not
read to its end (PEP 3333), and so tells that the client is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Iterator,
    )

    from credits_core.charge.tab import Ending
    from credits_core.http.paid import PaidRequest

__all__ = ["AsyncPaidBody", "PaidBody"]


class PaidBody:
    """The pieces of an answer; `done` is told how it ended, after the charges have."""

    def __init__(
        self,
        pieces: Iterable[bytes],
        paid: PaidRequest,
        done: Callable[[Ending], object] = lambda _: None,
    ) -> None:
        """Wrap the pieces that a framework would send."""
        self._source = pieces
        self._pieces: Iterator[bytes] = iter(pieces)
        self._paid = paid
        self._done = done
        self._handed = self._sent = False
        self._ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._handed:  # who asks for more has sent what it was handed
            self._sent = True
            self._paid.delivered()
        try:
            piece = next(self._pieces)
        except StopIteration:
            self._end("served")
            raise
        except Exception as error:
            self._end("failed", error)
            raise
        except BaseException as error:
            self._end("left", error)
            raise
        self._handed = self._handed or bool(piece)
        return piece

    def close(self) -> None:
        """What servers call in the end: before the last piece it means that the client is gone."""
        if self._handed and not self._ended:
            self._paid.unsent(first=not self._sent)
        try:
            if (close := getattr(self._source, "close", None)) is not None:
                close()
        finally:
            self._end("left")

    def _end(self, ending: Ending, error: BaseException | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        try:
            self._paid.end(ending, error)
        except BaseException:
            ending = "failed"  # nobody would pay for it
            raise
        finally:
            self._done(ending)


class AsyncPaidBody:
    """The pieces of an answer, async; `done` is awaited with how it ended."""

    def __init__(
        self,
        pieces: AsyncIterable[bytes],
        paid: PaidRequest,
        done: Callable[[Ending], Awaitable[object]] | None = None,
    ) -> None:
        """Wrap the pieces that a framework would send."""
        self._source = pieces
        self._pieces: AsyncIterator[bytes] = aiter(pieces)
        self._paid = paid
        self._done = done
        self._handed = self._sent = False
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._handed:
            self._sent = True
            self._paid.delivered()
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            await self._end("served")
            raise
        except Exception as error:
            await self._end("failed", error)
            raise
        except BaseException as error:
            await self._end("left", error)
            raise
        self._handed = self._handed or bool(piece)
        return piece

    async def aclose(self) -> None:
        """End it before its last piece: the client is gone."""
        if self._handed and not self._ended:
            self._paid.unsent(first=not self._sent)
        try:
            if (close := getattr(self._source, "aclose", None)) is not None:
                await close()
        finally:
            await self._end("left")

    async def _end(self, ending: Ending, error: BaseException | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        try:
            await self._paid.aend(ending, error)
        except BaseException:
            ending = "failed"  # nobody would pay for it
            raise
        finally:
            if self._done is not None:
                await self._done(ending)
