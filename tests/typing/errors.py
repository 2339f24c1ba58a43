"""Errors: one tree, and what each carries."""

from typing import assert_type

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
    Receipt,
    TransactionError,
)


def charge(credits: Credits) -> Receipt | None:
    try:
        return credits.deduct("alice", 10, "chat")
    except InsufficientCreditsError as error:
        assert_type(error.required, int)
        assert_type((error.available, error.missing), tuple[int, int])
        assert_type(error.user_id, str)
    except LimitExceededError as error:
        assert_type(error.rule, str)
        assert_type((error.limit, error.reason), tuple[int | None, str | None])
    except IdempotencyConflictError as error:
        assert_type(error.tx_id, str | None)
    except AccountStateError as error:
        if error.state == "missing_balance":
            credits.rebuild_balance(error.user_id)
        if error.state == "missing":  # type: ignore[comparison-overlap]
            pass
    except OutcomeUnknownError as error:
        assert_type(error.deadline_ms, int)
        assert_type(error.tx_id, str | None)
        return credits.resolve(error)
    except BalanceVerificationError as error:
        assert_type(error.cached, float | None)
    except PricingConfigError as error:
        assert_type(error.action, str)
    return None


def settle(credits: Credits) -> Receipt | None:
    try:
        return credits.settle("alice", "tx_1_a", 5)
    except HoldNotFoundError as error:
        assert_type(error.tx_id, str | None)
    except HoldClosedError as error:
        assert_type(error.kept, int)
        if error.state == "open":  # type: ignore[comparison-overlap]
            pass
    return None


def tree() -> None:
    under: list[type[CreditsError]] = [InsufficientCreditsError, LimitExceededError]
    under += [TransactionError, BackendError, BalanceVerificationError, PricingConfigError]
    asked: list[type[TransactionError]] = [InvalidRequestError, IdempotencyConflictError]
    asked += [HoldNotFoundError, HoldClosedError, AccountStateError]
    store: list[type[BackendError]] = [BackendUnavailableError, OutcomeUnknownError]
    value: type[ValueError] = InvalidRequestError
    print(under, asked, store, value)
