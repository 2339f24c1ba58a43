"""Parameters of a query: text in, values out, or a refusal that names the parameter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from credits_core import validation
from credits_core.http.refusals import wrong_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["instant_of", "number_of"]

_DIGITS = re.compile(r"[0-9]{1,16}")


def number_of(
    query: Mapping[str, str], name: str, *, least: int = 0, most: int, default: int
) -> int:
    """A whole number in ASCII digits, from `least` to `most`.

    >>> number_of({"limit": "20"}, "limit", least=1, most=100, default=50)
    20
    """
    found = _number(query, name, least, most, f"a whole number from {least} to {most}")
    return default if found is None else found


def instant_of(query: Mapping[str, str], name: str) -> int | None:
    """An instant in ms since the epoch; None where the query has none."""
    return _number(
        query, name, 0, validation.LAST_INSTANT, "an instant in whole milliseconds since 1970"
    )


def _number(query: Mapping[str, str], name: str, least: int, most: int, detail: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
        raise wrong_parameter(name, detail)
    return int(text)
