"""Stripe Checkout, by Stripe's own library: https://docs.stripe.com/api/checkout/sessions/create."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from credits_core.checkout.checkout import Checkout, Order, ProviderRefused
from credits_core.payments.binding import bind
from credits_core.webhooks.signatures import load
from credits_core.webhooks.stripe_objects import major

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.payments.packages import Package

__all__ = ["StripeCheckout"]

TIMEOUT: Final = 15.0
"""Seconds that a browser waits for Stripe at most, a try."""


class StripeCheckout(Checkout):
    """Starts checkouts at Stripe; needs the extra `stripe`.

    A package with a price of Stripe's (`provider_ids={"stripe": "price_…"}`) is sold by that, any
    other by its price here; a recurring one needs the id. User and package are bound into the
    metadata of the session and of what it makes: the payment intent, or the subscription.

    The key is Stripe's secret key, STRIPE_SECRET_KEY unless given; `options` go to the vendor's
    `StripeClient`, such as `stripe_version`. The arguments are those of `Checkout`.
    """

    name = "stripe"
    variable = "STRIPE_SECRET_KEY"

    def open(self, api_key: str, options: Mapping[str, Any]) -> None:
        """Make one client for both kinds of code."""
        self._stripe = load("stripe", "stripe")
        self._http = self._stripe.HTTPXClient(timeout=TIMEOUT, allow_sync_methods=True)
        given = {"http_client": self._http, "max_network_retries": 1, **options}
        self._client = self._stripe.StripeClient(api_key, **given)

    def close(self) -> None:
        """Close the connections of sync code."""
        self._http.close()

    async def aclose(self) -> None:
        """Close the connections of async code, and of sync code."""
        self._http.close()
        await self._http.close_async()

    def needs_id(self, package: Package) -> bool:
        """A price by itself says no interval of its renewals."""
        return package.recurring

    def start(self, order: Order) -> str:
        """Create a session."""
        try:
            made = self._client.v1.checkout.sessions.create(_params(order), _options(order))
        except self._stripe.StripeError as error:
            raise _refused(self._stripe, error) from None
        return _url(made)

    async def astart(self, order: Order) -> str:
        """Create a session."""
        try:
            made = await self._client.v1.checkout.sessions.create_async(
                _params(order), _options(order)
            )
        except self._stripe.StripeError as error:
            raise _refused(self._stripe, error) from None
        return _url(made)


def _params(order: Order) -> dict[str, Any]:
    package, bound = order.package, bind(order.user_id, order.package.id)
    # What a refund or an invoice is of is told by the metadata of these.
    made = "subscription_data" if package.recurring else "payment_intent_data"
    return {
        "mode": "subscription" if package.recurring else "payment",
        "line_items": [{**_sold(package), "quantity": 1}],
        "metadata": bound,
        made: {"metadata": bound},
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
    }


def _sold(package: Package) -> dict[str, Any]:
    if price := package.provider_ids.get("stripe"):
        return {"price": price}
    return {
        "price_data": {
            "currency": package.currency.lower(),
            "unit_amount": major(package.minor_price, package.currency),
            "product_data": {"name": package.name or package.id},
        }
    }


def _options(order: Order) -> dict[str, Any]:
    return {} if order.key is None else {"idempotency_key": order.key}


def _url(session: Any) -> str:
    if not session.url:
        raise ProviderRefused("the session has no URL")
    return str(session.url)


def _refused(library: Any, error: Any) -> ProviderRefused:
    # Its message may quote the key in part, and what was sent.
    told = f"{type(error).__name__} {error.http_status} {error.code} (request {error.request_id})"
    away = isinstance(error, (library.APIConnectionError, library.RateLimitError))
    return ProviderRefused(
        told,
        again=away or (error.http_status or 0) >= 500,
        reused=isinstance(error, library.IdempotencyError),
    )
