"""What actions cost, in whole credits.

Fractions live here and nowhere else: a cost is multiplied exactly and rounded up once. A float
counts as the decimal that it prints as, so 4.03 GPU hours are 4.03, not the binary number beside.
"""

from credits_core.pricing.book import PriceBook
from credits_core.pricing.engine import PricingEngine
from credits_core.pricing.numbers import Number, exact
from credits_core.pricing.priced import Priced
from credits_core.pricing.quotes import Quote
from credits_core.pricing.repricing import Repriced, Repricing, Unpriced, reprice_log
from credits_core.pricing.shapes import Packaged, Part, Tariff, Tier, Tiers
from credits_core.pricing.tables import (
    COMPLEXITY_MULTIPLIERS,
    FIXED_PRICING,
    PRICING_CONFIG,
    TOOL_COSTS,
    MeteredPrice,
    Price,
)
from credits_core.pricing.used import Used, UsedTokens, read_used
from credits_core.pricing.versions import Version

__all__ = [
    "COMPLEXITY_MULTIPLIERS",
    "FIXED_PRICING",
    "PRICING_CONFIG",
    "TOOL_COSTS",
    "MeteredPrice",
    "Number",
    "Packaged",
    "Part",
    "Price",
    "PriceBook",
    "Priced",
    "PricingEngine",
    "Quote",
    "Repriced",
    "Repricing",
    "Tariff",
    "Tier",
    "Tiers",
    "Unpriced",
    "Used",
    "UsedTokens",
    "Version",
    "exact",
    "read_used",
    "reprice_log",
]
