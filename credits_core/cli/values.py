"""What stands on the command line as values: amounts, instants, durations, metadata.

They are checked by click callbacks, so that a refusal names the argument.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Self

import click

from credits_core.models import MAX_AMOUNT, MAX_PRIORITY
from credits_core.validation import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

# int() takes much that is no amount: signs, underscores, blanks, digits of other scripts.
_DIGITS = re.compile(r"[0-9]{1,16}", re.ASCII)

_QUANTITY = re.compile(r"[0-9]{1,16}(\.[0-9]{1,30})?", re.ASCII)

_DURATION = re.compile(r"([0-9]{1,9})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

# Milliseconds of 1973: what is smaller was meant as seconds, or as a date.
_EARLIEST_MS = 100_000_000_000


def whole_number(low: int, high: int) -> Callable[[Any, Any, str | None], int | None]:
    """A callback for whole numbers from `low` to `high`, in the digits 0 to 9 alone."""

    def convert(_context: Any, _parameter: Any, text: str | None) -> int | None:
        if text is None:
            return None
        if not _DIGITS.fullmatch(text.removeprefix("-") if low < 0 else text):
            raise click.BadParameter(
                f"a whole number is written in the digits 0 to 9 alone, not {text!r}"
            )
        if not low <= int(text) <= high:
            raise click.BadParameter(f"a number from {low} to {high} is expected, not {text}")
        return int(text)

    return convert


amount = whole_number(1, MAX_AMOUNT)
amount_or_zero = whole_number(0, MAX_AMOUNT)
floor = whole_number(-MAX_AMOUNT, MAX_AMOUNT)
priority = whole_number(-MAX_PRIORITY, MAX_PRIORITY)
starting_credits = whole_number(0, MAX_AMOUNT)
limit = whole_number(1, MAX_LIMIT)


def rollover(context: Any, parameter: Any, text: str) -> Literal["none", "all"] | int | None:
    """What rolls over: `none`, `all`, or up to so many credits."""
    if text == "none":
        return "none"
    if text == "all":
        return "all"
    if not _DIGITS.fullmatch(text):
        raise click.BadParameter(f"none, all or a number of credits is expected, not {text!r}")
    return amount_or_zero(context, parameter, text)


def quantity(_context: Any, _parameter: Any, text: str | None) -> Decimal | None:
    """How much of something: digits, with decimals after a point."""
    if text is None:
        return None
    if not _QUANTITY.fullmatch(text):
        raise click.BadParameter(f"a quantity is written as 30 or 4.03, not {text!r}")
    return Decimal(text)


def levels(_context: Any, _parameter: Any, texts: tuple[str, ...]) -> dict[str, str]:
    """Multipliers of a price book: for each set a level."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, level = text.partition("=")
        if not equals or name in found:
            raise click.BadParameter(
                f"a set and one level of it are expected, such as complexity=high, not {text!r}"
            )
        found[name] = level
    return found


class Seconds(int):
    """A number of seconds; refusals, which name the unit, show how it was written, too.

    >>> f"not {Seconds('3d', 259_200)!r} seconds"
    'not 3d, which are 259200 seconds'
    """

    def __new__(cls, text: str, number: int) -> Self:
        """Keep the text beside the number."""
        seconds = super().__new__(cls, number)
        seconds._text = text
        return seconds

    def __repr__(self) -> str:
        return f"{self._text}, which are {int(self)}"

    _text: str


def duration(_context: Any, _parameter: Any, text: str | None) -> int | None:
    """A duration in seconds, written with its unit: 90s 15m 12h 30d 2w."""
    if text is None:
        return None
    found = _DURATION.fullmatch(text)
    if not found:
        raise click.BadParameter(
            f"a duration is a number with s, m, h, d or w, such as 15m or 30d, not {text!r}"
        )
    return Seconds(text, int(found[1]) * _SECONDS[found[2]])


def since(_context: Any, _parameter: Any, text: str | None) -> int | None:
    """The first millisecond of an instant or a day."""
    return None if text is None else _instant(text, time.min)


def until(_context: Any, _parameter: Any, text: str | None) -> int | None:
    """The last millisecond of an instant or a day."""
    return None if text is None else _instant(text, time.max)


def _instant(text: str, of_day: time) -> int:
    if text.isdigit():
        if _DIGITS.fullmatch(text) and int(text) >= _EARLIEST_MS:
            return int(text)
        raise click.BadParameter(
            f"digits alone are milliseconds since 1970, such as 1767225600000, not {text!r}; "
            f"a date is 2026-01-31"
        )
    try:
        moment = datetime.combine(date.fromisoformat(text), of_day)
    except ValueError:
        moment = _iso(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ms = int(moment.timestamp() * 1000)
    if ms < 0:
        raise click.BadParameter(f"{text!r} is before 1970")
    return ms


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"a date (2026-01-31), a time (2026-01-31T12:00:00, in UTC unless it says +02:00) "
            f"or milliseconds since 1970 are expected, not {text!r}"
        ) from None


def metadata(_context: Any, _parameter: Any, text: str | None) -> dict[str, Any] | None:
    """A JSON object."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise click.BadParameter('a JSON object is expected, such as {"model": "small"}')
    return value
