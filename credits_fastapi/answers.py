"""Errors of the library as answers of FastAPI."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from fastapi import Response

from credits_core.errors import CreditsError
from credits_core.http.problems import logged_problem

if TYPE_CHECKING:
    from fastapi import Request

_log = logging.getLogger(__name__)


async def answer_error(
    request: Request, error: Exception, *, top_up_url: str | None = None
) -> Response:
    """Answer an error of this library as problem details; what is not the client's is logged."""
    if not isinstance(error, CreditsError):
        raise error
    # The path as it came, quoted: it may hold anything.
    where = f"{request.scope.get('method', 'WebSocket')} {request.scope['path']!r}"
    status, headers, body = logged_problem(error, where, _log, top_up_url=top_up_url)
    return Response(json.dumps(body), status, headers)
