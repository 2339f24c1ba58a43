"""`PriceBook`: prices as data, in versions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credits_core import validation
from credits_core.errors import PricingConfigError
from credits_core.models import instant
from credits_core.pricing.book_tables import read_versions
from credits_core.pricing.places import parsed
from credits_core.pricing.quotes import ONE, Quote

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from fractions import Fraction
    from typing import Self

    from credits_core.pricing.numbers import Number
    from credits_core.pricing.priced import Priced
    from credits_core.pricing.versions import Version
    from credits_core.tokens import RateCard

__all__ = ["PriceBook"]


class PriceBook:
    """The prices of actions, as they stand in a file: `from_toml`, `from_file` or `from_dict`.

    An action has a price a piece, a rate, tiers or packages, and bounds of a charge; sets of named
    multipliers scale it; versions change it from a date on. The reference page of the book has
    every key. Each charge is priced by itself: tiers count what one charge is for.

    >>> book = PriceBook.from_toml('''
    ... [actions]
    ... chat_message = 10
    ...
    ... [actions.video]
    ... rate = 2.5
    ... unit = "second"
    ... minimum = 20
    ...
    ... [multipliers.complexity]
    ... low = 1
    ... high = 2
    ...
    ... [[versions]]
    ... starts = 2027-01-01
    ... actions.chat_message = 12
    ... ''')
    >>> book.cost("video", 30, complexity="high")
    150
    >>> book.cost("video", 1)
    20
    >>> book.max_affordable("video", 100)
    Fraction(40, 1)
    """

    __slots__ = ("_versions",)

    def __init__(self, versions: Iterable[Version]) -> None:
        """Use `from_toml`, `from_file` or `from_dict`, which check what stands in the book."""
        self._versions = tuple(versions)

    def __repr__(self) -> str:
        return f"<PriceBook: {', '.join(str(version.name) for version in self._versions)}>"

    @classmethod
    def from_dict(cls, book: Mapping[str, Any]) -> Self:
        """Make a book of a mapping, checked and copied.

        A number is an int, a `Decimal`, a float (which counts as the decimal that it prints as) or
        a str such as `"2.50"`, from 0 to 10^15 with at most 30 decimals.

        Raises `PricingConfigError`, which names the place, when something is wrong with the book.

        >>> PriceBook.from_dict({"actions": {"video": {"rate": -1, "unit": "second"}}})
        Traceback (most recent call last):
        credits_core.errors.PricingConfigError: actions.video.rate: 0 or more, not negative
        """
        return cls(read_versions(book))

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Make a book of TOML; numbers stay exact.

        Raises `PricingConfigError`, which names the place, when something is wrong with the book.
        """
        return cls.from_dict(parsed(text, "the book"))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Make a book of a TOML file.

        Raises what `from_toml` raises, and `OSError` when the file cannot be read.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise PricingConfigError("the book", f"the book: this is no UTF-8: {error}") from None
        return cls.from_toml(text)

    @property
    def versions(self) -> tuple[Version, ...]:
        """All versions, in the order in which they start."""
        return self._versions

    def version(self, at: int | datetime | None = None) -> Version:
        """The version that applies at an instant (ms or an aware datetime), by default now.

        Raises `PricingConfigError` for an instant before the first version starts.

        >>> from datetime import UTC, datetime
        >>> book = PriceBook.from_dict(
        ...     {"actions": {"chat": 10}, "versions": [{"starts": "2027-01-01"}]}
        ... )
        >>> book.version(datetime(2026, 12, 31, tzinfo=UTC)).name
        'first'
        >>> book.version(datetime(2027, 1, 1, tzinfo=UTC)).name
        '2027-01-01'
        """
        at_ms = validation.instant_ms(at, "at")
        return self.version_at(int(time.time() * 1000) if at_ms is None else at_ms)

    def version_at(self, at_ms: int) -> Version:
        """The version at an instant of a log, in ms: see `version`."""
        for version in reversed(self._versions):
            if version.starts_ms is None or version.starts_ms <= at_ms:
                return version
        first = self._versions[0]
        raise PricingConfigError(
            "versions", f"the book begins at {first.starts}, and has no prices at {instant(at_ms)}"
        )

    def quote(
        self,
        action: str,
        quantity: Number = ONE,
        *,
        at: int | datetime | None = None,
        multiplier: Number = 1,
        **levels: str,
    ) -> Quote:
        """What `quantity` of `action` costs at an instant, by default now, and why.

        `quantity` is 0 or more, in the unit of the price; it must be given unless the action is
        sold whole. Each of `levels` names a set of multipliers and the level in it:
        `complexity="high"`. `multiplier`, 0 or more, is one that stands in no book, such as a
        discount for one user. 0 of anything costs 0.

        Raises `PricingConfigError` when the book has no price for the action, and
        `InvalidRequestError` (also a `ValueError`) for a quantity, a set or a level that is none,
        and for a cost of more than 10^15, which no operation can move.

        >>> book = PriceBook.from_dict({"actions": {"image": 3}})
        >>> book.quote("image", 4, multiplier=0.5).credits
        6
        """
        return self.version(at).quote(action, quantity, multiplier, levels)

    def cost(
        self,
        action: str,
        quantity: Number = ONE,
        *,
        at: int | datetime | None = None,
        multiplier: Number = 1,
        **levels: str,
    ) -> int:
        """The credits that `quantity` of `action` costs, 0 to 10^15, rounded up once: see `quote`.

        >>> book = PriceBook.from_dict({"actions": {"gpu": {"rate": 1000, "unit": "hour"}}})
        >>> book.cost("gpu", 4.03)
        4030
        """
        return self.quote(action, quantity, at=at, multiplier=multiplier, **levels).credits

    def max_affordable(
        self,
        action: str,
        balance: int,
        *,
        at: int | datetime | None = None,
        multiplier: Number = 1,
        **levels: str,
    ) -> Fraction | None:
        """The largest quantity of `action` that costs no more than a balance; None: without end.

        The answer is exact: round it down before it becomes a float. It is 0 where the balance
        does not pay for the smallest quantity, as below the minimum; None where no quantity is too
        large, as of what is free or has its maximum within the balance. With tiers by volume a
        smaller quantity may cost more than a larger one: this is the largest of all that the
        balance pays for, and what lies below it may cost more.

        Raises `PricingConfigError` when the book has no price for the action, and
        `InvalidRequestError` for a balance that is no `int`, and what `quote` raises.

        >>> book = PriceBook.from_dict(
        ...     {"actions": {"image": {"package": {"size": 10, "price": 90}, "unit": "image"}}}
        ... )
        >>> book.max_affordable("image", 200)
        Fraction(20, 1)
        """
        return self.version(at).max_affordable(action, balance, multiplier, levels)

    def priced(
        self, action: str, quantity: Number = 1, *, multiplier: Number = 1, **levels: str
    ) -> Priced:
        """A cost to charge: so much of an action, at the price of the moment when it is charged.

        It is what a piece of work costs: for `require_credits`, `hold_credits`, `charges`, `holds`
        and `Charge.settle`. What is metered piece by piece is told in credits. The entry in the log
        keeps what it takes to price it again. The arguments are those of `quote`, which checks them
        when it is charged.

        >>> from credits_core import Credits, require_credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> book = PriceBook.from_dict({"actions": {"video": {"rate": 2, "unit": "second"}}})
        >>> with require_credits(credits, "alice", book.priced("video", 30)) as charge:
        ...     charge.balance
        40
        >>> credits.get_transactions("alice", limit=1)[0].metadata["priced"]
        {'action': 'video', 'quantity': '30', 'version': 'first', 'credits': 60}
        """
        # It stands on both books and engines, and so above them.
        from credits_core.pricing.priced import Priced  # noqa: PLC0415

        return Priced(action, quantity, multiplier, self, levels)

    def rate_card(self, at: int | datetime | None = None) -> RateCard:
        """What tokens of language models cost at an instant, by default now.

        Raises `PricingConfigError` when the book has no rates then.

        >>> book = PriceBook.from_toml('''
        ... [tokens.models."gpt-4o*"]
        ... input = 250
        ... output = 1000
        ... ''')
        >>> from credits_core.tokens import TokenUsage
        >>> book.rate_card().credits("gpt-4o", TokenUsage(output_tokens=2000))
        2
        """
        version = self.version(at)
        if version.card is None:
            raise PricingConfigError(
                "tokens",
                f"version {version.name!r} of the book has no rates of tokens: add "
                '[tokens.models."gpt-4o"] with input and output',
            )
        return version.card
