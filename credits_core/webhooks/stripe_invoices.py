"""Invoices of Stripe's subscriptions: each pays for a period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from credits_core.payments.binding import bound
from credits_core.payments.purchase import Purchase
from credits_core.payments.told import Linked
from credits_core.webhooks import stripe_objects as objects

if TYPE_CHECKING:
    from credits_core.payments.told import Told

__all__ = ["invoice_paid", "invoice_payment_paid"]

# Not `subscription_update`: what a change amid a period is worth in credits is the app's to say.
_PERIODS: Final = ("subscription_create", "subscription_cycle")


def invoice_paid(data: dict[str, Any]) -> list[Purchase | Told]:
    """The first invoice of a subscription, or one of its renewals."""
    invoice = objects.Invoice.model_validate(data)
    lines = [line for line in invoice.lines.data if not line.prorated]
    discount = sum(one.amount for one in invoice.total_discount_amounts or [])
    # A trial has an invoice of nothing.
    if invoice.billing_reason not in _PERIODS or not lines or invoice.total + discount == 0:
        return []
    # What a change of the plan gave back is a part of the price, and on this invoice by default.
    changes = sum(line.amount for line in invoice.lines.data if line.prorated)
    line = max(lines, key=lambda line: line.period.end)
    subscription_id, metadata = _subscription(invoice)
    user_id, package_id = bound(metadata or line.metadata)
    purchase = Purchase(
        "stripe",
        invoice.id,
        user_id,
        package_id,
        tuple(sold for line in lines for sold in line.sold),
        objects.minor(invoice.total, invoice.currency),
        invoice.currency,
        objects.minor(discount + max(0, -changes), invoice.currency),
        subscription_id=subscription_id,
        period=(line.period.start * 1000, line.period.end * 1000),
    )
    return [purchase, *(Linked(intent, invoice.id) for intent in invoice.intents)]


def _subscription(invoice: objects.Invoice) -> tuple[str | None, dict[str, Any] | None]:
    details = invoice.parent and invoice.parent.subscription_details
    details = details or invoice.subscription_details
    if details is None:
        return invoice.subscription, None
    return details.subscription or invoice.subscription, details.metadata


def invoice_payment_paid(data: dict[str, Any]) -> list[Purchase | Told]:
    """Which payment intent paid an invoice: what is told of the one is told of the other."""
    paid = objects.InvoicePayment.model_validate(data)
    if paid.invoice is None or paid.payment.payment_intent is None:
        return []
    return [Linked(paid.payment.payment_intent, paid.invoice)]
