"""What a paid route says of itself in an OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from credits_core.http.paid import COST_HEADER, REMAINING_HEADER
from credits_core.http.problems import PROBLEM_JSON

__all__ = ["PROBLEM", "describe", "problem_answer"]

EXTENSION: Final = "x-credits"
"""The field of an operation that lists what it costs: `[{"action", "cost", "held"}]`."""

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "error", "message"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable; tells what happened."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error": {"type": "string", "description": "The title again."},
        "message": {"type": "string", "description": "The detail again."},
    },
}
"""The schema of problem details (RFC 9457, 3)."""

_CREDITS: Final = {"type": "integer", "minimum": 0}

_SHORTAGE: Final = {
    "type": "object",
    "required": [*PROBLEM["required"], "required", "available"],
    "properties": {
        **PROBLEM["properties"],
        "required": {**_CREDITS, "description": "What it costs, in credits."},
        "available": {**_CREDITS, "description": "What the user can spend, in credits."},
        "action": {"type": "string", "description": "What was to be paid."},
        "rule": {"type": "string", "description": "The rule that blocked it."},
        "top_up_url": {"type": "string", "description": "Where credits are bought."},
    },
}


def describe(operation: dict[str, Any], costs: list[dict[str, Any]]) -> None:
    """Write the cost of an operation into it, and the answers 402 and 503; the app's own stay.

    `costs` has an item a charge: `action`, `cost` (None where the request decides it), `held`.
    """
    operation[EXTENSION] = costs
    answers = operation.setdefault("responses", {})
    answers.setdefault("402", problem_answer("Not enough credits", _SHORTAGE))
    unavailable = problem_answer("Credits cannot be charged at the moment")
    unavailable["headers"] = {
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    }
    answers.setdefault("503", unavailable)
    for status, answer in answers.items():
        if status.startswith("2") and "$ref" not in answer:
            headers = answer.setdefault("headers", {})
            headers.setdefault(COST_HEADER, _header("What the request cost, in credits."))
            headers.setdefault(REMAINING_HEADER, _header("The balance after it, in credits."))


def problem_answer(description: str, schema: object = PROBLEM) -> dict[str, Any]:
    """A Response Object whose body is problem details."""
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema}}}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "integer"}}
