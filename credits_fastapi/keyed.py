"""Requests with an `Idempotency-Key`: begun in the dependency, kept by the middleware."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from credits_core.errors import CreditsError
from credits_core.http.idempotency import (
    HEADER,
    LEASE_SECONDS,
    AnswerAgain,
    AnswerKeeper,
    KeyedRequest,
    fingerprint,
    key_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi.requests import HTTPConnection
    from starlette.types import Message, Receive

    from credits_core.async_client import AsyncCredits

__all__ = ["Keyed", "answer_again", "has_key"]

_HEADER = HEADER.lower().encode()

_log = logging.getLogger(__name__)


def has_key(scope: Any) -> bool:
    """Whether a request carries a key."""
    return scope["type"] == "http" and any(name == _HEADER for name, _ in scope["headers"])


async def answer_again(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """Send an answer that was kept."""
    if not isinstance(error, AnswerAgain):
        raise error
    response = Response(error.body, error.status)
    response.raw_headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in error.headers
    ]
    return response


class Keyed:
    """What the middleware knows of a request with a key: its body, its worker, its answer."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._digest = hashlib.sha256()
        self._whole = False
        self._request: KeyedRequest | None = None
        self._client: AsyncCredits | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._answer: AnswerKeeper | None = None

    async def receive(self) -> Message:
        """Pass on what comes, and take the digest of the body."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._digest.update(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        return message

    async def begin(self, connection: HTTPConnection, client: AsyncCredits, user_id: str) -> None:
        """Begin the request of this user, once; an answer that is kept leaves as `AnswerAgain`."""
        if self._request is not None and self._request.user_id == user_id:
            return
        if not self._whole and isinstance(connection, Request):
            await connection.body()
        scope = connection.scope
        path = getattr(scope.get("route"), "path", scope["path"])
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        begin = partial(
            client.begin_request,
            user_id,
            f"{scope['method']} {path}"[:512],
            key_of(connection.headers[HEADER]),
            fingerprint=fingerprint(target, self._digest.hexdigest()),
            lease=LEASE_SECONDS,
        )
        self._client = client
        self._request = KeyedRequest.of(await begin(), *begin.args)
        renew = partial(begin, owner=self._request.owner)
        self._renewing = asyncio.get_running_loop().create_task(_renewed(renew))

    def charge_key(self) -> str | None:
        """The key for the next charge of the request."""
        return None if self._request is None else self._request.charge_key()

    def start(self, message: Message) -> None:
        """The answer begins."""
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]
        ]
        self._answer = AnswerKeeper(message["status"], pairs)

    def piece(self, message: Message) -> None:
        """A piece of the answer leaves."""
        if self._answer is not None:
            self._answer.add(message.get("body", b""))

    async def end(self, *, served: bool) -> None:
        """Keep the answer, or forget the request if there is none."""
        one, client = self._request, self._client
        if one is None or client is None:
            return
        self._request = None
        if self._renewing is not None:
            self._renewing.cancel()
        try:
            if served and self._answer is not None:
                text = self._answer.text()
                await client.finish_request(one.user_id, one.route, one.key, one.owner, text)
            else:
                await client.abandon_request(one.user_id, one.route, one.key, one.owner)
        except CreditsError as error:
            # The answer goes out all the same; until the lease ends, the key answers 409.
            _log.warning(
                "the answer to the key %r of %r is not kept: %s", one.key, one.user_id, error
            )


async def _renewed(renew: Callable[[], Awaitable[object]]) -> None:
    """Keep the lease of work that takes longer, until it is cancelled."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        try:
            await renew()
        except CreditsError as error:
            _log.warning("the lease of a request with a key is not renewed: %s", error)
