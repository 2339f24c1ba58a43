"""What a call of the library did, as the ledger puts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core import (
    HoldClosedError,
    HoldNotFoundError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    Receipt,
    TransactionError,
)
from credits_core.models import Hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.model.ledger import Outcome


def observe(call: Callable[[], Any]) -> tuple[Outcome, Any]:
    """The outcome of a call, and what it returned."""
    try:
        result = call()
    except InsufficientCreditsError as error:
        return ("insufficient", error.required, error.required - error.missing), None
    except IdempotencyConflictError as error:
        return ("conflict", error.tx_id), None
    except LimitExceededError as error:
        return ("limit", error.rule), None
    except HoldNotFoundError:
        return ("no hold",), None
    except HoldClosedError as error:
        return ("closed", error.state, error.kept), None
    except InvalidRequestError:
        return ("invalid",), None
    except TransactionError as error:
        if type(error) is not TransactionError:
            raise
        return ("error",), None
    return outcome(result), result


def outcome(result: Any) -> Outcome:
    """What was returned."""
    if isinstance(result, Receipt):
        told = (result.tx_id, result.amount, result.balance, result.created, result.replayed)
        return ("receipt", *told, *([result.claimed] if result.claimed else []))
    if isinstance(result, Hold):
        return (
            "hold",
            result.id,
            result.amount,
            result.expires_at,
            result.balance,
            result.replayed,
        )
    if isinstance(result, list):
        return ("many", [outcome(one) for one in result])
    return ("value", result)
