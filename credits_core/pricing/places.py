"""What stands in a book or a card, read so that a mistake is told with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from credits_core.errors import PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing.numbers import decimals

__all__ = ["decimal", "kind", "parsed", "shown", "under", "whole", "wrong"]

MAX_DECIMALS: Final = 30

_DECIMAL: Final = re.compile(r"[0-9]+(\.[0-9]+)?")

# A key that TOML takes without quotes (https://toml.io/en/v1.0.0#keys).
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def wrong(place: str, message: str) -> PricingConfigError:
    """The error of a book or a card, at its place."""
    return PricingConfigError(place, f"{place}: {message}")


def under(place: str, key: object) -> str:
    """The place of what stands under a key, as TOML would write it.

    >>> under("actions", "video"), under("actions", "video 4.1"), under("", "actions")
    ('actions.video', 'actions."video 4.1"', 'actions')
    """
    name = str(key)
    if not _BARE.fullmatch(name):
        name = json.dumps(name, ensure_ascii=False)
    return f"{place}.{name}" if place else name


def kind(value: object) -> str:
    """What a value is, for people."""
    return "a table" if isinstance(value, Mapping) else type(value).__name__


def shown(value: object) -> str:
    """A value in a message: the beginning of a text, the kind of what is none."""
    return repr(value[:40]) if isinstance(value, str) else kind(value)


def decimal(value: object, place: str) -> Decimal:
    """A number from 0 to 10^15, exactly. A float counts as the decimal that it prints as."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise wrong(place, f"a number, or a str such as '2.50', not {kind(value)}")
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise wrong(place, f"a str holds a plain decimal such as '2.50', not {shown(value)}")
    elif isinstance(value, float):
        value = float.__repr__(value)
    number = Decimal(value)
    if not number.is_finite():
        raise wrong(place, f"a finite number, not {number}")
    # Their sign and size only: an int of more than 4300 digits cannot be printed.
    if number < 0:
        raise wrong(place, "0 or more, not negative")
    if number > MAX_AMOUNT:
        raise wrong(place, f"at most {MAX_AMOUNT:,}")
    if number and decimals(number) > MAX_DECIMALS:
        raise wrong(place, f"at most {MAX_DECIMALS} decimals")
    return number if number else Decimal(0)


def whole(value: object, place: str) -> int:
    """A whole number of credits, from 0 to 10^15."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(place, f"a whole number of credits, not {kind(value)}")
    return int(decimal(value, place))


def parsed(text: object, what: str) -> dict[str, Any]:
    """What TOML says; its numbers are decimals, and no float comes near them."""
    # Not at the top: whoever reads no file need not wait for its regular expressions.
    import tomllib  # noqa: PLC0415

    if not isinstance(text, str):
        raise wrong(what, f"the text of a file, not {type(text).__name__}")
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, ArithmeticError, ValueError, RecursionError) as error:
        raise wrong(what, f"this text is no TOML: {error}") from None
