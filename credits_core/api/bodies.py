"""JSON bodies: bytes in, a checked model out, or a refusal that names the field.

The models are strict: a number is no text, `true` is no number, and what is not asked for is
not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from credits_core import validation
from credits_core.api.refusals import Refused
from credits_core.http.problems import problem_details
from credits_core.models import MAX_AMOUNT

if TYPE_CHECKING:
    from credits_core.http.exchange import Asked

__all__ = ["MAX_BODY", "Body", "GrantBody", "RefundBody", "read_body", "wrong_field"]

MAX_BODY: Final = 64 * 1024
"""The largest body that is read, in bytes."""

MAX_REASON: Final = 500

B = TypeVar("B", bound="Body")


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


def _tx_id(text: str) -> str:
    return validation.tx_id(text, "txId")


def _reason(text: str) -> str:
    return validation.line(text, "reason", MAX_REASON)


# The boilerplate's route calls it userId.
TargetUser = Annotated[
    str,
    Field(validation_alias=AliasChoices("targetUserId", "userId"), min_length=1),
    AfterValidator(validation.user_id),
]
Amount = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON),
    AfterValidator(_reason),
]
TxId = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_tx_id)]


class GrantBody(Body):
    """Credits for a user, from an admin."""

    target_user_id: TargetUser
    amount: Amount
    reason: Reason


class RefundBody(Body):
    """A charge of a user, given back by an admin: all that is left of it, or `amount`."""

    target_user_id: TargetUser
    tx_id: TxId = Field(alias="txId")
    amount: Amount | None = None
    reason: Reason


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
