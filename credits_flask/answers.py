"""Errors of the library as answers of Flask."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from flask import Response, request

from credits_core.http.problems import logged_problem

if TYPE_CHECKING:
    from credits_core.errors import CreditsError

__all__ = ["answer_error"]

_log = logging.getLogger(__name__)


def answer_error(error: CreditsError, *, top_up_url: str | None = None) -> Response:
    """Answer an error of this library as problem details; what is not the client's is logged."""
    # The path as it came, quoted: it may hold anything.
    where = f"{request.method} {request.path!r}"
    status, headers, body = logged_problem(error, where, _log, top_up_url=top_up_url)
    return Response(json.dumps(body), status, headers)
