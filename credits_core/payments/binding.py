"""Whom a payment is for, and what: bound into the provider's metadata when a checkout begins.

The provider signs what it sends, the metadata with it, so that this is what we said and not what
a browser says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["bind", "bound", "bound_product"]

USER: Final = "credits_user"
PACKAGE: Final = "credits_package"
PRODUCT: Final = "credits_product"


def bind(user_id: str, package_id: str, product_id: str | None = None) -> dict[str, str]:
    """The metadata of a checkout; `product_id` is what the provider sells the package as.

    A provider whose events do not tell what was sold needs it, where the price is its own.

    >>> bind("alice", "starter")
    {'credits_user': 'alice', 'credits_package': 'starter'}
    """
    told = {USER: user_id, PACKAGE: package_id}
    return told if product_id is None else {**told, PRODUCT: product_id}


def bound(metadata: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """The user and the package that metadata names, each None where it does not."""
    told = metadata or {}
    return _text(told.get(USER)), _text(told.get(PACKAGE))


def bound_product(metadata: Mapping[str, Any] | None) -> str | None:
    """The provider's id that our checkout sold by, where the metadata names it."""
    return _text((metadata or {}).get(PRODUCT))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
