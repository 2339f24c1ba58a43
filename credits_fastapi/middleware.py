"""Settles the charges of a request by what is answered to it: the one who sees every answer.

A dependency cannot see what the endpoint returns, nor how a stream ends. What is answered in one
piece is settled before its headers leave, so that they can tell the cost; what is answered piece
by piece is settled before its last piece leaves, or when it breaks off.
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

_LEFT: Final = (ClientDisconnect, WebSocketDisconnect, OSError)

_NAMES: Final = {name: name.lower().encode() for name in (COST_HEADER, REMAINING_HEADER)}

_INTERNAL_ERROR: Final = 1011
"""The close code of a WebSocket whose server failed (RFC 6455, 7.4.1)."""


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
        keyed = KeyedAnswer(receive) if has_key(scope) else None
        paid = PaidRequest(self._fails_on)
        scope[SCOPE_KEY] = paid, keyed
        answer: _Answer | _Conversation
        if scope["type"] == "http":
            answer = _Answer(paid, keyed, send)
        else:
            answer = _Conversation(paid, send)
        try:
            await self._app(scope, keyed.receive if keyed else receive, answer.send)
        except _LEFT as error:
            await paid.aend("left" if answer.begun else "failed", error)
            raise
        except Exception as error:
            await paid.aend("failed", error)
            raise
        except BaseException as error:
            await paid.aend("left", error)
            raise
        else:
            await paid.aend(answer.unfinished)
        finally:
            if keyed is not None:
                await keyed.end(served=False)


class _Answer:
    """The answer to an HTTP request, as it leaves."""

    unfinished: Ending = "left"
    """What it means that the app has returned without a last piece: the client is gone."""

    def __init__(self, paid: PaidRequest, keyed: KeyedAnswer | None, send: Send) -> None:
        self._paid = paid
        self._keyed = keyed
        self._send = send
        self._served = self._replaced = False
        self.begun = False

    async def send(self, message: Message) -> None:
        if self._paid.charges:
            if message["type"] == "http.response.start":
                await self._start(message)
            elif message["type"] == "http.response.body":
                await self._piece(message)
        if not self._replaced:
            await self._send(message)

    async def _instead(self, error: BackendError) -> None:
        """Answer that it cannot be charged, in the place of an answer that nobody would pay."""
        self._replaced = True
        status, headers, body = problem(error)
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})
        await self._send({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def _start(self, message: Message) -> None:
        self.begun = True
        headers = [*message.get("headers", ())]
        ending = self._paid.ending(message["status"])
        if ending == "failed" or _whole(message["status"], headers):
            try:
                await self._paid.aend(ending)
            except BackendError as error:
                await self._instead(error)
                return
        headers += ((_NAMES[name], value.encode()) for name, value in self._paid.headers())
        message["headers"] = headers
        self._served = ending == "served"
        if self._keyed is not None:
            self._keyed.start(message)

    async def _piece(self, message: Message) -> None:
        last = not message.get("more_body", False)
        if last and self._paid.open:
            await self._paid.aend("served")
        elif message.get("body"):
            self._paid.delivered()
        if self._keyed is not None:
            self._keyed.piece(message)
            if last:
                await self._keyed.end(served=self._served)


def _whole(status: int, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether an answer comes in one piece: its length is told, or it has no content."""
    return any(name == b"content-length" for name, _ in headers) or status in (204, 205, 304)


class _Conversation:
    """A WebSocket, or the answer that refuses it."""

    def __init__(self, paid: PaidRequest, send: Send) -> None:
        self._paid = paid
        self._send = send
        self.begun = False
        self.unfinished: Ending = "failed"

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self.begun, self.unfinished = True, "served"
            # What is paid is the conversation: who closes it has had it.
            self._paid.delivered()
        elif kind == "websocket.close" and message.get("code") == _INTERNAL_ERROR:
            self.unfinished = "failed"
        elif kind == "websocket.http.response.start":
            await self._paid.aend(self._paid.ending(message["status"]))
        await self._send(message)


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
