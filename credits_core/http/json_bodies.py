"""JSON bodies: bytes in, a checked model out, or a refusal that names the field.

The models are strict: a number is no text, `true` is no number, and what is not asked for is
not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from credits_core.http.problems import problem_details
from credits_core.http.refusals import Refused

if TYPE_CHECKING:
    from credits_core.http.exchange import Asked

__all__ = ["MAX_BODY", "Body", "read_body", "wrong_field"]

MAX_BODY: Final = 64 * 1024
"""The largest body that is read, in bytes."""

B = TypeVar("B", bound="Body")


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


def read_body(asked: Asked, model: type[B]) -> B:
    """The body as the model has it.

    Only what calls itself JSON is read: what a form of another site can send without asking the
    browser first is not.
    """
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        detail = "The body is JSON: send it with Content-Type: application/json."
        raise Refused(problem_details(415, "not-json", "Not JSON", detail))
    if len(asked.body) > MAX_BODY:
        detail = f"The body is of at most {MAX_BODY} bytes."
        raise Refused(problem_details(413, "body-too-large", "Body too large", detail))
    try:
        return model.model_validate_json(asked.body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        detail = "The body is not JSON that can be read."
        raise Refused(problem_details(400, "invalid-json", "Invalid JSON", detail))
    raise _wrong([(_name(one["loc"]), str(one["msg"])) for one in found])


def wrong_field(field: str, message: str) -> Refused:
    """The refusal of a field that is wrong for a reason that no model knows."""
    return _wrong([(field, message)])


def _wrong(found: list[tuple[str, str]]) -> Refused:
    errors = [
        {"field": field, "message": message.removeprefix("Value error, ")}
        for field, message in found
    ]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return Refused(
        problem_details(422, "invalid-body", "Invalid body", f"{detail}.", errors=errors)
    )


def _name(place: tuple[Any, ...]) -> str:
    return ".".join(map(str, place)) or "body"
