"""`{% load credits %}`: `{% credits_balance %}` and `{% credits_afford 10 as enough %}`."""

from __future__ import annotations

from typing import Any

from django import template

from credits_django.request import credits_of

__all__ = ["register"]

register = template.Library()


@register.simple_tag(takes_context=True)
def credits_balance(context: Any) -> int | str:
    """The credits of the signed-in user; empty where nobody is signed in.

    In a template of an async view, `await request.credits.abalance()` before.
    """
    balance = credits_of(context["request"]).balance
    return "" if balance is None else balance


@register.simple_tag(takes_context=True)
def credits_afford(context: Any, cost: int) -> bool:
    """Whether the balance is at least so much: `{% credits_afford 10 as enough %}`."""
    balance = credits_of(context["request"]).balance
    return balance is not None and balance >= cost
