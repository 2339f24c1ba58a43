"""The ends of responses: the last piece of a stream, or its end before it; a response closed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from credits_core.http.bodies import AsyncPaidBody, PaidBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from credits_core.charge.tab import Ending
    from credits_django.connection import Connection
    from credits_django.keyed import KeyedBody
    from credits_django.request import RequestCredits

__all__ = ["head_of_stream", "settle_when_closed", "settle_with_the_body"]


class _Body(PaidBody):
    _paid: RequestCredits

    def __next__(self) -> bytes:
        with self._paid.inside():
            return super().__next__()


class _AsyncBody(AsyncPaidBody):
    _paid: RequestCredits

    async def __anext__(self) -> bytes:
        with self._paid.inside():
            return await super().__anext__()

    def close(self) -> None:
        """What Django calls when a response is closed: in a thread, or in a server of threads."""
        if not self._ended:
            async_to_sync(self.aclose)()


def head_of_stream(response: Any) -> Ending:
    """How a `HEAD` of a stream ends, of which nothing is sent: it does not begin.

    Of a file, whose length is told, the head is an answer as that of a page is.
    """
    response.streaming_content = _nothing() if response.is_async else ()
    return "served" if response.has_header("Content-Length") else "left"


def settle_with_the_body(response: Any, state: RequestCredits) -> None:
    """Wrap the pieces of a response, so that its charges end with them.

    A file is sent piece by piece, too: whole by the server, nobody would see its end.
    """
    pieces, keyed = response.streaming_content, state.keyed
    body: _AsyncBody | _Body
    if response.is_async:
        source = pieces if keyed is None else keyed.apieces(pieces)
        body = _AsyncBody(source, state, partial(_adone, keyed))
    else:
        source = pieces if keyed is None else keyed.pieces(pieces)
        body = _Body(source, state, partial(_done, keyed))
    response.streaming_content = body
    _end_by(body.close, response, state)


def settle_when_closed(response: Any, state: RequestCredits) -> None:
    """End what is still open of an answer in one piece when the server has sent it.

    It is served, whether the client took it or not: nobody can tell.
    """
    if state.open:
        _end_by(partial(state.end, "served"), response, state)


def _end_by(end: Callable[[], None], response: Any, state: RequestCredits) -> None:
    response.close = partial(_close, state.connection, response.close)
    state.connection.ends_by(end)


def _close(connection: Connection, close_response: Callable[[], None]) -> None:
    # Before the source, which Django closes first: it would take its last piece for sent.
    try:
        connection.close()
    finally:
        close_response()


async def _nothing() -> AsyncIterator[bytes]:
    for _ in ():
        yield b""


def _done(keyed: KeyedBody | None, ending: Ending) -> None:
    if keyed is not None:
        keyed.end(served=ending == "served")


async def _adone(keyed: KeyedBody | None, ending: Ending) -> None:
    if keyed is not None:
        await keyed.aend(served=ending == "served")
