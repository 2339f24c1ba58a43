"""Objects: several users, several items, an archive."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import TypeVar

from credits_core.models import Item
from credits_core.validation.refusing import fail, short

T = TypeVar("T")


def users(value: T) -> T:
    """Several users: any iterable of ids, but not one id, whose letters would be taken for ids."""
    if isinstance(value, (str, bytes)):
        raise fail(f"users are several, not {type(value).__name__}: pass [{short(value)}]")
    if not isinstance(value, (Iterable, AsyncIterable)):
        raise fail(f"users are several ids, not {type(value).__name__}: {short(value)}")
    return value


def items(value: object) -> list[Item]:
    """Several charges or additions: any iterable of `Item`."""
    if not isinstance(value, Iterable):
        raise fail(f"items are several, not {type(value).__name__}: pass [Item(...), ...]")
    found = list(value)
    for item in found:
        if not isinstance(item, Item):
            raise fail(
                f"items are of the type Item, not {type(item).__name__}: pass "
                f"Item(user_id, amount, action), not {short(item)}"
            )
    return found


def archive(value: object) -> None:
    """Where folded entries go: anything with a `write`."""
    if not callable(getattr(value, "write", None)):
        raise fail(
            f"an archive has a write of its own, such as JsonLinesArchive(path) or "
            f"SqlArchive(url), not {short(value)}"
        )
