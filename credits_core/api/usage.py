"""`GET /api/credits/usage`: what was spent and earned, a day and an action."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from credits_core.api.queries import number_of
from credits_core.api.reading import now_ms
from credits_core.http.describing import (
    INSTANT,
    TEXT,
    fields,
    list_of,
    nullable,
    operation,
    parameter,
)
from credits_core.http.exchange import Route, Who, answer
from credits_core.http.refusals import user_of

if TYPE_CHECKING:
    from credits_core.http.exchange import Answer, Asked
    from credits_core.http.steps import Steps
    from credits_core.usage import Tally, Usage, UsageDay

__all__ = ["usage"]

MAX_DAYS: Final = 90
DAYS: Final = 7


def usage(path: str) -> Route:
    """`GET /api/credits/usage`."""
    return Route("usage", "GET", path, Who.USER, _usage, _USAGE)


def _usage(asked: Asked) -> Steps[Answer]:
    user_id = user_of(asked)
    days = number_of(asked.query, "days", least=1, most=MAX_DAYS, default=DAYS)
    found: Usage = yield lambda credits: credits.usage(user_id, days)
    return answer(
        {
            "userId": user_id,
            "start": found.start.isoformat(),
            "end": found.end.isoformat(),
            **asdict(found.total),
            "held": found.held,
            "actions": _actions(found.actions),
            "days": [_day(day) for day in found.days],
            "foldedUntil": found.folded_until,
            "timestamp": now_ms(),
        }
    )


def _day(day: UsageDay) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        **asdict(day.total),
        "held": day.held,
        "actions": _actions(day.actions),
    }


def _actions(actions: dict[str | None, Tally]) -> list[dict[str, Any]]:
    return [{"action": action, **asdict(tally)} for action, tally in actions.items()]


_NUMBER: Final = {"type": "number"}
_SUMS: Final = dict.fromkeys(("spent", "earned", "refunded", "expired", "revoked"), _NUMBER)
_DATE: Final = {"type": "string", "format": "date", "description": "A day of UTC."}
_ACTIONS: Final = list_of(fields(action=nullable(TEXT), **_SUMS))
_HELD: Final = {**_NUMBER, "description": "What holds that are open have set aside."}

_USAGE: Final = operation(
    "What the user who is signed in spent and earned, a day and an action",
    fields(
        userId=TEXT,
        start=_DATE,
        end=_DATE,
        **_SUMS,
        held=_HELD,
        actions=_ACTIONS,
        days=list_of(fields(date=_DATE, **_SUMS, held=_HELD, actions=_ACTIONS)),
        foldedUntil={
            **nullable(INSTANT),
            "description": "Up to when the log is folded: what is older is not in the sums.",
        },
        timestamp=INSTANT,
    ),
    (400, 401, 500, 503),
    description="Days are those of UTC, oldest first, today included.",
    parameters=(
        parameter(
            "days",
            {"type": "integer", "minimum": 1, "maximum": MAX_DAYS, "default": DAYS},
            "How many days.",
        ),
    ),
)
