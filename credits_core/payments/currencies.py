"""How many decimals a currency has: ISO 4217 (https://www.six-group.com/en/products-services/\
financial-information/market-reference-data/data-standards.html, list one)."""

from __future__ import annotations

from typing import Final

__all__ = ["decimals"]

_NONE: Final = frozenset(
    [
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
        *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
    ]
)
_THREE: Final = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def decimals(currency: str) -> int:
    """The decimals of a currency, named by three capital letters.

    >>> decimals("USD"), decimals("JPY"), decimals("KWD")
    (2, 0, 3)
    """
    if currency in _NONE:
        return 0
    return 3 if currency in _THREE else 2
