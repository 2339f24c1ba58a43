"""DodoPayments checkouts, by the vendor's library.

https://docs.dodopayments.com/developer-resources/checkout-session
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from credits_core.checkout.checkout import Checkout, Order, ProviderRefused
from credits_core.payments.binding import bind
from credits_core.webhooks.signatures import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.payments.packages import Package

__all__ = ["DodoCheckout"]

TIMEOUT: Final = 15.0
"""Seconds that a browser waits for Dodo at most, a try."""


class DodoCheckout(Checkout):
    """Starts checkouts at DodoPayments; needs the extra `dodo`.

    Every package has a product there: `provider_ids={"dodo": "pdt_…"}`. User and package are bound
    into the metadata of the session, which its payment and its subscription have, too.

    The key is that of Dodo's API, DODO_PAYMENTS_API_KEY unless given; `options` go to the vendor's
    clients, such as `{"environment": "test_mode"}`. The arguments are those of `Checkout`.
    """

    name = "dodo"
    variable = "DODO_PAYMENTS_API_KEY"

    def open(self, api_key: str, options: Mapping[str, Any]) -> None:
        """Make a client for each kind of code."""
        self._dodo = load("dodopayments", "dodo")
        given = {"timeout": TIMEOUT, "max_retries": 1, "bearer_token": api_key, **options}
        self._client = self._dodo.DodoPayments(**given)
        self._async_client = self._dodo.AsyncDodoPayments(**given)

    def close(self) -> None:
        """Close the connections of sync code."""
        self._client.close()

    async def aclose(self) -> None:
        """Close the connections of async code, and of sync code."""
        self._client.close()
        await self._async_client.close()

    def needs_id(self, package: Package) -> bool:  # noqa: ARG002
        """Dodo sells products, and nothing by a price alone."""
        return True

    def start(self, order: Order) -> str:
        """Create a session."""
        try:
            made = self._client.checkout_sessions.create(**_params(order))
        except self._dodo.DodoPaymentsError as error:
            raise _refused(self._dodo, error) from None
        return _url(made)

    async def astart(self, order: Order) -> str:
        """Create a session."""
        try:
            made = await self._async_client.checkout_sessions.create(**_params(order))
        except self._dodo.DodoPaymentsError as error:
            raise _refused(self._dodo, error) from None
        return _url(made)


def _params(order: Order) -> dict[str, Any]:
    return {
        "product_cart": [{"product_id": order.package.provider_ids["dodo"], "quantity": 1}],
        "metadata": bind(order.user_id, order.package.id),
        "return_url": order.success_url,
        "cancel_url": order.cancel_url,
        "extra_headers": {} if order.key is None else {"Idempotency-Key": order.key},
    }


def _url(session: Any) -> str:
    if not session.checkout_url:
        raise ProviderRefused("the session has no URL")
    return str(session.checkout_url)


def _refused(library: Any, error: Any) -> ProviderRefused:
    status = getattr(error, "status_code", None) or 0
    away = isinstance(error, library.APIConnectionError) or status == 429 or status >= 500
    return ProviderRefused(f"{type(error).__name__} {status or ''}".strip(), again=away)
