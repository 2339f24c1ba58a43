"""What an app sells: packages of credits, as data that is checked where it is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from credits_core.errors import PricingConfigError
from credits_core.http.exchange import Answer, Asked, Route, Who, answer
from credits_core.models import MAX_AMOUNT
from credits_core.payments.currencies import decimals

if TYPE_CHECKING:
    from typing import Self

    from credits_core.http.steps import Steps

__all__ = ["PACKAGES", "Package", "Packages"]

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_FIELDS: Final = (
    *("credits", "price", "currency", "name", "popular"),
    *("recurring", "rollover", "provider_ids", "former_prices"),
)


_SHOWN: Final = {
    **{key: {"type": "string"} for key in ("id", "name", "currency")},
    **{key: {"type": "boolean"} for key in ("popular", "recurring")},
    "credits": {"type": "integer", "minimum": 1},
    "price": {"type": "number", "exclusiveMinimum": 0},
}
_SCHEMA: Final = {
    "type": "object",
    "required": ["packages"],
    "properties": {
        "packages": {
            "type": "array",
            "items": {"type": "object", "required": sorted(_SHOWN), "properties": _SHOWN},
        }
    },
}


@dataclass(frozen=True, slots=True)
class Package:
    """So many `credits` for a `price`; with `recurring`, that price and those credits a period.

    - `id`: 1 to 64 letters, digits and `_.:-`, what a checkout names it by.
    - `credits`: 1 to 10^15.
    - `price`: above 0, in units of the currency (`"9.99"`), with no more decimals than it has; an
      int, `Decimal`, str, or a float, which counts as the decimal that it prints as.
    - `currency`: three letters (ISO 4217), `"USD"` unless given.
    - `name` and `popular` are for whoever shows it.
    - `rollover` is what becomes of what is left at the end of a period, as in `grant_allowance`;
      None: the credits of each period are added, and never expire.
    - `provider_ids`: what providers sell it as, such as `{"stripe": "price_…", "dodo": "pdt_…"}`.
    - `former_prices`: what it cost before, in the same currency: who began a checkout then, or
      subscribed, may still pay that.

    Raises `PricingConfigError`, which names the place.

    >>> Package("starter", 100, "9.99").minor_price
    999
    >>> Package("big", 5000, 30_000, "JPY").minor_price
    30000
    >>> Package("starter", 100, "12.99", former_prices=["9.99"]).least_minor_price
    999
    """

    id: str
    credits: int
    price: Decimal | int | float | str
    currency: str = "USD"
    name: str = ""
    popular: bool = False
    recurring: bool = False
    rollover: Literal["none", "all"] | int | None = "none"
    provider_ids: Mapping[str, str] = field(default_factory=dict)
    former_prices: Sequence[Decimal | int | float | str] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be sold."""
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise _wrong("packages", f"an id is 1 to 64 letters, digits and _.:-, not {self.id!r}")
        _check_credits(self._at("credits"), self.credits)
        object.__setattr__(self, "currency", _currency(self._at("currency"), self.currency))
        object.__setattr__(self, "price", _price(self._at("price"), self.price, self.currency))
        for name in ("popular", "recurring"):
            if not isinstance(getattr(self, name), bool):
                raise _wrong(self._at(name), "true or false")
        if not isinstance(self.name, str):
            raise _wrong(self._at("name"), "a text")
        _check_rollover(self._at("rollover"), self.rollover)
        at, former = self._at("former_prices"), self.former_prices
        if isinstance(former, str) or not isinstance(former, Sequence):
            raise _wrong(at, 'a list of prices, such as ["7.99"]')
        former = tuple(_price(at, price, self.currency) for price in former)
        object.__setattr__(self, "former_prices", former)
        ids = _provider_ids(self._at("provider_ids"), self.provider_ids)
        object.__setattr__(self, "provider_ids", ids)

    def _at(self, name: str) -> str:
        return f"packages.{self.id}.{name}"

    @property
    def minor_price(self) -> int:
        """The price in the smallest unit of its currency (ISO 4217), as cents."""
        return self._minor(self.price)

    @property
    def least_minor_price(self) -> int:
        """The least that it is, or was, sold for, in the smallest unit of its currency."""
        return min(map(self._minor, (self.price, *self.former_prices)))

    def _minor(self, price: Decimal | float | str) -> int:
        return int(Decimal(price).scaleb(decimals(self.currency)))

    def shown(self) -> dict[str, Any]:
        """What a client is told: no ids of providers."""
        return {
            "id": self.id,
            "name": self.name or self.id,
            "credits": self.credits,
            "price": float(self.price),
            "currency": self.currency,
            "popular": self.popular,
            "recurring": self.recurring,
        }


class Packages(Mapping[str, Package]):
    """The packages that an app sells, by id, in the order in which they are shown.

    `path` is where their `route` answers (GET, for anybody).

    >>> packages = Packages.from_dict({"starter": {"credits": 100, "price": "9.99"}})
    >>> packages["starter"].credits
    100
    >>> Packages.from_dict({"starter": {"credits": 100, "price": "9.999"}})
    Traceback (most recent call last):
        ...
    credits_core.errors.PricingConfigError: packages.starter.price: 9.999 has more decimals than \
USD has, which are 2
    """

    def __init__(self, packages: Iterable[Package], *, path: str = "/api/credits/packages") -> None:
        """Check that no two have the same id, nor the same id of a provider."""
        self._packages: dict[str, Package] = {}
        self._sold: dict[tuple[str, str], Package] = {}
        for package in packages:
            if not isinstance(package, Package):
                raise _wrong("packages", f"a Package each, not {type(package).__name__}")
            if package.id in self._packages:
                raise _wrong("packages", f"two have the id {package.id!r}")
            self._packages[package.id] = package
            for sold in package.provider_ids.items():
                if sold in self._sold:
                    at = f"packages.{package.id}.provider_ids.{sold[0]}"
                    raise _wrong(at, f"{self._sold[sold].id!r} has {sold[1]!r}, too")
                self._sold[sold] = package
        if not self._packages:
            raise _wrong("packages", "there are none; add [packages.starter] with credits, price")
        self._path = path

    @classmethod
    def from_dict(
        cls, packages: Mapping[str, Mapping[str, Any]], *, path: str = "/api/credits/packages"
    ) -> Self:
        """Make them of a mapping of ids to the fields of each."""
        return cls([_read(name, fields) for name, fields in _items(packages)], path=path)

    @classmethod
    def from_toml(cls, text: str, *, path: str = "/api/credits/packages") -> Self:
        """Make them of TOML, such as `Path("packages.toml").read_text()`; prices stay exact.

        >>> packages = Packages.from_toml('''
        ... [packages.pro]
        ... credits = 500
        ... price = 39.99
        ... popular = true
        ... provider_ids = { stripe = "price_pro", dodo = "pdt_pro" }
        ... ''')
        >>> packages.sold_as("dodo", "pdt_pro").id
        'pro'
        """
        try:
            read = tomllib.loads(text, parse_float=Decimal)
        except (TypeError, AttributeError, ArithmeticError, ValueError) as error:
            raise _wrong("packages", f"this text is no TOML: {error}") from None
        for key in read:
            if key != "packages":
                raise _wrong(key, "nothing but packages is read here: [packages.starter]")
        return cls.from_dict(read.get("packages", {}), path=path)

    def sold_as(self, provider: str, provider_id: str) -> Package | None:
        """The package that a provider sells under its id, or None."""
        return self._sold.get((provider, provider_id))

    @property
    def route(self) -> Route:
        """Lists the packages, as JSON with the one field `packages`, for anybody."""
        operation = {
            "summary": "List the packages of credits that are sold",
            "tags": ["Credits"],
            "responses": {
                "200": {
                    "description": "The packages, in the order to show them in",
                    "content": {"application/json": {"schema": _SCHEMA}},
                }
            },
        }
        return Route("packages", "GET", self._path, Who.ANYBODY, self._listed, operation)

    def _listed(self, _: Asked) -> Steps[Answer]:
        yield from ()
        return answer({"packages": [package.shown() for package in self._packages.values()]})

    def __getitem__(self, package_id: str) -> Package:
        return self._packages[package_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packages)

    def __len__(self) -> int:
        return len(self._packages)


def _wrong(place: str, message: str) -> PricingConfigError:
    return PricingConfigError(place, f"{place}: {message}")


def _items(packages: object) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if not isinstance(packages, Mapping):
        raise _wrong("packages", f"a table of packages, not {type(packages).__name__}")
    return packages.items()


def _read(name: object, fields: object) -> Package:
    place = f"packages.{name}"
    if not isinstance(fields, Mapping):
        raise _wrong(place, f"a table with credits and price, not {type(fields).__name__}")
    for key in fields:
        if key not in _FIELDS:
            raise _wrong(f"{place}.{key}", f"no field of a package; there are {', '.join(_FIELDS)}")
    for key in ("credits", "price"):
        if key not in fields:
            raise _wrong(f"{place}.{key}", "it is missing")
    return Package(id=name, **fields)  # type: ignore[arg-type]


def _check_credits(place: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(place, f"a whole number, not {type(value).__name__}")
    if not 1 <= value <= MAX_AMOUNT:
        raise _wrong(place, f"from 1 to {MAX_AMOUNT:,}")


def _currency(place: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Za-z]{3}", value, re.ASCII):
        raise _wrong(place, 'three letters of ISO 4217, such as "USD"')
    return value.upper()


def _price(place: str, value: object, currency: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise _wrong(place, f'a number such as "9.99", not {type(value).__name__}')
    try:
        price = Decimal(float.__repr__(value) if isinstance(value, float) else value)
    except (ArithmeticError, ValueError):
        raise _wrong(place, 'a number such as "9.99"') from None
    if not price.is_finite() or not 0 < price <= 10**9:
        raise _wrong(place, "above 0, and up to 1,000,000,000")
    places = decimals(currency)
    if price != round(price, places):
        raise _wrong(place, f"{value} has more decimals than {currency} has, which are {places}")
    return price


def _check_rollover(place: str, value: object) -> None:
    if value in ("none", "all", None):
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_AMOUNT:
        raise _wrong(place, '"none", "all", or the most credits that are kept')


def _provider_ids(place: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise _wrong(place, 'a table such as { stripe = "price_…" }')
    for provider, provider_id in value.items():
        if not (isinstance(provider_id, str) and provider_id.strip()):
            raise _wrong(f"{place}.{provider}", "an id of the provider, a text")
    return MappingProxyType(dict(value))


PACKAGES: Final = Packages(
    [
        Package("starter", 100, "9.99", name="Starter"),
        Package("pro", 500, "39.99", name="Pro", popular=True),
        Package("enterprise", 2000, "149.99", name="Enterprise"),
    ]
)
"""An example: three packages, to copy and to change."""
