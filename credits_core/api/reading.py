"""What users read of their own account: the balance and the history."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from credits_core import validation
from credits_core.api.queries import instant_of, number_of
from credits_core.errors import InvalidRequestError
from credits_core.history import Place
from credits_core.http.describing import (
    BALANCE,
    INSTANT,
    TEXT,
    fields,
    list_of,
    nullable,
    operation,
    parameter,
)
from credits_core.http.exchange import Route, Who, answer
from credits_core.http.refusals import user_of, wrong_parameter

if TYPE_CHECKING:
    from credits_core.history import HistoryPage
    from credits_core.http.exchange import Answer, Asked
    from credits_core.http.steps import Steps
    from credits_core.models import Transaction

__all__ = ["balance", "history", "now_ms"]

MAX_PAGE: Final = 100
"""Transactions a page at most, as the TypeScript routes have it."""

PAGE: Final = 50


def now_ms() -> int:
    """This machine's time, for clients that want to know how old an answer is."""
    return time.time_ns() // 1_000_000


def balance(path: str) -> Route:
    """`GET /api/credits/balance`."""
    return Route("balance", "GET", path, Who.USER, _balance, _BALANCE)


def _balance(asked: Asked) -> Steps[Answer]:
    user_id = user_of(asked)
    amount = yield lambda credits: credits.get_balance(user_id)
    return answer({"balance": amount, "userId": user_id, "timestamp": now_ms()})


_BALANCE: Final = operation(
    "The balance of the user who is signed in",
    fields(balance=BALANCE, userId=TEXT, timestamp=INSTANT),
    (400, 401, 500, 503),
)


def history(path: str) -> Route:
    """`GET /api/credits/history`."""
    return Route("history", "GET", path, Who.USER, _history, _HISTORY)


def _history(asked: Asked) -> Steps[Answer]:
    user_id, query = user_of(asked), asked.query
    limit = number_of(query, "limit", least=1, most=MAX_PAGE, default=PAGE)
    start, end = instant_of(query, "startTime"), instant_of(query, "endTime")
    cursor = query.get("cursor")
    if cursor is not None:
        _check_cursor(cursor)
    page: HistoryPage = yield lambda credits: credits.get_history(
        user_id, limit=limit, start_time=start, end_time=end, cursor=cursor
    )
    return answer(
        {
            "transactions": [_entry(entry) for entry in page.transactions],
            "count": len(page.transactions),
            "userId": user_id,
            "nextCursor": page.next_cursor,
        }
    )


def _check_cursor(cursor: str) -> None:
    try:
        Place.at(cursor)
    except InvalidRequestError:
        raise wrong_parameter("cursor", "the nextCursor of the page before, as it was") from None


def _entry(entry: Transaction) -> dict[str, Any]:
    # As the TypeScript SDK has it, whose metadata is left out where there is none.
    told: dict[str, Any] = {"id": entry.id, "amount": entry.amount, "action": entry.action}
    if entry.metadata is not None:
        told["metadata"] = entry.metadata
    return {**told, "timestamp": entry.timestamp, "kind": entry.kind}


_ENTRY: Final = fields(
    id=TEXT,
    amount={"type": "number", "description": "Negative where it took credits out."},
    action=TEXT,
    timestamp=INSTANT,
    kind=TEXT,
)
_ENTRY["properties"]["metadata"] = {"type": "object"}

_HISTORY: Final = operation(
    "Transactions of the user who is signed in, newest first",
    fields(
        transactions=list_of(_ENTRY),
        count={"type": "integer", "minimum": 0, "maximum": MAX_PAGE},
        userId=TEXT,
        nextCursor={
            **nullable(TEXT),
            "description": "The `cursor` of the next page; null at the end.",
        },
    ),
    (400, 401, 500, 503),
    description="The next page is asked for with `cursor`, and the same `startTime` and `endTime`.",
    parameters=(
        parameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": PAGE},
            "Transactions at most.",
        ),
        *(
            parameter(
                name,
                {"type": "integer", "minimum": 0, "maximum": validation.LAST_INSTANT},
                f"{what} instant, in milliseconds since 1970, inclusive.",
            )
            for name, what in (("startTime", "The first"), ("endTime", "The last"))
        ),
        parameter("cursor", TEXT, "The `nextCursor` of the page before."),
    ),
)
