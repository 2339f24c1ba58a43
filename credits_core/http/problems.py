"""Errors as answers: RFC 9457 problem details, the same from every web framework."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from credits_core.errors import (
    AccountStateError,
    BackendError,
    HoldClosedError,
    HoldNotFoundError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    RepeatedRequestError,
    TransactionError,
    WebhookVerificationError,
)
from credits_core.http.exchange import Answer
from credits_core.http.idempotency import InvalidKeyError

if TYPE_CHECKING:
    from credits_core.errors import CreditsError

__all__ = [
    "PROBLEM_JSON",
    "RETRY_AFTER",
    "TYPE_PREFIX",
    "later",
    "logged_problem",
    "problem",
    "problem_details",
]

PROBLEM_JSON: Final = "application/problem+json"
"""The media type of problem details."""

TYPE_PREFIX: Final = "urn:credits-sdk:problem:"
"""How the stable `type` of every problem begins."""

RETRY_AFTER: Final = 5
"""Seconds that a client is asked to wait while the store is away."""

# Answers that say nothing of the error but its kind; the first that fits.
_FIXED: Final = (
    (
        InvalidKeyError,
        400,
        "invalid-idempotency-key",
        "Invalid Idempotency-Key",
        "An Idempotency-Key has 1 to 255 characters, and no control characters.",
    ),
    (
        InvalidRequestError,
        400,
        "invalid-request",
        "Invalid request",
        "The account or an amount of this request is not one that can be charged.",
    ),
    (
        IdempotencyConflictError,
        409,
        "idempotency-conflict",
        "Idempotency conflict",
        "The idempotency key was used before, for something else. Use a new key.",
    ),
    (
        WebhookVerificationError,
        400,
        "webhook-signature",
        "Webhook not verified",
        "The signature of this webhook is missing, wrong or too old.",
    ),
    (
        HoldNotFoundError,
        404,
        "hold-not-found",
        "Hold not found",
        "This account has no such hold.",
    ),
    (
        AccountStateError,
        500,
        "account-state",
        "Account not usable",
        "The credits of this account cannot be worked on until the operator repairs it.",
    ),
    (
        TransactionError,
        409,
        "not-possible",
        "Not possible",
        "There is no transaction of this account that this can be done to.",
    ),
)


def problem(
    error: CreditsError, *, retry_after: int = RETRY_AFTER, top_up_url: str | None = None
) -> Answer:
    """What to answer to a client whose request ended in `error`.

    - 402 for `InsufficientCreditsError`, with `required` and `available` in credits, the
      `action` that was to be paid, the `rule` that blocked it (`"balance"`), the `top_up_url` if
      there is one;
    - 503 for `BackendError`, with Retry-After in seconds: the store is away, or did not say
      whether it charged, and nothing is served without a charge;
    - 400 for `InvalidRequestError`: in a running app what is wrong came with the request, such as
      an `Idempotency-Key` that is none;
    - 403 for `LimitExceededError` of the rule `"frozen"`: neither a top-up nor another request
      helps, somebody has to look at the account;
    - 400 for `WebhookVerificationError`;
    - 404 for `HoldNotFoundError`;
    - 409 for `RepeatedRequestError`, with Retry-After while the first request runs; 422 when its
      `Idempotency-Key` was used for another request;
    - 409 for `HoldClosedError` (with its `state`), `IdempotencyConflictError` and
      `LimitExceededError` of any other `rule`: it would be refused again as it is; and for a
      bare `TransactionError`, such as a refund of what is no charge;
    - 500 for the others: an account that cannot be worked on (`AccountStateError`) or a price
      that is none is for the operator to put right, and no retry helps.

    The texts are fixed: what the error itself says is for the log, as it may name accounts,
    keys and hosts.

    >>> status, headers, body = problem(InsufficientCreditsError(300, 90))
    >>> status, body["detail"]
    (402, 'This costs 300 credits and you can spend 90: 210 more are needed.')
    """
    if isinstance(error, InsufficientCreditsError):
        return _insufficient(error, top_up_url)
    if isinstance(error, BackendError):
        detail = f"Credits cannot be charged at the moment. Try again in {retry_after} seconds."
        answer = problem_details(503, "credits-unavailable", "Credits unavailable", detail)
        return later(answer, retry_after)
    if isinstance(error, LimitExceededError):
        return _limit(error)
    if isinstance(error, RepeatedRequestError):
        return _repeated(error)
    if isinstance(error, HoldClosedError):
        detail = "The hold has ended already, in another way than is asked for."
        return problem_details(409, "hold-closed", "Hold closed", detail, state=error.state)
    for kind, status, name, title, detail in _FIXED:
        if isinstance(error, kind):
            return problem_details(status, name, title, detail)
    return problem_details(500, "internal", "Internal error", "The request could not be charged.")


def logged_problem(
    error: CreditsError, where: str, log: logging.Logger, *, top_up_url: str | None = None
) -> Answer:
    """The answer to `error`; what is not of the client's doing is logged, with `where` it was."""
    answer = problem(error, top_up_url=top_up_url)
    if answer.status != 402:
        level, trace = (logging.ERROR, error) if answer.status == 500 else (logging.WARNING, None)
        log.log(level, "%s answered %d: %s", where, answer.status, error, exc_info=trace)
    return answer


_REPEATED: Final = {
    "running": (
        409,
        "request-in-progress",
        "Request in progress",
        "A request with this Idempotency-Key is being worked on. Ask again a little later.",
    ),
    "mismatch": (
        422,
        "idempotency-key-reused",
        "Idempotency key reused",
        "This Idempotency-Key was used for another request. Use a new key for a new request.",
    ),
    "not_kept": (
        409,
        "answer-not-kept",
        "Answer not kept",
        "This request was served, and its answer was not kept. Use a new key to have it served, "
        "and charged, once more.",
    ),
}


def _repeated(error: RepeatedRequestError) -> Answer:
    answer = problem_details(*_REPEATED[error.state])
    if error.retry_after is None:
        return answer
    # It is for how long a worker that died is waited for; most requests end before.
    return later(answer, min(error.retry_after, RETRY_AFTER))


def _limit(error: LimitExceededError) -> Answer:
    if error.rule == "frozen":
        # Why is between the operator and the user: it is not told here.
        detail = "This account is frozen: nothing is spent from it until the operator lifts that."
        return problem_details(403, "account-frozen", "Account frozen", detail, rule=error.rule)
    detail = "A limit of this account does not allow it."
    return problem_details(409, "limit-exceeded", "Limit exceeded", detail, rule=error.rule)


def _insufficient(error: InsufficientCreditsError, top_up_url: str | None) -> Answer:
    cost = "1 credit" if error.required == 1 else f"{error.required} credits"
    detail = f"This costs {cost} and you can spend {error.available}: {error.lacking}."
    told = {"action": error.action, "top_up_url": top_up_url}
    return problem_details(
        402,
        "insufficient-credits",
        "Insufficient credits",
        detail,
        required=error.required,
        available=error.available,
        rule="balance",
        **{name: value for name, value in told.items() if value is not None},
    )


def later(answer: Answer, seconds: int = RETRY_AFTER) -> Answer:
    """The answer, with the seconds after which to ask again."""
    return answer._replace(headers={**answer.headers, "Retry-After": str(seconds)})


def problem_details(status: int, name: str, title: str, detail: str, **more: object) -> Answer:
    """An answer of problem details (RFC 9457, 3.1), with further members.

    `name` is what the stable `type` ends in; `title` is of the type, `detail` of this occurrence.
    Both are there as `error` and `message`, too, for clients that know no problem details.
    """
    told = {"type": TYPE_PREFIX + name, "title": title, "status": status, "detail": detail}
    body = {**told, "error": title, "message": detail, **more}
    # A refusal is of this moment and of this user: no cache may keep it.
    return Answer(status, {"Content-Type": PROBLEM_JSON, "Cache-Control": "no-store"}, body)
