"""The bodies of what an admin posts."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, AliasChoices, Field, StringConstraints

from credits_core import validation
from credits_core.http.json_bodies import Body
from credits_core.models import MAX_AMOUNT

__all__ = ["MAX_REASON", "GrantBody", "RefundBody"]

MAX_REASON: Final = 500


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
