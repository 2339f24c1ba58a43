"""Settles the charges of a request by what is answered to it: the one who sees every answer.

A dependency cannot see what the endpoint returns, nor how a stream ends. A fixed price is settled
before the last piece of the answer leaves, a hold when it has left: a worker that dies in between
has charged nothing for what nobody got. What fails is given back before it is answered.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect

from credits_core.errors import BackendError
from credits_core.http.paid import (
    COST_HEADER,
    REMAINING_HEADER,
    FailsOn,
    PaidRequest,
    failing,
)
from credits_core.http.problems import problem
from credits_fastapi.keyed import KeyedAnswer, has_key

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from credits_core.charge.tab import Ending

__all__ = ["SCOPE_KEY", "ChargesMiddleware"]

SCOPE_KEY: Final = "credits_fastapi.paid"
"""Where the `PaidRequest` of a request stands in its scope, with its key."""

_LEFT: Final = (ClientDisconnect, WebSocketDisconnect)

_INTERNAL_ERROR: Final = 1011
"""The close code of a WebSocket whose server failed (RFC 6455, 7.4.1)."""

_PATHSEND: Final = "http.response.pathsend"

_NO_CONTENT: Final = (204, 205, 304)

_NAMES: Final = {name: name.lower().encode() for name in (COST_HEADER, REMAINING_HEADER)}


class ChargesMiddleware:
    """ASGI middleware that `Paywall.install` adds; the outermost works for those inside it."""

    def __init__(self, app: ASGIApp, fails_on: FailsOn = failing) -> None:
        """Wrap `app`; `fails_on` is given the status of an answer."""
        self._app = app
        self._fails_on = fails_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, and end what it charged."""
        if scope["type"] not in ("http", "websocket") or SCOPE_KEY in scope:
            await self._app(scope, receive, send)
            return
        keyed = KeyedAnswer(scope, receive) if has_key(scope) else None
        if keyed is not None and _PATHSEND in scope.get("extensions", ()):
            # What the server reads from a file itself cannot be kept.
            extensions = {**scope["extensions"]}
            del extensions[_PATHSEND]
            scope["extensions"] = extensions
        paid = PaidRequest(self._fails_on)
        scope[SCOPE_KEY] = paid, keyed
        answer: _Answer | _Conversation
        if scope["type"] == "http":
            answer = _Answer(paid, keyed, send, head=scope["method"] == "HEAD")
        else:
            answer = _Conversation(paid, send)
        try:
            await self._app(scope, keyed.receive if keyed else receive, answer.send)
        except Exception as error:
            if answer.stopped:
                return
            await answer.end("left" if answer.left_by(error) else "failed", error)
            raise
        except BaseException as error:
            await answer.end("left", error)
            raise
        else:
            if keyed is not None or paid.open:
                await answer.end(answer.unfinished)


class _NothingMoreError(OSError):
    """Nothing more is sent: what a stream is told by that is not to go on."""


class _Outgoing:
    """What the client gets, and whether it is still there."""

    unfinished: Ending
    stopped = False
    """Whether it was told to send nothing more, which it raises."""
    _lost = False
    _begun = False

    def __init__(self, paid: PaidRequest, send: Send) -> None:
        self._paid = paid
        self._send = send

    def left_by(self, error: Exception) -> bool:
        """Whether an error says that the client has gone, and not that the work broke."""
        # Starlette takes an OSError of the stream itself for one of the connection.
        gone = isinstance(error, _LEFT) and not isinstance(error.__context__, OSError)
        return self._begun and (self._lost or gone)

    async def end(self, ending: Ending, error: BaseException | None = None) -> None:
        """End what is still open."""
        await self._paid.aend(ending, error)

    async def _pass(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:
            self._lost = True
            raise


class _Answer(_Outgoing):
    """The answer to an HTTP request, as it leaves."""

    unfinished = "left"
    """What it means that the app has returned without a last piece: the client is gone."""

    _replaced = False
    _head: Message | None = None
    """The beginning, while it waits for the first piece to show whether there are more."""
    _length: int | None = None
    """The length of the content, where it is told."""

    def __init__(
        self, paid: PaidRequest, keyed: KeyedAnswer | None, send: Send, *, head: bool
    ) -> None:
        super().__init__(paid, send)
        self._keyed = keyed
        self._is_head = head

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if not self._paid.charges and self._keyed is None:
            await self._pass(message)
        elif message["type"] == "http.response.start":
            await self._start(message)
        else:
            await self._piece(message)

    async def end(self, ending: Ending, error: BaseException | None = None) -> None:
        # First: who takes the key over must not find a charge that was given back.
        if self._keyed and not await self._keyed.give_up(paid=self._paid.keeps(ending)):
            self._paid.let_go()
        await self._paid.aend(ending, error)

    async def _start(self, message: Message) -> None:
        ending = self._paid.ending(message["status"])
        if ending == "failed" or not self._paid.charges:
            await self.end("failed")
        self._head = message
        self._length = _length(message)
        if message["status"] in _NO_CONTENT:
            await self._whole()
        elif self._is_head and self._length is None and ending == "served" and self._paid.charges:
            await self._head_of_stream(message)
        elif self._length is None or not self._paid.open:
            await self._begin(message, whole=False)

    async def _piece(self, message: Message) -> None:
        last = not message.get("more_body", False)
        body = message.get("body", b"")
        if self._head is not None and (last or len(body) >= (self._length or 0)):
            await self._whole()
        else:
            if last:
                await self._paid.aserved()
            elif body:
                self._paid.delivered()
            if self._head is not None:
                await self._begin(self._head, whole=False)
        if self._replaced:
            return
        if self._keyed is not None:
            self._keyed.piece(body)
            if last:
                await self._keyed.finish()
        await self._pass(message)
        if last and self._paid.open:
            await self._paid.aend("served")

    async def _whole(self) -> None:
        """The answer leaves as a whole."""
        try:
            await self._paid.aserved()
        except BackendError as error:
            await self._instead(error)
        else:
            if self._head is not None:
                await self._begin(self._head, whole=True)

    async def _head_of_stream(self, message: Message) -> None:
        """Let the beginning go, and nothing more: of a `HEAD` nothing of a stream is sent."""
        await self.end("left")
        await self._begin(message, whole=False)
        await self._pass({"type": "http.response.body", "body": b""})
        self.stopped = True
        raise _NothingMoreError

    async def _instead(self, error: BackendError) -> None:
        """Answer that it cannot be charged, in the place of an answer that nobody would pay."""
        self._replaced = self._begun = True
        await self.end("failed")
        status, headers, body = problem(error)
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._pass({"type": "http.response.start", "status": status, "headers": pairs})
        await self._pass({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def _begin(self, message: Message, *, whole: bool) -> None:
        """Let the beginning go, with what can be told by now."""
        headers = [*message.get("headers", ())]
        for name, value in self._paid.headers(whole=whole):
            headers.append((_NAMES[name], value.encode()))
        message["headers"] = headers
        self._head, self._begun = None, True
        if self._keyed is not None:
            self._keyed.start(message)
        await self._pass(message)


def _length(head: Message) -> int | None:
    """The length of the content, where it is told."""
    for name, value in head.get("headers", ()):
        if name == b"content-length":
            return int(value)
    return None


class _Conversation(_Outgoing):
    """A WebSocket, or the answer that refuses it."""

    def __init__(self, paid: PaidRequest, send: Send) -> None:
        super().__init__(paid, send)
        self.unfinished = "failed"

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self._begun, self.unfinished = True, "served"
            # What is paid is the conversation: who closes it has had it.
            self._paid.delivered()
        elif kind == "websocket.close" and message.get("code") == _INTERNAL_ERROR:
            self.unfinished = "failed"
        elif kind == "websocket.http.response.start":
            await self._paid.aend(self._paid.ending(message["status"]))
        await self._pass(message)


def paid_request(scope: dict[str, Any]) -> tuple[PaidRequest, KeyedAnswer | None]:
    """The charges of the request that is being served, and its key if it has one.

    Raises `RuntimeError` where no middleware would end them.
    """
    found: tuple[PaidRequest, KeyedAnswer | None] | None = scope.get(SCOPE_KEY)
    if found is None:
        raise RuntimeError(
            "nothing would settle this charge: call paywall.install(app) on the app that has "
            "this route, or on one that it is mounted in"
        )
    return found
