"""What the tokens of language models cost, in credits.

As everywhere in pricing, fractions stay exact until a charge rounds up, once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing.places import decimal, parsed, shown, under, wrong
from credits_core.tokens.rates import EXACT, Rates, read_rates
from credits_core.validation import MAX_TOKENS

if TYPE_CHECKING:
    from typing import Self

    from credits_core.tokens.usage import TokenUsage

__all__ = ["RateCard"]

_MILLION: Final = 10**6
_TABLES: Final = ("models", "aliases", "markup")


class RateCard:
    """The rates of models, in credits per million tokens.

    `models` maps a model's name to a mapping of its rates: `input`, `output` and, where they
    cost something else than `input`, `cached_input` (read from the provider's cache) and
    `cache_write` (written to it). `aliases` maps further names to names in `models`. All rates
    are multiplied by `markup`.

    A name that ends in `*` stands for every name that begins so. The exact name is looked for
    first, then the longest of these; write `"gpt-4o-2*"` rather than `"gpt-4o*"`, which also
    fits `gpt-4o-mini`.

    A number is an int, a `Decimal`, a float (which counts as the decimal that it prints as) or a
    str such as `"2.50"`, from 0 to 10^15 with at most 30 decimals.

    Raises `PricingConfigError`, which names the place, when something is wrong with the card.

    >>> from credits_core.tokens import TokenUsage
    >>> card = RateCard(
    ...     {"gpt-4o": {"input": 250, "cached_input": 125, "output": 1000}},
    ...     aliases={"gpt-4o-2*": "gpt-4o", "default": "gpt-4o"},
    ...     markup="1.2",
    ... )
    >>> usage = TokenUsage(input_tokens=200, cached_input_tokens=1000, output_tokens=300)
    >>> card.cost("gpt-4o-2024-08-06", usage)
    Decimal('0.5700000')
    >>> card.credits("default", usage)
    1
    """

    __slots__ = ("_exact", "_markup", "_prefixes")

    def __init__(
        self,
        models: Mapping[str, Mapping[str, Any]],
        *,
        aliases: Mapping[str, str] | None = None,
        markup: float | str | Decimal = 1,
    ) -> None:
        """Check and copy the rates; changing the mappings later changes nothing."""
        rates = {
            name: read_rates(table, under("models", name))
            for name, table in _names("models", models).items()
        }
        if not rates:
            raise wrong("models", 'no model has rates; add [models."gpt-4o"] with input and output')
        for alias, name in _names("aliases", {} if aliases is None else aliases).items():
            rates[alias] = rates[_named(name, alias, models)]
        self._markup = decimal(markup, "markup")
        self._exact = {name: found for name, found in rates.items() if not name.endswith("*")}
        prefixes = ((name[:-1], found) for name, found in rates.items() if name.endswith("*"))
        self._prefixes = sorted(prefixes, key=lambda pair: len(pair[0]), reverse=True)

    @classmethod
    def from_dict(cls, card: Mapping[str, Any]) -> Self:
        """Make a card of a mapping with the keys `models` and, optionally, `aliases`, `markup`.

        >>> card = RateCard.from_dict({"models": {"small": {"input": "0.5", "output": 2}}})
        >>> card.rates("small").output
        Decimal('2')
        """
        if not isinstance(card, Mapping):
            raise wrong("the card", f"a mapping with the key models, not {type(card).__name__}")
        for key in card:
            if key not in _TABLES:
                raise wrong(under("", key), f"no key of a card; there are {', '.join(_TABLES)}")
        return cls(**{"models": {}, **card})

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Make a card of TOML, such as `Path("rates.toml").read_text()`; numbers stay exact.

        >>> card = RateCard.from_toml('''
        ... markup = 1.25
        ...
        ... [models."claude-sonnet-4*"]
        ... input = 300
        ... cached_input = 30
        ... cache_write = 375
        ... output = 1500
        ... ''')
        >>> card.rates("claude-sonnet-4-20250514").cache_write
        Decimal('375')
        """
        return cls.from_dict(parsed(text, "the card"))

    def rates(self, model: str) -> Rates:
        """Return the rates of a model, before the markup.

        Raises `PricingConfigError` when the card has none for this name.
        """
        if isinstance(model, str):
            if found := self._exact.get(model):
                return found
            for prefix, found in self._prefixes:
                if model.startswith(prefix):
                    return found
        raise PricingConfigError(str(model), self._unknown(model))

    def cost(self, model: str, usage: TokenUsage) -> Decimal:
        """Return what a usage costs: exact credits, not rounded.

        Add up what one charge is for, then round up once. Raises `PricingConfigError` when the
        card has no rates for the model.
        """
        rates = self.rates(model)
        with localcontext(EXACT):
            return (rates.per_million(usage) * self._markup).scaleb(-6)

    def credits(self, model: str, usage: TokenUsage) -> int:
        """Return the credits of a charge for this usage alone: its cost, rounded up.

        Raises `PricingConfigError` when the card has no rates for the model, and
        `InvalidRequestError` when the cost is more than the 10^15 that one charge can take.
        """
        cost = math.ceil(self.cost(model, usage))
        if cost > MAX_AMOUNT:
            raise InvalidRequestError(
                f"this usage of {model!r} costs more than {MAX_AMOUNT:,} credits, the most that "
                "one operation can move: check the rates, or charge it in parts"
            )
        return cost

    def max_output_tokens(self, model: str, balance: int, used: TokenUsage) -> int:
        """Return how many more tokens of output a balance pays for, beside what is `used`.

        `used` is the prompt before the call (`TokenUsage(input_tokens=1200)`) and what has been
        metered during it. The answer is exact, from 0 (also where the balance does not pay for what
        is used) to 10^15 (also where output is free): the charge for `used` and so many tokens
        more, rounded up, is no more than the balance.

        Raises `PricingConfigError` when the card has no rates for the model, and
        `InvalidRequestError` when the balance is no `int`.

        >>> from credits_core.tokens import TokenUsage
        >>> card = RateCard({"gpt-4o": {"input": 250, "output": 1000}})
        >>> card.max_output_tokens("gpt-4o", 2, TokenUsage(input_tokens=4000))
        1000
        """
        if isinstance(balance, bool) or not isinstance(balance, int):
            raise InvalidRequestError(f"the balance is a whole int, not {type(balance).__name__}")
        left = min(balance, MAX_AMOUNT) - Fraction(self.cost(model, used))
        each = Fraction(self.rates(model).output) * Fraction(self._markup) / _MILLION
        if left < 0:
            return 0
        return min(math.floor(left / each), MAX_TOKENS) if each else MAX_TOKENS

    def _unknown(self, model: object) -> str:
        names = sorted([*self._exact, *(f"{prefix}*" for prefix, _ in self._prefixes)])
        return (
            f"there are no rates for the model {model!r}; the card has {', '.join(names)}. "
            f"Add [{under('models', str(model))}] with input and output, or an alias for it"
        )


def _names(table: str, named: object) -> Mapping[str, Any]:
    if not isinstance(named, Mapping):
        raise wrong(table, f"a table of names, not {type(named).__name__}")
    for name in named:
        if not isinstance(name, str) or not name.strip():
            raise wrong(table, f"a name is a str that is not blank, not {shown(name)}")
        if "*" in name[:-1]:
            raise wrong(under(table, name), "a * stands at the end of a name only")
    return named


def _named(name: object, alias: str, models: Mapping[str, Any]) -> str:
    place = under("aliases", alias)
    if alias in models:
        raise wrong(place, "models has this name, too; keep one of the two")
    if not isinstance(name, str) or name not in models:
        raise wrong(place, f"an alias leads to a name as models has it; it has no {shown(name)}")
    return name
