"""What a charge is about, checked before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from credits_core import validation
from credits_core.charge.price import Cost, priced
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from credits_core.charge.tab import Ending
    from credits_core.charge.unpaid import Outage

__all__ = ["FailsWhen", "Shortfall", "Terms", "hold_terms", "price_terms"]

HOLD_SECONDS = 900
"""How long credits are held at first: a process that dies gives them back after that."""

Shortfall: TypeAlias = Literal["take", "owe"]
"""What a settle does that finds too little: take what there is, or go below the floor."""

FailsWhen: TypeAlias = "Callable[[BaseException], bool]"


class Terms(NamedTuple):
    """What is charged, to whom, and how it ends. (A tuple, as one is made for each request.)"""

    user_id: str
    cost: int
    action: str
    metadata: Mapping[str, Any] | None
    held: bool
    expires_in: float | timedelta = HOLD_SECONDS
    step: int = 0
    shortfall: Shortfall = "take"
    apart: bool = False
    fails_when: FailsWhen | None = None
    key: str | None = None
    """The idempotency key that the charge is made under, where an adapter has one."""
    resumes: str | None = None
    """The hold that is taken over from whoever made it."""
    outage: Outage | None = None
    """How it may be served while the store is away."""

    def of(self, user_id: str) -> Terms:
        """The same for another user; quicker than `_replace`, as it is asked for each request."""
        return Terms._make((user_id, *self[1:]))

    def ending(self, error: BaseException | None) -> Ending:
        """How a block ended that `error` left, if any."""
        if error is None:
            return "served"
        # Not what the work says of itself, but that nobody waits for it any more.
        if not isinstance(error, Exception):
            return "left"
        if self.fails_when is None or self.fails_when(error):
            return "failed"
        return "served"


def price_terms(
    user_id: str,
    cost: Cost,
    action: str | None,
    metadata: Mapping[str, Any] | None,
    *,
    apart: bool = False,
    fails_when: FailsWhen | None = None,
    key: str | None = None,
) -> Terms:
    """The terms of a fixed price."""
    amount, action, metadata = priced(cost, action, metadata)
    return Terms(
        user_id, amount, action, metadata, held=False, apart=apart, fails_when=fails_when, key=key
    )


def hold_terms(
    user_id: str,
    estimate: Cost,
    action: str | None,
    metadata: Mapping[str, Any] | None,
    *,
    expires_in: float | timedelta = HOLD_SECONDS,
    step: int | None = None,
    shortfall: Shortfall = "take",
    apart: bool = False,
    fails_when: FailsWhen | None = None,
    key: str | None = None,
    resumes: str | None = None,
) -> Terms:
    """The terms of a hold. It grows by `step`, by default by as much as was estimated."""
    amount, action, metadata = priced(estimate, action, metadata)
    grows = validation.amount(step) if step is not None else max(amount, 1)
    validation.hold_ms(expires_in)
    if shortfall not in ("take", "owe"):
        raise InvalidRequestError(
            f"shortfall is 'take' or 'owe', not {shortfall!r}: the work is done when it is settled"
        )
    return Terms(
        user_id,
        amount,
        action,
        metadata,
        held=True,
        expires_in=expires_in,
        step=grows,
        shortfall=shortfall,
        apart=apart,
        fails_when=fails_when,
        key=key,
        resumes=resumes,
    )
