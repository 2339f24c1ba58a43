"""A webhook as a route: bytes verified, an event parsed, what follows done, an answer given.

What it answers decides whether the provider calls again: 2xx is the end of it, anything else comes
back. So what a repetition can help is answered with an error, and what it cannot is answered with
200 and logged, for a person to look at.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, ClassVar, Final

from credits_core.errors import (
    AccountStateError,
    BackendError,
    CreditsError,
    InvalidRequestError,
    LimitExceededError,
    TransactionError,
    WebhookVerificationError,
)
from credits_core.http.describing import TRUTH, fields, operation
from credits_core.http.exchange import Answer, Asked, Route, Who, answer
from credits_core.http.problems import problem, problem_details
from credits_core.payments.applying import apply
from credits_core.payments.purchase import NotGranted, Purchase, check
from credits_core.webhooks.signatures import Secrets, StandardSignature

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from credits_core.http.steps import Steps
    from credits_core.payments.packages import Packages
    from credits_core.payments.told import Told
    from credits_core.webhooks.signatures import Signature

__all__ = ["MAX_BODY_BYTES", "PaymentWebhook", "Webhook"]

MAX_BODY_BYTES: Final = 2**20
"""The longest body that is looked at; events of providers are a hundredth of it."""

log: Final = logging.getLogger("credits_core.webhooks")


class Webhook:
    """One address that a provider calls. Subclass it and say what each has of its own.

    `secret` is what the provider shows beside the address, or several; unless given, it is in the
    environment as `variable`. `path` moves the route. Raises `InvalidRequestError` without a
    secret, or with one that is none.
    """

    name: ClassVar[str]
    """What the route and the log call it."""
    path: ClassVar[str]
    """Where the route is unless it is moved."""
    variable: ClassVar[str]
    """The environment variable of the secrets."""
    signed_by: ClassVar[type[Any]] = StandardSignature
    """A `Signature`, which is made of the secrets."""

    def __init__(
        self, *, secret: str | Iterable[str] | None = None, path: str | None = None
    ) -> None:
        """Read the secrets; nothing is sent."""
        self._signature: Signature = self.signed_by(Secrets(secret, self.variable))
        self._path = path or self.path

    def handle(self, event: dict[str, Any]) -> Steps[Mapping[str, Any]]:
        """Do what follows from an event that is surely the provider's; answer what to say to it.

        Raises `ValueError` for what is no event of the provider's, which is answered with 400.
        """
        raise NotImplementedError

    @property
    def route(self) -> Route:
        """POST, for anybody: the signature is what counts."""
        told = operation(
            f"Webhook: {self.name}",
            fields(received=TRUTH),
            (400, 413, 500, 503),
            description="Signed over the raw bytes. What is not answered 200 is to come again.",
            body={"type": "object"},
        )
        return Route(
            f"webhook-{self.name}",
            "POST",
            self._path,
            Who.ANYBODY,
            self._answered,
            told,
            max_body=MAX_BODY_BYTES,
        )

    def _answered(self, asked: Asked) -> Steps[Answer]:
        if len(asked.body) > MAX_BODY_BYTES:
            detail = f"A webhook has at most {MAX_BODY_BYTES} bytes."
            return problem_details(413, "body-too-large", "Body too large", detail)
        try:
            self._verify(asked)
            event = _parse(asked.body)
            done = yield from self.handle(event)
        except CreditsError as error:
            return self._refused(error)
        except NotGranted as refusal:
            return self._not_granted(refusal)
        except (ValueError, RecursionError) as error:
            log.error("%s sent what is no event: %s", self.name, _first_line(error))
            return problem_details(400, "no-event", "No event", "The body is no event known here.")
        return answer({"received": True, **done})

    def _verify(self, asked: Asked) -> None:
        try:
            self._signature.verify(asked.body, asked.headers)
        except WebhookVerificationError:
            raise
        except Exception as error:  # noqa: BLE001 - hostile headers raise anything
            told = f"the signature could not be read: {type(error).__name__}"
            raise WebhookVerificationError(told) from None

    def _refused(self, error: CreditsError) -> Answer:
        """What to answer when the ledger refused: see the table in how-to/payments.md."""
        if isinstance(error, WebhookVerificationError):
            log.warning("a webhook for %s was refused: %s", self.name, error)
            return problem(error)
        if isinstance(error, BackendError):
            log.warning("the webhook of %s is to come again: %s", self.name, error)
            return problem(error)
        if isinstance(error, InvalidRequestError):
            log.error("%s told what cannot be done: %s", self.name, error)
            return problem(error)
        if isinstance(error, (LimitExceededError, AccountStateError)):
            log.error("look at this account; %s tells it again meanwhile: %s", self.name, error)
            detail = "The account cannot take it now: it is to be announced again."
            return problem_details(503, "account-state", "Account not usable", detail)
        if isinstance(error, TransactionError):
            # Nothing that comes again would be another thing.
            log.error("look at this, %s does not tell it again: %s", self.name, error)
            return answer({"received": True, "done": "nothing", "reason": "conflict"})
        log.error("the webhook of %s failed: %s", self.name, error)
        return problem(error)

    def _not_granted(self, refusal: NotGranted) -> Answer:
        log.error("look at this, %s was not granted: %s", self.name, refusal)
        if refusal.again:
            detail = "The table of what is sold does not say so: it is to be announced again."
            return problem_details(503, "not-in-table", "Not in the table", detail)
        return answer({"received": True, "done": "nothing", "reason": "not-granted"})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path!r}, {self._signature!r})"


class PaymentWebhook(Webhook):
    """The webhook of a payment provider; a subclass says what its events tell, by `read`.

    `packages` are the table that says what is granted. The other arguments are those of `Webhook`.
    See `docs/how-to/other-payment-providers.md`.
    """

    def __init__(
        self,
        packages: Packages,
        *,
        secret: str | Iterable[str] | None = None,
        path: str | None = None,
    ) -> None:
        """Keep the table, and read the secrets."""
        super().__init__(secret=secret, path=path)
        self._packages = packages

    def read(self, event: dict[str, Any]) -> Iterable[Purchase | Told]:
        """What an event tells of payments; nothing, if it is of another kind."""
        raise NotImplementedError

    def handle(self, event: dict[str, Any]) -> Steps[Mapping[str, Any]]:
        """Check what is told against the table, and bring the account in line."""
        done: dict[str, Any] = {"done": "nothing"}
        for one in self.read(event):
            told = check(one, self._packages) if isinstance(one, Purchase) else one
            if told is not None:
                applied = yield from apply(told)
                waits = applied.user_id is None
                done = {"done": "noted" if waits else "applied", "payment": applied.payment_id}
        return done


def _parse(body: bytes) -> dict[str, Any]:
    event = json.loads(body)
    if not isinstance(event, dict):
        raise ValueError("an event is a JSON object")
    return event


def _first_line(error: Exception) -> str:
    # Of a model that does not fit only how many fields are wrong: the rest quotes the body.
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:200]
