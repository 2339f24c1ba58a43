"""A name for accounts in the admin and its permissions. The ledger is not in the database."""

from __future__ import annotations

from django.db import models

__all__ = ["Account"]


class Account(models.Model):
    """An account of the ledger, as permissions and the admin's log name it; it has no table."""

    user_id = models.CharField(max_length=256, primary_key=True)

    class Meta:  # noqa: D106 - Django's form
        managed = False
        default_permissions = ("view",)
        permissions = (
            ("grant_credits", "Can grant credits"),
            ("refund_credits", "Can refund charges"),
        )
        verbose_name = "account"
