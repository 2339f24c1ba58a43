"""The bodies of streaming responses: their last piece, or their end before it, settles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from credits_core.http.bodies import AsyncPaidBody, PaidBody

if TYPE_CHECKING:
    from credits_core.charge.tab import Ending
    from credits_django.keyed import KeyedBody
    from credits_django.request import RequestCredits

__all__ = ["settle_at_the_end"]


class _AsyncBody(AsyncPaidBody):
    def close(self) -> None:
        """What Django calls when a response is closed: in a thread, or in a server of threads."""
        if not self._ended:
            async_to_sync(self.aclose)()


def settle_at_the_end(response: Any, state: RequestCredits) -> None:
    """Wrap the pieces of a response, so that its charges end with them.

    Django closes the new body with the response, as it does any `streaming_content`. A file is
    sent piece by piece, too: whole by the server, nobody would see its end.
    """
    pieces, keyed = response.streaming_content, state.keyed
    if response.is_async:
        source = pieces if keyed is None else keyed.apieces(pieces)
        response.streaming_content = _AsyncBody(source, state, partial(_adone, keyed))
    else:
        source = pieces if keyed is None else keyed.pieces(pieces)
        response.streaming_content = PaidBody(source, state, partial(_done, keyed))


def _done(keyed: KeyedBody | None, ending: Ending) -> None:
    if keyed is not None:
        keyed.end(served=ending == "served")


async def _adone(keyed: KeyedBody | None, ending: Ending) -> None:
    if keyed is not None:
        await keyed.aend(served=ending == "served")
