"""Sign-up credits for new users, once their row is committed: the setting `SIGN_UP`."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import post_save

from credits_core.charge.pending import Pending, insist
from credits_core.errors import BackendError
from credits_django.clients import client
from credits_django.conf import conf
from credits_django.payer import id_of

__all__ = ["listen"]


def listen() -> None:
    """Hear of new users, in a project that has Django's."""
    if apps.is_installed("django.contrib.auth"):
        post_save.connect(_saved, sender=get_user_model(), dispatch_uid="credits_django.signup")


def _saved(
    *, instance: Any, created: bool, raw: bool = False, using: str | None = None, **_: Any
) -> None:
    # A fixture that is loaded restores users, and signs nobody up.
    if created and not raw and conf().sign_up:
        transaction.on_commit(partial(_sign_up, id_of(instance)), using=using, robust=True)


def _sign_up(user_id: str) -> None:
    one = client()
    try:
        one.initialize_user(user_id)
    except BackendError:
        # A sign-up happens once, however often it is asked for.
        again = partial(insist, partial(one.initialize_user, user_id))
        Pending.of(one).start(again, f"the sign-up credits of {user_id!r}")
