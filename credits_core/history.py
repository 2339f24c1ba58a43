"""A log a page at a time, for clients that come back for the next one with a cursor.

A cursor says where a page ended, and nothing else: it is a place in a log, not a right to read
one. What was in the log when the first page was read is on one of the pages, once, whoever
writes meanwhile; what is written later may be.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from credits_core import decoding, validation
from credits_core.commands import bounds
from credits_core.errors import InvalidRequestError
from credits_core.plans.pages import Pages

if TYPE_CHECKING:
    from credits_core.keys import KeySpace
    from credits_core.models import Transaction
    from credits_core.plans import Plan

__all__ = ["HistoryPage", "Place", "read_history"]

_MAX_CURSOR = 128
_CURSOR = re.compile(r"1 (-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?) ([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some transactions, newest first, and the cursor of the page that follows.

    `next_cursor` is what `get_history` takes as `cursor`, safe in a URL; it is None at the end of
    the log.
    """

    transactions: tuple[Transaction, ...]
    next_cursor: str | None


class Place(NamedTuple):
    """Where a page ended: the score of its last entry, and what tells that one from its like.

    Scores need not differ: other apps write whole milliseconds.
    """

    score: str
    mark: str

    @classmethod
    def of(cls, member: str, score: str) -> Place:
        """The place of an entry."""
        return cls(score, _mark(member))

    def cursor(self) -> str:
        """The place as a text that is safe in a URL.

        >>> place = Place.of('{"id":"tx_1_a","amount":-10}', "1763612345678.25")
        >>> Place.at(place.cursor()) == place
        True
        """
        return urlsafe_b64encode(f"1 {self.score} {self.mark}".encode()).decode().rstrip("=")

    @classmethod
    def at(cls, cursor: object) -> Place:
        """The place that a cursor tells; `InvalidRequestError` for what is none of ours."""
        found = None
        if isinstance(cursor, str) and len(cursor) <= _MAX_CURSOR and cursor.isascii():
            try:
                text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
            except ValueError:
                text = ""
            found = _CURSOR.fullmatch(text)
        if found is None or not isfinite(float(found[1])):
            raise InvalidRequestError(
                "cursor is the next_cursor of the page before, as it was given, or is left out"
            )
        return cls(found[1], found[2])


def _mark(member: str) -> str:
    return sha256(member.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def read_history(
    keys: KeySpace,
    user_id: str,
    *,
    limit: object,
    start_time: object,
    end_time: object,
    cursor: object,
) -> Plan[HistoryPage]:
    """The newest transactions between two instants, or those that follow a cursor."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    most = validation.limit(limit)
    end_ms = validation.bound_ms(end_time, "end_time")
    low, high = bounds(validation.bound_ms(start_time, "start_time"), end_ms)
    after = None if cursor is None else Place.at(cursor)
    if after is not None and (end_ms is None or float(after.score) < end_ms + 1):
        high = after.score
    else:
        after = None
    found = yield from _entries(Pages(keys, user_id, "newest", low, high), after, most + 1)
    page = found[:most]
    more = len(found) > most
    return HistoryPage(
        tuple(decoding.transaction(member, score, user_id) for member, score in page),
        Place.of(*page[-1]).cursor() if more else None,
    )


def _entries(pages: Pages, after: Place | None, most: int) -> Plan[list[tuple[str, str]]]:
    """Up to `most` entries, or a few more, of those that follow a place."""
    found: list[tuple[str, str]] = []
    before: list[tuple[str, str]] = []
    while len(found) < most and not pages.done:
        # What shares the score of the place is passed in pages that grow.
        page = yield from pages.following(None if after is not None else most - len(found))
        for member, score in page:
            if after is None:
                found.append((member, score))
            elif float(score) != float(after.score):
                # The entry of the place is gone: twice is better than not at all.
                found += [*before, (member, score)]
                after = None
            elif _mark(member) == after.mark:
                after = None
            else:
                before.append((member, score))
    return found if after is None else before
