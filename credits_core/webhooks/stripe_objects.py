"""The objects of Stripe's events, as far as they matter here; unknown fields are ignored.

https://docs.stripe.com/api. A field that refers to another object is its id, or the object itself
where it was expanded.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field

__all__ = ["Charge", "Dispute", "Event", "Intent", "Invoice", "Refund", "Session", "major", "minor"]

# Stripe counts these in hundredths, which they do not have:
# https://docs.stripe.com/currencies#special-cases
_HUNDREDTHS: Final = ("ISK", "UGX")
# And these in wholes, though ISO 4217 has hundredths of them.
_WHOLES: Final = ("MGA",)


def minor(amount: int | None, currency: str | None) -> int | None:
    """An amount of Stripe's in the smallest unit of its currency, as ISO 4217 has it.

    >>> minor(999, "USD"), minor(50_000, "ISK"), minor(45_000, "MGA")
    (999, 500, 4500000)
    """
    if amount is None:
        return None
    if currency in _WHOLES:
        return amount * 100
    return amount // 100 if currency in _HUNDREDTHS else amount


def major(amount: int, currency: str) -> int:
    """The other way: an amount in the smallest unit of its currency as Stripe wants it.

    >>> major(999, "USD"), major(500, "ISK"), major(4_500_000, "MGA")
    (999, 50000, 45000)
    """
    if currency in _WHOLES:
        return -(-amount // 100)
    return amount * 100 if currency in _HUNDREDTHS else amount


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Ref = Annotated[str | None, BeforeValidator(_id)]
Currency = Annotated[str | None, BeforeValidator(_upper)]
Metadata = dict[str, Any] | None


class _Data(BaseModel):
    object: dict[str, Any]


class Event(BaseModel):
    """An event: its type, and what it is about."""

    type: str
    data: _Data


class _TotalDetails(BaseModel):
    amount_discount: int | None = None


class Session(BaseModel):
    """A Checkout Session."""

    id: str
    mode: str = "payment"
    payment_status: str = "unpaid"
    payment_intent: Ref = None
    metadata: Metadata = None
    client_reference_id: str | None = None
    amount_total: int | None = None
    currency: Currency = None
    total_details: _TotalDetails = Field(default_factory=_TotalDetails)


class Intent(BaseModel):
    """A PaymentIntent."""

    id: str
    amount_received: int | None = None
    currency: Currency = None
    metadata: Metadata = None


class Charge(BaseModel):
    """A charge, which knows how much of it was refunded by now."""

    id: str
    payment_intent: Ref = None
    amount_refunded: int
    currency: Currency = None


class Refund(BaseModel):
    """One refund."""

    id: str
    payment_intent: Ref = None
    charge: Ref = None
    amount: int
    currency: Currency = None
    status: str | None = None


class Dispute(BaseModel):
    """A dispute, of the first inquiry to the end."""

    id: str
    charge: Annotated[str, BeforeValidator(_id)]
    payment_intent: Ref = None
    amount: int
    currency: Currency = None
    status: str


class _Span(BaseModel):
    start: int
    end: int


class _PriceDetails(BaseModel):
    price: Ref = None
    product: Ref = None


class _Pricing(BaseModel):
    price_details: _PriceDetails | None = None


class _ItemDetails(BaseModel):
    proration: bool = False


class _LineParent(BaseModel):
    subscription_item_details: _ItemDetails | None = None
    invoice_item_details: _ItemDetails | None = None


class Line(BaseModel):
    """A line of an invoice; where it has its price depends on the version of the API."""

    period: _Span
    amount: int = 0
    metadata: Metadata = None
    price: Ref = None
    pricing: _Pricing | None = None
    proration: bool = False
    parent: _LineParent | None = None

    @property
    def prorated(self) -> bool:
        """Whether it is of a change amid a period."""
        parent = self.parent or _LineParent()
        details = (parent.subscription_item_details, parent.invoice_item_details)
        return self.proration or any(one.proration for one in details if one)

    @property
    def sold(self) -> list[str]:
        """The ids of what it is for."""
        details = self.pricing.price_details if self.pricing else None
        ids = [self.price, details and details.price, details and details.product]
        return [one for one in ids if one]


class _Lines(BaseModel):
    data: list[Line] = Field(default_factory=list)


class _SubscriptionDetails(BaseModel):
    metadata: Metadata = None
    subscription: Ref = None


class _InvoiceParent(BaseModel):
    subscription_details: _SubscriptionDetails | None = None


class _Discount(BaseModel):
    amount: int


class _Payment(BaseModel):
    payment_intent: Ref = None


class InvoicePayment(BaseModel):
    """Which payment paid an invoice."""

    invoice: Ref = None
    payment: _Payment


class _InvoicePayments(BaseModel):
    data: list[InvoicePayment] = Field(default_factory=list)


class Invoice(BaseModel):
    """An invoice. What belongs to its subscription moved with version 2025-03-31 of the API."""

    id: str
    billing_reason: str | None = None
    total: int
    currency: Currency = None
    lines: _Lines
    parent: _InvoiceParent | None = None
    subscription_details: _SubscriptionDetails | None = None
    subscription: Ref = None
    total_discount_amounts: list[_Discount] | None = None
    payment_intent: Ref = None
    payments: _InvoicePayments | None = None

    @property
    def intents(self) -> list[str]:
        """The payment intents that paid it, where it says so."""
        paid = self.payments.data if self.payments else []
        told = [self.payment_intent, *(one.payment.payment_intent for one in paid)]
        return [intent for intent in told if intent]
