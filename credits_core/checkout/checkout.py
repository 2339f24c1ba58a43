"""A checkout as a route: a signed-in user names a package, and is told where to pay for it.

What the client says of credits and prices is not looked at. User and package are bound into the
provider's metadata here, and come back in its signed webhooks.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from pydantic import AliasChoices, Field

from credits_core import validation
from credits_core.async_client import AsyncCredits
from credits_core.checkout.pages import page
from credits_core.checkout.urls import Returns
from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.http.describing import TEXT, fields, operation
from credits_core.http.exchange import Answer, Asked, Route, Who, answer
from credits_core.http.json_bodies import Body, read_body
from credits_core.http.personal_keys import key_header, personal_key
from credits_core.http.problems import later, problem_details
from credits_core.http.refusals import Refused, answering, user_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from credits_core.http.steps import Steps
    from credits_core.payments.packages import Package, Packages

__all__ = ["Checkout", "Order", "ProviderRefused"]

log: Final = logging.getLogger("credits_core.checkout")


class Order(NamedTuple):
    """What is to be paid for: by whom, what, and where the browser goes afterwards."""

    user_id: str
    package: Package
    success_url: str
    cancel_url: str
    key: str | None
    """An idempotency key for the provider: of one user and of one request of theirs."""


class ProviderRefused(Exception):  # noqa: N818 - becomes an answer
    """The provider did not start a checkout; `again` where it may a little later.

    The message is for the log, and holds neither keys nor what the provider quotes of a request.
    """

    def __init__(self, message: str, *, again: bool = False, reused: bool = False) -> None:
        """Say what happened, and what can be done."""
        super().__init__(message)
        self.again = again
        self.reused = reused
        """Whether the idempotency key was used for another request."""


class _Wanted(Body):
    # The boilerplate's button says planId.
    package_id: str = Field(
        validation_alias=AliasChoices("packageId", "planId"), min_length=1, max_length=64
    )
    success_url: str | None = Field(None, alias="successUrl")
    cancel_url: str | None = Field(None, alias="cancelUrl")


class Checkout:
    """Starts the checkouts of a provider. Subclass it: say what each has of its own.

    `base_url` is the app's own address. `success_url` and `cancel_url` are pages of the app, URLs
    or paths; without them two small pages are served. A client may ask for others of `base_url`
    or `allowed_origins`. `path` moves the route; its pages are below it. `api_key` is the
    provider's, in the environment as `variable` unless given; `options` go to the vendor's client.

    Raises `PricingConfigError` where a package has no id of a provider that needs one.
    """

    name: ClassVar[str]
    """The provider, as `provider_ids` call it."""
    variable: ClassVar[str]
    """The environment variable of the key to its API."""

    def __init__(
        self,
        packages: Packages,
        *,
        base_url: str,
        api_key: str | None = None,
        options: Mapping[str, Any] | None = None,
        success_url: str | None = None,
        cancel_url: str | None = None,
        allowed_origins: Iterable[str] = (),
        path: str = "/api/credits/checkout",
    ) -> None:
        """Check the packages and the URLs, and make clients of the vendor's; nothing is sent."""
        for package in packages.values():
            if self.needs_id(package) and self.name not in package.provider_ids:
                place = f"packages.{package.id}.provider_ids.{self.name}"
                raise PricingConfigError(place, f"{place}: {self.name} sells only what it knows")
        self._packages = packages
        self._path = path
        # Where a page of ours is asked for, and its route.
        own = {
            kind: f"{path}/{kind}"
            for kind, url in (("success", success_url), ("cancel", cancel_url))
            if url is None
        }
        self._pages = tuple(page(kind, at) for kind, at in own.items())
        self._returns = Returns(
            base_url,
            success_url or own["success"],
            cancel_url or own["cancel"],
            allowed_origins,
        )
        api_key = api_key or os.environ.get(self.variable, "").strip()
        if not api_key:
            raise InvalidRequestError(
                f"a checkout at {self.name} needs its API key: pass api_key=, or set "
                f"{self.variable}"
            )
        self.open(api_key, options or {})

    def open(self, api_key: str, options: Mapping[str, Any]) -> None:
        """Make the vendor's clients."""
        raise NotImplementedError

    def needs_id(self, package: Package) -> bool:
        """Whether the provider sells this package only by an id of its own."""
        raise NotImplementedError

    def start(self, order: Order) -> str:
        """Start a checkout, and answer where to send the browser.

        Raises `ProviderRefused`.
        """
        raise NotImplementedError

    def astart(self, order: Order) -> Awaitable[str]:
        """The same for async code."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections of sync code."""

    async def aclose(self) -> None:
        """Close the connections of async code, and of sync code."""

    @property
    def routes(self) -> tuple[Route, ...]:
        """The POST that starts a checkout, for users, and the pages after it."""
        told = operation(
            "Start a checkout of a package",
            fields(checkoutUrl={**TEXT, "format": "uri"}),
            (400, 401, 404, 413, 415, 422, 502, 503),
            parameters=(key_header("Asked again, the same checkout."),),
            body=fields(packageId=TEXT)
            | {"properties": {"packageId": TEXT, "successUrl": TEXT, "cancelUrl": TEXT}},
        )
        ours = Route("checkout", "POST", self._path, Who.USER, answering(self._started), told)
        return (ours, *self._pages)

    def _started(self, asked: Asked) -> Steps[Answer]:
        order = self._order(asked)
        try:
            url = (
                yield lambda credits: (
                    self.astart(order) if isinstance(credits, AsyncCredits) else self.start(order)
                )
            )
        except ProviderRefused as refusal:
            return self._refused(refusal)
        return answer({"checkoutUrl": url})

    def _order(self, asked: Asked) -> Order:
        # Whom the ledger does not take would pay for nothing.
        user_id = validation.user_id(user_of(asked))
        wanted = read_body(asked, _Wanted)
        package = self._packages.get(wanted.package_id)
        if package is None:
            detail = "There is no such package."
            raise Refused(problem_details(404, "unknown-package", "Unknown package", detail))
        for url in (wanted.success_url, wanted.cancel_url):
            if url is not None and not self._returns.allows(url):
                detail = "A checkout returns to pages of this app alone."
                raise Refused(
                    problem_details(400, "return-not-allowed", "Return not allowed", detail)
                )
        return Order(
            user_id,
            package,
            wanted.success_url or self._returns.success,
            wanted.cancel_url or self._returns.cancel,
            personal_key(asked),
        )

    def _refused(self, refusal: ProviderRefused) -> Answer:
        log.error("%s started no checkout: %s", self.name, refusal)
        if refusal.reused:
            detail = "This Idempotency-Key was used for another checkout. Use a new key."
            return problem_details(422, "idempotency-key-reused", "Idempotency key reused", detail)
        if refusal.again:
            detail = "The payment provider does not answer at the moment. Try again later."
            return later(
                problem_details(503, "provider-unavailable", "Provider unavailable", detail)
            )
        detail = "The payment provider did not start a checkout."
        return problem_details(502, "provider-refused", "Provider refused", detail)
