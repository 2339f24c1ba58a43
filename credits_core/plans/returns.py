"""Refunds and revocations: one call, where the entry stands where its id says; else a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.commands import Unfound
from credits_core.entries import made_at, parse
from credits_core.errors import TransactionError
from credits_core.plans import Plan, one
from credits_core.plans.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.command import Command
    from credits_core.keys import KeySpace
    from credits_core.models import Receipt

NEAR_MS = 600_000
"""How far from the time in its id an entry is looked for first: clocks of others may be wrong."""


def give_back(
    keys: KeySpace, user_id: str, make: Callable[[str], Command[Receipt | Unfound]]
) -> Plan[Receipt]:
    """Run what `make` makes of the member of an entry, `""` while it is not known."""
    found = yield from one(make(""))
    if not isinstance(found, Unfound):
        return found
    member = yield from _search(keys, user_id, found)
    # Between the search and now it may have been folded.
    found = yield from one(make(member))
    if isinstance(found, Unfound):
        raise _missing(user_id, found)
    return found


def _search(keys: KeySpace, user_id: str, wanted: Unfound) -> Plan[str]:
    at = made_at(wanted.tx_id)
    spans = [("-inf", "+inf")]
    if at is not None:
        spans.insert(0, (str(at - NEAR_MS), str(at + NEAR_MS)))
    for low, high in spans:
        pages = Pages(keys, user_id, "newest", low, high)
        while not pages.done:
            for member, _ in (yield from pages.following()):
                if wanted.tx_id in member and (parse(member) or {}).get("id") == wanted.tx_id:
                    return member
    raise _missing(user_id, wanted)


def _missing(user_id: str, wanted: Unfound) -> TransactionError:
    at = made_at(wanted.tx_id)
    if wanted.up_to is not None and at is not None and at <= wanted.up_to:
        why = (
            "it is older than the last fold, which keeps sums and no single entries: give "
            "credits back with add, take them with deduct"
        )
    else:
        why = "look it up with get_transactions"
    return TransactionError(
        f"account {user_id!r} has no entry {wanted.tx_id!r} in its log: {why}", tx_id=wanted.tx_id
    )
