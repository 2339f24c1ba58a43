"""Errors travel: between processes by pickle, into logs by repr, without what is private."""

from __future__ import annotations

import copy
import pickle

import pytest

import credits_core
from credits_core import (
    AccountStateError,
    BackendError,
    BackendUnavailableError,
    BalanceVerificationError,
    Credits,
    CreditsError,
    HoldClosedError,
    HoldNotFoundError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    OutcomeUnknownError,
    PricingConfigError,
    RepeatedRequestError,
    TransactionError,
    WebhookVerificationError,
    commands,
    errors,
)
from credits_core.commands import SignUp
from credits_core.keys import KeySpace

PRIVATE = "my-very-private-note"


def command():
    return commands.deduct(
        KeySpace(), "alice", 5, "chat", {"note": PRIVATE},
        idempotency_key="k", sign_up=SignUp(30), now_ms=1,
    )  # fmt: skip


ERRORS = [
    CreditsError("words"),
    InsufficientCreditsError(300, 90, "alice"),
    InsufficientCreditsError(300, 90),
    InsufficientCreditsError(300, -90, "alice"),
    LimitExceededError("max_balance", "too much"),
    LimitExceededError("max_holds", "too many", limit=1000),
    LimitExceededError("frozen", "stop", reason="fraud"),
    TransactionError("words", tx_id="tx_1"),
    InvalidRequestError("words"),
    IdempotencyConflictError("words", tx_id="tx_1", request="add 7 x"),
    HoldNotFoundError("words", tx_id="tx_1"),
    HoldClosedError("words", tx_id="tx_1", state="settled", kept=7),
    AccountStateError("words", user_id="alice", state="missing_balance"),
    BackendError("words"),
    BackendUnavailableError("words"),
    OutcomeUnknownError("words", command(), 123),
    BalanceVerificationError("alice", None, 5),
    BalanceVerificationError("alice", 7, 5.5),
    PricingConfigError("chat", "no price"),
    RepeatedRequestError("running", "words", retry_after=7),
    WebhookVerificationError("words"),
]


def test_every_error_is_tried_here():
    tree = {errors.CreditsError}
    while True:
        grown = tree | {sub for kind in tree for sub in kind.__subclasses__()}
        if grown == tree:
            break
        tree = grown
    ours = {kind for kind in tree if kind.__module__ == "credits_core.errors"}
    assert ours == {type(error) for error in ERRORS}
    assert {kind.__name__ for kind in ours} == set(errors.__all__) <= set(credits_core.__all__)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling(error, protocol):
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is type(error)
    assert (str(again), repr(again)) == (str(error), repr(error))
    assert vars(again).keys() == vars(error).keys()
    for name, value in vars(error).items():
        if name != "command":
            assert getattr(again, name) == value


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_can_be_copied_and_keeps_its_cause_and_notes(error):
    error.add_note("a note")
    again = copy.copy(error)
    assert again.__notes__ == ["a note"]
    assert str(again) == str(error)
    del error.__notes__


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_says_something(error):
    assert str(error)
    assert not str(error).startswith("(")
    assert type(error).__name__ in repr(error)


@pytest.mark.parametrize(
    ("above_floor", "available", "missing"), [(90, 90, 210), (0, 0, 300), (-900, 0, 1200)]
)
def test_a_shortage_says_what_can_be_spent_and_what_must_come(above_floor, available, missing):
    error = InsufficientCreditsError(300, above_floor, "alice")
    assert (error.available, error.missing) == (available, missing)
    told = f"'alice' can spend {available} credits and this costs 300: {missing} more are needed"
    assert str(error) == told


def test_an_unknown_outcome_shows_nothing_of_the_request():
    error = OutcomeUnknownError("deduct was sent and not answered", command(), 123)
    for text in (str(error), repr(error), f"{error!r} {error}"):
        assert PRIVATE not in text


def test_an_unknown_outcome_can_be_resolved_in_another_process():
    with Credits.from_url("memory://errors-pickle") as credits:
        credits.initialize_user("alice", 50)
        found = credits._executor.now_ms()
        build = commands.deduct(
            KeySpace(),
            "alice",
            5,
            "chat",
            None,
            idempotency_key=None,
            sign_up=SignUp(),
            now_ms=found,
        )
        credits._executor.run(build)
        error = pickle.loads(pickle.dumps(OutcomeUnknownError("lost", build, found - 1)))
        receipt = credits.resolve(error)
        assert receipt is not None
        assert (receipt.tx_id, receipt.amount, receipt.balance) == (build.tx_id, 5, 45)
        never = commands.initialize(KeySpace(), "bob", 5, now_ms=found)
        assert credits.resolve(OutcomeUnknownError("lost", never, found - 1)) is None
