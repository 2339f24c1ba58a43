"""What staff may do to an account: granted or refunded once a form, and written to two logs.

The ledger's log has who did it and why; the admin's log has it, too. The admin's entry is written
first, in a transaction that a refusal rolls back, so that nothing moves that nobody answers for.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import router, transaction

from credits_core.errors import OutcomeUnknownError
from credits_core.models import MAX_AMOUNT
from credits_django.clients import client
from credits_django.models import Account
from credits_django.signals import refunded

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core import Receipt

__all__ = ["GrantForm", "RefundForm", "grant", "refund"]

ADMIN_GRANT = "admin_grant"
"""The action of a grant by staff in the log, the same for every SDK."""


def _once() -> str:
    return uuid.uuid4().hex


class _Form(forms.Form):
    # Sent twice, by a double click or a reload, a form counts once.
    once = forms.UUIDField(widget=forms.HiddenInput, initial=_once)
    reason = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"size": 60}), help_text="Kept in both logs."
    )

    def clean_once(self) -> str:
        """As the key that it is in the ledger."""
        return f"admin {self.cleaned_data['once']}"


class GrantForm(_Form):
    """Credits for an account."""

    amount = forms.IntegerField(min_value=1, max_value=MAX_AMOUNT)
    field_order = ("amount", "reason", "once")


class RefundForm(_Form):
    """All or a part of a charge, back to its account."""

    tx_id = forms.CharField(max_length=128, label="Charge", widget=forms.TextInput({"size": 40}))
    amount = forms.IntegerField(
        min_value=1, max_value=MAX_AMOUNT, required=False, help_text="Empty for all that is left."
    )
    field_order = ("tx_id", "amount", "reason", "once")


@dataclass(frozen=True, slots=True)
class _Deed:
    """What is done, and by whom."""

    request: Any
    user_id: str
    reason: str

    def done(self, message: str, move: Callable[[], Receipt]) -> Receipt:
        """Do it, with an entry in the admin's log; what was done before gets no second one."""
        atomic: Any = transaction.atomic
        outcome: Receipt | OutcomeUnknownError
        with atomic(using=router.db_for_write(LogEntry)):
            entry = LogEntry.objects.create(
                user_id=self.request.user.pk,
                content_type=ContentType.objects.get_for_model(Account),
                object_id=self.user_id,
                object_repr=self.user_id[:200],
                action_flag=CHANGE,
                change_message=f"{message}: {self.reason}",
            )
            try:
                outcome = move()
            except OutcomeUnknownError as error:
                # It may have been done, and is not told twice when it is sent again.
                outcome = error
                entry.change_message += " (no answer came)"
                entry.save()
            else:
                if outcome.replayed:
                    entry.delete()
        if isinstance(outcome, OutcomeUnknownError):
            raise outcome
        return outcome


def grant(request: Any, user_id: str, form: GrantForm) -> Receipt:
    """Give an account what a valid form says."""
    told = form.cleaned_data
    amount = told["amount"]
    about = {
        "granted_by": str(request.user.pk),
        "admin_action": True,
        "reason": told["reason"],
    }
    return _Deed(request, user_id, told["reason"]).done(
        f"Granted {amount} credits",
        lambda: client().add(user_id, amount, ADMIN_GRANT, about, idempotency_key=told["once"]),
    )


def refund(request: Any, user_id: str, form: RefundForm) -> Receipt:
    """Give back what a valid form says of a charge."""
    told = form.cleaned_data
    amount, tx_id = told["amount"], told["tx_id"]
    what = "all that was left" if amount is None else f"{amount} credits"
    reason = f"{told['reason']} (by {request.user.pk})"
    # All of a charge is given back once in any case, a part once a key.
    key = None if amount is None else told["once"]
    receipt = _Deed(request, user_id, told["reason"]).done(
        f"Refunded {what} of {tx_id}",
        lambda: client().refund(user_id, tx_id, amount, reason=reason, idempotency_key=key),
    )
    if receipt.amount and not receipt.replayed:
        refunded.send_robust(
            sender=Account,
            request=request,
            user_id=user_id,
            action="refund",
            amount=receipt.amount,
            balance=receipt.balance,
            charge=None,
        )
    return receipt
