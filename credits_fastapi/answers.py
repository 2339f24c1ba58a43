"""Errors of the library as answers of FastAPI."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from fastapi import Response, WebSocket
from starlette.websockets import WebSocketState

from credits_core.errors import CreditsError
from credits_core.http.problems import problem

if TYPE_CHECKING:
    from fastapi import Request

# Close codes of RFC 6455, 7.4.1, and of its registry at IANA, by status; else "policy violation".
_CLOSE_CODES = {500: 1011, 503: 1013}
_POLICY_VIOLATION = 1008

_log = logging.getLogger(__name__)


async def answer_error(
    request: Request | WebSocket, error: Exception, *, top_up_url: str | None = None
) -> Response | None:
    """Answer an error of this library as problem details; what is not the client's is logged.

    A WebSocket that is open is closed, with the title of the problem as its reason.
    """
    if not isinstance(error, CreditsError):
        raise error
    status, headers, body = problem(error, top_up_url=top_up_url)
    if status != 402:
        # The path as it came, quoted: it may hold anything.
        where = f"{request.scope.get('method', 'WebSocket')} {request.scope['path']!r}"
        level, trace = (logging.ERROR, error) if status == 500 else (logging.WARNING, None)
        _log.log(level, "%s answered %d: %s", where, status, error, exc_info=trace)
    if isinstance(request, WebSocket) and request.application_state is WebSocketState.CONNECTED:
        await request.close(_CLOSE_CODES.get(status, _POLICY_VIOLATION), body["title"])
        return None
    return Response(json.dumps(body), status, headers)
