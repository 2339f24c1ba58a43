"""A callback for LiteLLM that charges each completion to the user whom the call names.

The work is done when LiteLLM tells of it, so nothing can be refused any more: the account pays
what it can, and what goes unpaid stands in the log of this module. LiteLLM swallows what
callbacks raise; so all that hinders a charge is logged here as well, with what it takes to
charge by hand. https://docs.litellm.ai/docs/observability/custom_callback
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from credits_core.client import Credits
from credits_core.errors import (
    BackendError,
    CreditsError,
    InvalidRequestError,
    PricingConfigError,
)
from credits_core.extras import load
from credits_core.pricing.places import decimal
from credits_core.tokens.reading import read_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litellm.integrations.custom_logger import (  # pyright: ignore[reportMissingImports]
        CustomLogger,
    )

    from credits_core.tokens.rate_card import RateCard
else:
    CustomLogger = load("litellm.integrations.custom_logger", "litellm").CustomLogger

__all__ = ["CreditsLogger"]

PAUSES: tuple[float, ...] = (0.2, 0.5, 1, 2, 4)
"""Seconds between the tries while the store is away, within LiteLLM's 20 seconds a callback."""

# LiteLLM sums dollars in floats, whose last digits are noise: 3 cents may be 0.030000000000000002.
_DOLLAR_DECIMALS: Final = 12

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Bill:
    """One completion, and what it costs."""

    user_id: str
    amount: int
    action: str
    metadata: dict[str, Any]
    key: str


class CreditsLogger(CustomLogger):
    """Charges each successful call of LiteLLM once: sync and async, streamed or not.

    A call names its payer in its metadata, under `user_field`:
    `litellm.completion(..., metadata={"credits_user_id": "alice"})`. A call that names nobody is
    charged to nobody, with a warning in the log; `None` as the user says that this is meant. An
    answer out of LiteLLM's cache is free, as it is to you.

    The price is that of `card`, by the model's name as LiteLLM gives it to the provider (`gpt-4o`
    of `openai/gpt-4o`), or LiteLLM's own `response_cost` times `credits_per_dollar`; each
    call's is rounded up. `action` is what the account's log says it was for.

    `credits` is a sync client; LiteLLM calls back from its own threads, and calls in the
    background of an event loop are charged in threads, too. Raises `InvalidRequestError` for
    another client, or without exactly one of the two prices.
    """

    def __init__(
        self,
        credits: Credits,
        *,
        card: RateCard | None = None,
        credits_per_dollar: float | str | Decimal | None = None,
        action: str = "completion",
        user_field: str = "credits_user_id",
    ) -> None:
        """Choose a price; pass the logger on in `litellm.callbacks`."""
        super().__init__()
        if not isinstance(credits, Credits):
            raise InvalidRequestError(
                f"credits is a Credits, the sync client, not {type(credits).__name__}; it serves "
                "async calls, too"
            )
        if (card is None) == (credits_per_dollar is None):
            raise InvalidRequestError("pass a card or credits_per_dollar, one of the two")
        self._credits = credits
        self._card = card
        self._per_dollar = decimal(credits_per_dollar or 0, "credits_per_dollar")
        self._action = action
        self._user_field = user_field
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="credits-litellm")

    def log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Charge a sync call; LiteLLM calls this in a thread of its own."""
        if bill := self._billed(kwargs, response_obj):
            self._charge(bill)

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Charge an async call."""
        bill = self._billed(kwargs, response_obj)
        if bill is None:
            return
        try:
            charging = self._threads.submit(self._charge, bill)
        except RuntimeError:
            # The interpreter is ending: LiteLLM hands over the rest, and threads are no more.
            self._charge(bill)
        else:
            await asyncio.shield(asyncio.wrap_future(charging))

    def _billed(self, call: Mapping[str, Any], answer: object) -> _Bill | None:
        """The bill of a call, or None where there is nothing to charge."""
        call_id = call.get("litellm_call_id")
        if call.get("cache_hit"):
            return None
        metadata = _metadata(call)
        user_id = metadata.get(self._user_field)
        if user_id is None:
            if self._user_field not in metadata:
                _log.warning(
                    "call %s of %r was charged to nobody: its metadata has no %r",
                    *(call_id, call.get("model"), self._user_field),
                )
            return None
        try:
            return self._bill(user_id, call, answer)
        except Exception as error:  # noqa: BLE001 - LiteLLM would swallow it
            what = f"call {call_id} was not charged to {user_id!r}"
            _log.error("%s: %s", what, error, exc_info=not isinstance(error, CreditsError))
            return None

    def _bill(self, user_id: str, call: Mapping[str, Any], answer: object) -> _Bill | None:
        model = str(call.get("model"))
        usage = read_usage(answer)
        if self._card is None:
            amount = math.ceil(_dollars(model, call) * Fraction(self._per_dollar))
        elif usage is None:
            raise InvalidRequestError(f"the answer of {model!r} reports no usage")
        else:
            amount = self._card.credits(model, usage)
        if amount == 0:
            return None
        told: dict[str, Any] = {"model": model, "credits": amount}
        if usage is not None:
            told |= {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
            told |= {"cached_input_tokens": usage.cached_input_tokens}
            told |= {"cache_write_tokens": usage.cache_write_tokens}
        key = f"litellm:{call['litellm_call_id']}"
        return _Bill(user_id, amount, self._action, told, key)

    def _charge(self, bill: _Bill) -> None:
        """Charge, and try again while the store is away: the key makes it one charge."""
        for pause in (*PAUSES, None):
            try:
                taken = self._credits.collect(
                    bill.user_id,
                    bill.amount,
                    bill.action,
                    bill.metadata,
                    idempotency_key=bill.key,
                ).amount
            except BackendError as error:
                if pause is None:
                    _log.error("%s was not charged, or is not known to be: %s", bill, error)
                else:
                    time.sleep(pause)
            except Exception as error:  # noqa: BLE001 - LiteLLM would swallow it
                what = f"{bill} was not charged"
                _log.error("%s: %s", what, error, exc_info=not isinstance(error, CreditsError))
                return
            else:
                if taken < bill.amount:
                    _log.warning("%s was charged %d only: there was no more", bill, taken)
                return


def _metadata(call: Mapping[str, Any]) -> dict[str, Any]:
    # Some kinds of calls keep the metadata of the proxy apart from those of the provider.
    parameters = call.get("litellm_params") or {}
    return {
        **(parameters.get("metadata") or {}),
        **(parameters.get("litellm_metadata") or {}),
    }


def _dollars(model: str, call: Mapping[str, Any]) -> Fraction:
    cost = call.get("response_cost")
    if cost is None:
        raise PricingConfigError(
            model,
            f"litellm knows no price of {model!r}: register it with litellm.register_model, or "
            "pass a card",
        )
    return Fraction(round(Decimal(float.__repr__(float(cost))), _DOLLAR_DECIMALS))
