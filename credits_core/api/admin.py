"""What admins do to the accounts of others: grant credits, and give charges back.

Who is an admin is the app's to say; the adapter answers 403 to everybody else. Nobody does
it to an own account, and the log says who did it and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from credits_core.api.bodies import MAX_REASON, GrantBody, RefundBody
from credits_core.errors import BackendError, OutcomeUnknownError
from credits_core.http.describing import BALANCE, CREDITS, TEXT, TRUTH, fields, operation
from credits_core.http.exchange import Route, Who, answer
from credits_core.http.idempotency import HEADER
from credits_core.http.json_bodies import read_body, wrong_field
from credits_core.http.personal_keys import key_header, personal_key
from credits_core.http.problems import later, problem_details
from credits_core.http.refusals import Refused, user_of
from credits_core.models import MAX_AMOUNT

if TYPE_CHECKING:
    from credits_core.http.exchange import Answer, Asked, Handler
    from credits_core.http.steps import Step, Steps
    from credits_core.models import Receipt

__all__ = ["GRANT_ACTION", "MAX_GRANT", "grant", "refund"]

GRANT_ACTION: Final = "admin_grant"
"""The action of a grant in the log, as the TypeScript route writes it."""

MAX_GRANT: Final = 10_000
"""Credits that one request grants at most, unless the app says otherwise."""


def grant(path: str, max_grant: int) -> Route:
    """`POST /api/admin/credits/grant`."""
    told = _operation(
        "Grant credits to a user",
        {"amount": {**CREDITS, "minimum": 1, "maximum": max_grant}},
        ("amount",),
    )
    return Route("grant", "POST", path, Who.ADMIN, _grant(max_grant), told)


def _grant(max_grant: int) -> Handler:
    def handler(asked: Asked) -> Steps[Answer]:
        actor, key = user_of(asked), _key_of(asked, "grant")
        body = read_body(asked, GrantBody)
        target = _another(actor, body.target_user_id)
        if body.amount > max_grant:
            raise wrong_field("amount", f"at most {max_grant} credits are granted at a time")
        metadata = {"granted_by": actor, "admin_action": True, "reason": body.reason}
        receipt = yield from _sure(
            lambda credits: credits.add(
                target, body.amount, GRANT_ACTION, metadata, idempotency_key=key
            )
        )
        return _done(receipt, target)

    return handler


def refund(path: str) -> Route:
    """`POST /api/admin/credits/refund`."""
    told = _operation(
        "Give back a charge of a user",
        {
            "txId": {**TEXT, "minLength": 1, "maxLength": 255},
            "amount": {
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": MAX_AMOUNT,
                "description": "All that is left of the charge where it is left out.",
            },
        },
        ("txId",),
    )
    return Route("refund", "POST", path, Who.ADMIN, _refund, told)


def _refund(asked: Asked) -> Steps[Answer]:
    actor, key = user_of(asked), _key_of(asked, "refund")
    body = read_body(asked, RefundBody)
    target = _another(actor, body.target_user_id)
    metadata = {"refunded_by": actor, "admin_action": True, "reason": body.reason}
    receipt = yield from _sure(
        lambda credits: credits.refund(
            target, body.tx_id, body.amount, metadata=metadata, idempotency_key=key
        )
    )
    return _done(receipt, target)


def _another(actor: str, target: str) -> str:
    if actor == target:
        detail = "Nobody does this to an own account: another admin does."
        raise Refused(problem_details(403, "own-account", "Own account", detail))
    return target


def _key_of(asked: Asked, name: str) -> str | None:
    """The key of the request as a key of the ledger.

    It counts for the admin, the route and the account; no payment has one like it.
    """
    key = personal_key(asked)
    return None if key is None else f"admin {name} {key}"


def _sure(step: Step) -> Steps[Receipt]:
    """The receipt of what the step does, asked for again where its answer was lost."""
    try:
        receipt: Receipt | None = yield step
    except OutcomeUnknownError as error:
        lost = error
        try:
            receipt = yield lambda credits: credits.resolve(lost)
        except BackendError:
            raise Refused(_unknown()) from None
    if receipt is None:
        detail = "The store did not take it, and nothing was done. Try again."
        raise Refused(_away("credits-unavailable", "Credits unavailable", detail))
    return receipt


def _unknown() -> Answer:
    detail = (
        f"The store did not say whether it was done. Repeat it with the {HEADER} that it had; if "
        f"it had none, look at the account's history first."
    )
    return _away("outcome-unknown", "Outcome unknown", detail)


def _away(name: str, title: str, detail: str) -> Answer:
    return later(problem_details(503, name, title, detail))


def _done(receipt: Receipt, target: str) -> Answer:
    return answer(
        {
            "success": True,
            "txId": receipt.tx_id,
            "newBalance": receipt.balance,
            "amount": receipt.amount,
            "targetUserId": target,
            "replayed": receipt.replayed,
        }
    )


def _operation(
    summary: str, properties: dict[str, Any], required: tuple[str, ...]
) -> dict[str, Any]:
    user = {**TEXT, "minLength": 1}
    return operation(
        summary,
        fields(
            success=TRUTH,
            txId=TEXT,
            newBalance=BALANCE,
            amount=CREDITS,
            targetUserId=TEXT,
            replayed={**TRUTH, "description": "It had been done before, with the same key."},
        ),
        (400, 401, 403, 409, 413, 415, 422, 500, 503),
        description="For admins of the app. Never on the account of who asks.",
        parameters=(key_header("A repeated request with the same key does it once."),),
        body={
            "type": "object",
            "required": [*required, "reason"],
            "properties": {
                "targetUserId": user,
                "userId": {**user, "description": "Another name of `targetUserId`."},
                **properties,
                "reason": {**TEXT, "minLength": 1, "maxLength": MAX_REASON},
            },
            "anyOf": [{"required": ["targetUserId"]}, {"required": ["userId"]}],
        },
    )
