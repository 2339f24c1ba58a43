"""Usage: the log of some days, read page by page and added up as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.cursors import LogCursor
from credits_core.usage import DAY_MS, UsageSum, day_number

if TYPE_CHECKING:
    from datetime import date

    from credits_core.keys import KeySpace
    from credits_core.plans import Plan
    from credits_core.usage import Usage

EARLY_MS = 600_000
"""An entry may be older than its id, which tells the day of a hold: clocks of others are wrong."""


def read_usage(keys: KeySpace, user_id: str, first: date, last: date) -> Plan[Usage]:
    """Add up an account's usage, newest entries first: what is written meanwhile is not in it."""
    since = max(0, day_number(first) * DAY_MS - EARLY_MS)
    cursor = LogCursor(keys, user_id, start_time=since)
    found = UsageSum(first, last)
    while not cursor.done:
        for entry in (yield from cursor.page()):
            found.add(entry)
    return found.usage(user_id)
