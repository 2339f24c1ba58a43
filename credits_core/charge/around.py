"""The ways into a charge: a fixed price, a hold, a hold that somebody else made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core.charge.charge import Charge
from credits_core.charge.terms import HOLD_SECONDS, hold_terms, price_terms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from credits_core.async_client import AsyncCredits
    from credits_core.charge.price import Cost
    from credits_core.charge.terms import FailsWhen, Shortfall
    from credits_core.client import Credits

__all__ = ["hold_credits", "require_credits", "resume_hold"]


def require_credits(
    client: AsyncCredits | Credits,
    user_id: str,
    cost: Cost,
    action: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    *,
    apart: bool = False,
    fails_when: FailsWhen | None = None,
) -> Charge:
    """Charge a user for the work in a `with` or `async with` block, and give back if it fails.

    The charge is made before the block, in one round trip. If the block raises or is cancelled, a
    refund gives the credits back, once, before the exception goes on. That takes no longer than a
    call may take; while the store is away it is tried again in the background for two minutes,
    and then logged as an error. `fails_when` is given an `Exception` that leaves the block and
    says whether it is a failure; by default every one is.

    `cost` is credits from 0 (free) to 10^15, or a `Priced` action, whose name is the `action` if
    none is given. `action` (1 to 64 characters) and `metadata` (a JSON object of at most 4 KB) are
    what the log keeps. Inside paid work of the same user the charge around pays, unless `apart`.

    Raises `InsufficientCreditsError`, which charged nothing, and what `deduct` raises, and
    `PricingConfigError` for a cost below 0. After `OutcomeUnknownError` the work must not be
    done: the charge, if it happened, is found and given back in the background.

    Delete no account inside a block of its own: the give-back would open it again, with the
    credits of the charge, and a later sign-up would grant the starting credits on top.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> with require_credits(credits, "alice", 10, "chat_message") as charge:
    ...     charge.balance
    90
    >>> with require_credits(credits, "alice", 10, "chat_message"):
    ...     raise TimeoutError("the model is away")
    Traceback (most recent call last):
    TimeoutError: the model is away
    >>> credits.get_balance("alice")
    90
    """
    terms = price_terms(user_id, cost, action, metadata, apart=apart, fails_when=fails_when)
    return Charge(client, terms)


def hold_credits(
    client: AsyncCredits | Credits,
    user_id: str,
    estimate: Cost,
    action: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    *,
    expires_in: float | timedelta = HOLD_SECONDS,
    step: int | None = None,
    shortfall: Shortfall = "take",
    apart: bool = False,
    fails_when: FailsWhen | None = None,
) -> Charge:
    """Hold an estimate for the work in a block, and settle what it used when it ends.

    `Charge.settle` says what the work cost, or `meter` and `spend` count it as it goes; without
    either the estimate is the price. A block that raises costs nothing. `spend` lets the hold
    grow, by `step` credits (by default the estimate) a round trip. `expires_in` (seconds or a
    timedelta, up to 366 days) is how long after its last growth the hold of a process that died
    gives its credits back.

    When the work cost more than was held, the difference is taken from the balance as far as
    there is any (`shortfall="take"`), or below the floor (`"owe"`). The other arguments are those
    of `require_credits`, and an `estimate` of 0 is free, whatever is metered.

    Raises `InsufficientCreditsError`, and what `AsyncCredits.hold` raises.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> with hold_credits(credits, "alice", 50, "summary") as charge:
    ...     charge.meter(0.8)
    ...     charge.meter(11.5)
    >>> charge.cost, charge.balance
    (13, 87)
    """
    terms = hold_terms(
        user_id,
        estimate,
        action,
        metadata,
        expires_in=expires_in,
        step=step,
        shortfall=shortfall,
        apart=apart,
        fails_when=fails_when,
    )
    return Charge(client, terms)


def resume_hold(
    client: AsyncCredits | Credits,
    user_id: str,
    hold_id: str,
    *,
    expires_in: float | timedelta = HOLD_SECONDS,
    step: int | None = None,
    shortfall: Shortfall = "take",
    fails_when: FailsWhen | None = None,
) -> Charge:
    """Take over a hold that `Charge.hand_over` or `hold` left to a worker, and settle it.

    It is renewed for `expires_in` (seconds or a timedelta) from now on, and ends with the block
    as that of `hold_credits` does; without a word of the work all of it is kept.

    Raises `HoldClosedError` when it has ended; its `state` says how. `"settled"` is a job that was
    paid, and is run again; `"released"` one that failed: hold anew to try it again.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> with hold_credits(credits, "alice", 50, "training") as charge:
    ...     job = charge.hand_over()  # to a queue
    >>> with resume_hold(credits, "alice", job) as charge:  # in the worker
    ...     charge.settle(20)
    >>> credits.get_balance("alice")
    80
    """
    terms = hold_terms(
        user_id,
        1,
        "hold",
        None,
        expires_in=expires_in,
        step=step,
        shortfall=shortfall,
        fails_when=fails_when,
        resumes=hold_id,
    )
    return Charge(client, terms)
