"""`GET /api/credits/account`: how the account stands, with what is set aside and what expires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from credits_core.api.reading import now_ms
from credits_core.http.describing import (
    BALANCE,
    CREDITS,
    INSTANT,
    TEXT,
    TRUTH,
    fields,
    list_of,
    nullable,
    operation,
)
from credits_core.http.exchange import Route, Who, answer
from credits_core.http.refusals import user_of
from credits_core.models import MAX_AMOUNT, MAX_PRIORITY

if TYPE_CHECKING:
    from credits_core.http.exchange import Answer, Asked
    from credits_core.http.steps import Steps
    from credits_core.models import Account, Grant, OpenHold

__all__ = ["account"]


def account(path: str) -> Route:
    """`GET /api/credits/account`."""
    return Route("account", "GET", path, Who.USER, _account, _ACCOUNT)


def _account(asked: Asked) -> Steps[Answer]:
    user_id = user_of(asked)
    found: Account = yield lambda credits: credits.get_account(user_id)
    expiring = found.next_expiry
    return answer(
        {
            "userId": user_id,
            "balance": found.balance,
            "available": found.available,
            "held": found.held,
            "floor": found.floor,
            # Why is between the operator and the user: it is not told here.
            "frozen": found.frozen,
            "grants": [_grant(one) for one in found.grants],
            "holds": [_hold(one) for one in found.holds],
            "nextExpiry": None if expiring is None else _grant(expiring),
            "timestamp": now_ms(),
        }
    )


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "remaining": grant.remaining,
        "priority": grant.priority,
        "expiresAt": grant.expires_at,
    }


def _hold(hold: OpenHold) -> dict[str, Any]:
    return {
        "id": hold.id,
        "amount": hold.amount,
        "action": hold.action,
        "expiresAt": hold.expires_at,
    }


_GRANT: Final = fields(
    id=TEXT,
    remaining=CREDITS,
    priority={"type": "integer", "minimum": -MAX_PRIORITY, "maximum": MAX_PRIORITY},
    expiresAt=nullable(INSTANT),
)

_ACCOUNT: Final = operation(
    "The account of the user who is signed in",
    fields(
        userId=TEXT,
        balance=BALANCE,
        available={**CREDITS, "description": "What can be spent now."},
        held={**CREDITS, "description": "What open holds have set aside: out of the balance."},
        floor={"type": "integer", "minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT},
        frozen={**TRUTH, "description": "Whether nothing can be spent."},
        grants={**list_of(_GRANT), "description": "In the order in which they are spent."},
        holds={
            **list_of(fields(id=TEXT, amount=CREDITS, action=TEXT, expiresAt=INSTANT)),
            "description": "In the order in which they expire.",
        },
        nextExpiry={**nullable(_GRANT), "description": "The grant that expires next."},
        timestamp=INSTANT,
    ),
    (400, 401, 500, 503),
)
