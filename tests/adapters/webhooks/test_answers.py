"""What a provider is answered decides whether it calls again: the table of how-to/payments.md."""

from __future__ import annotations

import json
import logging

import pytest

from credits_core import (
    AccountStateError,
    BackendUnavailableError,
    CreditsError,
    IdempotencyConflictError,
    InvalidRequestError,
    LimitExceededError,
    OutcomeUnknownError,
    TransactionError,
)
from credits_core.http.exchange import Asked
from credits_core.http.steps import run
from credits_core.webhooks import DodoWebhook
from tests.adapters.webhooks.delivering import SECRET, standard
from tests.adapters.webhooks.test_dodo import PACKAGES, payment, refund

PRIVATE = "user 'mallory' at redis://:hunter2@10.0.0.1"


class Failing:
    """A client of which every method fails so."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        def fail(*_, **__):
            raise self._error

        return fail


def told(error, body):
    route = DodoWebhook(PACKAGES, secret=SECRET).route
    return run(Failing(error), route.handler(Asked(headers=standard(body), body=body)))


@pytest.mark.parametrize("body", [payment("alice"), refund("alice")])
@pytest.mark.parametrize(
    ("error", "status", "level"),
    [
        (BackendUnavailableError(PRIVATE), 503, logging.WARNING),
        (OutcomeUnknownError(PRIVATE, None, 0), 503, logging.WARNING),
        (LimitExceededError("max_balance", PRIVATE), 503, logging.ERROR),
        (AccountStateError(PRIVATE, user_id="x", state="wrong_type"), 503, logging.ERROR),
        (IdempotencyConflictError(PRIVATE, tx_id="tx_1"), 200, logging.ERROR),
        (TransactionError(PRIVATE), 200, logging.ERROR),
        (InvalidRequestError(PRIVATE), 400, logging.ERROR),
        (CreditsError(PRIVATE), 500, logging.ERROR),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_failure_has_its_answer_and_is_logged(caplog, body, error, status, level):
    answer = told(error, body)
    assert answer.status == status
    assert "hunter2" not in json.dumps(answer.body)
    (record,) = caplog.records
    assert (record.levelno, record.name) == (level, "credits_core.webhooks")
    assert "mallory" in caplog.text
    if status == 200:
        assert answer.body == {"received": True, "done": "nothing", "reason": "conflict"}


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        told(ZeroDivisionError(), payment("alice"))
