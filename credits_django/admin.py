"""The staff page: look an account up, see its log, grant and refund with a reason."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from credits_core.errors import CreditsError, OutcomeUnknownError
from credits_django.clients import client
from credits_django.models import Account
from credits_django.payer import id_of
from credits_django.staff import GrantForm, RefundForm, grant, refund

if TYPE_CHECKING:
    from credits_core import Receipt

__all__ = ["AccountAdmin"]

PAGE = 50
"""Entries of the log on a page."""

_INSTANT = re.compile("[0-9]{1,16}")
"""In milliseconds, as the link to older entries has it; longer ones no log can have."""


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg,misc,unused-ignore]
    """One page in the place of a model's: accounts are in the ledger, not in the database."""

    def has_add_permission(self, request: Any) -> bool:  # noqa: ARG002 - Django's form
        """An account opens by itself."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:  # noqa: ARG002
        """Nothing of an account is edited."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:  # noqa: ARG002
        """`manage.py credits delete` does that."""
        return False

    def get_urls(self) -> list[Any]:
        """The page, and the address by which the admin's log finds an account."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view(self.page)
        found = self.admin_site.admin_view(self.by_id)
        return [
            path("", view, name=f"{name}_changelist"),
            path("<path:object_id>/change/", found, name=f"{name}_change"),
        ]

    def by_id(self, request: Any, object_id: str) -> HttpResponse:  # noqa: ARG002
        """Where the admin's log leads to."""
        return self._to(unquote(object_id))

    def page(self, request: Any) -> HttpResponse:
        """The account that is asked for, and what may be done to it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if (name := request.GET.get("q", "").strip()) and "user" not in request.GET:
            return self._to(_id_of_name(name))
        user = request.GET.get("user", "")
        forms: dict[str, Any] = {
            "grant": GrantForm(prefix="grant"),
            "refund": RefundForm(prefix="refund", initial={"tx_id": request.GET.get("charge", "")}),
        }
        if request.method == "POST":
            answer = self._act(request, user, forms)
            if answer is not None:
                return answer
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Credits",
            "subtitle": user or None,
            "user_id": user,
            "grant": forms["grant"] if request.user.has_perm(_perm("grant")) else None,
            "refund": forms["refund"] if request.user.has_perm(_perm("refund")) else None,
            **(_account(user, request.GET.get("before")) if user else {}),
        }
        return TemplateResponse(request, "admin/credits_django/account.html", context)

    def _act(self, request: Any, user: str, forms: dict[str, Any]) -> HttpResponse | None:
        """Do what was sent; None where the form has to be shown again."""
        what = "refund" if "refund" in request.POST else "grant"
        if not user or not request.user.has_perm(_perm(what)):
            raise PermissionDenied
        kind = {"grant": GrantForm, "refund": RefundForm}[what]
        form = forms[what] = kind(request.POST, prefix=what)
        if not form.is_valid():
            return None
        act = {"grant": grant, "refund": refund}[what]
        try:
            receipt: Receipt = act(request, user, form)
        except OutcomeUnknownError:
            form.add_error(
                None, "No answer came. Send it again as it is: it counts once, or look at the log."
            )
        except CreditsError as error:
            form.add_error(None, str(error))
        else:
            done = {"grant": "Granted", "refund": "Refunded"}[what]
            again = "This was done before: " if receipt.replayed else ""
            text = f"{again}{done} {receipt.amount} credits; the balance is {receipt.balance}."
            messages.success(request, text)
            return self._to(user)
        return None

    def _to(self, user: str) -> HttpResponse:
        where = reverse(
            f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"
        )
        return HttpResponseRedirect(f"{where}?{urlencode({'user': user})}")


def _perm(what: str) -> str:
    return f"credits_django.{what}_credits"


def _id_of_name(name: str) -> str:
    """The id of the user who signs in by this name; else it is an id itself."""
    model: Any = get_user_model()
    try:
        return id_of(model.objects.get_by_natural_key(name))
    except model.DoesNotExist:
        return name


def _account(user: str, before: str | None) -> dict[str, Any]:
    """What the ledger has of an account; what is wrong is told on the page."""
    try:
        end = int(before) if before and _INSTANT.fullmatch(before) else None
        account = client().get_account(user)
        entries = client().get_transactions(user, limit=PAGE + 1, end_time=end)
    except CreditsError as error:
        return {"problem": str(error)}
    more = len(entries) > PAGE
    rows = [
        {"entry": one, "refundable": one.kind == "deduct" or bool(one.kept)}
        for one in entries[:PAGE]
    ]
    return {"account": account, "rows": rows, "older": entries[PAGE].timestamp if more else None}
