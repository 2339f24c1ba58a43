"""Errors of the library as answers of Django."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse

from credits_core.http.mounting import not_signed_in
from credits_core.http.problems import logged_problem
from credits_django.conf import conf

if TYPE_CHECKING:
    from credits_core.errors import CreditsError
    from credits_core.http.exchange import Answer
    from credits_core.http.idempotency import AnswerAgain

__all__ = ["answer_again", "answer_error", "unknown_user", "written"]

_log = logging.getLogger(__name__)


def answer_error(request: Any, error: CreditsError) -> HttpResponse:
    """Answer an error as problem details; what is not the client's is logged."""
    # The path as it came, quoted: it may hold anything.
    where = f"{request.method} {request.path!r}"
    status, headers, body = logged_problem(error, where, _log, top_up_url=conf().top_up_url)
    return HttpResponse(json.dumps(body).encode(), status=status, headers=dict(headers))


def answer_again(again: AnswerAgain) -> HttpResponse:
    """Send an answer that was kept."""
    response = HttpResponse(again.body, status=again.status)
    del response["Content-Type"]
    for name, value in again.headers:
        response[name] = value
    return response


def unknown_user() -> HttpResponse:
    """Nobody is signed in, so that nobody pays."""
    return written(not_signed_in())


def written(answer: Answer) -> HttpResponse:
    """An answer of the library's, as Django's."""
    content = answer.content.encode()
    return HttpResponse(content, status=answer.status, headers=dict(answer.headers))
