"""DodoPayments: payments, refunds, disputes and renewals.

Events: https://docs.dodopayments.com/developer-resources/webhooks/intents/webhook-events-guide;
their shapes are those of the vendor's library, `dodopayments.types`.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from credits_core.payments.binding import bound
from credits_core.payments.purchase import Purchase
from credits_core.payments.told import Restored, Returned
from credits_core.webhooks.webhook import PaymentWebhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from credits_core.payments.told import Told

__all__ = ["DodoWebhook"]


class _Item(BaseModel):
    product_id: str
    quantity: int = 1


class _Span(BaseModel):
    subscription_id: str
    starts_at: datetime
    ends_at: datetime


class _Payment(BaseModel):
    payment_id: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    total_amount: int | None = None
    currency: str | None = None
    product_cart: list[_Item] | None = None
    discount_id: str | None = None
    discounts: list[Any] | None = None
    subscription_id: str | None = None
    service_periods: list[_Span] | None = None
    charge_type: str | None = None
    is_update_payment_method: bool = False

    @property
    def buys(self) -> bool:
        """Whether it pays for a package: not for a new card, a trial, or a change amid a period."""
        if self.is_update_payment_method or self.charge_type in ("plan_change", "on_demand"):
            return False
        return bool(self.total_amount or self.discounted or self.subscription_id is None)

    @property
    def discounted(self) -> bool:
        """Whether the vendor took something off, whose amount is not told."""
        return bool(self.discount_id or self.discounts)


class _Subscription(BaseModel):
    subscription_id: str
    product_id: str
    previous_billing_date: datetime
    next_billing_date: datetime
    payment_id: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    recurring_pre_tax_amount: int | None = None
    currency: str | None = None
    quantity: int = Field(1, ge=1)


class _Refund(BaseModel):
    refund_id: str
    payment_id: str
    amount: int | None = None
    currency: str | None = None
    is_partial: bool = False


class _Dispute(BaseModel):
    dispute_id: str
    payment_id: str


class _Event(BaseModel):
    type: str
    data: dict[str, Any]


class DodoWebhook(PaymentWebhook):
    """Credits what is bought at DodoPayments, and takes back what is refunded or disputed.

    - `payment.succeeded` (and `payment.completed`) grants the package; of a recurring package the
      allowance of the period that was paid, as `subscription.renewed` does, once for both.
    - `refund.succeeded` takes the share of the money that went back.
    - `dispute.opened` and what may follow it takes all; `dispute.won` and `dispute.cancelled` give
      back what was taken for it.

    The secret is what Dodo shows beside the endpoint; DODO_PAYMENTS_WEBHOOK_KEY is the name that
    the vendor's library reads, too. The arguments are those of `PaymentWebhook`.
    """

    name = "dodo"
    path = "/api/dodopayments/webhook"
    variable = "DODO_PAYMENTS_WEBHOOK_KEY"

    def read(self, event: dict[str, Any]) -> Iterable[Purchase | Told]:
        """What an event of Dodo's tells of payments."""
        told = _Event.model_validate(event)
        read = _EVENTS.get(told.type)
        return [] if read is None else read(told.data)


def _payment(data: dict[str, Any]) -> list[Purchase | Told]:
    payment = _Payment.model_validate(data)
    if not payment.buys:
        return []
    user_id, package_id = bound(payment.metadata)
    cart = payment.product_cart or []
    # The one product of our checkout may be bought several times.
    quantity = cart[0].quantity if len(cart) == 1 else 1
    span = next(iter(payment.service_periods or []), None)
    purchase = Purchase(
        "dodo",
        payment.payment_id,
        user_id,
        package_id,
        tuple(item.product_id for item in cart),
        payment.total_amount,
        _upper(payment.currency),
        None if payment.discounted else 0,
        max(1, quantity),
        payment.subscription_id or (span.subscription_id if span else None),
        None if span is None else _period(span.starts_at, span.ends_at),
    )
    return [purchase]


def _renewed(data: dict[str, Any]) -> list[Purchase | Told]:
    plan = _Subscription.model_validate(data)
    if plan.payment_id is None:
        return []
    user_id, package_id = bound(plan.metadata)
    purchase = Purchase(
        "dodo",
        plan.payment_id,
        user_id,
        package_id,
        (plan.product_id,),
        plan.recurring_pre_tax_amount,
        _upper(plan.currency),
        # What is told is before tax, which may be a part of the price: the product says enough.
        None,
        plan.quantity,
        plan.subscription_id,
        _period(plan.previous_billing_date, plan.next_billing_date),
    )
    return [purchase]


def _refunded(data: dict[str, Any]) -> list[Purchase | Told]:
    refund = _Refund.model_validate(data)
    amount = refund.amount if refund.is_partial else None
    return [Returned(refund.payment_id, refund.refund_id, amount, _upper(refund.currency))]


def _disputed(data: dict[str, Any]) -> list[Purchase | Told]:
    dispute = _Dispute.model_validate(data)
    return [Returned(dispute.payment_id, dispute.dispute_id, reason="dispute")]


def _won(data: dict[str, Any]) -> list[Purchase | Told]:
    dispute = _Dispute.model_validate(data)
    return [Restored(dispute.payment_id, dispute.dispute_id)]


_EVENTS: dict[str, Callable[[dict[str, Any]], list[Purchase | Told]]] = {
    "payment.succeeded": _payment,
    "payment.completed": _payment,
    "subscription.renewed": _renewed,
    "refund.succeeded": _refunded,
    "dispute.opened": _disputed,
    "dispute.challenged": _disputed,
    "dispute.accepted": _disputed,
    "dispute.expired": _disputed,
    "dispute.lost": _disputed,
    "dispute.won": _won,
    "dispute.cancelled": _won,
}


def _upper(currency: str | None) -> str | None:
    return None if currency is None else currency.upper()


def _period(start: datetime, end: datetime) -> tuple[int, int]:
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000)
