"""Whom a payment is for, and what: bound into the provider's metadata when a checkout begins.

The provider signs what it sends, the metadata with it, so that this is what we said and not what
a browser says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["bind", "bound"]

USER: Final = "credits_user"
PACKAGE: Final = "credits_package"


def bind(user_id: str, package_id: str) -> dict[str, str]:
    """The metadata of a checkout.

    >>> bind("alice", "starter")
    {'credits_user': 'alice', 'credits_package': 'starter'}
    """
    return {USER: user_id, PACKAGE: package_id}


def bound(metadata: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """The user and the package that metadata names, each None where it does not."""
    told = metadata or {}
    user_id, package_id = told.get(USER), told.get(PACKAGE)
    return (
        user_id if isinstance(user_id, str) and user_id else None,
        package_id if isinstance(package_id, str) and package_id else None,
    )
