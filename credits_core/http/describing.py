"""What a route says of itself in an OpenAPI document: Operation Objects out of a few parts.

https://spec.openapis.org/oas/v3.1.0#operation-object
"""

from __future__ import annotations

from typing import Any, Final

from credits_core.http.openapi import problem_answer
from credits_core.models import MAX_BALANCE

__all__ = [
    "BALANCE",
    "CREDITS",
    "INSTANT",
    "TEXT",
    "TRUTH",
    "fields",
    "header",
    "list_of",
    "nullable",
    "operation",
    "parameter",
]

TAG: Final = "Credits"

TEXT: Final = {"type": "string"}
TRUTH: Final = {"type": "boolean"}
CREDITS: Final = {"type": "integer", "minimum": 0}
BALANCE: Final = {"type": "integer", "minimum": -MAX_BALANCE, "maximum": MAX_BALANCE}
INSTANT: Final = {"type": "integer", "description": "Milliseconds since 1970."}

_PROBLEMS: Final = {
    400: "The request is not one that can be answered",
    401: "Nobody is signed in, or the secret is wrong",
    403: "Not allowed",
    404: "There is no such thing",
    409: "Not possible as the account stands",
    413: "The body is too large",
    415: "The body is not JSON by its Content-Type",
    422: "A field of the body is missing or wrong",
    500: "The account cannot be worked on until the operator repairs it",
    502: "The payment provider did not do it",
    503: "The store, or the payment provider, is away",
}


def fields(**properties: Any) -> dict[str, Any]:
    """The schema of an object that has all of these fields."""
    return {"type": "object", "required": list(properties), "properties": properties}


def list_of(items: dict[str, Any]) -> dict[str, Any]:
    """The schema of a list."""
    return {"type": "array", "items": items}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of what may be null, too."""
    return {**schema, "type": [schema["type"], "null"]}


def parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A parameter of the query that may be left out."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def header(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A header that may be left out."""
    return {"name": name, "in": "header", "description": description, "schema": schema}


def operation(
    summary: str,
    answer: dict[str, Any],
    problems: tuple[int, ...],
    *,
    description: str = "",
    parameters: tuple[dict[str, Any], ...] = (),
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The Operation Object of a route that answers 200 with `answer`, or one of the problems."""
    told: dict[str, Any] = {"summary": summary, "tags": [TAG]}
    if description:
        told["description"] = description
    if parameters:
        told["parameters"] = list(parameters)
    if body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    told["responses"] = {
        "200": {
            "description": summary,
            "content": {"application/json": {"schema": answer}},
        },
        **{str(status): problem_answer(_PROBLEMS[status]) for status in problems},
    }
    return told
