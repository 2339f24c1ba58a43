"""`/api/cron/reconcile`: reconciliation that somebody else's clock asks for, a while at a time.

Who asks shows a secret: `Authorization: Bearer <CRON_SECRET>`, as Vercel's cron does
(https://vercel.com/docs/cron-jobs/manage-cron-jobs).
"""

from __future__ import annotations

import hmac
import logging
import os
import re
import time
from typing import TYPE_CHECKING, Final

from credits_core.api.queries import number_of
from credits_core.errors import InvalidRequestError
from credits_core.http.describing import TEXT, TRUTH, fields, nullable, operation, parameter
from credits_core.http.exchange import Route, Who, answer
from credits_core.http.problems import problem_details
from credits_core.http.refusals import Refused, wrong_parameter
from credits_core.plans.sweep import Place

if TYPE_CHECKING:
    from credits_core.http.exchange import Answer, Asked, Handler
    from credits_core.http.steps import Steps
    from credits_core.models import ReconcileReport

__all__ = ["SECURITY", "reconcile", "secret_of"]

VARIABLE: Final = "CRON_SECRET"
LEAST_SECRET: Final = 24
"""Bytes of a secret at least: `openssl rand -base64 32` makes 44."""

BUDGET: Final = 8
"""Seconds that a call takes: serverless functions are ended after ten, where nobody chose more."""

MAX_BUDGET: Final = 300

SECURITY: Final = "cronSecret"
"""How an OpenAPI document names the scheme of the secret."""

_log = logging.getLogger("credits_core.api")

_SECRET = re.compile("[!-~]+")


def secret_of(given: str | None) -> str | None:
    """The secret that is given, else that of the environment; None where there is none.

    Raises `InvalidRequestError` for one that is too short to be a secret.
    """
    secret = os.environ.get(VARIABLE, "").strip() if given is None else given
    if given is None and not secret:
        return None
    if not isinstance(secret, str) or len(secret) < LEAST_SECRET or not _SECRET.fullmatch(secret):
        raise InvalidRequestError(
            f"{VARIABLE} guards the route that reconciles, and is at least {LEAST_SECRET} visible "
            f"ASCII characters: make one with `openssl rand -base64 32`"
        )
    return secret


def reconcile(path: str, secret: str) -> tuple[Route, ...]:
    """`GET` and `POST /api/cron/reconcile`."""
    handler = _reconcile(secret.encode())
    return tuple(
        Route("reconcile", method, path, Who.ANYBODY, handler, _RECONCILE)
        for method in ("GET", "POST")
    )


def _reconcile(secret: bytes) -> Handler:
    def handler(asked: Asked) -> Steps[Answer]:
        _check(asked.headers.get("authorization", ""), secret)
        budget = number_of(asked.query, "budget", least=1, most=MAX_BUDGET, default=BUDGET)
        cursor = _cursor(asked.query.get("cursor"))
        started = time.monotonic()
        report: ReconcileReport = yield lambda credits: credits.reconcile_within(
            budget, cursor=cursor
        )
        for user_id, error in report.problems:
            _log.error("the account of %r could not be reconciled: %s", user_id, error)
        return answer(
            {
                "success": report.errors == 0,
                "total": report.total,
                "verified": report.verified,
                "fixed": report.fixed,
                "errors": report.errors,
                "duration_ms": round((time.monotonic() - started) * 1000),
                "cursor": report.cursor,
                "done": report.cursor is None,
            }
        )

    return handler


def _check(header: str, secret: bytes) -> None:
    scheme, _, token = header.partition(" ")
    given = token.strip().encode("utf-8", "surrogatepass")
    # Compared whatever the scheme is, in a time that does not tell how much of it is right.
    same = hmac.compare_digest(given, secret)
    if not same or scheme.lower() != "bearer":
        detail = f"This is asked for with Authorization: Bearer and the {VARIABLE}."
        refusal = problem_details(401, "wrong-secret", "Wrong secret", detail)
        headers = {**refusal.headers, "WWW-Authenticate": "Bearer"}
        raise Refused(refusal._replace(headers=headers))


def _cursor(text: str | None) -> str | None:
    if text is not None:
        try:
            Place.of(text)
        except InvalidRequestError:
            detail = "the cursor of the answer before, as it was, or start"
            raise wrong_parameter("cursor", detail) from None
    return text


_COUNT: Final = {"type": "integer", "minimum": 0}

_RECONCILE: Final = {
    **operation(
        "Compare balances with their logs, and repair what drifted",
        fields(
            success={**TRUTH, "description": "Whether no account stays wrong."},
            total=_COUNT,
            verified=_COUNT,
            fixed=_COUNT,
            errors=_COUNT,
            duration_ms=_COUNT,
            cursor={**nullable(TEXT), "description": "Where the next call goes on by itself."},
            done={**TRUTH, "description": "Whether the last account was looked at."},
        ),
        (400, 401, 503),
        description="It ends within its budget, and goes on where the last call broke off.",
        parameters=(
            parameter(
                "budget",
                {"type": "integer", "minimum": 1, "maximum": MAX_BUDGET, "default": BUDGET},
                "Seconds that it may take.",
            ),
            parameter(
                "cursor", TEXT, "Where to go on instead: a `cursor` that was told, or `start`."
            ),
        ),
    ),
    "security": [{SECURITY: []}],
}
