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
    from fastapi.requests import HTTPConnection

    from credits_core.http.problems import Problem

# Close codes of RFC 6455, 7.4.1, and of its registry at IANA, by status; else "policy violation".
_CLOSE_CODES = {500: 1011, 503: 1013}
_POLICY_VIOLATION = 1008

_log = logging.getLogger(__name__)


async def answer_error(
    request: Request, error: Exception, *, top_up_url: str | None = None
) -> Response:
    """Answer an error of this library as problem details; what is not the client's is logged."""
    status, headers, body = _told(request, error, top_up_url)
    return Response(json.dumps(body), status, headers)


async def answer_or_close(
    connection: Request | WebSocket, error: Exception, *, top_up_url: str | None = None
) -> Response | None:
    """The same; but a WebSocket that is open is closed, with the problem's title as the reason."""
    status, headers, body = _told(connection, error, top_up_url)
    if (
        isinstance(connection, WebSocket)
        and connection.application_state is WebSocketState.CONNECTED
    ):
        await connection.close(_CLOSE_CODES.get(status, _POLICY_VIOLATION), body["title"])
        return None
    return Response(json.dumps(body), status, headers)


def _told(connection: HTTPConnection, error: Exception, top_up_url: str | None) -> Problem:
    if not isinstance(error, CreditsError):
        raise error
    told = problem(error, top_up_url=top_up_url)
    if told.status != 402:
        # The path as it came, quoted: it may hold anything.
        where = f"{connection.scope.get('method', 'WebSocket')} {connection.scope['path']!r}"
        level, trace = (logging.ERROR, error) if told.status == 500 else (logging.WARNING, None)
        _log.log(level, "%s answered %d: %s", where, told.status, error, exc_info=trace)
    return told
