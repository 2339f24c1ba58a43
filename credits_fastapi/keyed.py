"""Requests with an `Idempotency-Key`: begun in the dependency, kept by the middleware."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from starlette.datastructures import Headers

from credits_core.http.body_digest import BodyDigest
from credits_core.http.idempotency import HEADER, AnswerAgain, AnswerKeeper, key_of
from credits_core.http.keyed import AsyncKeyed
from credits_core.http.under_key import Sent, UnderKey

if TYPE_CHECKING:
    from fastapi.requests import HTTPConnection
    from starlette.types import Message, Receive, Scope

    from credits_core.async_client import AsyncCredits
    from credits_core.charge.terms import Terms

__all__ = ["KeyedAnswer", "answer_again", "has_key"]

_HEADER = HEADER.lower().encode()


def has_key(scope: Any) -> bool:
    """Whether a request carries a key."""
    if scope["type"] == "http":
        for name, _ in scope["headers"]:
            if name == _HEADER:
                return True
    return False


async def answer_again(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """Send an answer that was kept."""
    if not isinstance(error, AnswerAgain):
        raise error
    response = Response(error.body, error.status)
    response.raw_headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in error.headers
    ]
    return response


class KeyedAnswer:
    """What the middleware sees of a request with a key: its body, and its answer as it leaves."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._digest = BodyDigest(Headers(scope=scope).get("content-type"))
        self._whole = False
        self._under: UnderKey | None = None
        self._answer: AnswerKeeper | None = None

    async def receive(self) -> Message:
        """Pass on what comes, and take the digest of the body."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._digest.update(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        return message

    async def terms(
        self,
        connection: HTTPConnection,
        client: AsyncCredits,
        terms: Terms,
        route: str,
        lease: float,
    ) -> Terms:
        """The terms of a charge under the key: see `UnderKey.terms`."""
        if self._under is None:
            self._under = UnderKey(lease)
        return await self._under.aterms(client, terms, route, partial(self._sent, connection))

    async def _sent(self, connection: HTTPConnection) -> Sent:
        if not self._whole and isinstance(connection, Request):
            await connection.body()
        scope = connection.scope
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        return Sent(key_of(connection.headers[HEADER]), target, self._digest.hexdigest())

    def start(self, message: Message) -> None:
        """The answer begins."""
        if self._under is not None and self._under.begun is not None:
            pairs = (
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message["headers"]
            )
            self._answer = AnswerKeeper(message["status"], pairs)

    def piece(self, body: bytes) -> None:
        """A piece of the answer leaves."""
        if self._answer is not None:
            self._answer.add(body)

    async def finish(self) -> None:
        """Keep the answer: it is whole."""
        await self._end(self._answer, paid=False)

    async def give_up(self, *, paid: bool) -> bool:
        """There is no whole answer: let the same key try again. See `AsyncKeyed.end`."""
        return await self._end(None, paid=paid)

    async def _end(self, answer: AnswerKeeper | None, *, paid: bool) -> bool:
        keyed = None if self._under is None else self._under.take()
        return not isinstance(keyed, AsyncKeyed) or await keyed.end(answer, paid=paid)
