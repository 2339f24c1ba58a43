"""Token costs of language models: what an answer used, and what it costs in credits.

`read_usage` and `UsageMeter` read what the APIs of OpenAI and Anthropic report, `RateCard`
turns it into credits. None of their libraries is imported.

>>> from credits_core.tokens import RateCard, read_usage
>>> card = RateCard({"gpt-4o*": {"input": 250, "output": 1000}})
>>> answer = {"usage": {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500}}
>>> card.cost("gpt-4o-2024-08-06", read_usage(answer))
Decimal('0.600000')
"""

from credits_core.tokens.meter import UsageMeter
from credits_core.tokens.rate_card import RateCard
from credits_core.tokens.rates import Rates
from credits_core.tokens.reading import read_usage
from credits_core.tokens.usage import TokenUsage

__all__ = ["RateCard", "Rates", "TokenUsage", "UsageMeter", "read_usage"]
