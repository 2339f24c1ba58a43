"""Whole numbers: amounts of credits, and counts of other things."""

from __future__ import annotations

from typing import Literal

from credits_core.models import MAX_AMOUNT, MAX_PRIORITY
from credits_core.validation.refusing import fail, short

MAX_LIMIT = 1000
MAX_BATCH = 500
MAX_TOKENS = 10**15


def whole(value: object, what: str, lowest: int, highest: int) -> int:
    """A whole number from `lowest` to `highest`."""
    # An int in all its forms but bool; a float is refused even when it is whole, so that
    # a fraction lost upstream is found where it was made.
    if type(value) is not int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise fail(f"{what} is a whole int, not {type(value).__name__}: {short(value)}")
        value = int(value)
    if not lowest <= value <= highest:
        raise fail(f"{what} is from {lowest} to {highest}, not {short(value)}")
    return value


def amount(value: object) -> int:
    """An amount of credits: 1 to 10^15."""
    return whole(value, "amount", 1, MAX_AMOUNT)


def amount_or_zero(value: object) -> int:
    """An amount that may be nothing: 0 to 10^15."""
    return whole(value, "amount", 0, MAX_AMOUNT)


def floor(value: object) -> int:
    """The floor of an account: -10^15 to 10^15."""
    return whole(value, "floor", -MAX_AMOUNT, MAX_AMOUNT)


def priority(value: object) -> int:
    """The priority of a grant: -1000 to 1000, lower is spent first."""
    return whole(value, "priority", -MAX_PRIORITY, MAX_PRIORITY)


def starting_credits(value: object) -> int:
    """The credits of a sign-up: 0 to 10^15."""
    return whole(value, "credits", 0, MAX_AMOUNT)


def outage_limit(value: object) -> int:
    """Up to how many credits a user is served in an outage: 0 to 10^15."""
    return whole(value, "limit", 0, MAX_AMOUNT)


def rollover(value: object) -> int | Literal["none", "all"]:
    """What rolls over: `"none"`, `"all"`, or up to so many credits."""
    if value == "none":
        return "none"
    if value == "all":
        return "all"
    if isinstance(value, str):
        raise fail(f"rollover is 'none', 'all' or a number of credits, not {short(value)}")
    return whole(value, "rollover", 0, MAX_AMOUNT)


def tokens(value: object, what: str) -> int:
    """A count of tokens: 0 to 10^15."""
    return whole(value, what, 0, MAX_TOKENS)


def batch_size(value: int) -> int:
    """How many operations may happen together on one account: 1 to 500."""
    return whole(value, "the number of items", 1, MAX_BATCH)


def limit(value: object) -> int:
    """How many transactions to return: 1 to 1000."""
    return whole(value, "limit", 1, MAX_LIMIT)


def days(value: object, most: int) -> int:
    """How many days: 1 to `most`."""
    return whole(value, "days", 1, most)
