"""Errors of the library as answers of FastAPI."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from fastapi import Response, WebSocket
from starlette.websockets import WebSocketState

from credits_core.errors import CreditsError
from credits_core.http.problems import logged_problem

if TYPE_CHECKING:
    from fastapi.requests import HTTPConnection
    from starlette.types import Receive, Scope, Send

# Close codes of RFC 6455, 7.4.1, and of its registry at IANA, by status; else "policy violation".
_CLOSE_CODES = {500: 1011, 503: 1013}
_POLICY_VIOLATION = 1008

_log = logging.getLogger(__name__)


async def answer_error(
    request: HTTPConnection, error: Exception, *, top_up_url: str | None = None
) -> Response:
    """Answer an error of this library as problem details; what is not the client's is logged.

    A WebSocket that is open is closed, with the title of the problem as its reason.
    """
    if not isinstance(error, CreditsError):
        raise error
    # The path as it came, quoted: it may hold anything.
    where = f"{request.scope.get('method', 'WebSocket')} {request.scope['path']!r}"
    status, headers, body = logged_problem(error, where, _log, top_up_url=top_up_url)
    if isinstance(request, WebSocket) and request.application_state is WebSocketState.CONNECTED:
        await request.close(_CLOSE_CODES.get(status, _POLICY_VIOLATION), body["title"])
        return _Nothing()
    return Response(json.dumps(body), status, headers)


class _Nothing(Response):
    """No answer: what there was to say has been said."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pass
