"""Pages of a log: read one after another, with fewer entries each where the link is slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.commands import log_page
from credits_core.errors import BackendUnavailableError, CreditsError

if TYPE_CHECKING:
    from credits_core.keys import KeySpace
    from credits_core.plans import Plan

PAGE = 500
"""Entries a page."""

LEAST = 50
"""Entries a page at least: 200 KB of the heaviest. If even these do not come, the store is away."""


def smaller(size: int, error: CreditsError) -> int:
    """How much to ask for after `size` entries brought `error`; raises it where less is no help.

    An account of heavy entries fills a slow link for longer than one call may take. A
    quarter each time, so that a store that is away is told from a slow one in three tries.
    """
    if not isinstance(error, BackendUnavailableError) or size <= LEAST:
        raise error
    return max(LEAST, min(PAGE, size // 4))


class Pages:
    """The entries of an account between two score bounds, as pairs of member and score.

    Entries that others write meanwhile may or may not appear; none appears twice, and none
    that was there is left out. Entries of one score are held in memory together, however
    many they are: what stood at the end of a page comes with the next one again.
    """

    def __init__(self, keys: KeySpace, user_id: str, order: str, low: str, high: str) -> None:
        """Walk from the `"oldest"` or the `"newest"`; the bounds are those of Redis."""
        self.done = False
        self._keys = keys
        self._user_id = user_id
        self._order = order
        self._low, self._high = low, high
        self._size = self._page = PAGE
        # Members already given at the score where the last page ended.
        self._edge: set[str] = set()

    def following(self, most: int | None = None) -> Plan[list[tuple[str, str]]]:
        """The next page, of `most` entries at most."""
        while True:
            size = self._size if most is None else min(self._size, most)
            asked = size + len(self._edge)
            (page,) = yield (
                log_page(self._keys, self._user_id, self._order, self._low, self._high, asked),
            )
            if not isinstance(page, CreditsError):
                return self._take(page, asked)
            self._size = self._page = smaller(size, page)

    def _take(self, page: list[tuple[str, str]], asked: int) -> list[tuple[str, str]]:
        fresh = [pair for pair in page if pair[0] not in self._edge]
        self.done = len(page) < asked
        if page:
            last = page[-1][1]
            # All of one score: twice as many each time, or they would be read ever again.
            self._size = 2 * self._size if page[0][1] == last else self._page
            self._edge = {member for member, score in page if score == last}
            if self._order == "newest":
                self._high = last
            else:
                self._low = last
        return fresh
