"""The tables of a price book: prices and multipliers; a mistake is told with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from keyword import iskeyword
from typing import Any, Final

from credits_core import validation
from credits_core.errors import InvalidRequestError
from credits_core.pricing.places import decimal, kind, shown, under, whole, wrong
from credits_core.pricing.shapes import Packaged, Shape, Tariff, Tier, Tiers, rate

__all__ = ["keys", "name", "read_multipliers", "read_price", "table"]

PIECE: Final = "piece"
"""The unit of a price that names none."""

RESERVED: Final = frozenset({"action", "at", "balance", "multiplier", "quantity", "self"})
"""The arguments of a book's methods: no set of multipliers is named so."""

_BOUNDS: Final = ("unit", "whole", "minimum", "maximum")
PRICE_KEYS: Final = {
    "price": ("price", *_BOUNDS),
    "rate": ("rate", *_BOUNDS),
    "tiers": ("tiers", "mode", *_BOUNDS),
    "package": ("package", "rate", *_BOUNDS),
}
TIER_KEYS: Final = ("up_to", "rate", "flat")
PACKAGE_KEYS: Final = ("size", "price")
_MODES: Final = (
    "'graduated', each piece at the rate of its own tier, or 'volume', all at the rate of the tier "
    "that the quantity is in"
)
_PRICED: Final = "one of price, rate, tiers and package makes a price"


def table(value: object, place: str, of: str) -> Mapping[str, Any]:
    """A table; `of` says what for."""
    if not isinstance(value, Mapping):
        raise wrong(place, f"{of}, not {kind(value)}")
    return value


def keys(found: Mapping[str, Any], place: str, known: Sequence[str]) -> None:
    """Refuse a key that is not known."""
    for key in found:
        if key not in known:
            raise wrong(under(place, key), f"no key here; there are {', '.join(known)}")


def name(value: object, place: str, what: str) -> str:
    """A name of one line that is not blank."""
    try:
        return validation.line(value, what, validation.MAX_ACTION_CHARS)
    except InvalidRequestError as error:
        raise wrong(place, str(error)) from None


def read_multipliers(value: object, place: str) -> dict[str, dict[str, Fraction]]:
    """Sets of multipliers, each with its levels."""
    found = {}
    for key, levels in table(value, place, "sets of multipliers, each a table").items():
        at = under(place, key)
        if not isinstance(key, str) or not key.isidentifier() or iskeyword(key) or key in RESERVED:
            taken = ", ".join(sorted(RESERVED))
            raise wrong(at, f"a set is named like an argument of Python, and not {taken}")
        read = table(levels, at, "levels and what each multiplies by")
        if not read:
            raise wrong(at, "a set has at least one level, such as high = 2")
        found[key] = {
            name(level, under(at, level), "a level"): _fraction(factor, under(at, level))
            for level, factor in read.items()
        }
    return found


def read_price(value: object, place: str) -> Tariff:
    """The price of an action: credits a piece, or a table."""
    if not isinstance(value, Mapping):
        return Tariff(rate(_fraction(value, place)), PIECE, whole=True)
    shape = [key for key in PRICE_KEYS if key in value]
    if "package" in shape:
        shape = [key for key in shape if key != "rate"]
    if len(shape) != 1:
        raise wrong(place, f"{_PRICED}, and here are {', '.join(shape) or 'none of them'}")
    keys(value, place, PRICE_KEYS[shape[0]])
    if "unit" not in value and shape[0] != "price":
        raise wrong(under(place, "unit"), 'missing: what is measured, such as "second"')
    least = whole(value.get("minimum", 0), under(place, "minimum"))
    most = value.get("maximum")
    if most is not None and whole(most, under(place, "maximum")) < max(least, 1):
        raise wrong(under(place, "maximum"), "at least 1, and no less than the minimum")
    sold_whole = value.get("whole", shape[0] == "price")
    if not isinstance(sold_whole, bool):
        raise wrong(under(place, "whole"), f"true or false, not {kind(sold_whole)}")
    unit = name(value.get("unit", PIECE), under(place, "unit"), "the unit")
    return Tariff(_shape(shape[0], value, place), unit, sold_whole, least, most)


def _shape(which: str, value: Mapping[str, Any], place: str) -> Shape:
    if which == "tiers":
        return _tiers(value, place)
    if which == "package":
        return _packages(value, place)
    return rate(_fraction(value[which], under(place, which)))


def _tiers(value: Mapping[str, Any], place: str) -> Tiers:
    at = under(place, "tiers")
    if "mode" not in value:
        raise wrong(under(place, "mode"), f"missing: {_MODES}")
    mode = value["mode"]
    if mode not in ("graduated", "volume"):
        raise wrong(under(place, "mode"), f"{_MODES}, not {shown(mode)}")
    rows = value["tiers"]
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise wrong(at, f"a list of tiers, at least one, not {kind(rows)}")
    tiers: list[Tier] = []
    for number, row in enumerate(rows):
        last = number == len(rows) - 1
        tiers.append(_tier(row, f"{at}[{number}]", last=last, low=tiers[-1].up_to if tiers else 0))
    return Tiers(tuple(tiers), volume=mode == "volume")


def _tier(row: object, place: str, *, last: bool, low: Any) -> Tier:
    found = table(row, place, "a tier is a table with rate or flat, and up_to")
    keys(found, place, TIER_KEYS)
    if "rate" not in found and "flat" not in found:
        raise wrong(place, "a tier has a rate, a flat amount, or both")
    end = under(place, "up_to")
    if last and "up_to" in found:
        raise wrong(end, "the last tier has no end: leave it out, or add a tier")
    if not last and "up_to" not in found:
        raise wrong(end, "missing: only the last tier has no end")
    up_to = None if last else _fraction(found["up_to"], end)
    if up_to is not None and up_to <= low:
        raise wrong(end, f"above where the tier begins, which is {low}")
    each, flat = (_fraction(found.get(key, 0), under(place, key)) for key in ("rate", "flat"))
    return Tier(up_to, each, flat)


def _packages(value: Mapping[str, Any], place: str) -> Packaged:
    at = under(place, "package")
    found = table(value["package"], at, "a package is a table with size and price")
    keys(found, at, PACKAGE_KEYS)
    for key in PACKAGE_KEYS:
        if key not in found:
            raise wrong(under(at, key), "missing: a package has a size and a price")
    size, price = (_fraction(found[key], under(at, key)) for key in PACKAGE_KEYS)
    if not size:
        raise wrong(under(at, "size"), "above 0")
    each = None
    if "rate" in value:
        each = _fraction(value["rate"], under(place, "rate"))
        if each * size < price:
            raise wrong(
                under(place, "rate"),
                "at this rate a package costs more than what is in it: nobody would take one",
            )
    return Packaged(size, price, each)


def _fraction(value: object, place: str) -> Fraction:
    return Fraction(decimal(value, place))
