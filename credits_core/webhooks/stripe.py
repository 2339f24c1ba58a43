"""Stripe: checkouts, refunds, disputes and invoices of subscriptions.

Events: https://docs.stripe.com/api/events/types. Nothing is asked of Stripe's API: a refund or a
dispute names the payment intent, and the record of that payment knows whose it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from credits_core.payments.binding import bound
from credits_core.payments.purchase import Purchase
from credits_core.payments.told import Restored, Returned
from credits_core.webhooks import stripe_objects as objects
from credits_core.webhooks.signatures import StripeSignature
from credits_core.webhooks.stripe_invoices import invoice_paid, invoice_payment_paid
from credits_core.webhooks.webhook import PaymentWebhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from credits_core.payments.told import Told

__all__ = ["StripeWebhook"]


class StripeWebhook(PaymentWebhook):
    """Credits what is bought at Stripe, and takes back what is refunded or disputed.

    - `checkout.session.completed` and `.async_payment_succeeded` grant the package once it is
      paid, as `payment_intent.succeeded` does, once for all of them.
    - `invoice.paid` grants a package of a subscription: the allowance of its period.
      `invoice_payment.paid` tells which payment intent paid the invoice, so that its refunds and
      disputes are known for what they are.
    - `charge.refunded` and `refund.*` take the share of the money that went back.
    - `charge.dispute.*` takes the share that is disputed, and gives back what was taken when the
      dispute is won. An inquiry (`warning_…`) takes nothing.

    The secret is that of the endpoint (`whsec_…`), STRIPE_WEBHOOK_SECRET unless given. The
    arguments are those of `PaymentWebhook`; needs the extra `stripe`.
    """

    name = "stripe"
    path = "/api/webhooks/stripe"
    variable = "STRIPE_WEBHOOK_SECRET"
    signed_by = StripeSignature

    def read(self, event: dict[str, Any]) -> Iterable[Purchase | Told]:
        """What an event of Stripe's tells of payments."""
        told = objects.Event.model_validate(event)
        read = _EVENTS.get(told.type)
        return [] if read is None else read(told.data.object)


def _session(data: dict[str, Any]) -> list[Purchase | Told]:
    session = objects.Session.model_validate(data)
    # Of a subscription the invoice tells what was paid, and for which period.
    if session.mode != "payment" or session.payment_status == "unpaid":
        return []
    user_id, package_id = bound(session.metadata)
    purchase = Purchase(
        "stripe",
        session.payment_intent or session.id,
        user_id or session.client_reference_id,
        package_id,
        amount=objects.minor(session.amount_total, session.currency),
        currency=session.currency,
        discount=objects.minor(session.total_details.amount_discount, session.currency) or 0,
    )
    return [purchase]


def _intent(data: dict[str, Any]) -> list[Purchase | Told]:
    intent = objects.Intent.model_validate(data)
    user_id, package_id = bound(intent.metadata)
    amount = objects.minor(intent.amount_received, intent.currency)
    return [
        Purchase("stripe", intent.id, user_id, package_id, amount=amount, currency=intent.currency)
    ]


def _charge_refunded(data: dict[str, Any]) -> list[Purchase | Told]:
    charge = objects.Charge.model_validate(data)
    so_far = objects.minor(charge.amount_refunded, charge.currency)
    return [
        Returned(
            charge.payment_intent or charge.id,
            f"{charge.id}:{so_far}",
            so_far,
            charge.currency,
            so_far=True,
        )
    ]


def _refund(data: dict[str, Any]) -> list[Purchase | Told]:
    refund = objects.Refund.model_validate(data)
    payment_id = refund.payment_intent or refund.charge
    if payment_id is None:
        return []
    if refund.status in ("failed", "canceled"):
        return [Restored(payment_id, refund.id)]
    if refund.status != "succeeded":
        return []
    amount = objects.minor(refund.amount, refund.currency)
    return [Returned(payment_id, refund.id, amount, refund.currency)]


_OPEN: Final = ("needs_response", "under_review", "lost")


def _dispute(data: dict[str, Any], *, withdrawn: bool = False) -> list[Purchase | Told]:
    dispute = objects.Dispute.model_validate(data)
    payment_id = dispute.payment_intent or dispute.charge
    if dispute.status == "won" and not withdrawn:
        return [Restored(payment_id, dispute.id)]
    if dispute.status in _OPEN or withdrawn:
        amount = objects.minor(dispute.amount, dispute.currency)
        return [Returned(payment_id, dispute.id, amount, dispute.currency, "dispute")]
    return []


def _withdrawn(data: dict[str, Any]) -> list[Purchase | Told]:
    return _dispute(data, withdrawn=True)


def _reinstated(data: dict[str, Any]) -> list[Purchase | Told]:
    dispute = objects.Dispute.model_validate(data)
    return [Restored(dispute.payment_intent or dispute.charge, dispute.id)]


_EVENTS: dict[str, Callable[[dict[str, Any]], list[Purchase | Told]]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "payment_intent.succeeded": _intent,
    "invoice.paid": invoice_paid,
    "invoice.payment_succeeded": invoice_paid,
    "invoice_payment.paid": invoice_payment_paid,
    "charge.refunded": _charge_refunded,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _withdrawn,
    "charge.dispute.funds_reinstated": _reinstated,
}
