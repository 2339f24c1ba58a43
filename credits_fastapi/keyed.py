"""Requests with an `Idempotency-Key`: begun in the dependency, kept by the middleware."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import CancelScope
from fastapi import Request, Response

from credits_core.charge.pending import ainsist, apending_of
from credits_core.errors import BackendError, CreditsError
from credits_core.http.idempotency import (
    HEADER,
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
    from credits_core.models import RequestRecord

__all__ = ["Keyed", "answer_again", "has_key"]

_HEADER = HEADER.lower().encode()

_LAPSED = 0.001
"""The lease of a request that its worker has given up, in seconds."""

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
        self._renew: Callable[..., Awaitable[RequestRecord]] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._answer: AnswerKeeper | None = None

    async def receive(self) -> Message:
        """Pass on what comes, and take the digest of the body."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._digest.update(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        return message

    async def begin(
        self, connection: HTTPConnection, client: AsyncCredits, user_id: str, lease: float
    ) -> None:
        """Begin the request, once; an answer that is kept leaves as `AnswerAgain`.

        It is of the user who is charged first.
        """
        if self._request is not None:
            return
        if not self._whole and isinstance(connection, Request):
            await connection.body()
        scope = connection.scope
        path = scope.get("root_path", "") + getattr(scope.get("route"), "path", scope["path"])
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        known = user_id, f"{scope['method']} {path}"[:512], key_of(connection.headers[HEADER])
        owner = secrets.token_hex(16)
        begin = partial(
            client.begin_request,
            *known,
            fingerprint=fingerprint(target, self._digest.hexdigest()),
            lease=lease,
            owner=owner,
        )
        self._client, self._renew = client, begin
        record = await begin()
        self._request = KeyedRequest.of(record, *known)
        self._renewing = asyncio.get_running_loop().create_task(_renewed(begin, lease / 3))

    def charge_key(self) -> str | None:
        """The key for the next charge of the request."""
        return None if self._request is None else self._request.charge_key()

    def start(self, message: Message) -> None:
        """The answer begins."""
        if self._request is None:
            return
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]
        ]
        self._answer = AnswerKeeper(message["status"], pairs)

    def piece(self, body: bytes) -> None:
        """A piece of the answer leaves."""
        if self._answer is not None:
            self._answer.add(body)

    async def finish(self) -> None:
        """Keep the answer: it is whole."""
        if (ended := self._ended()) is not None and self._answer is not None:
            client, one = ended
            finish = client.finish_request
            text = self._answer.text()
            step = partial(finish, one.user_id, one.route, one.key, one.owner, text)
            await _insisted(client, step, one)

    async def give_up(self, *, paid: bool) -> None:
        """There is no whole answer: let the same key try again, at once.

        `paid` is whether a fixed price stays paid. Then whoever comes again takes the request
        over, and its charge with it; otherwise the next one is the first.
        """
        if (ended := self._ended()) is None or self._renew is None:
            return
        client, one = ended
        step: Callable[[], Awaitable[object]]
        if paid:
            step = partial(self._renew, lease=_LAPSED)
        else:
            step = partial(client.abandon_request, one.user_id, one.route, one.key, one.owner)
        await _insisted(client, step, one)

    def _ended(self) -> tuple[AsyncCredits, KeyedRequest] | None:
        one, self._request = self._request, None
        if one is None or self._client is None:
            return None
        if self._renewing is not None:
            self._renewing.cancel()
        return self._client, one


async def _insisted(
    client: AsyncCredits, step: Callable[[], Awaitable[object]], one: KeyedRequest
) -> None:
    """Tell the store, whoever is cancelled; while it is away the background tries again."""
    pending = apending_of(client)
    what = f"the end of the request of {one.user_id!r} with the key {one.key!r}"

    async def first() -> None:
        try:
            await step()
        except BackendError as error:
            # The answer goes out all the same; until the lease ends, the key answers 409.
            _log.warning("%s is not stored yet: %s", what, error)
            pending.start(ainsist(step), what)
        except CreditsError as error:
            _log.warning("%s is not stored: %s", what, error)

    with CancelScope(shield=True):
        await asyncio.shield(pending.start(first(), what))


async def _renewed(renew: Callable[[], Awaitable[object]], pause: float) -> None:
    """Keep the lease of work that takes longer, until it is cancelled."""
    while True:
        await asyncio.sleep(pause)
        try:
            await renew()
        except CreditsError as error:
            _log.warning("the lease of a request with a key is not renewed: %s", error)
