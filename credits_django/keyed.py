"""Requests with an `Idempotency-Key`: begun by the view that is paid, kept by the middleware."""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.conf import settings

from credits_core.http.body_digest import BodyDigest
from credits_core.http.idempotency import HEADER, AnswerKeeper, key_of
from credits_core.http.keyed import AsyncKeyed, Keyed
from credits_core.http.under_key import Sent, UnderKey
from credits_django.conf import conf

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from credits_core import AsyncCredits, Credits
    from credits_core.charge.terms import Terms

__all__ = ["KeyedBody"]

_PIECE = 64 * 1024

_META = f"HTTP_{HEADER.upper().replace('-', '_')}"


class KeyedBody:
    """The request body as it is read, its digest, and the answer that is kept."""

    def __init__(self, request: Any) -> None:
        """Stand in for the stream that the body is read from."""
        self._request = request
        self._stream = request._stream  # noqa: SLF001 - nothing public lets the body pass twice
        self._digest = BodyDigest(request.headers.get("Content-Type"))
        self._under = UnderKey(conf().lease)
        self._keeper: AnswerKeeper | None = None
        self._kept: IO[bytes] | None = None
        request._stream = self  # noqa: SLF001 - see above

    @classmethod
    def of(cls, request: Any) -> KeyedBody | None:
        """That of a request that carries a key."""
        return cls(request) if _META in request.META else None

    def read(self, *size: int) -> bytes:
        """Pass on what is read, and take the digest of it."""
        piece: bytes = self._stream.read(*size)
        self._digest.update(piece)
        return piece

    def readline(self, *size: int) -> bytes:
        """Pass on a line that is read, and take the digest of it."""
        piece: bytes = self._stream.readline(*size)
        self._digest.update(piece)
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def terms(self, client: Credits, terms: Terms, route: str) -> Terms:
        """The terms of a charge under the key: see `UnderKey.terms`."""
        return self._under.terms(client, terms, route, self._sent)

    async def aterms(self, client: AsyncCredits | Credits, terms: Terms, route: str) -> Terms:
        """The same in async code."""
        return await self._under.aterms(client, terms, route, self._asent)

    def start(self, response: Any) -> None:
        """The answer begins."""
        if self._under.begun is not None:
            self._keeper = AnswerKeeper(response.status_code, list(response.items()))

    def whole(self, body: bytes) -> None:
        """The body of the answer, in one piece."""
        if self._keeper is not None:
            self._keeper.add(body)

    def pieces(self, source: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces of the body as they leave."""
        for piece in source:
            self.whole(piece)
            yield piece

    async def apieces(self, source: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The pieces of the body as they leave."""
        async for piece in source:
            self.whole(piece)
            yield piece

    def end(self, *, served: bool, paid: bool = False) -> bool:
        """Keep the answer; where there is none, let the same key try again, in sync code.

        `paid` is whether a fixed price stays paid without an answer.
        """
        if (begun := self._ended()) is None:
            return True
        answer = self._keeper if served else None
        if isinstance(begun, Keyed):
            return begun.end(answer, paid=paid)
        ours: bool = async_to_sync(begun.end)(answer, paid=paid)
        return ours

    async def aend(self, *, served: bool, paid: bool = False) -> bool:
        """Keep the answer, or let the same key try again, in async code."""
        if (begun := self._ended()) is None:
            return True
        answer = self._keeper if served else None
        if isinstance(begun, Keyed):
            return await asyncio.to_thread(begun.end, answer, paid=paid)
        return await begun.end(answer, paid=paid)

    def _ended(self) -> AsyncKeyed | Keyed | None:
        begun = self._under.take()
        if self._kept is not None:
            self._kept.close()
        return begun

    async def _asent(self) -> Sent:
        return self._sent()

    def _sent(self) -> Sent:
        request = self._request
        if not request._read_started:  # noqa: SLF001 - see above
            self._keep_body()
        else:
            while self.read(_PIECE):
                pass
        target = f"{request.path}?{request.META.get('QUERY_STRING', '')}"
        return Sent(key_of(request.headers[HEADER]), target, self._digest.hexdigest())

    def _keep_body(self) -> None:
        """Read the body, for the view to read it again."""
        kept = SpooledTemporaryFile(  # noqa: SIM115 - closed with the request
            max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        )
        while piece := self.read(_PIECE):
            kept.write(piece)
        kept.seek(0)
        self._kept = self._request._stream = kept  # noqa: SLF001 - see above
