"""Clerk: who signs up gets the sign-up credits (https://clerk.com/docs/webhooks/overview)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel

from credits_core.errors import InvalidRequestError
from credits_core.webhooks.signatures import StandardSignature
from credits_core.webhooks.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from credits_core.http.steps import Steps

__all__ = ["ClerkWebhook"]

log: Final = logging.getLogger("credits_core.webhooks")

OnDeleted = Literal["keep", "freeze", "delete"]


class _User(BaseModel):
    id: str


class _Event(BaseModel):
    type: str
    data: dict[str, Any]


class _SvixSignature(StandardSignature):
    """Svix, which Clerk sends by, was there before the standard, and calls its headers so."""

    prefixes = ("svix", "webhook")


class ClerkWebhook(Webhook):
    """Signs up Clerk's users: `user.created` gives each the sign-up credits, once.

    `credits` are those of the client unless given. `on_deleted` is what `user.deleted` does:
    `"keep"` leaves the account as it is (nobody can sign in to it any more), `"freeze"` lets it
    spend nothing, `"delete"` deletes it for good, log and all; a payment that is announced again
    after that opens it anew. Other events are answered and ignored.

    `secret` is the signing secret of Clerk's endpoint, or several; CLERK_WEBHOOK_SECRET unless
    given. Raises `InvalidRequestError` without one.
    """

    name = "clerk"
    path = "/api/webhooks/clerk"
    variable = "CLERK_WEBHOOK_SECRET"
    signed_by = _SvixSignature

    def __init__(
        self,
        *,
        secret: str | Iterable[str] | None = None,
        credits: int | None = None,
        on_deleted: OnDeleted = "keep",
        path: str | None = None,
    ) -> None:
        """Read the secret, and say what happens to accounts of users who are gone."""
        super().__init__(secret=secret, path=path)
        if on_deleted not in ("keep", "freeze", "delete"):
            raise InvalidRequestError('on_deleted is "keep", "freeze" or "delete"')
        self._credits = credits
        self._on_deleted = on_deleted

    def handle(self, event: dict[str, Any]) -> Steps[Mapping[str, Any]]:
        """Sign up, or do what is to be done to the account of somebody who is gone."""
        told = _Event.model_validate(event)
        if told.type == "user.created":
            user_id, starting = _User.model_validate(told.data).id, self._credits
            yield lambda client: client.initialize_user(user_id, starting)
            return {"done": "signed up"}
        if told.type == "user.deleted":
            return (yield from self._deleted(_User.model_validate(told.data).id))
        yield from ()
        return {"done": "nothing"}

    def _deleted(self, user_id: str) -> Steps[Mapping[str, Any]]:
        if self._on_deleted == "freeze":
            yield lambda client: client.freeze(user_id, "deleted at Clerk")
            return {"done": "frozen"}
        if self._on_deleted == "delete":
            yield lambda client: client.delete_account(user_id)
            return {"done": "deleted"}
        yield from ()
        log.info("user %r is deleted at Clerk; the account is kept", user_id)
        return {"done": "nothing"}
