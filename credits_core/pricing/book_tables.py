"""The versions of a price book, out of its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from credits_core import validation
from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import EPOCH, MILLISECOND, instant
from credits_core.pricing.places import kind, shown, under, wrong
from credits_core.pricing.price_tables import keys, name, read_multipliers, read_price, table
from credits_core.pricing.versions import Version

if TYPE_CHECKING:
    from credits_core.tokens import RateCard

__all__ = ["read_versions"]

FIRST: Final = "first"
"""The name of a version that has none and no start."""

_CONTENTS: Final = ("actions", "multipliers", "tokens")
BOOK_KEYS: Final = ("version", *_CONTENTS, "versions")
VERSION_KEYS: Final = ("version", "starts", *_CONTENTS)
_NOTHING: Final = Version(None, None, {}, {})


def read_versions(book: object) -> tuple[Version, ...]:
    """The versions in the order of their starts; each lies over the one before.

    Raises `PricingConfigError`, which names the place, when something is wrong with the book.
    """
    found = table(book, "the book", "a table with the key actions")
    keys(found, "", BOOK_KEYS)
    rows = found.get("versions", ())
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise wrong("versions", f"a list of versions, [[versions]] in TOML, not {kind(rows)}")
    versions: list[Version] = []
    if any(key in found for key in _CONTENTS):
        named = name(found.get("version", FIRST), "version", "the name of a version")
        versions.append(_over(_NOTHING, found, "", named, None))
    elif not rows:
        raise wrong("actions", "missing: the book has no prices, such as chat_message = 10")
    elif "version" in found:
        raise wrong("version", "this names the prices at the top of the book, and there are none")
    for number, row in enumerate(rows):
        before = versions[-1] if versions else _NOTHING
        versions.append(_later(row, f"versions[{number}]", before))
        _check_name(versions, f"versions[{number}].version")
    return tuple(versions)


def _later(row: object, place: str, before: Version) -> Version:
    found = table(row, place, "a version is a table with starts")
    keys(found, place, VERSION_KEYS)
    at = under(place, "starts")
    if "starts" not in found:
        raise wrong(at, "missing: the date from which it applies, such as 2027-01-01")
    starts = _starts(found["starts"], at)
    if before.starts_ms is not None and starts <= before.starts_ms:
        raise wrong(at, f"versions stand in the order of their starts, and {before.name} is before")
    said: str | date = found["starts"]
    plain = said if isinstance(said, str) else said.isoformat()
    named = name(found.get("version", plain), under(place, "version"), "the name of a version")
    return _over(before, found, place, named, starts)


def _over(
    before: Version, found: Mapping[str, Any], place: str, named: str, starts: int | None
) -> Version:
    """A version that says what changes, laid over the one before."""
    prices = dict(before.prices)
    at = under(place, "actions")
    for action, price in table(found.get("actions", {}), at, "actions and their prices").items():
        prices[_action(action, under(at, action))] = read_price(price, under(at, action))
    at = under(place, "multipliers")
    sets = {**before.multipliers, **read_multipliers(found.get("multipliers", {}), at)}
    card = before.card
    if "tokens" in found:
        card = _card(found["tokens"], under(place, "tokens"))
    return Version(named, starts, prices, sets, card)


def _action(value: object, place: str) -> str:
    try:
        return validation.action(value)
    except InvalidRequestError as error:
        raise wrong(place, str(error)) from None


def _starts(value: object, place: str) -> int:
    if isinstance(value, str):
        value = _iso(value, place)
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise wrong(place, "a time says its zone, as in 2027-01-01T00:00:00Z")
    elif isinstance(value, date):
        value = datetime.combine(value, time.min, UTC)
    else:
        raise wrong(place, f"a date such as 2027-01-01, not {kind(value)}")
    ms = (value - EPOCH) // MILLISECOND
    try:
        instant(ms)
    except OverflowError:
        raise wrong(place, "a time in the years 1 to 9999, in UTC") from None
    return ms


def _iso(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise wrong(place, f"a date such as 2027-01-01, not {shown(text)}") from None


def _card(value: object, place: str) -> RateCard:
    # Not at the top: few books have rates of tokens.
    from credits_core.tokens import RateCard  # noqa: PLC0415

    try:
        return RateCard.from_dict(table(value, place, "a rate card with models"))
    except PricingConfigError as error:
        if error.action == place:
            raise
        raise PricingConfigError(f"{place}.{error.action}", f"{place}.{error}") from None


def _check_name(versions: list[Version], place: str) -> None:
    last = versions[-1].name
    if any(version.name == last for version in versions[:-1]):
        raise wrong(place, f"there is a version {last!r} before: give this one a name of its own")
