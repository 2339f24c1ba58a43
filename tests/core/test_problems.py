"""Errors of the library as RFC 9457 problem details."""

import json

import pytest

from credits_core import (
    AccountStateError,
    BackendUnavailableError,
    BalanceVerificationError,
    CreditsError,
    HoldClosedError,
    HoldNotFoundError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    OutcomeUnknownError,
    PricingConfigError,
    TransactionError,
    WebhookVerificationError,
)
from credits_core.errors import HoldState
from credits_core.http.problems import PROBLEM_JSON, TYPE_PREFIX, problem

SECRET = "redis://:hunter2@10.0.0.1 user 'mallory' key k-123"

CASES: list[tuple[CreditsError, int, str]] = [
    (InsufficientCreditsError(300, 90, SECRET), 402, "insufficient-credits"),
    (BackendUnavailableError(SECRET), 503, "credits-unavailable"),
    (OutcomeUnknownError(SECRET, None, 0), 503, "credits-unavailable"),  # type: ignore[arg-type]
    (InvalidRequestError(SECRET), 400, "invalid-request"),
    (IdempotencyConflictError(SECRET, tx_id=SECRET), 409, "idempotency-conflict"),
    (LimitExceededError("max_balance", SECRET), 409, "limit-exceeded"),
    (LimitExceededError("frozen", SECRET), 403, "account-frozen"),
    (WebhookVerificationError(SECRET), 400, "webhook-signature"),
    (HoldNotFoundError(SECRET, tx_id=SECRET), 404, "hold-not-found"),
    (HoldClosedError(SECRET, tx_id=SECRET, state="expired", kept=0), 409, "hold-closed"),
    (TransactionError(SECRET, tx_id=SECRET), 409, "not-possible"),
    (AccountStateError(SECRET, user_id=SECRET, state="wrong_type"), 500, "account-state"),
    (PricingConfigError(SECRET, SECRET), 500, "internal"),
    (BalanceVerificationError(SECRET, 1, 2), 500, "internal"),
]


@pytest.mark.parametrize(("error", "status", "name"), CASES)
def test_every_error_has_an_answer_without_internals(
    error: CreditsError, status: int, name: str
) -> None:
    answer = problem(error)
    text = json.dumps(answer.body)
    assert answer.status == answer.body["status"] == status
    assert answer.body["type"] == TYPE_PREFIX + name
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["title"]
    assert answer.body["detail"]
    assert not any(word in text for word in ("hunter2", "mallory", "k-123", "10.0.0.1"))


def test_a_shortage_says_what_is_needed_and_what_is_there() -> None:
    status, _, body = problem(InsufficientCreditsError(300, 90, "alice"))
    assert status == 402
    assert body == {
        "type": "urn:credits-sdk:problem:insufficient-credits",
        "title": "Insufficient credits",
        "status": 402,
        "detail": "This costs 300 credits and you can spend 90: 210 more are needed.",
        "required": 300,
        "available": 90,
        "rule": "balance",
        "error": "Insufficient credits",
        "message": "This costs 300 credits and you can spend 90: 210 more are needed.",
    }


def test_a_debtor_can_spend_nothing_and_owes_the_debt_too() -> None:
    body = problem(InsufficientCreditsError(300, -900)).body
    assert (body["required"], body["available"]) == (300, 0)
    assert body["detail"] == "This costs 300 credits and you can spend 0: 1200 more are needed."
    body = problem(InsufficientCreditsError(1, 0)).body
    assert body["detail"] == "This costs 1 credit and you can spend 0: 1 more is needed."


def test_only_a_store_that_is_away_asks_to_come_back() -> None:
    answer = problem(BackendUnavailableError("away"), retry_after=7)
    assert answer.headers["Retry-After"] == "7"
    assert "7 seconds" in answer.body["detail"]
    assert "Retry-After" not in problem(InsufficientCreditsError(2, 1)).headers


def test_a_limit_names_its_rule() -> None:
    assert problem(LimitExceededError("max_balance", "too much")).body["rule"] == "max_balance"


def test_a_frozen_account_is_told_apart_and_nobody_is_told_why() -> None:
    body = problem(LimitExceededError("frozen", "account 'alice' is frozen (fraud)")).body
    assert body["rule"] == "frozen"
    assert "fraud" not in json.dumps(body)


@pytest.mark.parametrize("state", ["settled", "released", "expired"])
def test_a_hold_that_has_ended_says_how(state: HoldState) -> None:
    error = HoldClosedError("told", tx_id="tx_1_a", state=state, kept=25)
    assert problem(error).body["state"] == state
    assert "tx_1_a" not in json.dumps(problem(error).body)
